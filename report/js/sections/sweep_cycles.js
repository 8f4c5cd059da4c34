// SPDX-License-Identifier: MIT
// How the cycles' stack changes along a key.
"use strict";

mmusim.section({
    id: "sweep-cycles",
    title: "Where the cycles go",
    short: "Cycles",
    wants: (report) => !mmusim.isRun(report) && report.sweep.points.length > 1,
    render(body, report) {
        const { format, theme, controls, escape } = mmusim;
        const data = new mmusim.SweepData(report);
        const BARS_SHOWN = 200; // at a time
        let isShare = false;

        // The points along the chosen axis, those that have finished.
        function shownPoints() {
            const along = axes.axis(0);
            const place = axes.place();

            return data.axes[along].values.map((_, x) => {
                place[along] = x;
                return data.find(place);
            }).filter((number) => number >= 0).map((number) => data.points[number]);
        }

        function cycles(point, bucket) {
            return data.value(point, "cycles." + bucket) || 0;
        }

        function usedBuckets(points) {
            return data.busyBuckets.filter(
                (bucket) => points.some((point) => cycles(point, bucket)));
        }

        function tooltip(point, buckets) {
            const busy = data.busyCycles(point);
            const lines = buckets.filter((bucket) => cycles(point, bucket)).reverse()
                .map((bucket) => `<tr><td><i class="swatch" `
                    + `style="background:${theme.ofBucket(bucket)}"></i>${bucket}</td>`
                    + `<td class="num">${format.count(cycles(point, bucket))}</td>`
                    + `<td class="num">${format.percent(cycles(point, bucket), busy)}</td></tr>`);

            return `<b>${escape(data.describe(point))}</b>`
                + `<table class="tip">${lines.join("")}</table>`;
        }

        function draw() {
            const points = shownPoints();
            const buckets = usedBuckets(points);
            const along = axes.axis(0);
            const axis = data.axes[along];
            const isZoomed = points.length > BARS_SHOWN;

            return {
                legend: {},
                grid: { left: 8, right: 12, top: 48, bottom: isZoomed ? 72 : 34,
                        containLabel: true },
                dataZoom: isZoomed
                    ? [{ type: "slider", bottom: 34, height: 18, startValue: 0,
                         endValue: BARS_SHOWN - 1, showDataShadow: false }]
                    : [],
                tooltip: {
                    trigger: "axis", axisPointer: { type: "shadow" },
                    formatter: ([point]) => tooltip(points[point.dataIndex], buckets),
                },
                xAxis: {
                    type: "category", data: points.map((point) => axis.values[point.at[along]]),
                    name: axis.key, nameLocation: "middle", nameGap: 30,
                },
                yAxis: {
                    type: "value", name: isShare ? "" : "busy cycles", max: isShare ? 100 : null,
                    axisLabel: { formatter: (n) => isShare ? n + " %" : format.short(n) },
                },
                series: buckets.map((bucket) => ({
                    name: bucket, type: "bar", stack: "all", barCategoryGap: "12%", barMaxWidth: 72,
                    itemStyle: { color: theme.ofBucket(bucket) }, emphasis: { disabled: true },
                    data: points.map((point) => isShare
                        ? 100 * cycles(point, bucket) / (data.busyCycles(point) || 1)
                        : cycles(point, bucket)),
                })),
            };
        }

        function table() {
            const points = shownPoints();
            const buckets = usedBuckets(points);
            const along = axes.axis(0);
            const axis = data.axes[along];

            return {
                columns: [{ label: axis.key },
                          ...buckets.map((bucket) => ({ label: bucket, kind: "number" })),
                          { label: "busy", kind: "number" }],
                rows: points.map((point) => [
                    axis.is_numeric ? Number(axis.values[point.at[along]])
                                    : axis.values[point.at[along]],
                    ...buckets.map((bucket) => cycles(point, bucket)), data.busyCycles(point)]),
            };
        }

        const axes = mmusim.axisControls(data, ["along"], () => figure.redraw());
        const figure = mmusim.chart({
            title: "Busy cycles of all CPUs",
            height: 360,
            controls: [
                controls.select("Bars show", [["cycles", "cycles"], ["share", "shares"]],
                    (choice) => { isShare = choice === "share"; figure.redraw(); }, "cycles"),
                ...axes.elements,
            ],
            draw,
            table,
        });
        body.append(figure);
    },
});
