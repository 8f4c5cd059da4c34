// SPDX-License-Identifier: MIT
// Questions to a sweep: its axes, its points, what wins.
"use strict";

mmusim.SweepData = class {
    constructor(report) {
        const sweep = report.sweep;

        this.report = report;
        this.axes = sweep.axes; // { key, values, is_numeric, default, default_index }
        this.points = sweep.points; // { at: [index on each axis], metric, stats }
        this.names = sweep.names;
        this.column = new Map(sweep.names.map((name, i) => [name, i]));
        this.metricLabel = sweep.metric_label;
        this.best = sweep.best; // index into points; so are worst and plateau
        this.worst = sweep.worst;
        this.plateau = new Set(sweep.plateau);
        this.defaultPoint = sweep.default_point; // like a point, or null
        this.busyBuckets = report.buckets.filter(
            (bucket) => !report.waiting_buckets.includes(bucket));
        this.byPlace = new Map(this.points.map((point, i) => [point.at.join(","), i]));
    }

    // A statistic of a point; "" is the metric. null: the point has none.
    value(point, name) {
        if (name === "")
            return point.metric;
        const value = point.stats[this.column.get(name)];

        return value === undefined ? null : value;
    }

    label(name) {
        return name === "" ? this.metricLabel : name;
    }

    // The number of the point at these indices, or -1.
    find(at) {
        const found = this.byPlace.get(at.join(","));

        return found === undefined ? -1 : found;
    }

    // How far above the best, in %.
    overBest(point) {
        const best = this.points[this.best].metric;

        return best ? 100 * (point.metric - best) / best : 0;
    }

    // "KEY=VALUE KEY=VALUE"
    describe(point) {
        return this.axes.map((axis, i) => `${axis.key}=${axis.values[point.at[i]]}`).join(" ");
    }

    // The choices of a <select> of statistics: the metric, then all of them.
    statisticChoices() {
        return [["", this.metricLabel], ...this.names.map((name) => [name, name])];
    }

    busyCycles(point) {
        return this.busyBuckets.reduce(
            (sum, bucket) => sum + (this.value(point, "cycles." + bucket) || 0), 0);
    }
};

// Text for the HTML of a chart's tooltip: values of keys are the user's.
mmusim.escape = function (text) {
    const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

    return String(text).replace(/[&<>"']/g, (character) => entities[character]);
};

// Controls that choose which axes a chart shows and where the others stand:
// roles are the names of the choices of an axis ("along", "curves for"). The
// first role gets the axis with the most values, and so on. Others stand at the best point's values.
// Returns { elements, axis(role): index or -1, place(): array of indices }.
mmusim.axisControls = function (data, roles, onChange) {
    const { controls } = mmusim;
    const nAxes = data.axes.length;
    const place = data.points[data.best].at.slice();
    const bySize = data.axes.map((axis, i) => i).sort((a, b) =>
        data.axes[b].values.length - data.axes[a].values.length || b - a);
    const chosen = roles.map((role, i) => i < nAxes ? bySize[i] : -1);
    const fixed = [];
    const elements = [];

    // An axis has one role: who loses it takes what the other had.
    function choose(role, index) {
        const other = chosen.indexOf(index);

        if (other >= 0 && other !== role)
            chosen[other] = chosen[role];
        chosen[role] = index;
        update();
    }

    function update() {
        selects.forEach((select, role) => { select.input.value = String(chosen[role]); });
        fixed.forEach((select, axis) => { select.hidden = chosen.includes(axis); });
        onChange();
    }

    const choices = data.axes.map((axis, i) => [String(i), axis.key]);
    const selects = roles.map((role, i) => controls.select(role, choices,
        (value) => choose(i, Number(value)), String(chosen[i])));

    if (nAxes > 1)
        elements.push(...selects.filter((select, i) => chosen[i] >= 0));
    data.axes.forEach((axis, i) => {
        if (nAxes <= roles.length)
            return; // every axis always has a role
        const select = controls.select(axis.key, axis.values.map((value, at) => [String(at), value]),
            (value) => { place[i] = Number(value); onChange(); }, String(place[i]));

        select.hidden = chosen.includes(i);
        fixed.push(select);
        elements.push(select);
    });
    return { elements, axis: (role) => chosen[role], place: () => place.slice() };
};
