// SPDX-License-Identifier: MIT
// Stacked bars, one a CPU: where cycles went, what caused misses. Readable
// with hundreds of CPUs: those that did nothing are left out, bars get thin,
// and the reader may sort and zoom.
"use strict";

// options: { title, note, run, unit, parts: [{ name, label, color(name),
// isWaiting }], prefix: "cycles." }. The value of a part at CPU n is
// coren.PREFIXNAME.
mmusim.stackPerCpu = function (options) {
    const { format, controls } = mmusim;
    const { run, prefix } = options;
    const ZOOM_FROM_CPUS = 48;
    const THIN_FROM_CPUS = 96; // gaps between bars would be all one sees
    const hasWaiting = options.parts.some((part) => part.isWaiting);
    let showsWaiting = false;
    let showsQuiet = false;
    let isShare = true;
    let order = "number";

    function value(cpu, part) {
        return run.get("core" + cpu + "." + prefix + part.name);
    }

    function total(cpu, parts) {
        return parts.reduce((sum, part) => sum + value(cpu, part), 0);
    }

    function shownParts() {
        return options.parts.filter((part) => (showsWaiting || !part.isWaiting) &&
            Array.from({ length: run.nCpus }, (_, cpu) => value(cpu, part)).some(Boolean));
    }

    function shownCpus(parts) {
        const working = options.parts.filter((part) => !part.isWaiting);
        const cpus = Array.from({ length: run.nCpus }, (_, cpu) => cpu)
            .filter((cpu) => showsQuiet || total(cpu, working) > 0);

        if (order === "size")
            cpus.sort((a, b) => total(b, parts) - total(a, parts) || a - b);
        return cpus;
    }

    function tooltip(points, cpus, parts) {
        const cpu = cpus[points[0].dataIndex];
        const sum = total(cpu, parts);
        const lines = parts.filter((part) => value(cpu, part)).reverse().map((part) =>
            `<tr><td><i class="swatch" style="background:${part.color()}"></i>${part.label}</td>` +
            `<td class="num">${format.count(value(cpu, part))}</td>` +
            `<td class="num">${format.percent(value(cpu, part), sum)}</td></tr>`);

        return `<b>core${cpu}</b><table class="tip">${lines.join("")}` +
            `<tr><td>together</td><td class="num">${format.count(sum)}</td><td></td></tr></table>`;
    }

    function draw(colors) {
        const parts = shownParts();
        const cpus = shownCpus(parts);
        const isZoomed = cpus.length > ZOOM_FROM_CPUS;
        const totals = cpus.map((cpu) => total(cpu, parts) || 1);

        return {
            legend: {},
            grid: { left: 8, right: 12, top: 40, bottom: isZoomed ? 66 : 28, containLabel: true },
            tooltip: {
                trigger: "axis", axisPointer: { type: "shadow" },
                formatter: (points) => tooltip(points, cpus, parts),
            },
            dataZoom: isZoomed
                ? [{ type: "slider", bottom: 30, height: 18, textStyle: { color: colors.muted } },
                   { type: "inside", zoomOnMouseWheel: "ctrl" }]
                : [],
            xAxis: {
                type: "category", name: "CPU", nameLocation: "middle", nameGap: 24,
                data: cpus.map(String), axisTick: { show: false },
            },
            yAxis: {
                type: "value", name: isShare ? "" : options.unit, nameGap: 10,
                max: isShare ? 100 : null,
                axisLabel: { formatter: (n) => isShare ? n + " %" : format.short(n) },
            },
            series: parts.map((part) => ({
                name: part.label, type: "bar", stack: "all",
                barCategoryGap: cpus.length > THIN_FROM_CPUS ? "0%" : "15%",
                barMaxWidth: 72, itemStyle: { color: part.color() },
                emphasis: { disabled: true },
                data: cpus.map((cpu, i) => isShare ? 100 * value(cpu, part) / totals[i]
                                                   : value(cpu, part)),
            })),
        };
    }

    function table() {
        const parts = shownParts();

        return {
            columns: [{ label: "CPU" },
                ...parts.map((part) => ({
                    label: part.label, kind: "number",
                    stat: (row) => row[0] + "." + prefix + part.name,
                })),
                { label: "together", kind: "number" }],
            rows: shownCpus(parts).map((cpu) => ["core" + cpu,
                ...parts.map((part) => value(cpu, part)), total(cpu, parts)]),
        };
    }

    const nQuiet = run.nCpus - shownCpus([]).length;
    const figure = mmusim.chart({
        title: options.title,
        note: options.note,
        height: 340,
        controls: [
            controls.select("Bars show", [["share", "shares"], ["size", options.unit]],
                (choice) => { isShare = choice === "share"; figure.redraw(); }, "share"),
            run.nCpus > 1 && controls.select("CPUs in order of",
                [["number", "their number"], ["size", "their sums"]],
                (choice) => { order = choice; figure.redraw(); }, "number"),
            hasWaiting && controls.checkbox("idle time, too", false, (isOn) => {
                showsWaiting = isOn;
                figure.redraw();
            }),
            nQuiet > 0 && controls.checkbox(
                `the ${nQuiet} CPU${nQuiet > 1 ? "s" : ""} that did nothing, too`,
                false, (isOn) => {
                    showsQuiet = isOn;
                    figure.redraw();
                }),
        ].filter(Boolean),
        draw,
        table,
    });
    return figure;
};
