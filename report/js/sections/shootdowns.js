// SPDX-License-Identifier: MIT
// How long shootdowns took: the distribution with its percentiles.
"use strict";

// Bars over report.latencies ([low, high, count], exact unless there are
// thousands of different values): of equal width, or of equal width in the
// logarithm for long tails.
mmusim.latencyBars = function (latencies, isLog, nBars) {
    const low = latencies[0][0];
    const high = latencies[latencies.length - 1][1];
    const edges = [];

    for (let i = 0; i <= nBars; i++) {
        const edge = isLog
            ? Math.max(low, 1) * Math.pow((high + 1) / Math.max(low, 1), i / nBars)
            : low + (high + 1 - low) * i / nBars;
        const whole = i === nBars ? high + 1 : i === 0 ? low : Math.round(edge);

        if (!edges.length || whole > edges[edges.length - 1])
            edges.push(whole);
    }
    const bars = edges.slice(0, -1).map((from, i) => ({ from, to: edges[i + 1] - 1, n: 0 }));
    let at = 0;

    for (const [from, , n] of latencies) {
        while (at < bars.length - 1 && from > bars[at].to)
            at++;
        bars[at].n += n;
    }
    return bars;
};

mmusim.section({
    id: "shootdowns",
    title: "Shootdown latency",
    short: "Shootdowns",
    wants: (report) => mmusim.isRun(report) && report.latencies.length > 0,
    render(body, report) {
        const { h, format, theme, controls } = mmusim;
        const run = new mmusim.RunData(report);
        const latencies = report.latencies;
        const PREFIX = "shootdown.latency_cycles.";
        const N_BARS = 48;
        const LONG_TAIL = 20; // times the median: linear bars would show one
        const MARKS = ["p50", "p95", "p99"];
        let isLog = run.get(PREFIX + "max") > LONG_TAIL * run.get(PREFIX + "p50");

        function rangeText(bar) {
            return bar.from === bar.to ? format.count(bar.from)
                                       : `${format.count(bar.from)} to ${format.count(bar.to)}`;
        }

        function bars() {
            return mmusim.latencyBars(latencies, isLog, N_BARS);
        }

        function marks(shown, colors) {
            return MARKS.map((name) => {
                const value = run.get(PREFIX + name);

                return {
                    name, xAxis: shown.findIndex((bar) => value <= bar.to),
                    label: { formatter: name, color: colors.text },
                };
            });
        }

        function draw(colors) {
            const shown = bars();

            return {
                grid: { left: 8, right: 20, top: 30, bottom: 30, containLabel: true },
                tooltip: {
                    trigger: "axis", axisPointer: { type: "shadow" },
                    formatter: ([point]) => {
                        const bar = shown[point.dataIndex];
                        const share = format.percent(bar.n, run.get("shootdown.completed"));

                        return `${rangeText(bar)} cycles<br><b>${format.count(bar.n)}</b>`
                            + ` shootdowns, ${share}`;
                    },
                },
                xAxis: {
                    type: "category", data: shown.map((bar) => format.short(bar.from)),
                    name: "cycles from request to completion", nameLocation: "middle",
                    nameGap: 28, axisTick: { alignWithLabel: true },
                },
                yAxis: { type: "value", name: "shootdowns", minInterval: 1,
                         axisLabel: { formatter: format.short } },
                series: [{
                    type: "bar", barCategoryGap: "4%", itemStyle: { color: theme.series[0] },
                    data: shown.map((bar) => bar.n),
                    markLine: {
                        symbol: "none", silent: true,
                        lineStyle: { color: colors.mark, type: "dashed" },
                        data: marks(shown, colors),
                    },
                }],
            };
        }

        const figure = mmusim.chart({
            title: "Shootdowns by their latency",
            height: 320,
            controls: [controls.select("Bars are", [["linear", "equally wide"],
                                                    ["log", "equally wide in the logarithm"]],
                (choice) => { isLog = choice === "log"; figure.redraw(); },
                isLog ? "log" : "linear")],
            draw,
            table: () => ({
                columns: [{ label: "from, cycles", kind: "number" },
                          { label: "to, cycles", kind: "number" },
                          { label: "shootdowns", kind: "number" }],
                rows: bars().map((bar) => [bar.from, bar.to, bar.n]),
            }),
        });

        body.append(figure, h("dl", { class: "tiles small" },
            ["mean", "p50", "p95", "p99", "max"].map((name) => h("div", { class: "tile" },
                h("dt", {}, name === "mean" || name === "max" ? name : `${name.slice(1)} % within`),
                h("dd", {}, mmusim.data(run.get(PREFIX + name),
                                        format.count(run.get(PREFIX + name)), PREFIX + name))))),
        h("p", { class: "note" }, "In cycles, from request to completion; percentiles are nearest "
            + "rank over exact values."));
    },
});
