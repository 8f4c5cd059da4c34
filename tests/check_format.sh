#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every C file is as clang-format leaves it. Versions of clang-format differ;
# the one of Debian 12 decides.
set -u
cd "${SOURCE_DIR:?}" || exit 1
if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    echo "skipped: no clang-format 14"
    exit 77
fi
find include src tests bench -name '*.[ch]' -print0 |
    xargs -0 clang-format --dry-run -Werror --ferror-limit=1
status=$?
[ $status -eq 0 ] || echo "to repair: clang-format -i FILE"
exit $status
