#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing of the Debian/Ubuntu packages that mmusim needs.
#
#   scripts/install-deps.sh [-n] build|test|record|slurm...  (default: build)
#
#   build    compiler, CMake, libyaml, zlib, zstd, lzma, bzip2, libdw, SQLite
#   test     cmocka, clang, a C++ compiler, python3, man, pkg-config, an AArch64
#            compiler for the recorder's tests, chromium for those of reports,
#            gnuplot, Doxygen
#   record   qemu-user, under which `mmusim record` runs programs
#   slurm    a Slurm of one machine, for tests/slurm: its daemons are started by
#            the tests alone, without them those tests are skipped
#   -n       only print what would be installed
#
# Nothing missing: silent, and no privileges needed. With CI set there are no
# questions.
set -eu

# "package" or "package:command"; the command, if there, will do as well
declare -A packages=(
    [build]="gcc:cc libc6-dev cmake:cmake ninja-build:ninja libyaml-dev
        zlib1g-dev libzstd-dev liblzma-dev libbz2-dev libdw-dev libelf-dev
        libsqlite3-dev"
    [test]="gcc:gcc g++:c++ clang:clang libcmocka-dev python3:python3
        binutils:objdump pkg-config:pkg-config man-db:man groff-base:troff
        bsdextrautils:col clang-format:clang-format xz-utils:xz zstd:zstd
        bzip2:bzip2 chromium:chromium gnuplot-nox:gnuplot
        python3-numpy python3-matplotlib zsh:zsh fish:fish doxygen:doxygen
        gcc-aarch64-linux-gnu:aarch64-linux-gnu-gcc libc6-dev-arm64-cross"
    [record]="qemu-user:qemu-x86_64"
    [slurm]="munge slurmctld slurmd slurm-client"
)

say() { printf 'install-deps: %s\n' "$*" >&2; }

is_there() { # package[:command]
    case $1 in
    *:*) command -v "${1#*:}" >/dev/null && return 0 ;;
    esac
    dpkg-query -W -f '${Status}\n' "${1%%:*}" 2>/dev/null |
        grep -q '^install ok installed$'
}

list_only=no
sets=()
for argument in "$@"; do
    case $argument in
    -n) list_only=yes ;;
    build | test | record | slurm) sets+=("$argument") ;;
    *)
        say "unknown set '$argument' (build, test, record or slurm)"
        exit 2
        ;;
    esac
done
[ ${#sets[@]} -gt 0 ] || sets=(build)

wanted=()
for set in "${sets[@]}"; do
    # shellcheck disable=SC2206 # a list of words
    wanted+=(${packages[$set]})
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "no apt-get here; please see to it that these are installed:" \
        "${wanted[@]%%:*}"
    exit 0 # the build says what it does not find
fi

missing=()
for entry in "${wanted[@]}"; do
    is_there "$entry" || missing+=("${entry%%:*}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ $list_only = yes ]; then
    printf '%s\n' "${missing[@]}"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        say "missing packages, and neither root nor sudo here. As root:" \
            "apt-get install ${missing[*]}"
        exit 1
    fi
    as_root=(sudo)
    [ -z "${CI:-}" ] || as_root=(sudo -n)
fi
as_root+=(env DEBIAN_FRONTEND=noninteractive)

say "installing ${missing[*]}"
# The output matters only when something fails.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${as_root[@]}" apt-get -q update >"$log" 2>&1 ||
    say "apt-get update failed; trying with the lists there are"
"${as_root[@]}" apt-get -q install -y --no-install-recommends \
    "${missing[@]}" >>"$log" 2>&1 || {
    cat "$log" >&2
    say "apt-get install ${missing[*]} failed (its words are above)"
    exit 1
}
