// SPDX-License-Identifier: MIT
// Tables that one can sort, and filter if they are long.
"use strict";

// columns: [{ label, kind, help, text(value, row), stat(row) }], kind "text"
// (default), "number" or "share" (0..1, with a bar); rows: arrays of values,
// one a column; null: nothing there. sort: { column, isDescending }.
// limit: rows shown until the reader asks for all. Returns an element with
// setRows(rows).
mmusim.table = (function () {
    const { h, format } = mmusim;
    const FILTER_FROM_ROWS = 12;
    const ROWS_SHOWN = 100;

    // Words by natural order ("core2" before "core10"); nothing comes last.
    const collator = new Intl.Collator("en", { numeric: true });

    function compare(a, b, isDescending) {
        if (a === null || b === null)
            return (a === null) - (b === null);
        const order = typeof a === "number" && typeof b === "number"
            ? a - b : collator.compare(String(a), String(b));
        return isDescending ? -order : order;
    }

    function cellText(column, value, row) {
        if (value === null)
            return "";
        if (column.text)
            return column.text(value, row);
        if (column.kind === "share")
            return format.percent(value, 1);
        return column.kind === "number" ? format.count(value) : String(value);
    }

    function cell(column, value, row, isHead) {
        const text = cellText(column, value, row);
        const stat = column.stat ? column.stat(row) : null;
        const isNumber = column.kind === "number" || column.kind === "share";
        const content = isNumber && value !== null
            ? mmusim.data(value, text, stat) : text;
        const attributes = isHead ? { scope: "row" }
            : { class: isNumber ? column.kind : null };

        if (column.kind === "share" && value !== null)
            attributes.style = "--share:" + Math.max(0, Math.min(1, value));
        return h(isHead ? "th" : "td", attributes, content);
    }

    return function (options) {
        const { columns, caption } = options;
        let rows = options.rows;
        let sort = options.sort || null;
        let needle = "";
        let showsAll = false;

        const body = h("tbody");
        const status = h("span", { class: "table-status", role: "status" });
        const more = h("button", { type: "button", class: "plain", onclick() {
            showsAll = true;
            fill();
        } });
        const heads = columns.map((column, index) => h("th", {
            scope: "col", class: column.kind === "number" ? "num" : null,
            title: column.help,
        }, h("button", { type: "button", class: "sort", onclick: () => sortBy(index) },
             column.label)));
        const filter = h("input", {
            type: "search", placeholder: "filter", "aria-label": "Filter: " + caption,
            oninput() {
                needle = filter.value.trim().toLowerCase();
                fill();
            },
        });

        // First click: text upwards, numbers downwards; then the other way.
        function sortBy(index) {
            const isNumber = columns[index].kind && columns[index].kind !== "text";

            sort = sort && sort.column === index
                ? { column: index, isDescending: !sort.isDescending }
                : { column: index, isDescending: Boolean(isNumber) };
            fill();
        }

        function matching() {
            const words = needle.split(/\s+/).filter(Boolean);

            if (!words.length)
                return rows.slice();
            return rows.filter((row) => {
                const text = columns.map((column, i) =>
                    cellText(column, row[i], row)).join("\n").toLowerCase();
                return words.every((word) => text.includes(word));
            });
        }

        function showOrder() {
            heads.forEach((head, index) => {
                const isSorted = sort && sort.column === index;

                if (isSorted)
                    head.setAttribute("aria-sort",
                                      sort.isDescending ? "descending" : "ascending");
                else
                    head.removeAttribute("aria-sort");
            });
        }

        function fill() {
            const found = matching();
            const limit = options.limit || ROWS_SHOWN;

            if (sort)
                found.sort((a, b) => compare(a[sort.column], b[sort.column],
                                             sort.isDescending));
            const shown = showsAll ? found : found.slice(0, limit);

            body.replaceChildren(...shown.map((row) => h("tr",
                { class: options.rowClass ? options.rowClass(row) : null },
                columns.map((column, i) => cell(column, row[i], row, i === 0)))));
            more.hidden = shown.length === found.length;
            more.textContent = "Show all " + format.count(found.length) + " rows";
            status.textContent = shown.length === rows.length ? ""
                : format.count(shown.length) + " of " + format.count(rows.length) + " rows";
            showOrder();
        }

        const needsFilter = options.filter !== false && rows.length >= FILTER_FROM_ROWS;
        const element = h("div", { class: "table" },
            needsFilter && h("div", { class: "table-tools" }, filter, status),
            h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
              h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, heads)), body)),
            more);

        element.setRows = (next) => {
            rows = next;
            fill();
        };
        fill();
        return element;
    };
})();
