// SPDX-License-Identifier: MIT
// What removed the translations that were missed in all TLBs.
"use strict";

mmusim.section({
    id: "misses",
    title: "Why translations were missing",
    short: "Misses",
    wants: (report) => mmusim.isRun(report) && report.run.stats["llt.misses"] > 0,
    render(body, report) {
        const { theme } = mmusim;
        const run = new mmusim.RunData(report);
        const all = run.get("llt.misses");
        const causes = run.namesAfter("miss.");

        body.append(mmusim.stackPerCpu({
            title: "Misses of each CPU by cause",
            note: "Translations found in no TLB, by what had removed them last.",
            run, unit: "misses", prefix: "miss.",
            parts: causes.map((cause) => ({
                name: cause, label: cause, isWaiting: false,
                color: () => theme.ofCause(cause),
            })),
        }), mmusim.table({
            caption: "Misses of all CPUs",
            columns: [
                { label: "cause" },
                { label: "misses", kind: "number", stat: (row) => "miss." + row[0] },
                { label: "share", kind: "share" },
                { label: "what it is" },
            ],
            rows: causes.map((cause) => [cause, run.get("miss." + cause),
                run.get("miss." + cause) / all, run.info("miss." + cause)[1]]),
            sort: { column: 1, isDescending: true },
            filter: false,
        }));
    },
});
