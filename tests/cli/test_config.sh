#!/bin/sh
# SPDX-License-Identifier: MIT
# mmusim config: what it prints, loads back and refuses; its key reference.
. "$SOURCE_DIR/tests/cli/lib.sh"

run 0 config list
for name in generic skylake-sp skylake-sp-2s zen4 zen4-2s westmere-ex-4s; do
    grep -q "^$name  *[^ ]" "$work/out" || fail "config list lacks $name"
    run 0 config check "$name"
    [ ! -s "$work/out" ] || fail "config check $name is not silent"
    run 0 config list
done

# what show says of a value: unit, source, place
run 0 config show zen4
grep -Eq '^clock_ghz +3\.7 +GHz +.*\(.*zen4\.yaml:[0-9]+\)$' "$work/out" ||
    fail "config show: clock_ghz has no place"
grep -Eq '^core\.window +64 +instructions +guess.* \(default\)$' "$work/out" ||
    fail "config show: a default does not say so"
says "ipi.latency_socket_ns"
run 0 config show -m zen4 -s walker.count=3 -s ipi.send_ns=12.5
grep -Eq '^walker\.count +3 +walkers +command line$' "$work/out" ||
    fail "config show -s: no 'command line'"
grep -Eq '^ipi\.send_ns +12\.5 +ns ' "$work/out" ||
    fail "config show -s: no ns"
run 0 config show # the defaults
says "generic"

# a printed file loads back to the same, sources included, and stays the same
for name in generic skylake-sp-2s zen4 westmere-ex-4s; do
    run 0 config show --yaml "$name"
    cp "$work/out" "$work/$name-1.yaml"
    run 0 config show --yaml "$work/$name-1.yaml"
    cmp -s "$work/out" "$work/$name-1.yaml" ||
        fail "config show --yaml $name changes when loaded back"
    run 0 config show "$name"
    sed 's/ *([^()]*)$//' "$work/out" >"$work/direct"
    run 0 config show "$work/$name-1.yaml"
    sed 's/ *([^()]*)$//' "$work/out" >"$work/again"
    cmp -s "$work/direct" "$work/again" ||
        fail "config show --yaml $name loads back to something else"
done
run 0 config show --yaml -s "name=it's: a # [test]" -s walker.count=7
cp "$work/out" "$work/odd.yaml"
run 0 config show "$work/odd.yaml"
says "it's: a # [test]"
run 0 config show --yaml -s tlb.l1d.0.replacement=random -s tlb.l2.0.ways=full
cp "$work/out" "$work/odd.yaml"
run 0 config check "$work/odd.yaml"

# refusals
refuses 2 "which machine?" config check
refuses 2 "one machine at a time" config check zen4 generic
refuses 2 "one machine at a time" config show -m zen4 generic
refuses 2 "takes no operand" config list zen4
refuses 2 "no machine 'zen9'" config check zen9
refuses 2 "nearest: check" config chek zen4
refuses 3 "no-such.yaml" config check ./no-such.yaml
refuses 2 "nearest: --yaml" config show --yalm
refuses 2 "not KEY=VALUE" config show -s walker.count
refuses 2 "nearest: walker.count" config check zen4 -s walker.cuont=1
refuses 2 "(nearest: linux-6.14; allowed: linux-4.6|" \
    config check zen4 -s os.protocol=linux-6.15
refuses 2 "1..16" config keys -s walker.count=many
refuses 2 "power of two" config check skylake-sp -s tlb.l2.0.entries=3000
refuses 2 "must divide" config check zen4 -s tlb.l3.cores=5
printf 'name: x\nclock_gzh: 3\n' >"$work/bad.yaml"
refuses 2 "bad.yaml:2: clock_gzh: unknown key (nearest: clock_ghz)" \
    config check "$work/bad.yaml"
printf 'name: x\ntlb.l2:\n  - entries: 1023\n    ways: 8\n' >"$work/bad.yaml"
refuses 2 "bad.yaml:3: tlb.l2.0:" config check "$work/bad.yaml"
printf 'name: x\nos.memory: lots\n' >"$work/bad.yaml"
refuses 2 "bad.yaml:2: os.memory: 'lots'" replay -m "$work/bad.yaml" \
    workload:chase

# every key is in mmusim-config(5), with its unit and default, and no other
run 0 config keys
sed -En 's/^tlb\.[a-z0-9]+\.[0-9]+\./tlb.LEVEL.N./
    s/^([a-z0-9_.A-Z]+) .*/\1/p' "$work/out" | sort -u >"$work/keys"
sed -n 's/^\.It Li //p' "$SOURCE_DIR/man/mmusim-config.5" | sed 's/ .*//' |
    sort >"$work/manual"
diff "$work/keys" "$work/manual" >"$work/diff" || {
    fail "mmusim-config(5) and config keys differ:"
    cat "$work/diff"
}
[ "$(wc -l <"$work/keys")" -gt 80 ] || fail "config keys lists too few"
grep -v '^tlb\.' "$work/out" | sed -E \
    's/^([^ ]+) .* default ([^ ]+) .*/\1 \2/' | sort >"$work/defaults"
sed -n '/^\.It Li /{s///;h;};/^Default: /{s///;s/[,.]$//;s/[, ].*//;H;x;s/\n/ /p;}' \
    "$SOURCE_DIR/man/mmusim-config.5" | grep -v '^tlb\.' | sort >"$work/manual"
diff "$work/defaults" "$work/manual" >"$work/diff" || {
    fail "defaults of mmusim-config(5) and config keys differ:"
    cat "$work/diff"
}

# the table of docs/protocols is that of config protocols
run 0 config protocols
awk '{ name = $1; isas = substr($0, 25, 36); bugs = substr($0, 62, 52)
       sub(/ +$/, "", isas); sub(/ +$/, "", bugs)
       print "| `" name "` | " isas " | " (bugs == "-" ? "none" : bugs) " |" }' \
    "$work/out" >"$work/table"
grep '^| `' "$SOURCE_DIR/docs/protocols/README.md" | diff "$work/table" - \
    >"$work/diff" || {
    fail "docs/protocols/README.md has another table"
    cat "$work/diff"
}
grep -q '^linux-4.6-fixed .* - ' "$work/out" || fail "a fixed kernel has bugs"
refuses 2 "takes no operand" config protocols linux-4.6
refuses 2 "linux-7.1-fixed|...)" config show -s os.protocol=linux-9
finish
