#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pages of --report in headless Chromium: their numbers are those of
--format json, hovering and sorting work, the keyboard reaches everything,
nothing is fetched, nothing is complained of, and a phone has room for them.

usage: check_report.py MMUSIM SOURCE_DIR OUTPUT_DIR

Screenshots stay in OUTPUT_DIR. Exit status 77: no Chromium here.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # not into the source tree
from browser import Browser, find_chromium  # noqa: E402

PHONE = 360  # pixels
failures = []


def check(is_right, text):
    if not is_right:
        failures.append(text)
        print("FAILED:", text)


class Tool:
    def __init__(self, program, source_dir, folder):
        self.program = program
        self.environment = {"MMUSIM_DATADIR": source_dir, "PATH": "/usr/bin:/bin"}
        self.folder = folder

    def run(self, *arguments, status=0):
        done = subprocess.run([self.program, *arguments], cwd=self.folder, check=False,
                              env=self.environment, capture_output=True, text=True)
        if done.returncode != status:
            raise SystemExit("mmusim %s: status %d\n%s" % (
                " ".join(arguments), done.returncode, done.stderr))
        return done.stdout

    def report(self, name, *arguments, status=0):
        """A page and the JSON of the same run."""
        self.run(*arguments[:1], "-q", "--report", name + ".html", "--format", "json",
                 "-o", name + ".json", *arguments[1:], status=status)
        return json.loads((self.folder / (name + ".json")).read_text())


# ---- what every page promises ----

def check_quiet(page, name):
    for method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
        for event in page.take_events(method):
            check(False, "%s: %s %s" % (name, method, str(event)[:300]))
    for event in page.take_events("Network.requestWillBeSent"):
        url = event["request"]["url"]
        check(url.startswith(("file:", "data:")) and url.split("?")[0].endswith(".html")
              or url.startswith("data:"), "%s asks for %s" % (name, url))


def check_names(page, name):
    """Every control has a name, every section a heading, every chart words."""
    nameless = page.evaluate("""[...document.querySelectorAll("button, select, input, a")]
        .filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label")
                         || e.closest("label") || (e.labels && e.labels.length)))
        .map((e) => e.outerHTML.slice(0, 120))""")
    check(not nameless, "%s: controls without a name: %s" % (name, nameless))
    unlabelled = page.evaluate("""[...document.querySelectorAll(".chart")]
        .filter((e) => !e.getAttribute("aria-label")).length""")
    check(unlabelled == 0, "%s: %d charts without words" % (name, unlabelled))
    alternatives = page.evaluate("""[...document.querySelectorAll("figure")]
        .filter((f) => !f.querySelector("details.numbers")
                       && !f.parentElement.querySelector("table"))
        .map((f) => f.querySelector("h3").textContent)""")
    check(not alternatives, "%s: charts without a table: %s" % (name, alternatives))
    check(page.evaluate("document.querySelectorAll('.chart').length"
                        " === document.querySelectorAll('.chart svg').length"),
          "%s: a chart is not drawn" % name)


def check_width(page, name):
    for width in (PHONE, 1200):
        page.resize(width, 800)
        page.settle()
        wide = page.evaluate("document.documentElement.scrollWidth")
        check(wide <= width, "%s is %d pixels wide on a screen of %d" % (name, wide, width))


def contrast(page, selector):
    """WCAG 2's contrast ratio of an element's text."""
    return page.evaluate("""((selector) => {
        const luminance = (color) => {
            const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map((c) => c / 255)
                .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        let element = document.querySelector(selector);
        const text = luminance(getComputedStyle(element).color);
        while (/, 0\\)$/.test(getComputedStyle(element).backgroundColor))
            element = element.parentElement;
        const back = luminance(getComputedStyle(element).backgroundColor);
        return (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    })(%s)""" % json.dumps(selector))


def check_themes(page, name, shots):
    """As the system has it, and as the reader chooses."""
    backgrounds = {}
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        page.settle()
        backgrounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        for selector in ("h1", ".note", "td", "summary", ".tile dt"):
            ratio = contrast(page, selector)
            check(ratio >= 4.5, "%s, %s: contrast of %s is %.2f" % (name, scheme, selector, ratio))
        page.screenshot(shots / ("%s-%s.png" % (name, scheme)))
    check(backgrounds["light"] != backgrounds["dark"], "%s: dark is light" % name)
    page.evaluate("""(() => { const select = document.querySelector("header select");
        select.value = "light"; select.dispatchEvent(new Event("change")); })()""")
    check(page.evaluate("getComputedStyle(document.body).backgroundColor")
          == backgrounds["light"], "%s: the switch does not win over the system" % name)
    page.evaluate("""(() => { const select = document.querySelector("header select");
        select.value = "auto"; select.dispatchEvent(new Event("change")); })()""")
    page.scheme("light")


def check_keyboard(page, name):
    """Tab reaches the controls in the page's order; Enter sorts."""
    page.evaluate("document.activeElement.blur()")
    page.press("Tab")
    check(page.evaluate("document.activeElement.className") == "skip",
          "%s: Tab does not begin at the skip link" % name)
    order = page.evaluate("""[...document.querySelectorAll(
        "a[href], button, select, input, summary, [tabindex='0']")]
        .filter((e) => e.offsetParent && e.tabIndex > 0).length""")
    check(order == 0, "%s: %d elements break the order of Tab" % (name, order))
    page.evaluate("document.querySelector('th button').focus()")
    page.press("Enter", text="\r")
    check(page.evaluate("document.querySelector('th').getAttribute('aria-sort')") is not None,
          "%s: Enter does not sort" % name)


def check_everything(page, name, shots):
    check_names(page, name)
    check_themes(page, name, shots)
    check_width(page, name)
    check_keyboard(page, name)
    page.resize(PHONE, 740)
    page.settle()
    page.screenshot(shots / (name + "-phone.png"))
    page.resize(1200, 900)
    page.settle()
    check_quiet(page, name)


# ---- numbers ----

def shown_stats(page):
    """Every number of the page that says which statistic it is."""
    page.evaluate("""document.querySelectorAll("details").forEach((d) => { d.open = true; })""")
    page.settle()
    page.settle()
    return page.evaluate("""[...document.querySelectorAll("data[data-stat]")]
        .map((e) => [e.dataset.stat, e.value, e.textContent])""")


def check_numbers(page, name, stats):
    shown = shown_stats(page)
    seen = set()
    for stat, value, text in shown:
        seen.add(stat)
        if stat not in stats:
            check(False, "%s shows %s, which there is not" % (name, stat))
            continue
        check(float(value) == stats[stat] and
              ("%" in text or float(text.replace(",", "")) == stats[stat]),
              "%s: %s is %s, shown as %s (%s)" % (name, stat, stats[stat], text, value))
    return seen


def press_checkbox(page, section, word):
    page.evaluate("""[...document.querySelectorAll("#%s label")]
        .find((l) => l.textContent.includes(%s)).click()""" % (section, json.dumps(word)))
    page.settle()


def check_all_statistics(page, stats):
    """The table of all statistics has all of them once its rows are asked for."""
    press_checkbox(page, "statistics", "each CPU")
    page.evaluate("""document.querySelector("#statistics .table > button").click()""")
    seen = check_numbers(page, "replay", stats)
    missing = sorted(set(stats) - seen)
    check(not missing, "not in the page: %s" % missing[:5])


def column(page, section, index):
    return page.evaluate("""[...document.querySelector("#%s .table:not(details .table)")
        .querySelectorAll("tbody tr")]
        .map((row) => row.cells[%d]).map((c) => c.querySelector("data")
            ? Number(c.querySelector("data").value) : c.textContent)""" % (section, index))


def check_sorting(page, section, index):
    head = ("document.querySelector('#%s .table:not(details .table)')"
            ".querySelectorAll('th[scope=col]')[%d]" % (section, index))
    page.click(head + ".firstChild")
    values = column(page, section, index)
    check(values == sorted(values, reverse=True) and len(set(values)) > 1,
          "%s: not sorted downwards: %s" % (section, values[:6]))
    check(page.evaluate(head + ".getAttribute('aria-sort')") == "descending", "no aria-sort")
    page.click(head + ".firstChild")
    values = column(page, section, index)
    check(values == sorted(values), "%s: not sorted upwards: %s" % (section, values[:6]))
    check(page.evaluate(head + ".getAttribute('aria-sort')") == "ascending", "no aria-sort")


def check_filter(page):
    page.evaluate("""(() => { const input = document.querySelector("#statistics input[type=search]");
        input.value = "walker cycles"; input.dispatchEvent(new Event("input")); })()""")
    names = column(page, "statistics", 0)
    check(names and all("walker" in name for name in names) and "walker.cycles" in names,
          "filtered by 'walker cycles': %s" % names[:5])
    page.evaluate("""(() => { const input = document.querySelector("#statistics input[type=search]");
        input.value = ""; input.dispatchEvent(new Event("input")); })()""")


def tip_text(page, chart):
    """What its tooltip says; "": it is not shown."""
    return page.evaluate("""(() => { const tip = [...%s.children]
        .find((e) => e.tagName === "DIV" && !e.querySelector("svg"));
        const style = tip && getComputedStyle(tip);
        return tip && style.visibility !== "hidden" && style.display !== "none"
            && style.opacity !== "0" ? tip.innerText : ""; })()""" % chart)


def hover_text(page, chart, x_share, y_share=0.6):
    """What the chart's tooltip says when the mouse is there."""
    x, y, width, height = page.rectangle(chart)
    page.hover(x + width * x_share, y + height * y_share)
    page.settle()
    return tip_text(page, chart)


def digits(text):
    return text.replace(",", "")


# ---- the pages ----

def check_replay(browser, tool, shots):
    document = tool.report("replay", "replay", "-s", "topology.cores_per_socket=4",
                           "workload:madvise,threads=3")
    stats = document["stats"]
    page = browser.open("file://%s/replay.html" % tool.folder)
    check_everything(page, "replay", shots)

    tip = hover_text(page, "document.querySelector('#cycles .chart')", 0.5)
    check(any(digits(tip).find(str(stats["core%d.cycles.base" % cpu])) >= 0 for cpu in range(4)),
          "hovering over the cycles shows no CPU's base cycles: %r" % tip)
    chart = "document.querySelector('#shootdowns .chart')"
    page.evaluate(chart + ".focus()")
    page.press("ArrowRight")
    first = tip_text(page, chart)
    page.press("ArrowRight")
    second = tip_text(page, chart)
    check("shootdowns" in first and "shootdowns" in second and first != second,
          "arrow keys show %r, then %r" % (first, second))

    check_sorting(page, "cycles", 1)
    check_filter(page)
    check_all_statistics(page, stats)
    check_latencies(page, stats)
    check_working_set(page, stats)
    check_places(page, tool)
    check_repetition(page, tool, document)
    check_quiet(page, "replay")


def check_latencies(page, stats):
    """The distribution has all shootdowns, and the percentiles lie in it."""
    bins = page.evaluate("JSON.parse(document.getElementById('report-data').textContent).latencies")
    values = [low for low, high, n in bins for _ in range(n)]
    check(all(low == high for low, high, _ in bins), "latencies are joined without need")
    check(len(values) == stats["shootdown.completed"], "latencies: %d values" % len(values))
    for percent in (50, 95, 99):
        rank = -(-percent * len(values) // 100)
        check(values[rank - 1] == stats["shootdown.latency_cycles.p%d" % percent],
              "p%d of the page's latencies is %d" % (percent, values[rank - 1]))
    mean = sum(values) / len(values)
    check(abs(mean - stats["shootdown.latency_cycles.mean"]) < 0.001, "their mean is %f" % mean)
    check(values[-1] == stats["shootdown.latency_cycles.max"], "their maximum is %d" % values[-1])
    shown = page.evaluate("""[...document.querySelectorAll("#shootdowns details tbody tr")]
        .reduce((sum, row) => sum + Number(row.cells[2].firstChild.value), 0)""")
    check(shown == len(values), "the bars hold %s of %d shootdowns" % (shown, len(values)))


def check_regions(browser, tool, shots):
    """Regions, on a page of `mmusim run`, which is one of replay by another name."""
    trace = tool.folder / "marks.txt"
    trace.write_text("1 mmap 0x10000000 0x400000 rw-\n" + "".join(
        "1 mark %s\n" % name + "".join("1 w 0x%x\n" % (0x10000000 + 4096 * (i * step % 900))
                                        for i in range(500))
        for name, step in (("warm", 1), ("dot.3.name", 7), ("<b>", 0), ("warm", 3))))
    document = tool.report("marks", "replay", "--attach-marks", str(trace))
    text = (tool.folder / "marks.html").read_text()
    (tool.folder / "run.html").write_text(text.replace('"kind":"replay"', '"kind":"run"'))
    page = browser.open("file://%s/run.html" % tool.folder)
    check_numbers(page, "marks", document["stats"])
    names = column(page, "regions", 0)
    check(names == ["(start).0", "warm.0", "dot.3.name.0", "<b>.0", "warm.1"],
          "the regions are %s" % names)
    values = column(page, "regions", 4)
    check(values == [document["stats"]["region.%s.llt.misses" % name] for name in names],
          "their misses are %s" % values)
    check_width(page, "marks")
    page.screenshot(shots / "marks.png")
    check_quiet(page, "marks")


def check_working_set(page, stats):
    data = page.evaluate("JSON.parse(document.getElementById('report-data').textContent).working_set")
    n_accesses = sum(n for _, n, _, _ in data["windows"])
    check(n_accesses == stats["sim.accesses"] + stats["sim.fetches"],
          "the working set has %d accesses" % n_accesses)


def check_repetition(page, tool, document):
    """The page's configuration, alone, gives the page's numbers."""
    (tool.folder / "again.yaml").write_text(
        page.evaluate("document.getElementById('config').textContent"))
    again = json.loads(tool.run("replay", "-q", "-m", "./again.yaml", "--format", "json",
                                document["source"]))
    check(again["stats"] == document["stats"], "the page's configuration gives other numbers")
    command = page.evaluate("document.getElementById('command').textContent")
    check(command == "mmusim replay -q --report replay.html --format json -o replay.json "
          "-s topology.cores_per_socket=4 workload:madvise,threads=3",
          "the command is told as: " + command)


def choose(page, section, value):
    page.evaluate("""(() => { const select = document.querySelector("#%s select");
        select.value = "%s"; select.dispatchEvent(new Event("change")); })()""" % (section, value))
    page.settle()


def check_places(page, tool):
    """The tables of where it comes from are those of `mmusim annotate`."""
    told = json.loads(tool.run("annotate", "-q", "--format", "json", "-s",
                               "topology.cores_per_socket=4", "workload:madvise,threads=3"))
    for view in ("mapping", "function", "line", "site", "thread"):
        choose(page, "places", view)
        labels = page.evaluate("""[...document.querySelectorAll("#places th[scope=col]")]
            .map((e) => e.textContent)""")
        for label, metric in (("faults", "faults"), ("fault cycles", "fault_cycles"),
                              ("walk cycles", "walk_cycles"),
                              ("cycles waiting for CPUs", "shootdown_wait")):
            if label not in labels and view == "site":
                continue
            shown = column(page, "places", labels.index(label))
            rows = [row["counts"][metric] for row in told["by_" + view]
                    if row.get("operation") != "(user code)"]
            check(sorted(shown) == sorted(rows) and any(rows),
                  "places by %s: %s are %s, annotate says %s" % (view, metric, shown, rows))


def racing_program():
    """Two threads give the same pages back; the second finds them gone and
    returns before the first has flushed (Linux before 4.13, B06 of
    docs/checker.md)."""
    yield "1 mmap 0x10000000 0x40000 rw-\n1 clone 2\n1 clone 3\n"
    for turn in range(100):
        for thread in (1, 2, 3):
            for i in range(20):
                yield "%d i 0x400000 %d 12\n" % (thread, 1 + (turn * 7 + thread * 3) % 9)
                yield "%d w 0x%x\n" % (thread, 0x10000000 + 4096 * (i % 4))
            if thread < 3:
                yield "%d madvise 0x10000000 0x4000 dontneed\n" % thread


def check_violations(browser, tool, shots):
    trace = tool.folder / "race.txt"
    trace.write_text("".join(racing_program()))
    document = tool.report("violations", "replay", "--check", "-s", "os.protocol=linux-4.6",
                           str(trace), status=1)
    page = browser.open("file://%s/violations.html" % tool.folder)
    check_numbers(page, "violations", document["stats"])
    text = page.evaluate("document.getElementById('violations').innerText")
    check(str(document["stats"]["checker.violations"]) in digits(text)
          and "STALE" in text, "the violations are told as: %r" % text[:200])
    page.screenshot(shots / "violations.png")
    check_quiet(page, "violations")


def check_many_cpus(browser, tool, shots):
    """256 CPUs, all busy: the chart has a bar for each, and is quick."""
    trace = tool.folder / "many.txt"
    trace.write_text("".join("%d r 0x%x\n" % (cpu + 1, 0x10000000 + 4096 * (cpu + 3 * i))
                             for i in range(8) for cpu in range(256)))
    document = tool.report("many", "replay", "-s", "topology.cores_per_socket=256", str(trace))
    page = browser.open("file://%s/many.html" % tool.folder)
    n = page.evaluate("document.querySelector('#cycles .chart').chart.getOption()"
                      ".series[0].data.length")
    check(n == 256, "the chart of 256 CPUs has %s bars" % n)
    check_numbers(page, "many", document["stats"])
    page.screenshot(shots / "many.png")
    check_quiet(page, "many")


def check_sweep(browser, tool, shots):
    document = tool.report("sweep", "sweep", "-j", "2", "-s", "topology.cores_per_socket=4",
                           "-p", "tlb.l2d.0.entries=192,768",
                           "-p", "os.flush_ceiling=0,4,8,16,33", "workload:madvise,threads=3")
    points = document["points"]
    page = browser.open("file://%s/sweep.html" % tool.folder)
    check_everything(page, "sweep", shots)

    def busy(point):
        return sum(value for name, value in point["stats"].items()
                   if name.startswith("cycles.") and name not in ("cycles.idle", "cycles.order"))

    page.evaluate("document.querySelectorAll('#points tr').length")
    check_sorting(page, "points", 2)
    shown = sorted(map(tuple, zip(column(page, "points", 0), column(page, "points", 1),
                                  column(page, "points", 2), column(page, "points", 4))))
    wanted = sorted((p["parameters"]["tlb.l2d.0.entries"], p["parameters"]["os.flush_ceiling"],
                     busy(p), p["stats"]["sim.cycles"]) for p in points)
    check(shown == wanted, "the points are %s, not %s" % (shown[:2], wanted[:2]))

    least = min(map(busy, points))
    check(page.evaluate("document.querySelector('#verdict data').value") == str(least),
          "the verdict's least is not %d" % least)
    tip = hover_text(page, "document.querySelector('#curve .chart')", 0.5)
    check(any(str(busy(p)) in digits(tip) for p in points), "hovering over the curve: %r" % tip)
    tip = hover_text(page, "document.querySelector('#heat-map .chart')", 0.5, 0.3)
    check("os.flush_ceiling=" in tip and any(str(busy(p)) in digits(tip) for p in points),
          "hovering over the heat map: %r" % tip)

    page.evaluate("""(() => { const select = document.querySelector("#curve select");
        select.value = "llt.misses"; select.dispatchEvent(new Event("change")); })()""")
    page.evaluate("document.querySelector('#curve details').open = true")
    page.settle()
    values = {v for row in page.evaluate(
        """[...document.querySelectorAll("#curve details tbody tr")].map((row) =>
           [...row.querySelectorAll("td data")].map((d) => Number(d.value)))""") for v in row}
    check(values == {p["stats"]["llt.misses"] for p in points},
          "the curves of llt.misses have %s" % sorted(values)[:4])
    check_quiet(page, "sweep")


def check_words(browser, tool):
    """Words of the user's are text, whatever they contain."""
    trace = tool.folder / ("<img src=x onerror=alert(1)>" + 25 * "long" + ".txt")
    trace.write_text("1 r 0x1000\n1 mark </script><b>\n")
    tool.report("words", "replay", str(trace))
    page = browser.open("file://%s/words.html" % tool.folder)
    check("<img" in page.evaluate("document.querySelector('h1').textContent"),
          "the name of the source is not told")
    check(page.evaluate("document.querySelectorAll('img').length") == 0, "the name is markup")
    check_width(page, "words")
    check_quiet(page, "words")


def main():
    program, source_dir, output_dir = sys.argv[1:]
    if not find_chromium():
        print("skipped: no chromium (apt-get install chromium)")
        sys.exit(77)
    shots = Path(output_dir)
    shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        tool = Tool(program, source_dir, Path(work))
        with Browser(Path(work) / "profile") as browser:
            check_replay(browser, tool, shots)
            check_sweep(browser, tool, shots)
            check_many_cpus(browser, tool, shots)
            check_violations(browser, tool, shots)
            check_regions(browser, tool, shots)
            check_words(browser, tool)
    print("screenshots in", shots)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
