// SPDX-License-Identifier: MIT
// What wins, by how much, against what.
"use strict";

mmusim.section({
    id: "verdict",
    title: "In short",
    wants: (report) => !mmusim.isRun(report),
    render(body, report) {
        const { h, format } = mmusim;
        const data = new mmusim.SweepData(report);
        const sweep = report.sweep;
        const MOVED_SHOWN = 5;
        const best = data.points[data.best];
        const worst = data.points[data.worst];

        function tile(label, content, detail) {
            return h("div", { class: "tile" }, h("dt", {}, label), h("dd", {}, content),
                     detail && h("dd", { class: "detail" }, detail));
        }

        // "12.3 % below"
        function against(other) {
            const percent = other.metric
                ? 100 * (other.metric - best.metric) / other.metric : 0;

            if (Math.abs(percent) < 0.005)
                return "the same";
            return `${Math.abs(percent).toFixed(2)} % ${percent > 0 ? "below" : "above"}`;
        }

        // Buckets of cycles that differ most from another point's.
        function moved(other) {
            const busy = data.busyCycles(other);
            const changes = data.busyBuckets.map((bucket) => {
                const was = data.value(other, "cycles." + bucket) || 0;
                const is = data.value(best, "cycles." + bucket) || 0;

                return [bucket, busy ? 100 * (is - was) / busy : 0];
            });

            return changes.filter(([, percent]) => Math.abs(percent) >= 0.01)
                .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, MOVED_SHOWN)
                .map(([bucket, percent]) => `${bucket} ${format.signedPercent(percent)}`);
        }

        const nViolations = data.points.reduce(
            (sum, point) => sum + (data.value(point, "checker.violations") || 0), 0);
        const done = data.points.length;
        const all = sweep.n_points;

        if (nViolations)
            body.append(h("p", { class: "alarm", role: "alert" },
                mmusim.data(nViolations, format.count(nViolations)),
                " uses of translations that the operating system had ruled out, in all points. ",
                "mmusim replay --check tells those of one."));
        body.append(h("p", { class: "verdict" }, sweep.is_flat
            ? `Flat: all ${done} points lie within 0.1 % of the best.`
            : ["Best: ", h("strong", {}, sweep.plateau_name), "."]));
        body.append(h("dl", { class: "tiles" },
            tile("Least " + data.metricLabel, mmusim.data(best.metric, format.count(best.metric)),
                 data.describe(best)),
            data.defaultPoint && tile("Against the default", against(data.defaultPoint),
                                      sweep.default_text),
            tile("Against the worst", against(worst), data.describe(worst)),
            tile("Points", `${format.count(done)} of ${format.count(all)}`,
                 done < all ? "interrupted: the rest did not run" : "all finished")));
        const told = new Set();
        for (const [name, other] of [["default", data.defaultPoint], ["worst", worst]]) {
            const changes = other && !sweep.is_flat ? moved(other) : [];
            const isNew = !told.has(changes.join());

            told.add(changes.join());
            if (changes.length && isNew)
                body.append(h("p", {}, `Cycles of the best against the ${name}, in % of all busy `
                    + `ones of the ${name}: ${changes.join(", ")}.`));
        }
        if (report.sweep.metric === null)
            body.append(h("p", { class: "note" }, "Busy cycles: of all CPUs, without "
                + `${report.waiting_buckets.join(" and ")}. Points within 0.1 % of the best are `
                + "one plateau."));
    },
});
