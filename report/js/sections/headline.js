// SPDX-License-Identifier: MIT
// The numbers one asks for first.
"use strict";

mmusim.section({
    id: "headline",
    title: "In short",
    wants: (report) => mmusim.isRun(report),
    render(body, report) {
        const { h, format } = mmusim;
        const run = new mmusim.RunData(report);
        const busy = run.busyCycles();
        const instructions = run.get("sim.instructions");

        function tile(label, content, detail) {
            return h("div", { class: "tile" }, h("dt", {}, label),
                     h("dd", {}, content), detail && h("dd", { class: "detail" }, detail));
        }

        function stat(name) {
            return mmusim.data(run.get(name), format.count(run.get(name)), name);
        }

        // a share of busy cycles
        function share(label, buckets, detail) {
            const cycles = run.sum("cycles.", buckets);

            return tile(label, format.percent(cycles, busy), detail);
        }

        function sentence() {
            const largest = run.busyBuckets
                .map((bucket) => [bucket, run.get("cycles." + bucket)])
                .filter(([, cycles]) => cycles)
                .sort((a, b) => b[1] - a[1]).slice(0, 3)
                .map(([bucket, cycles]) => `${format.percent(cycles, busy, 1)} ${bucket}`);

            return largest.length ? `Busy cycles: ${largest.join(", ")}.` : "No CPU was busy.";
        }

        const misses = run.get("llt.misses");
        const walks = run.get("walker.walks");
        const shootdowns = run.get("shootdown.count");
        const faults = run.sum("faults.", run.namesAfter("faults."));

        body.append(h("p", {}, sentence()), h("dl", { class: "tiles" },
            tile("Simulated cycles", stat("sim.cycles"),
                 format.seconds(run.seconds(run.get("sim.cycles"))) + " at "
                 + run.config.clock_ghz + " GHz"),
            tile("Instructions", stat("sim.instructions"), [
                instructions ? format.count(Number((busy / instructions).toPrecision(3)))
                    + " busy cycles each; " : "",
                stat("sim.accesses"), " loads and stores"]),
            share("Translation", ["l1_tlb", "l2_tlb", "l3_tlb", "walk"],
                  "of busy cycles: TLB hits beyond the first level, walks"),
            share("Shootdowns and flushes",
                  ["flush_local", "ipi_send", "ipi_wait", "ipi_handler"],
                  "of busy cycles: flushing, sending, waiting, handling"),
            tile("Last-level TLB misses", stat("llt.misses"),
                 instructions ? (1000 * misses / instructions).toFixed(3)
                     + " per 1,000 instructions" : null),
            tile("Page walks", stat("walker.walks"),
                 walks ? (run.get("walker.cycles") / walks).toFixed(1) + " cycles each" : null),
            tile("Shootdowns", stat("shootdown.count"), shootdowns
                 ? `half within ${format.count(run.get("shootdown.latency_cycles.p50"))}, `
                   + `99 % within ${format.count(run.get("shootdown.latency_cycles.p99"))} cycles`
                 : null),
            tile("Page faults", mmusim.data(faults, format.count(faults)),
                 format.count(run.get("faults.minor")) + " minor")));
        if (run.get("sim.order_broken"))
            body.append(h("p", { class: "notice" }, stat("sim.order_broken"),
                " order stamps of the recording could not be kept: waiting times between "
                + "threads are not those of the program."));
    },
});
