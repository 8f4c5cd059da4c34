// SPDX-License-Identifier: MIT
// What the checker found, first of all if there is anything.
"use strict";

mmusim.section({
    id: "violations",
    title: "Stale translations were used",
    short: "Violations",
    wants: (report) => report.violations && report.violations.n_uses > 0,
    render(body, report) {
        const { h, format } = mmusim;
        const { n_uses: nUses, told } = report.violations;

        body.append(
            h("p", { class: "alarm", role: "alert" },
              mmusim.data(nUses, format.count(nUses), "checker.violations"),
              " uses of translations that the operating system had ruled out. ",
              "What each means is in docs/checker.md."),
            ...told.map((violation, i) => h("details", { class: "violation", open: i === 0 },
                h("summary", {}, `${violation.verdict} at ${violation.vaddr} on CPU `
                  + `${violation.cpu}, cycle ${format.count(violation.cycle)}, `
                  + `${format.count(violation.n_uses)} uses`),
                h("pre", { tabindex: "0" }, violation.text))));
    },
});
