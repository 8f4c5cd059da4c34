// SPDX-License-Identifier: MIT
// Small form controls with their labels, and buttons that copy.
"use strict";

mmusim.controls = (function () {
    const { h } = mmusim;
    const COPIED_MS = 2000;
    let nextId = 1;

    // choices: [[value, text], ...]; onChange(value). element.value reads it.
    function select(label, choices, onChange, value) {
        const id = "control-" + nextId++;
        const input = h("select", { id, onchange: () => onChange(input.value) },
            choices.map(([choice, text]) => h("option", {
                value: choice, selected: choice === value,
            }, text)));
        const element = h("span", { class: "control" },
                          h("label", { for: id }, label), input);

        element.input = input;
        return element;
    }

    function checkbox(label, isChecked, onChange) {
        const input = h("input", {
            type: "checkbox", checked: isChecked, onchange: () => onChange(input.checked),
        });

        return h("label", { class: "control" }, input, label);
    }

    // Where pages from files may not use the clipboard, the old way.
    function copyOldWay(text) {
        const area = h("textarea", { class: "offscreen", readonly: true });

        area.value = text;
        document.body.append(area);
        area.select();
        const isCopied = document.execCommand("copy");
        area.remove();
        return isCopied;
    }

    async function copy(text) {
        try {
            await navigator.clipboard.writeText(text);
            return true;
        } catch {
            return copyOldWay(text);
        }
    }

    function copyButton(label, text) {
        const button = h("button", { type: "button", async onclick() {
            const isCopied = await copy(text);

            button.textContent = isCopied ? "Copied" : "Not allowed here: select the text";
            setTimeout(() => { button.textContent = label; }, COPIED_MS);
            button.focus();
        } }, label);

        return h("span", { role: "status" }, button);
    }

    function downloadButton(label, name, text) {
        return h("button", { type: "button", onclick() {
            const link = h("a", {
                download: name,
                href: "data:text/plain;charset=utf-8," + encodeURIComponent(text),
            });

            link.click();
        } }, label);
    }

    return { select, checkbox, copyButton, downloadButton };
})();
