// SPDX-License-Identifier: MIT
// How to get the same numbers again: the command, and the whole configuration.
"use strict";

mmusim.section({
    id: "repeat",
    title: "Repeat it",
    wants: () => true,
    render(body, report) {
        const { h, controls } = mmusim;
        const ROWS_SHOWN = 25;
        const keys = report.config; // [key, value, unit, default, meaning, source]
        const hasMachines = !mmusim.isRun(report)
            && report.sweep.axes.some((axis) => axis.key === "machine");
        const changed = keys.filter((row) => row[1] !== row[3]);

        const table = mmusim.table({
            caption: "Configuration keys",
            columns: [{ label: "key" }, { label: "value" }, { label: "unit" },
                      { label: "default" }, { label: "meaning" },
                      { label: "where the value comes from" }],
            rows: changed,
            limit: ROWS_SHOWN,
        });

        body.append(
            h("h3", {}, "The command"),
            h("pre", { id: "command", tabindex: "0" }, report.command),
            h("p", {}, controls.copyButton("Copy the command", report.command)),
            h("h3", {}, "The machine"),
            h("p", {}, `All ${keys.length} keys with their values, as a file for `,
              h("code", {}, "mmusim -m FILE.yaml"),
              hasMachines ? ": those of the first machine, with every override of the command."
                  : ": it stands for the machine and every override of the command."),
            h("p", { class: "buttons" },
              controls.copyButton("Copy the configuration", report.config_yaml),
              controls.downloadButton("Save it as machine.yaml", "machine.yaml",
                                      report.config_yaml)),
            h("details", {}, h("summary", {}, "Show it"),
              h("pre", { id: "config", tabindex: "0" }, report.config_yaml)),
            controls.checkbox("all keys, not only those that differ from the defaults", false,
                (isOn) => table.setRows(isOn ? keys : changed)),
            table);
    },
});
