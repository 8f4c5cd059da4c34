// SPDX-License-Identifier: MIT
// Where it comes from: by mapping, function, source line, system call, thread.
"use strict";

mmusim.section({
    id: "places",
    title: "Where it comes from",
    short: "Places",
    wants: (report) => report.kind !== "sweep" && Boolean(report.places),
    render(body, report) {
        const { h, controls } = mmusim;
        const { places } = report;
        const VIEWS = [
            ["mapping", "mapping"],
            ["function", "function"],
            ["line", "source line"],
            ["site", "system call and its caller"],
            ["thread", "thread"],
        ];
        const METRICS = [
            ["misses", "misses"], ["walks", "walks"], ["walk_cycles", "walk cycles"],
            ["faults", "faults"], ["fault_cycles", "fault cycles"],
            ["shootdown_wait", "cycles waiting for CPUs"],
        ];
        const SITE_METRICS = [
            ["shootdown_wait", "cycles waiting for CPUs"], ["operation_cycles", "cycles in calls"],
            ["operations", "calls"], ["faults", "faults"], ["fault_cycles", "fault cycles"],
            ["flushes", "flushes"], ["shootdowns", "shootdowns"],
        ];

        // "main  /src/main.c:17", else "[libc.so.6+0x1234]"
        function placeOf(row) {
            if (row.line)
                return row.source + ":" + row.line;
            if (row.file)
                return "[" + row.file + "+0x" + row.offset.toString(16) + "]";
            return row.offset ? "0x" + row.offset.toString(16) : "";
        }

        function codeOf(row) {
            if (!row.function)
                return "";
            const outer = row.inlined_into ? " (inlined into " + row.inlined_into + ")" : "";
            return row.function + outer;
        }

        const NAMES = {
            mapping: [["mapping", (row) => row.mapping]],
            function: [["function", (row) => row.function], ["file", (row) => (row.file || "").split("/").pop()]],
            line: [["line", placeOf], ["function", codeOf]],
            site: [["call", (row) => row.operation], ["caller", codeOf], ["line", placeOf]],
            thread: [["thread", (row) => row.thread ? String(row.thread)
                                                    : "idle and kernel threads"]],
        };

        // What it is sorted by comes first; what is 0 throughout is left out.
        function tableOf(view) {
            const names = NAMES[view];
            const isSite = view === "site";
            const rows = places["by_" + view].filter(
                (row) => !isSite || row.operation !== "(user code)");
            const all = places["rows_of_" + view];
            const metrics = (isSite ? SITE_METRICS : METRICS).filter(
                ([metric]) => places.totals[metric] > 0);
            const [[first, firstLabel], ...others] = metrics.length ? metrics : METRICS;

            return mmusim.table({
                caption: "By " + VIEWS.find(([word]) => word === view)[1]
                    + (all > places["by_" + view].length
                        ? ", the costliest " + rows.length + " of " + all : ""),
                columns: [
                    ...names.map(([label]) => ({ label })),
                    { label: firstLabel, kind: "number" }, { label: "share", kind: "share" },
                    ...others.map(([, label]) => ({ label, kind: "number" })),
                ],
                rows: rows.map((row) => [
                    ...names.map(([, text]) => text(row)),
                    row.counts[first], row.counts[first] / (places.totals[first] || 1),
                    ...others.map(([metric]) => row.counts[metric]),
                ]),
                sort: { column: names.length, isDescending: true },
                limit: 15,
            });
        }

        const holder = h("div", {});
        const show = (view) => holder.replaceChildren(tableOf(view));
        const hasCode = places.by_function.some((row) => row.function !== "[unknown]");
        const first = hasCode ? "function" : "mapping";

        body.append(h("p", { class: "note" },
            places.has_lines || !places.has_images
                ? "Every miss, walk, fault and cycle of waiting, by who caused it; see docs/annotate.md."
                : "Lines may be off by a few: record with --lines to know each access's instruction."),
            controls.select("By", VIEWS, show, first), holder);
        show(first);
    },
});
