// SPDX-License-Identifier: MIT
// Where the cycles went: the sum over CPUs, and each CPU's stack.
"use strict";

mmusim.section({
    id: "cycles",
    title: "Where the cycles went",
    short: "Cycles",
    wants: (report) => mmusim.isRun(report),
    render(body, report) {
        const { h, theme } = mmusim;
        const run = new mmusim.RunData(report);
        const busy = run.busyCycles();
        const isWaiting = (bucket) => !run.busyBuckets.includes(bucket);
        const used = run.buckets.filter((bucket) => run.get("cycles." + bucket));

        body.append(mmusim.stackPerCpu({
            title: "Cycles of each CPU",
            run, unit: "cycles", prefix: "cycles.",
            parts: run.buckets.map((bucket) => ({
                name: bucket, label: bucket, isWaiting: isWaiting(bucket),
                color: () => theme.ofBucket(bucket),
            })),
        }));
        body.append(mmusim.table({
            caption: "Cycles of all CPUs",
            columns: [
                { label: "bucket" },
                { label: "cycles", kind: "number", stat: (row) => "cycles." + row[0] },
                { label: "of busy", kind: "share" },
                { label: "what it is" },
            ],
            rows: used.map((bucket) => {
                const cycles = run.get("cycles." + bucket);

                return [bucket, cycles, isWaiting(bucket) ? null : busy ? cycles / busy : 0,
                        run.info("cycles." + bucket)[1]];
            }),
            filter: false,
        }));
        body.append(h("p", { class: "note" },
            "Every cycle of every CPU is in one bucket. Busy are all but ",
            report.waiting_buckets.join(" and "), ": ",
            mmusim.data(busy, mmusim.format.count(busy)), " cycles."));
    },
});
