#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# --report: a page that is whole or absent, the same bytes for the same run,
# nothing in it that ends its scripts or asks for the network.
. "$(dirname "$0")/lib.sh"
page=$work/out.html
program=workload:madvise,threads=4
small="-s topology.cores_per_socket=4"

echo "the page of a run"
# shellcheck disable=SC2086 # options
{
    run 0 replay -q $small --format json -o "$work/alone" $program
    run 0 replay -q $small --report "$page" --format json -o "$work/stats" $program
    cmp -s "$work/alone" "$work/stats" || fail "--report changes the statistics"
    cp "$page" "$work/first.html"
    run 0 replay -q $small --report "$page" --format json -o "$work/stats" $program
}
cmp -s "$page" "$work/first.html" || fail "the same run gives another page"
[ ! -e "$page.part" ] || fail "$page.part is left"

echo "the page of a sweep"
sweep="sweep -q -s topology.cores_per_socket=4 -p os.flush_ceiling=1,64 -p os.protocol=linux-4.6,linux-6.14"
# shellcheck disable=SC2086 # options
{
    run 0 $sweep --format csv -o "$work/alone" $program
    run 0 $sweep -j 1 --report "$work/sweep.html" --format csv -o "$work/stats" $program
    cmp -s "$work/alone" "$work/stats" || fail "--report changes the sweep's rows"
    cp "$work/sweep.html" "$work/first.html"
    run 0 $sweep -j 1 --report "$work/sweep.html" --format csv -o "$work/stats" $program
    cmp -s "$work/sweep.html" "$work/first.html" || fail "the same sweep gives another page"
    refuses 2 "at most 10000" $sweep -p seed=1..3000 --report "$work/many.html" $program
}

echo "the page of a store"
two="-s topology.cores_per_socket=4 -p os.flush_ceiling=1,33,64 $program"
# shellcheck disable=SC2086 # options
{
    run 0 sweep -q --store "$work/store" -m zen4 -m skylake-sp $two
    run 0 sweep merge --report "$work/store.html" "$work/store"
    [ ! -s "$work/out" ] || fail "sweep merge --report writes rows, too"
    grep -q '"key":"machine".*"values":\["zen4","skylake-sp"\]' "$work/store.html" ||
        fail "machines are no key of a store's page"
    refuses 2 "mmusim sweep merge --report FILE" sweep --store "$work/store" \
        --report "$work/none.html" -m zen4 -m skylake-sp $two
    run 0 sweep -q --store "$work/one" $two
    run 0 sweep merge --report "$work/one.html" --format csv -o "$work/one.csv" "$work/one"
    run 0 sweep -q --report "$work/alone.html" --format csv -o "$work/alone.csv" $two
}
cmp -s "$work/one.csv" "$work/alone.csv" || fail "merge --report changes the rows"
for name in one alone; do
    sed -n '/^"sweep":/,/^"default_text"/p' "$work/$name.html" >"$work/$name.data"
done
[ -s "$work/one.data" ] && cmp -s "$work/one.data" "$work/alone.data" ||
    fail "a store's page has other points"

echo "nothing from elsewhere"
! grep -nE '<(script|link|img|iframe)[^>]* (src|href)="?[^d"]' "$page" ||
    fail "the page names another file"
[ "$(grep -c '<script' "$page")" -eq "$(grep -c '^</script>\|"></script>\|</script>$' "$page")" ] ||
    fail "scripts do not end where they should"

echo "text of the user's cannot end a script"
trace="$work/x<!--<script>.txt"
printf '1 r 0x1000\n1 mark </script><script>alert(1)</script>\n' >"$trace"
run 0 replay -q --report "$page" "$trace"
json=$(sed -n '/id="report-data"/,/<\/script>/p' "$page" |
    sed '1s/^[^>]*>//; $s/<\/script>$//')
case $json in
*'<'*) fail "the data has a '<'" ;;
*'mark.\u003c/script'*) ;;
*) fail "the data lacks the mark's name" ;;
esac

echo "errors"
refuses 2 "--report and -o name the same file" replay -q --report "$page" -o "$page" $program
refuses 4 "cannot write" replay -q --report "$work/none/x.html" $program
refuses 2 "nearest: --report" replay -q --repot "$page" $program
rm -f "$page"
refuses 2 "wrkload" replay -q --report "$page" workload:wrkload
[ ! -e "$page" ] && [ ! -e "$page.part" ] || fail "a failed run leaves a page"
mkdir "$work/empty"
MMUSIM_DATADIR=$work/empty refuses 4 "report/page.html: cannot read" \
    replay -q --report "$page" -m "$SOURCE_DIR/configs/zen4.yaml" $program

echo "figures"
sweep_one="sweep -q -s topology.cores_per_socket=4 -p os.flush_ceiling=1,2,4,8,16,32"
(PATH=$work && "$MMUSIM" replay -q --plot "$work/x.svg" $program) 2>"$work/err" &&
    fail "--plot without gnuplot succeeds"
[ "$(wc -l <"$work/err")" -eq 1 ] && grep -q "apt-get install gnuplot-nox" "$work/err" ||
    fail "without gnuplot: $(cat "$work/err")"
if command -v gnuplot >/dev/null; then
    # shellcheck disable=SC2086 # options
    {
        run 0 replay -q $small --plot "$work/run.svg" $program
        run 0 $sweep_one --plot "$work/curve.svg" $program
        run 0 $sweep --plot "$work/map.svg" $program
        for name in run curve map; do
            python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' \
                "$work/$name.svg" || fail "$name.svg is no XML"
        done
        grep -q '>ipi_wait<' "$work/run.svg" || fail "no bucket's name"
        grep -q '>best: os.flush_ceiling [0-9.]*<' "$work/curve.svg" ||
            fail "the curve's winner is not told"
        for text in linux-6.14 os.protocol 'busy cycles' best; do
            grep -q ">$text<" "$work/map.svg" || fail "the heat map lacks '$text'"
        done
        run 0 $sweep_one --plot "$work/again.svg" $program
        cmp -s "$work/curve.svg" "$work/again.svg" || fail "another figure of the same"
        run 0 $sweep_one --plot "$work/curve.png" $program
        printf '\211PNG' | cmp -s - <(head -c 4 "$work/curve.png") || fail "no PNG"
        # names are text to gnuplot
        run 0 replay -q --plot "$work/run.svg" "$trace"
        cp "$trace" "$work/it's \`touch here\`.txt"
        run 0 replay -q --plot "$work/run.svg" "$work/it's \`touch here\`.txt"
        grep -q "touch here" "$work/run.svg" || fail "the title lacks the name"
        [ ! -e here ] || fail "gnuplot ran a part of a name"
        refuses 2 "does not end in .svg or .png" replay -q --plot "$work/x.pdf" $program
        refuses 2 "one key or two, not 3" $sweep -p seed=1,2 --plot "$work/x.svg" $program
    }
else
    echo "skipped: no gnuplot to draw them"
fi

if ! is_slow_build && command -v gnuplot >/dev/null; then
    echo "the commands of docs/report.md"
    mkdir "$work/docs"
    sed -n '/^    mmusim /,/[^\\]$/s/^    //p' "$SOURCE_DIR/docs/report.md" |
        sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' >"$work/commands"
    [ "$(wc -l <"$work/commands")" -ge 5 ] || fail "only $(wc -l <"$work/commands") commands"
    while read -r tool arguments; do
        # shellcheck disable=SC2086 # words
        (cd "$work/docs" && "$MMUSIM" $arguments >/dev/null 2>"$work/err" </dev/null) ||
            fail "$tool $arguments: $(cat "$work/err")"
    done <"$work/commands"
    for name in run.html sweep.html cycles.svg curve.svg map.png; do
        [ -s "$work/docs/$name" ] || fail "docs/report.md: $name is not made"
    done
fi

echo "every script of the page is one"
if command -v node >/dev/null; then
    for script in "$SOURCE_DIR"/report/js/*.js "$SOURCE_DIR"/report/js/sections/*.js; do
        node --check "$script" || fail "$script"
        name=${script#"$SOURCE_DIR/report/"}
        grep -qF "src=\"$name\"" "$SOURCE_DIR/report/page.html" ||
            fail "page.html does not name $name"
    done
else
    echo "skipped: no node to look at them"
fi
# a long page that cannot be written whole: the reason, and no file
(
    trap '' XFSZ
    ulimit -f 100
    exec "$MMUSIM" replay -q -o "$work/stats" --report "$work/big.html" \
        workload:chase,pages=4
) >"$work/out" 2>"$work/err" </dev/null
[ $? -eq 4 ] || fail "a page that does not fit is not status 4"
grep -q "big.html: cannot write: File too large" "$work/err" ||
    fail "why does the page not fit? $(cat "$work/err")"
[ ! -e "$work/big.html" ] && [ ! -e "$work/big.html.part" ] ||
    fail "half a page is left"

finish
