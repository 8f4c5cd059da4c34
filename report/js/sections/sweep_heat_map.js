// SPDX-License-Identifier: MIT
// A statistic over two keys.
"use strict";

mmusim.section({
    id: "heat-map",
    title: "Over two keys",
    wants: (report) => !mmusim.isRun(report)
        && report.sweep.axes.filter((axis) => axis.values.length > 1).length > 1
        && report.sweep.points.length > 1,
    render(body, report) {
        const { format, theme, controls, escape } = mmusim;
        const data = new mmusim.SweepData(report);
        const CELL_MIN_HEIGHT = 22;
        const TEXT_CELLS_MAX = 120; // more have no room for their numbers
        let statistic = "";

        // [x, y, value, number of the point], those that have finished
        function cells() {
            const [xAxis, yAxis] = [axes.axis(0), axes.axis(1)];
            const place = axes.place();
            const found = [];

            data.axes[yAxis].values.forEach((_, y) => data.axes[xAxis].values.forEach((__, x) => {
                place[xAxis] = x;
                place[yAxis] = y;
                const number = data.find(place);
                const value = number < 0 ? null : data.value(data.points[number], statistic);

                if (value !== null)
                    found.push([x, y, value, number]);
            }));
            return found;
        }

        function isDefault(number) {
            const { defaultPoint, points } = data;

            return Boolean(defaultPoint && defaultPoint.at)
                && defaultPoint.at.join() === points[number].at.join();
        }

        // Winners get a frame and a star, the default a ring.
        function sign(number) {
            return (data.best === number ? "★ " : "") + (isDefault(number) ? "○ " : "");
        }

        function cell([x, y, value, number], colors, share) {
            const isBest = data.best === number;
            const isOnPlateau = statistic === "" && data.plateau.has(number);

            return {
                value: [x, y, value], number,
                label: { color: share(value) < 0.6 ? "#fff" : "#000" },
                itemStyle: isBest || isOnPlateau ? {
                    borderColor: colors.mark, borderWidth: isBest ? 3 : 1.5,
                } : { borderColor: colors.surface, borderWidth: 1 },
            };
        }

        function tooltip(params) {
            const point = data.points[params.data.number];
            const over = format.signedPercent(data.overBest(point));

            return `${escape(data.describe(point))}<br><b>`
                + `${format.count(data.value(point, statistic))}</b> `
                + `${escape(data.label(statistic))}<br>`
                + (statistic === "" ? `${over} against the best` : "")
                + (isDefault(params.data.number) ? "<br>the default" : "");
        }

        function draw(colors, isNarrow) {
            const shown = cells();
            const values = shown.map((item) => item[2]);
            const [least, most] = [Math.min(...values), Math.max(...values)];
            const share = (value) => most > least ? (value - least) / (most - least) : 0;
            const [xAxis, yAxis] = [data.axes[axes.axis(0)], data.axes[axes.axis(1)]];
            const hasText = shown.length <= TEXT_CELLS_MAX && !isNarrow;

            return {
                grid: { left: 8, right: 16, top: 30, bottom: 92, containLabel: true },
                tooltip: { trigger: "item", formatter: tooltip },
                xAxis: { type: "category", data: xAxis.values, name: xAxis.key,
                         nameLocation: "middle", nameGap: 30, splitArea: { show: false } },
                yAxis: { type: "category", data: yAxis.values, name: yAxis.key,
                         nameTextStyle: { align: "left", color: colors.muted } },
                visualMap: {
                    type: "continuous", orient: "horizontal", left: "center", bottom: 0,
                    min: least, max: most, dimension: 2,
                    calculable: true, inRange: { color: theme.scale },
                    textStyle: { color: colors.text }, formatter: format.short,
                    itemWidth: 14, itemHeight: isNarrow ? 120 : 220,
                },
                series: [{
                    name: data.label(statistic), type: "heatmap",
                    data: shown.map((item) => cell(item, colors, share)),
                    label: {
                        show: true, fontSize: 11,
                        formatter: ({ data: item }) => sign(item.number)
                            + (hasText ? format.short(item.value[2]) : ""),
                    },
                    emphasis: { itemStyle: { borderColor: colors.text, borderWidth: 2 } },
                }],
            };
        }

        function table() {
            const [xAxis, yAxis] = [data.axes[axes.axis(0)], data.axes[axes.axis(1)]];
            const byPlace = new Map(cells().map(([x, y, value]) => [`${x},${y}`, value]));

            return {
                columns: [{ label: `${yAxis.key}, down; ${xAxis.key}, across` },
                          ...xAxis.values.map((value) => ({ label: value, kind: "number" }))],
                rows: yAxis.values.map((value, y) => [
                    yAxis.is_numeric ? Number(value) : value,
                    ...xAxis.values.map((_, x) => byPlace.get(`${x},${y}`) ?? null)]),
            };
        }

        function height() {
            return 200 + CELL_MIN_HEIGHT * Math.max(6, data.axes[axes.axis(1)].values.length);
        }

        const axes = mmusim.axisControls(data, ["across", "down"], () => {
            figure.setHeight(height());
            figure.redraw();
        });
        const figure = mmusim.chart({
            title: "Heat map",
            note: "★ the best, ○ the default; framed: within 0.1 % of the best. Dark is less.",
            height: height(),
            controls: [
                controls.select("Statistic", data.statisticChoices(),
                    (name) => { statistic = name; figure.redraw(); }, ""),
                ...axes.elements,
            ],
            draw,
            table,
        });
        body.append(figure);
    },
});
