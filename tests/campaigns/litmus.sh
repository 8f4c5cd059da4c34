#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs mmusim litmus, 10000 schedules a test, on folders of litmus tests with
# verdicts, and says where a verdict was broken. For example the catalogue of
# herdtools7 (https://github.com/herd/herdtools7):
#
#   MMUSIM=build/mmusim tests/campaigns/litmus.sh herdtools7/catalogue/aarch64-VMSA/tests
#
# A folder's verdicts are its kinds.tsv or kinds.txt. SCHEDULES, SEED: others.
set -u
: "${MMUSIM:?is the path of the tool}"
worst=0
for folder; do
    kinds=()
    for list in "$folder/kinds.tsv" "$folder/kinds.txt"; do
        [ ! -e "$list" ] || kinds=(--kinds "$list")
    done
    mapfile -t files < <(find "$folder" -name '*.litmus' | LC_ALL=C sort)
    [ ${#files[@]} -gt 0 ] || {
        echo "$folder: no *.litmus" >&2
        exit 3
    }
    echo "== $folder"
    "$MMUSIM" litmus ${kinds[@]+"${kinds[@]}"} \
        --schedules "${SCHEDULES:-10000}" --seed "${SEED:-0}" "${files[@]}" |
        grep -vE ': (ok|-)( |$)'
    status=${PIPESTATUS[0]}
    [ "$status" -le "$worst" ] || worst=$status
done
exit "$worst"
