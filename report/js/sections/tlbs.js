// SPDX-License-Identifier: MIT
// Hits and misses of each TLB level.
"use strict";

mmusim.section({
    id: "tlbs",
    title: "TLBs",
    wants: (report) => mmusim.isRun(report),
    render(body, report) {
        const { h, theme, format } = mmusim;
        const run = new mmusim.RunData(report);
        const LEVELS = {
            l1i: "first level, fetches", l1d: "first level, data",
            l1s: "first level, stores", l2: "second level",
            l2i: "second level, fetches", l2d: "second level, data", l3: "third level",
        };
        const levels = Object.keys(LEVELS).filter((name) => run.get(name + ".accesses"));

        if (!levels.length) {
            body.append(h("p", {}, "No TLB was asked for a translation."));
            return;
        }

        function rate(level) {
            return run.get(level + ".hits") / run.get(level + ".accesses");
        }

        function stat(what) {
            return (row) => row[0] + "." + what;
        }

        body.append(mmusim.chart({
            title: "Share of look-ups that hit",
            height: 60 + 34 * levels.length,
            draw: (colors) => ({
                grid: { left: 8, right: 64, top: 8, bottom: 8, containLabel: true },
                tooltip: {
                    trigger: "item",
                    formatter: ({ name }) => `<b>${name}</b>, ${LEVELS[name]}<br>`
                        + `${format.count(run.get(name + ".hits"))} of `
                        + `${format.count(run.get(name + ".accesses"))} hit`,
                },
                xAxis: { type: "value", min: 0, max: 100, axisLabel: { formatter: "{value} %" } },
                yAxis: { type: "category", inverse: true, data: levels },
                series: [{
                    type: "bar", barMaxWidth: 22, itemStyle: { color: theme.series[0] },
                    data: levels.map((level) => 100 * rate(level)),
                    label: {
                        show: true, position: "right", color: colors.text,
                        formatter: ({ value }) => value.toFixed(2) + " %",
                    },
                }],
            }),
        }), mmusim.table({
            caption: "TLBs, all CPUs",
            columns: [
                { label: "TLB" }, { label: "what for" },
                { label: "look-ups", kind: "number", stat: stat("accesses") },
                { label: "hits", kind: "number", stat: stat("hits") },
                { label: "misses", kind: "number", stat: stat("misses") },
                { label: "hit rate", kind: "share", text: (value) => format.percent(value, 1, 4) },
                { label: "evictions", kind: "number", stat: stat("evictions"),
                  help: "entries that made room for others; invalidations are not among them" },
            ],
            rows: levels.map((level) => [level, LEVELS[level], run.get(level + ".accesses"),
                run.get(level + ".hits"), run.get(level + ".misses"), rate(level),
                run.get(level + ".evictions")]),
            filter: false,
        }));
    },
});
