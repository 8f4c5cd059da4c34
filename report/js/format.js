// SPDX-License-Identifier: MIT
// Numbers as text.
"use strict";

mmusim.format = (function () {
    // 1234567.5 -> "1,234,567.5": every digit, as the text reports have it.
    function count(value) {
        return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
    }

    // 1234567 -> "1.23 M", for axes and tiles.
    function short(value) {
        const size = Math.abs(value);
        const steps = [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e3, " k"]];
        const step = steps.find(([limit]) => size >= limit);

        if (!step)
            return Number.isInteger(value) ? String(value)
                                           : String(Number(value.toPrecision(3)));
        return String(Number((value / step[0]).toPrecision(3))) + step[1];
    }

    function percent(part, whole, digits = 2) {
        return (whole ? 100 * part / whole : 0).toFixed(digits) + " %";
    }

    // "+1.25 %", and "0.00 %" without a sign.
    function signedPercent(value, digits = 2) {
        const text = value.toFixed(digits);

        return (value > 0 && Number(text) !== 0 ? "+" : "") +
            (Number(text) === 0 ? text.replace("-", "") : text) + " %";
    }

    function bytes(value) {
        const steps = [[2 ** 40, " TiB"], [2 ** 30, " GiB"], [2 ** 20, " MiB"],
                       [2 ** 10, " KiB"]];
        const step = steps.find(([limit]) => value >= limit);

        return step ? Number((value / step[0]).toPrecision(3)) + step[1]
                    : value + " bytes";
    }

    // Seconds in a unit that suits them.
    function seconds(value) {
        const steps = [[1, " s"], [1e-3, " ms"], [1e-6, " µs"], [0, " ns"]];
        const step = steps.find(([limit]) => value >= limit);
        const unit = step[0] || 1e-9;

        return Number((value / unit).toPrecision(3)) + step[1];
    }

    return { count, short, percent, signedPercent, bytes, seconds };
})();
