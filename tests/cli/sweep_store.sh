#!/bin/sh
# SPDX-License-Identifier: MIT
# mmusim sweep --store: the same bytes as without, however it was interrupted.
. "$SOURCE_DIR/tests/cli/lib.sh"
small=workload:madvise,pages=4,threads=1,rounds=5,reads=50
other=workload:chase,rounds=2
key=os.flush_ceiling
cd "$work" || exit 99

cat >a.txt <<'END'
1 mmap 0x10000 16384 rw- anon
1 w 0x10000
1 w 0x11000
1 r 0x12000
1 munmap 0x10000 8192
1 r 0x12008
END
sed 's/0x12008/0x13008/' a.txt >b.txt

# one source: the bytes of a sweep without a store, in each format
run 0 sweep -p $key=0..9 -p seed=1,2 --format csv -o plain.csv "$small"
run 0 sweep -p $key=0..9 -p seed=1,2 --format json -o plain.json "$small"
run 0 sweep --store one -p $key=0..9 -p seed=1,2 --format csv -o one.csv "$small"
cmp plain.csv one.csv || fail "csv differs from that without a store"
n_files=$(find one/results -name '*.res' | wc -l)
run 0 sweep --store one -p $key=0..9 -p seed=1,2 --format json -o one.json "$small"
cmp plain.json one.json || fail "json differs from that without a store"
[ "$(find one/results -name '*.res' | wc -l)" -eq "$n_files" ] ||
    fail "the second run computed something"
run 0 sweep merge one
cmp plain.csv out || fail "merge gives other bytes"

# a database replaces the file behind a link, and nothing that is no file
"$MMUSIM" sweep merge --format sqlite -o first.db one 2>err
status=$?
if ! grep -q "has no SQLite" err; then
    [ "$status" -eq 0 ] || fail "merge into a database: status $status"
    echo old >behind.db
    ln -s behind.db link.db
    run 0 sweep merge --format sqlite -o link.db one
    [ -L link.db ] || fail "a link was replaced by a database"
    cmp first.db behind.db || fail "the database behind a link is another"
    mkfifo pipe.db
    refuses 4 "must be a regular file" \
        sweep merge --format sqlite -o pipe.db one
    [ -p pipe.db ] || fail "a pipe was replaced by a database"
fi
run 0 sweep --store one -p $key=0..9 -p seed=1,2 --ascii "$small"
says "20 of 20 points"
run 0 sweep status one
says "done        20 (100.0 %)"
[ -z "$(ls one/leases)" ] || fail "leases are left"

# another plan is refused key by key; --extend adds
run 2 sweep --store one -p $key=0..11 -p seed=1,2 -s os.timeslice_ns=5000 "$small"
grep -q 'os.timeslice_ns: planned .*, now 5000' err || fail "the key is not told"
grep -q "$key: planned 0..9, now 0..11" err || fail "the values are not told"
run 0 sweep --store one --extend -p $key=8..12 -p seed=1,2 --format csv -o ext.csv "$small"
run 0 sweep -p $key=0..12 -p seed=1,2 --format csv -o ext2.csv "$small"
cmp ext.csv ext2.csv || fail "an extended sweep has other bytes"
grep -h '^done' one/results/*.res | wc -l | grep -qx ' *26' ||
    fail "extending computed points again"
refuses 2 "was not swept before" sweep --store one --extend -p $key=1 -p os.thp=never "$small"

# several machines and sources; explain's command gives the same numbers
run 0 sweep --store many -j 2 -m zen4 -m skylake-sp -p $key=1,33 \
    --format csv -o many.csv a.txt b.txt "$other"
[ "$(wc -l <many.csv)" -eq 13 ] || fail "not 12 points"
head -1 many.csv | grep -q "^machine,source,$key," || fail "columns are wrong"
for point in 0 3 7 11; do
    run 0 sweep explain many $point
    command=$(sed -n '1s/^mmusim //p' out)
    eval "\"\$MMUSIM\" $command --format csv" >alone 2>>err ||
        fail "explain's command fails"
    cycles=$(sed -n 's/^sim\.cycles,\([0-9]*\),.*/\1/p' alone)
    row=$(sed -n "$((point + 2))p" many.csv | sed 's/"[^"]*"/Q/')
    column=$(head -1 many.csv | tr , '\n' | grep -nx sim.cycles | cut -d: -f1)
    [ "$(echo "$row" | cut -d, -f"$column")" = "$cycles" ] ||
        fail "point $point: $cycles cycles alone"
done

# a trace that changed is refused: when planning, and by workers
sed 's/0x12008/0x12010/' a.txt >changed && cp changed a.txt
run 2 sweep --store many -m zen4 -m skylake-sp -p $key=1,33 a.txt b.txt "$other"
grep -q 'a.txt: the trace is another' err || fail "the change is not told"
run 0 sweep --store fresh --plan-only -p $key=1,2 a.txt
says "2 points planned"
sed 's/0x12008/0x12018/' b.txt >a.txt
refuses 3 "changed since the sweep was planned" sweep work fresh
cp changed a.txt
run 0 sweep work fresh
run 0 sweep merge fresh

# shards are the whole, in folders of their own
for k in 1 2 3; do
    run 0 sweep --store part$k --shard $k/3 -p $key=0..9 -p seed=1,2 "$small"
done
refuses 3 "are missing" sweep merge part1 part3
run 0 sweep merge --partial part1 part3
grep -q 'of 20 points are missing' err || fail "--partial does not say it"
run 0 sweep merge part3 part1 part2
cmp plain.csv out || fail "shards are not the whole"
cp part1/results/*.res part2/results/
run 0 sweep merge part1 part2 part3
cmp plain.csv out || fail "a point counts twice"
refuses 3 "another sweep than" sweep merge part1 fresh

# a damaged result file counts as not there; a wrong one is an error
for file in part1/results/*.res; do
    sed 's/^done 0 0 [0-9]* ./done 0 0 1 9/' "$file" >"$file.new"
    mv "$file.new" "$file"
done
run 3 sweep merge part1
grep -q 'checksum is wrong' err || fail "damage is not told"
run 0 sweep work part1
run 0 sweep merge part1 2>&1
cmp plain.csv out || fail "points of a damaged file are not computed again"

# without Slurm no store is left behind; one that is there may be whole
mkdir bin
tool=$MMUSIM
MMUSIM=$work/no-slurm
printf '#!/bin/sh\nPATH=%s exec %s "$@"\n' "$work/bin" "$tool" >"$MMUSIM"
chmod +x "$MMUSIM"
refuses 4 "scontrol: not found" sweep --store no --engine slurm -p $key=1,2 "$small"
[ ! -e no ] || fail "a store is left where there is no Slurm"
printf '#!/bin/sh\necho "scontrol: error: no source" >&2\nexit 1\n' >bin/scontrol
chmod +x bin/scontrol
refuses 4 "no source (is this a host of Slurm's?" \
    sweep --store no --engine slurm -p $key=1,2 "$small"
[ ! -e no ] || fail "a store is left where Slurm does not answer"
run 0 sweep --store fresh --engine slurm -p $key=1,2 a.txt
MMUSIM=$tool

# usage
refuses 2 "needs --store" sweep --shard 1/2 -p $key=1 "$small"
refuses 2 "several need --store" sweep -p $key=1 "$small" "$other"
refuses 2 "K/N" sweep --store x --shard 3/2 -p $key=1 "$small"
refuses 2 "given twice" sweep --store x -p $key=1 "$small" "$small"
refuses 2 "standard input" sweep --store x -p $key=1 -
refuses 3 "no store of a sweep" sweep status nowhere
refuses 2 "nearest: status" sweep statsu one
mkfifo one/results/pipe.res # holds nobody up
run 3 sweep status one
rm one/results/pipe.res
refuses 2 "which point" sweep explain one
refuses 2 "from 0 to" sweep explain one 26
refuses 2 "A <= B" sweep work --points 3..99 one
finish
