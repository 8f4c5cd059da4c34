// SPDX-License-Identifier: MIT
// Statistics from one mark of the program to the next (--attach-marks).
"use strict";

// "region.NAME.INDEX.STATISTIC" -> [NAME.INDEX, STATISTIC]; null: not of a
// region. A name may hold dots: the statistic is one that the run has, too.
mmusim.splitRegion = function (name, run) {
    const PREFIX = "region.";
    const index = /\.(?:\d+|rest)\./g;

    if (!name.startsWith(PREFIX))
        return null;
    for (let match = index.exec(name); match; match = index.exec(name)) {
        const end = match.index + match[0].length;

        if (run.has(name.slice(end)))
            return [name.slice(PREFIX.length, end - 1), name.slice(end)];
        index.lastIndex = match.index + 1;
    }
    return null;
};

mmusim.section({
    id: "regions",
    title: "From mark to mark",
    short: "Regions",
    wants: (report) => mmusim.isRun(report)
        && Object.keys(report.run.stats).some((name) => name.startsWith("region.")),
    render(body, report) {
        const { format, theme, controls, escape } = mmusim;
        const run = new mmusim.RunData(report);
        const COLUMNS = ["sim.instructions", "sim.accesses", "llt.misses", "walker.walks",
                         "faults.minor", "shootdown.count"];
        const BARS_MAX = 60; // the table has all
        const regions = new Map(); // name: { statistic: value }
        let isShare = false;

        for (const name of Object.keys(run.stats)) {
            const parts = mmusim.splitRegion(name, run);

            if (!parts)
                continue;
            if (!regions.has(parts[0]))
                regions.set(parts[0], {});
            regions.get(parts[0])[parts[1]] = run.get(name);
        }

        function cycles(values, bucket) {
            return values["cycles." + bucket] || 0;
        }

        function busy(values) {
            return run.busyBuckets.reduce((sum, bucket) => sum + cycles(values, bucket), 0);
        }

        const names = [...regions.keys()].filter((name) => busy(regions.get(name)));
        const buckets = run.busyBuckets.filter(
            (bucket) => names.some((name) => cycles(regions.get(name), bucket)));

        function tooltip(name) {
            const values = regions.get(name);
            const lines = buckets.filter((bucket) => cycles(values, bucket)).reverse()
                .map((bucket) => `<tr><td><i class="swatch" style="background:`
                    + `${theme.ofBucket(bucket)}"></i>${bucket}</td>`
                    + `<td class="num">${format.count(cycles(values, bucket))}</td>`
                    + `<td class="num">${format.percent(cycles(values, bucket), busy(values))}</td>`
                    + "</tr>");

            return `<b>${escape(name)}</b><table class="tip">${lines.join("")}</table>`;
        }

        function draw() {
            const shown = names.slice(0, BARS_MAX);

            return {
                legend: {},
                grid: { left: 8, right: 12, top: 48, bottom: 12, containLabel: true },
                tooltip: {
                    trigger: "axis", axisPointer: { type: "shadow" },
                    formatter: ([point]) => tooltip(shown[point.dataIndex]),
                },
                xAxis: { type: "category", data: shown,
                         axisLabel: { rotate: shown.length > 12 ? 60 : 0 } },
                yAxis: {
                    type: "value", name: isShare ? "" : "busy cycles", max: isShare ? 100 : null,
                    axisLabel: { formatter: (n) => isShare ? n + " %" : format.short(n) },
                },
                series: buckets.map((bucket) => ({
                    name: bucket, type: "bar", stack: "all", barMaxWidth: 72,
                    itemStyle: { color: theme.ofBucket(bucket) }, emphasis: { disabled: true },
                    data: shown.map((name) => {
                        const values = regions.get(name);

                        return isShare ? 100 * cycles(values, bucket) / (busy(values) || 1)
                                       : cycles(values, bucket);
                    }),
                })),
            };
        }

        const figure = mmusim.chart({
            title: "Busy cycles of each region",
            note: names.length > BARS_MAX
                ? `The first ${BARS_MAX} of ${format.count(names.length)}.` : null,
            height: 340,
            controls: [controls.select("Bars show", [["cycles", "cycles"], ["share", "shares"]],
                (choice) => { isShare = choice === "share"; figure.redraw(); }, "cycles")],
            draw,
            table: () => ({
                columns: [{ label: "region" },
                          ...buckets.map((bucket) => ({
                              label: bucket, kind: "number",
                              stat: (row) => `region.${row[0]}.cycles.${bucket}`,
                          }))],
                rows: names.map((name) => [name,
                    ...buckets.map((bucket) => cycles(regions.get(name), bucket))]),
            }),
        });

        body.append(figure, mmusim.table({
            caption: "Regions",
            columns: [{ label: "region" }, { label: "busy cycles", kind: "number" },
                      ...COLUMNS.map((name) => ({
                          label: name, kind: "number",
                          stat: (row) => `region.${row[0]}.${name}`,
                      }))],
            rows: [...regions].map(([name, values]) =>
                [name, busy(values), ...COLUMNS.map((column) => values[column] ?? null)]),
        }));
    },
});
