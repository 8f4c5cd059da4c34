// SPDX-License-Identifier: MIT
// A chart with what belongs to it: a title, controls, the numbers as a table,
// colours of the theme, and values by arrow keys.
"use strict";

// options: { title, note, height, controls: [elements], draw(colors), table() }.
// draw returns an ECharts option; table the options of mmusim.table. Returns
// the figure, with redraw().
mmusim.chart = (function () {
    const { h, theme } = mmusim;
    const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
    const NARROW = 560; // pixels

    function axisStyle(axis, colors) {
        return Object.assign({
            axisLine: { lineStyle: { color: colors.line } },
            axisTick: { lineStyle: { color: colors.line } },
            splitLine: { lineStyle: { color: colors.line } },
            nameTextStyle: { color: colors.muted },
        }, axis, {
            axisLabel: Object.assign({ color: colors.muted, hideOverlap: true },
                                     axis.axisLabel),
        });
    }

    // What all charts have in common, around what one of them draws.
    function complete(drawn, colors, title) {
        const option = Object.assign({
            animation: false,
            backgroundColor: "transparent",
            textStyle: { fontFamily: FONT, color: colors.text },
            aria: { enabled: true, label: { description: title } },
        }, drawn);

        for (const name of ["xAxis", "yAxis"])
            if (option[name])
                option[name] = axisStyle(option[name], colors);
        option.tooltip = Object.assign({
            confine: true, backgroundColor: colors.surface,
            borderColor: colors.line,
            textStyle: { color: colors.text, fontSize: 13 },
        }, drawn.tooltip);
        if (option.legend)
            option.legend = Object.assign({
                type: "scroll", top: 0, icon: "roundRect", itemWidth: 14,
                itemHeight: 10, textStyle: { color: colors.text },
                pageTextStyle: { color: colors.muted },
                pageIconColor: colors.text, inactiveColor: colors.line,
            }, option.legend);
        return option;
    }

    // Left and right step through the values of the first series.
    function addKeys(box, instance) {
        let index = -1;

        function show(step) {
            const series = instance.getOption().series;
            const n = series.length ? series[0].data.length : 0;

            if (!n)
                return;
            index = (index + step + n) % n;
            instance.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: index });
        }

        box.addEventListener("keydown", (event) => {
            if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
                if (index < 0 && event.key === "ArrowLeft")
                    index = 0;
                show(event.key === "ArrowRight" ? 1 : -1);
                event.preventDefault();
            } else if (event.key === "Escape") {
                instance.dispatchAction({ type: "hideTip" });
            }
        });
        box.addEventListener("blur", () => instance.dispatchAction({ type: "hideTip" }));
    }

    return function (options) {
        const box = h("div", {
            class: "chart", tabindex: "0",
            style: "height:" + (options.height || 320) + "px",
            title: null,
        });
        const numbers = h("details", { class: "numbers" },
                          h("summary", {}, "Numbers of this chart"));
        const figure = h("figure", {},
            h("figcaption", {}, h("h3", {}, options.title),
              options.note && h("p", { class: "note" }, options.note)),
            options.controls && h("div", { class: "controls" }, options.controls),
            box, options.table && numbers);
        let instance = null;
        let shownTable = null;

        function fillTable() {
            if (!options.table || !numbers.open)
                return;
            shownTable = mmusim.table(Object.assign({ caption: options.title },
                                                    options.table()));
            numbers.replaceChildren(numbers.firstChild, shownTable);
        }

        function redraw() {
            if (!instance || !box.clientWidth)
                return;
            const colors = theme.colors();

            instance.setOption(complete(
                options.draw(colors, box.clientWidth < NARROW), colors, options.title), true);
            fillTable();
        }

        function start() {
            instance = echarts.init(box, null, { renderer: "svg" });
            box.chart = instance; // for tests and for the curious
            addKeys(box, instance);
            redraw();
        }

        let width = 0;
        new ResizeObserver(() => {
            if (!box.clientWidth || box.clientWidth === width)
                return;
            width = box.clientWidth;
            if (!instance) {
                start();
                return;
            }
            instance.resize();
            redraw();
        }).observe(box);
        numbers.addEventListener("toggle", fillTable);
        theme.onChange(redraw);
        figure.redraw = redraw;
        figure.setHeight = (height) => {
            box.style.height = height + "px";
            if (instance)
                instance.resize();
        };
        return figure;
    };
})();
