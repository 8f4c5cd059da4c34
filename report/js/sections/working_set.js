// SPDX-License-Identifier: MIT
// Pages in use along the run.
"use strict";

mmusim.section({
    id: "working-set",
    title: "Working set",
    wants: (report) => mmusim.isRun(report) && report.working_set.windows.length > 0,
    render(body, report) {
        const { h, format, theme, controls } = mmusim;
        const DWARFED = 5; // times the largest window: it would be a flat line
        const run = new mmusim.RunData(report);
        const { windows, page_bytes: pageBytes, is_cut: isCut } = report.working_set;
        const size = windows[0][1];
        let known = 0;
        const rows = windows.map(([first, n, pages, fresh]) => {
            known += fresh;
            return { first, n, pages, fresh, known };
        });
        const largest = Math.max(...rows.map((row) => row.pages));
        let showsKnown = known <= DWARFED * largest;

        // Entries for 4K pages of the data TLBs of one CPU, together.
        function reach() {
            let entries = 0;

            for (const level of ["l1d", "l2", "l2d"])
                for (let i = 0; `tlb.${level}.${i}.entries` in run.config; i++) {
                    const sizes = String(run.config[`tlb.${level}.${i}.page_sizes`] || "4K");

                    if (/\b4K\b/.test(sizes))
                        entries = Math.max(entries,
                                           Number(run.config[`tlb.${level}.${i}.entries`]));
                }
            return entries;
        }

        function pagesText(pages) {
            return `${format.count(pages)} pages, ${format.bytes(pages * pageBytes)}`;
        }

        function draw(colors) {
            const entries = reach();
            const top = showsKnown ? known : largest;
            const isNear = entries && entries < 3 * top;

            return {
                legend: {},
                grid: { left: 8, right: 24, top: 40, bottom: 30, containLabel: true },
                tooltip: {
                    trigger: "axis",
                    formatter: ([point]) => {
                        const row = rows[point.dataIndex];

                        return `accesses ${format.count(row.first)} to `
                            + `${format.count(row.first + row.n - 1)}<br>`
                            + `in use: <b>${pagesText(row.pages)}</b><br>`
                            + `touched so far: ${pagesText(row.known)}`;
                    },
                },
                xAxis: {
                    type: "category", data: rows.map((row) => format.short(row.first)),
                    name: "accesses of all threads", nameLocation: "middle", nameGap: 28,
                    boundaryGap: false,
                },
                yAxis: { type: "value", name: "pages", axisLabel: { formatter: format.short } },
                series: [
                    {
                        name: "in use in the window", type: "line", step: "middle",
                        showSymbol: false, lineStyle: { color: theme.series[0], width: 2 },
                        itemStyle: { color: theme.series[0] }, areaStyle: { opacity: 0.15 },
                        data: rows.map((row) => row.pages),
                        markLine: isNear ? {
                            symbol: "none", silent: true,
                            lineStyle: { color: colors.mark, type: "dashed" },
                            label: { position: "insideEndTop", color: colors.text,
                                     formatter: `largest data TLB of a CPU: ${entries} entries` },
                            data: [{ yAxis: entries }],
                        } : undefined,
                    },
                    showsKnown && {
                        name: "touched so far", type: "line", showSymbol: false,
                        lineStyle: { color: theme.series[1], width: 2, type: "dashed" },
                        itemStyle: { color: theme.series[1] },
                        data: rows.map((row) => row.known),
                    },
                ].filter(Boolean),
            };
        }

        const figure = mmusim.chart({
            title: "Pages in use along the run",
            note: `Different pages of ${format.bytes(pageBytes)} in each window of `
                + `${format.count(size)} fetches, loads and stores, in the order in which the `
                + "CPUs took them; addresses of different processes are not told apart.",
            height: 320,
            controls: [controls.checkbox("all pages touched so far, too", showsKnown, (isOn) => {
                showsKnown = isOn;
                figure.redraw();
            })],
            draw,
            table: () => ({
                columns: [{ label: "first access", kind: "number" },
                          { label: "accesses", kind: "number" },
                          { label: "pages in use", kind: "number" },
                          { label: "of these new", kind: "number" },
                          { label: "touched so far", kind: "number" }],
                rows: rows.map((row) => [row.first, row.n, row.pages, row.fresh, row.known]),
            }),
        });

        body.append(figure, h("p", {}, "Largest window: ", mmusim.data(largest, pagesText(largest)),
              ". All of the run: ", mmusim.data(known, pagesText(known)), ".",
              isCut && " There were more pages than could be kept: these are lower bounds."));
    },
});
