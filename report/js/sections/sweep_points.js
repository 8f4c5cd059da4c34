// SPDX-License-Identifier: MIT
// Every point in one table; the reader adds the statistics of interest.
"use strict";

mmusim.section({
    id: "points",
    title: "All points",
    wants: (report) => !mmusim.isRun(report),
    render(body, report) {
        const { h, format, controls } = mmusim;
        const data = new mmusim.SweepData(report);
        const added = ["sim.cycles", "llt.misses", "walker.walks", "shootdown.count",
                       "shootdown.latency_cycles.p99", "checker.violations"]
            .filter((name) => data.column.has(name) && name !== report.sweep.metric);
        const holder = h("div");

        function columns() {
            return [
                ...data.axes.map((axis) => ({ label: axis.key })),
                { label: data.metricLabel, kind: "number" },
                { label: "over best", kind: "number", text: (value) => format.signedPercent(value) },
                ...added.map((name) => ({ label: name, kind: "number", stat: () => name })),
            ];
        }

        function row(point) {
            return [
                ...data.axes.map((axis, i) => axis.is_numeric
                    ? Number(axis.values[point.at[i]]) : axis.values[point.at[i]]),
                point.metric, data.overBest(point),
                ...added.map((name) => data.value(point, name)),
            ];
        }

        function show() {
            const rows = data.points.map(row);
            const classes = new Map(rows.map((cells, i) => [cells,
                data.best === i ? "best" : data.plateau.has(i) ? "plateau" : null]));

            holder.replaceChildren(mmusim.table({
                caption: "Points", columns: columns(), rows,
                rowClass: (cells) => classes.get(cells),
            }));
        }

        const choices = [["", "choose"], ...data.names.map((name) => [name, name])];
        const adder = controls.select("Add a statistic", choices, (name) => {
            if (name && !added.includes(name)) {
                added.push(name);
                show();
            }
            adder.input.value = "";
        }, "");

        show();
        body.append(h("p", { class: "note" }, h("span", { class: "key best" }, "the best"), " ",
                      h("span", { class: "key plateau" }, "within 0.1 % of it")),
                    h("div", { class: "controls" }, adder), holder);
    },
});
