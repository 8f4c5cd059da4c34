// SPDX-License-Identifier: MIT
// Page walks, paging-structure caches, page faults.
"use strict";

mmusim.section({
    id: "walks",
    title: "Walks and faults",
    wants: (report) => mmusim.isRun(report),
    render(body, report) {
        const { h, format } = mmusim;
        const run = new mmusim.RunData(report);
        const walks = run.get("walker.walks");

        // The statistics PREFIX.* that are single numbers, with their meaning.
        function meanings(caption, prefix) {
            return mmusim.table({
                caption,
                columns: [
                    { label: "what" },
                    { label: "number", kind: "number", stat: (row) => prefix + row[0] },
                    { label: "meaning" },
                ],
                rows: run.namesAfter(prefix).filter((name) => run.has(prefix + name))
                    .map((name) => [name, run.get(prefix + name), run.info(prefix + name)[1]]),
                filter: false,
            });
        }

        const caches = run.namesAfter("psc.")
            .map((level) => [level, run.get(`psc.${level}.hits`), run.get(`psc.${level}.misses`)])
            .filter(([, hits, missed]) => hits + missed)
            .map(([level, hits, missed]) => [level, hits, missed, hits / (hits + missed)]);

        if (walks)
            body.append(h("p", {}, "A walk took ",
                h("b", {}, (run.get("walker.cycles") / walks).toFixed(1)), " cycles and ",
                h("b", {}, (run.get("walker.pte_reads") / walks).toFixed(2)),
                " reads of page tables on average."));
        body.append(meanings("Page walks, all CPUs", "walker."));
        if (caches.length)
            body.append(mmusim.table({
                caption: "Paging-structure caches, all CPUs",
                columns: [
                    { label: "level" },
                    { label: "hits", kind: "number", stat: (row) => `psc.${row[0]}.hits` },
                    { label: "misses", kind: "number", stat: (row) => `psc.${row[0]}.misses` },
                    { label: "hit rate", kind: "share",
                      text: (value) => format.percent(value, 1) },
                ],
                rows: caches,
                filter: false,
            }));
        body.append(meanings("Page faults, all CPUs", "faults."));
    },
});
