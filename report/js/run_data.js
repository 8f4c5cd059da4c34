// SPDX-License-Identifier: MIT
// Questions to the statistics of one run (the document mmusim-stats-1).
"use strict";

mmusim.RunData = class {
    constructor(report) {
        this.report = report;
        this.stats = report.run.stats;
        this.config = report.run.config;
        this.nCpus = 0;
        while (this.has("core" + this.nCpus + ".cycles"))
            this.nCpus++;
        // buckets that count as busy, and all of them, as the tool names them
        this.buckets = report.buckets;
        this.busyBuckets = report.buckets.filter(
            (bucket) => !report.waiting_buckets.includes(bucket));
    }

    has(name) {
        return Object.hasOwn(this.stats, name);
    }

    get(name) {
        return this.has(name) ? this.stats[name] : 0;
    }

    // Sum of PREFIX.NAME over names.
    sum(prefix, names) {
        return names.reduce((sum, name) => sum + this.get(prefix + name), 0);
    }

    busyCycles() {
        return this.sum("cycles.", this.busyBuckets);
    }

    // What follows prefix in the names of statistics, up to the next dot.
    namesAfter(prefix) {
        const found = new Set();

        for (const name of Object.keys(this.stats))
            if (name.startsWith(prefix))
                found.add(name.slice(prefix.length).split(".")[0]);
        return [...found];
    }

    // Unit and meaning; those of single CPUs are told once, for core0.
    info(name) {
        const info = this.report.stat_info;
        const region = mmusim.splitRegion(name, this);

        if (region)
            return this.info(region[1]);
        return info[name] || info[name.replace(/\bcore\d+\b/, "core0")] || ["", ""];
    }

    seconds(cycles) {
        return cycles / (Number(this.config.clock_ghz) * 1e9);
    }
};
