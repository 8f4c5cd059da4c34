// SPDX-License-Identifier: MIT
// Where it comes from: by mapping, function, source line, system call, thread.
"use strict";

mmusim.section({
    id: "places",
    title: "Where it comes from",
    short: "Places",
    wants: (report) => mmusim.isRun(report) && Boolean(report.places),
    render(body, report) {
        const { h, controls, format, theme, escape } = mmusim;
        const BARS_SHOWN = 12;
        const LABEL_CHARACTERS = 46;
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

        let view = places.by_function.some((row) => row.function !== "[unknown]")
            ? "function" : "mapping";
        let metric = "misses";

        // The metrics of a view that are not 0 throughout.
        function usedMetrics() {
            return (view === "site" ? SITE_METRICS : METRICS).filter(
                ([name]) => places.totals[name] > 0);
        }

        function costliest() {
            return places["by_" + view].filter((row) => row.counts[metric])
                .sort((a, b) => b.counts[metric] - a.counts[metric]).slice(0, BARS_SHOWN);
        }

        // A row in a few words, of which no two rows need differ.
        function labelOf(row) {
            const text = NAMES[view].map(([, name]) => name(row)).filter(Boolean)
                .map((word) => word.split("/").pop()).join("  ");

            return text.length <= LABEL_CHARACTERS ? text
                : text.slice(0, LABEL_CHARACTERS - 1) + "…";
        }

        function tooltip(row) {
            const [, label] = usedMetrics().find(([name]) => name === metric);

            return `<b>${NAMES[view].map(([, name]) => escape(name(row))).join("<br>")}</b><br>`
                + `${format.count(row.counts[metric])} ${label}, `
                + format.percent(row.counts[metric], places.totals[metric]);
        }

        function draw(colors, isNarrow) {
            const rows = costliest();

            return {
                grid: { left: 8, right: 64, top: 8, bottom: 8, containLabel: true },
                tooltip: { trigger: "item", formatter: ({ dataIndex }) => tooltip(rows[dataIndex]) },
                xAxis: { type: "value", axisLabel: { formatter: format.short } },
                yAxis: {
                    type: "category", inverse: true, data: rows.map((_, i) => String(i)),
                    axisLabel: {
                        width: isNarrow ? 120 : 320, overflow: "truncate", interval: 0,
                        formatter: (i) => labelOf(rows[Number(i)]),
                    },
                },
                series: [{
                    type: "bar", barMaxWidth: 22, itemStyle: { color: theme.series[0] },
                    data: rows.map((row) => row.counts[metric]),
                    label: {
                        show: true, position: "right", color: colors.text,
                        formatter: ({ value }) => format.percent(value, places.totals[metric], 1),
                    },
                }],
            };
        }

        // What it is sorted by comes first; what is 0 throughout is left out.
        function tableOf(view) {
            const names = NAMES[view];
            const isSite = view === "site";
            const rows = places["by_" + view].filter(
                (row) => !isSite || row.operation !== "(user code)");
            const all = places["rows_of_" + view];
            const metrics = usedMetrics();
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
                    ...others.map(([name]) => row.counts[name]),
                ]),
                sort: { column: names.length, isDescending: true },
                limit: 15,
            });
        }

        const holder = h("div", {});
        const metricHolder = h("span", {});

        function change() {
            figure.setHeight(60 + 26 * Math.max(3, costliest().length));
            figure.redraw();
        }

        function show(next) {
            view = next;
            const used = usedMetrics();

            if (!used.some(([name]) => name === metric))
                metric = used.length ? used[0][0] : "misses";
            metricHolder.replaceChildren(controls.select("In", used, (choice) => {
                metric = choice;
                change();
            }, metric));
            holder.replaceChildren(tableOf(view));
            change();
        }

        const figure = mmusim.chart({
            title: "The costliest",
            controls: [controls.select("By", VIEWS, show, view), metricHolder],
            draw,
        });

        body.append(figure, holder, h("p", { class: "note" },
            places.has_lines || !places.has_images
                ? "Every miss, walk, fault and cycle of waiting, by who caused it; see docs/annotate.md."
                : "Lines may be off by a few: record with --lines to know each access's instruction."));
        show(view);
    },
});
