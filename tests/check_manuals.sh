#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every manual page formats without a warning, names itself, has the sections
# a reader looks for, and its references to other pages exist; every option
# that a command's --help knows is in the command's page.
set -u
cd "${SOURCE_DIR:?}/man" || exit 1
failed=0
complain() {
    printf '%s\n' "$1"
    failed=1
}

warnings_of() {
    if command -v mandoc >/dev/null; then
        mandoc -T lint -W warning "$1"
    else
        # shellcheck disable=SC2069 # the warnings, not the page
        man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null
    fi
}

n_pages=0
for page in *.[1-9]; do
    [ -e "$page" ] || continue
    n_pages=$((n_pages + 1))
    warnings=$(warnings_of "$page")
    [ -z "$warnings" ] || complain "$page: $warnings"
    text=$(MANWIDTH=80 man -l -Tutf8 "$page" 2>/dev/null | col -bx)
    for section in NAME SYNOPSIS DESCRIPTION "SEE ALSO"; do
        case $page:$section in
        *.[57]:SYNOPSIS) continue ;;
        esac
        printf '%s\n' "$text" | grep -q "^$section" ||
            complain "$page: no section $section"
    done
    printf '%s\n' "$text" | grep -qw "${page%.*}" ||
        complain "$page: does not name itself"
    for reference in $(printf '%s\n' "$text" |
        grep -oE '(lib)?mmusim[a-z-]*\([1-9]\)' | sort -u); do
        file=$(printf '%s' "$reference" | tr '(' . | tr -d ')')
        [ -e "$file" ] || complain "$page: refers to $reference, not there"
    done
done

for command in replay annotate advise sweep record run trace config workload scenario litmus validate; do
    page=mmusim-$command.1
    if [ ! -e "$page" ]; then
        complain "no page $page"
        continue
    fi
    text=$(MANWIDTH=80 man -l -Tutf8 "$page" 2>/dev/null | col -bx |
        sed 's/\xe2\x80\x90/-/g')
    # a command of commands has its options one level down
    parts=$("${MMUSIM:?}" "$command" --help |
        sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
    options=$(for part in ${parts:-.}; do
        [ "$part" != . ] || part=
        "$MMUSIM" "$command" ${part:+"$part"} --help
    done | grep -oE -- '(^|[ ,])--[a-z][a-z-]*' | tr -d ' ,' | sort -u)
    for part in $parts; do
        printf '%s\n' "$text" | grep -qw "$part" ||
            complain "$page: does not explain $command $part"
    done
    [ -n "$options" ] || complain "mmusim $command --help shows no options"
    for option in $options; do
        printf '%s\n' "$text" | grep -qE -- "$option([^a-z-]|\$)" ||
            complain "$page: does not explain $option"
    done
done
[ "$n_pages" -gt 0 ] || complain "no manual pages"
echo "$n_pages pages"
exit $failed
