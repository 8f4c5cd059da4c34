// SPDX-License-Identifier: MIT
// Invalidations: what CPUs flushed, and the kernel's reasons.
"use strict";

mmusim.section({
    id: "flushes",
    title: "Flushes",
    wants: (report) => mmusim.isRun(report),
    render(body, report) {
        const { format, theme, h } = mmusim;
        const run = new mmusim.RunData(report);
        const reasons = run.namesAfter("tlb_flush.").map((reason) => {
            const count = run.get(`tlb_flush.${reason}.count`);
            const full = run.get(`tlb_flush.${reason}.full`);

            return [reason, count, full, count - full, run.get(`tlb_flush.${reason}.pages`)];
        });
        const used = reasons.filter((row) => row[1]);
        const kinds = run.namesAfter("flush.").filter((name) => run.has("flush." + name));

        if (used.length)
            body.append(mmusim.chart({
                title: "Kernel flushes by reason",
                note: "The events of the tracepoint tlb:tlb_flush.",
                height: 80 + 40 * used.length,
                draw: (colors) => ({
                    legend: {},
                    grid: { left: 8, right: 24, top: 36, bottom: 24, containLabel: true },
                    tooltip: {
                        trigger: "axis", axisPointer: { type: "shadow" },
                        valueFormatter: format.count,
                    },
                    xAxis: { type: "value", axisLabel: { formatter: format.short } },
                    yAxis: {
                        type: "category", inverse: true, data: used.map((row) => row[0]),
                        axisLabel: { width: 150, overflow: "break" },
                    },
                    series: [["all pages", 2, theme.series[1]], ["some pages", 3, theme.series[0]]]
                        .map(([name, column, color]) => ({
                            name, type: "bar", stack: "all", barMaxWidth: 24,
                            itemStyle: { color, borderColor: colors.surface },
                            data: used.map((row) => row[column]),
                        })),
                }),
            }));
        else
            body.append(h("p", {}, "The kernel flushed nothing."));
        body.append(mmusim.table({
            caption: "tlb:tlb_flush, all CPUs",
            columns: [
                { label: "reason" },
                { label: "events", kind: "number", stat: (row) => `tlb_flush.${row[0]}.count` },
                { label: "of all pages", kind: "number",
                  stat: (row) => `tlb_flush.${row[0]}.full` },
                { label: "of some pages", kind: "number" },
                { label: "pages in these", kind: "number",
                  stat: (row) => `tlb_flush.${row[0]}.pages` },
            ],
            rows: reasons,
            filter: false,
        }), mmusim.table({
            caption: "Flushes by CPUs",
            columns: [
                { label: "what" },
                { label: "number", kind: "number", stat: (row) => "flush." + row[0] },
                { label: "meaning" },
            ],
            rows: kinds.map((name) => [name, run.get("flush." + name),
                                       run.info("flush." + name)[1]]),
            filter: false,
        }));
    },
});
