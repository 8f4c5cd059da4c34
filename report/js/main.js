// SPDX-License-Identifier: MIT
// Reads the page's data and puts the sections on the page.
"use strict";

(function () {
    const { h, controls, theme } = mmusim;
    const report = JSON.parse(document.getElementById("report-data").textContent);
    const { machine, source } = report.run;

    document.title = `${mmusim.isRun(report) ? "Run" : "Sweep"} of ${source} on ${machine} (mmusim)`;
    document.getElementById("header").append(
        h("div", {},
          h("p", { class: "kicker" }, `mmusim ${report.version}, ${report.kind}`),
          h("h1", {}, source, " ", h("span", { class: "on" }, "on"), " ", machine)),
        controls.select("Colours", [["auto", "as the system"], ["light", "light"], ["dark", "dark"]],
                        theme.choose, theme.choice()));

    const shown = mmusim.sections.filter((section) => section.wants(report));

    document.getElementById("contents").append(h("ul", {}, shown.map((section) =>
        h("li", {}, h("a", { href: "#" + section.id }, section.short || section.title)))));
    for (const section of shown) {
        const body = h("div", { class: "body" });

        document.getElementById("main").append(
            h("section", { id: section.id, "aria-labelledby": section.id + "-title" },
              h("h2", { id: section.id + "-title" }, section.title), body));
        section.render(body, report);
    }
    document.getElementById("footer").append(
        h("p", {}, `Made by mmusim ${report.version}. Nothing of this page is fetched from `
          + "elsewhere. Statistics are explained in mmusim-stats(7), the page in docs/report.md."));
    document.documentElement.dataset.ready = "yes"; // for tests
})();
