// SPDX-License-Identifier: MIT
// Every statistic of a run, to be searched.
"use strict";

mmusim.section({
    id: "statistics",
    title: "All statistics",
    short: "Statistics",
    wants: (report) => mmusim.isRun(report),
    render(body, report) {
        const { controls } = mmusim;
        const run = new mmusim.RunData(report);
        const parts = /(^|\.)core\d+\.|^region\./;
        const ROWS_SHOWN = 25;

        function rows(showsParts) {
            return Object.entries(run.stats)
                .filter(([name]) => showsParts || !parts.test(name))
                .map(([name, value]) => [name, value, ...run.info(name)]);
        }

        const table = mmusim.table({
            caption: "Statistics",
            columns: [
                { label: "name" },
                { label: "value", kind: "number", stat: (row) => row[0] },
                { label: "unit" },
                { label: "meaning" },
            ],
            rows: rows(false),
            limit: ROWS_SHOWN,
        });

        body.append(controls.checkbox("those of each CPU and region, too", false,
            (isOn) => table.setRows(rows(isOn))), table);
    },
});
