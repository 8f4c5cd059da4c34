// SPDX-License-Identifier: MIT
// A statistic along one key; of a second key a curve for each value.
"use strict";

mmusim.section({
    id: "curve",
    title: "Along the key",
    wants: (report) => !mmusim.isRun(report) && report.sweep.points.length > 1,
    render(body, report) {
        const { format, theme, controls, escape } = mmusim;
        const data = new mmusim.SweepData(report);
        const CURVES_MAX = theme.series.length;
        const SYMBOLS = ["circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow"];
        let statistic = "";
        let startsAtZero = false;

        // Curves: { name, points: numbers of points along the axis, or -1 }.
        function curves() {
            const [along, by] = [axes.axis(0), axes.axis(1)];
            const place = axes.place();
            const values = by < 0 ? [""] : data.axes[by].values;

            return values.slice(0, CURVES_MAX).map((value, i) => ({
                name: by < 0 ? data.label(statistic) : `${data.axes[by].key}=${value}`,
                points: data.axes[along].values.map((_, x) => {
                    const at = place.slice();

                    at[along] = x;
                    if (by >= 0)
                        at[by] = i;
                    return data.find(at);
                }),
            }));
        }

        function valueAt(point) {
            return point < 0 ? null : data.value(data.points[point], statistic);
        }

        // Stretches of the axis where the only curve is on the plateau.
        function plateauAreas(shown, axis, colors) {
            const areas = [];

            if (shown.length > 1 || statistic !== "" || report.sweep.is_flat)
                return undefined;
            shown[0].points.forEach((point, x) => {
                const isIn = data.plateau.has(point);
                const last = areas[areas.length - 1];

                if (isIn && last && last[1] === x - 1)
                    last[1] = x;
                else if (isIn)
                    areas.push([x, x]);
            });
            return {
                silent: true, itemStyle: { color: colors.accent, opacity: 0.16 },
                data: areas.filter(([from, to]) => to > from).map(([from, to], i) => [
                    { xAxis: axis.values[from], name: i ? "" : "within 0.1 % of the best",
                      label: { color: colors.text, position: "insideTop" } },
                    { xAxis: axis.values[to] }]),
            };
        }

        function bestMark(curve, axis, colors) {
            const x = curve.points.indexOf(data.best);

            if (x < 0 || statistic !== "")
                return undefined;
            return {
                symbol: "pin", symbolSize: 44, silent: true,
                itemStyle: { color: colors.mark },
                label: { formatter: "best", color: theme.isDark() ? "#000" : "#fff", fontSize: 11 },
                data: [{ coord: [axis.values[x], valueAt(data.best)] }],
            };
        }

        // Where the default is on the axis; beside the grid, how high it is.
        function defaultLine(axis, colors) {
            const { defaultPoint } = data;
            const style = {
                symbol: "none", silent: true, lineStyle: { color: colors.muted, type: "dashed" },
                label: { formatter: "default", color: colors.text },
            };

            if (axis.default_index !== null)
                return { ...style, data: [{ xAxis: axis.values[axis.default_index] }] };
            if (data.axes.length > 1 || !defaultPoint)
                return undefined;
            style.label.formatter = `default, ${axis.default}`;
            style.label.position = "insideEndTop";
            return { ...style, data: [{ yAxis: data.value(defaultPoint, statistic) }] };
        }

        function tooltip(points, axis, shown) {
            const lines = points.filter((point) => point.value !== undefined).map((point) => {
                const number = shown[point.seriesIndex].points[point.dataIndex];

                if (number < 0)
                    return "";
                const over = data.overBest(data.points[number]);
                return `<tr><td>${point.marker}${escape(point.seriesName)}</td>`
                    + `<td class="num"><b>${format.count(valueAt(number))}</b></td>`
                    + (statistic === "" ? `<td class="num">${format.signedPercent(over)}</td>` : "")
                    + "</tr>";
            });

            return `${escape(axis.key)}=${escape(axis.values[points[0].dataIndex])}`
                + `<table class="tip">${lines.join("")}</table>`;
        }

        function draw(colors) {
            const shown = curves();
            const axis = data.axes[axes.axis(0)];

            return {
                legend: shown.length > 1 ? {} : undefined,
                grid: { left: 8, right: 28, top: shown.length > 1 ? 56 : 48, bottom: 34,
                        containLabel: true },
                tooltip: { trigger: "axis", formatter: (points) => tooltip(points, axis, shown) },
                xAxis: {
                    type: "category", data: axis.values, name: axis.key,
                    nameLocation: "middle", nameGap: 30, boundaryGap: axis.values.length < 8,
                },
                yAxis: {
                    type: "value", name: data.label(statistic), scale: !startsAtZero,
                    nameTextStyle: { align: "left", color: colors.muted },
                    axisLabel: { formatter: format.short },
                },
                series: shown.map((curve, i) => ({
                    name: curve.name, type: "line", symbol: SYMBOLS[i % SYMBOLS.length],
                    showSymbol: axis.values.length <= 40, symbolSize: 7,
                    lineStyle: { color: theme.series[i], width: 2 },
                    itemStyle: { color: theme.series[i] },
                    data: curve.points.map(valueAt),
                    markArea: plateauAreas(shown, axis, colors),
                    markPoint: bestMark(curve, axis, colors),
                    markLine: i === 0 ? defaultLine(axis, colors) : undefined,
                })),
            };
        }

        function table() {
            const shown = curves();
            const axis = data.axes[axes.axis(0)];

            return {
                columns: [{ label: axis.key },
                          ...shown.map((curve) => ({ label: curve.name, kind: "number" }))],
                rows: axis.values.map((value, x) =>
                    [axis.is_numeric ? Number(value) : value,
                     ...shown.map((curve) => valueAt(curve.points[x]))]),
            };
        }

        const axes = mmusim.axisControls(data, ["along", "a curve for each"],
                                         () => figure.redraw());
        const figure = mmusim.chart({
            title: "Curve",
            note: data.axes.length > 1
                ? `At most ${CURVES_MAX} curves; the table of all points is below.` : null,
            height: 380,
            controls: [
                controls.select("Statistic", data.statisticChoices(),
                    (name) => { statistic = name; figure.redraw(); }, ""),
                ...axes.elements,
                controls.checkbox("from zero", false, (isOn) => {
                    startsAtZero = isOn;
                    figure.redraw();
                }),
            ],
            draw,
            table,
        });
        body.append(figure);
    },
});
