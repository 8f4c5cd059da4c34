#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds echarts.js, the part of Apache ECharts that reports use (entry.js).
# Needs node, npm and the network; the result is under version control, so
# that nobody else does. Same versions, same bytes.
#
#   report/vendor/echarts/build.sh [-n]      -n: only compare with echarts.js
set -eu

echarts=6.1.0
esbuild=0.28.2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
echo '{ "name": "bundle", "private": true }' >package.json
npm install --silent --no-audit --no-fund --no-save \
    "echarts@$echarts" "esbuild@$esbuild" >&2
cp "$here/entry.js" .
npx esbuild entry.js --bundle --minify --format=iife --global-name=echarts \
    --target=es2019 --charset=utf8 --legal-comments=none --log-level=warning \
    --outfile=bundle.js \
    --banner:js="/* Apache ECharts $echarts, Apache License 2.0: https://www.apache.org/licenses/LICENSE-2.0
 * Copyright 2017-2026 The Apache Software Foundation. With zrender, BSD 3-Clause,
 * Copyright (c) 2017 Baidu Inc., and tslib, 0BSD, Copyright (c) Microsoft Corporation.
 * A bundle of some of its parts, otherwise unchanged. */"
if [ "${1:-}" = -n ]; then
    cmp bundle.js "$here/echarts.js" && echo "the same"
else
    cp bundle.js "$here/echarts.js"
    ls -l "$here/echarts.js"
fi
