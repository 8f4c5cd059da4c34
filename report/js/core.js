// SPDX-License-Identifier: MIT
// The page's only global, and how to make elements.
//
// A part of the page is a section: a file in js/sections/ that calls
//     mmusim.section({ id, title, short, wants(report), render(body, report) })
// (short: the title among the links, if it is another)
// and a line in page.html, whose order is the page's. `report` is the JSON
// block of the page; docs/report.md describes it.
"use strict";

const mmusim = { sections: [] };

// Of one run (replay, run), or of a sweep.
mmusim.isRun = function (report) {
    return report.kind !== "sweep";
};

mmusim.section = function (section) {
    mmusim.sections.push(section);
};

// An element: mmusim.h("td", { class: "num", onclick: fn }, "text", child...).
// A property that is null, undefined or false is left out, as is such a child.
mmusim.h = function (tag, properties, ...children) {
    const element = document.createElement(tag);

    for (const [name, value] of Object.entries(properties || {})) {
        if (value === null || value === undefined || value === false)
            continue;
        if (name.startsWith("on"))
            element.addEventListener(name.slice(2), value);
        else
            element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat().filter(
        (child) => child !== null && child !== undefined && child !== false));
    return element;
};

// A number that a program can read back from the page, beside its readable
// form; name says which statistic it is.
mmusim.data = function (value, text, name) {
    return mmusim.h("data", { value: String(value), "data-stat": name || null },
                    text);
};
