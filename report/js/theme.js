// SPDX-License-Identifier: MIT
// Light and dark: as the system has it, until the reader chooses. Charts take
// their colours from here. Hues start from those of Okabe and Ito ("Color
// Universal Design", 2008); related things are shades of one hue. No two of the
// fourteen buckets are nearer than 13 in CIELAB, neither to normal eyes nor
// without red, green or blue cones (Machado, Oliveira and Fernandes, 2009).
"use strict";

mmusim.theme = (function () {
    const STORAGE_KEY = "mmusim-report-theme";
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const listeners = [];
    let isPrinting = false;

    const buckets = {
        base: "#8d99a6", memory: "#5d6b7a",
        l1_tlb: "#bdeef8", l2_tlb: "#7cc4ee", l3_tlb: "#3f9bd1", walk: "#0072b2",
        fault: "#e69f00", kernel: "#f8e56c", lock: "#553519", switch: "#553baa",
        flush_local: "#dba78e", ipi_send: "#d55e00", ipi_wait: "#9e2a0f",
        ipi_handler: "#dbbacb",
    };
    const causes = {
        cold: "#8d99a6", capacity: "#56b4e9", full_flush: "#d55e00",
        page_flush: "#e69f00", switch: "#553baa", asid: "#dbbacb",
        other: "#5d6b7a",
    };
    // for lines and bars without a meaning of their own
    const series = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                    "#56b4e9", "#7a5ea8", "#5d6b7a"];
    // cividis (Nuñez, Anderton and Renslow, 2018), low to high
    const scale = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866",
                   "#fee838"];

    function saved() {
        try {
            return localStorage.getItem(STORAGE_KEY) || "auto";
        } catch {
            return "auto"; // no storage for files here
        }
    }

    let choice = saved();

    function isDark() {
        if (isPrinting)
            return false;
        return choice === "auto" ? dark.matches : choice === "dark";
    }

    function apply() {
        document.documentElement.dataset.theme = isDark() ? "dark" : "light";
        listeners.forEach((listener) => listener());
    }

    function choose(next) {
        choice = next;
        try {
            localStorage.setItem(STORAGE_KEY, next);
        } catch {
            // not kept, then
        }
        apply();
    }

    function print(isOn) {
        isPrinting = isOn;
        apply();
    }

    // What a chart needs besides its data.
    function colors() {
        return isDark()
            ? { text: "#e6e9ec", muted: "#a3adb8", line: "#3a424b",
                surface: "#1b2026", idle: "#343c45", order: "#4d5966",
                accent: "#7cc4ee", mark: "#ffb000" }
            : { text: "#1c232b", muted: "#56616d", line: "#d5dbe1",
                surface: "#ffffff", idle: "#e3e7eb", order: "#c3ccd6",
                accent: "#0072b2", mark: "#b34700" };
    }

    function ofBucket(name) {
        return buckets[name] || colors()[name] || colors().muted;
    }

    function ofCause(name) {
        return causes[name] || colors().muted;
    }

    dark.addEventListener("change", apply);
    window.addEventListener("beforeprint", () => print(true));
    window.addEventListener("afterprint", () => print(false));
    apply();

    return {
        isDark, choose, colors, ofBucket, ofCause, series, scale,
        choice: () => choice,
        onChange: (listener) => listeners.push(listener),
    };
})();
