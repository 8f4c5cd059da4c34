#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws docs/timeline.svg: one shootdown out of a timeline.

    timeline-figure.py MMUSIM >docs/timeline.svg

Runs `mmusim replay --timeline` and draws what the Perfetto UI shows of the
tracks of four CPUs, from a madvise to its end: slices under each other as they
nest, arrows from the sender to its targets. Page walkers are left out.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

COMMAND = ["replay", "-q", "-m", "haswell-ep", "-s", "topology.cores_per_socket=4"]
SOURCE = "workload:madvise,threads=3,rounds=8"
SHOOTDOWN = 5  # the one drawn
BEFORE, AFTER = 500, 1200  # cycles drawn around it
LEFT, RIGHT, TOP, WIDTH, ROW, GAP = 70, 10, 46, 820, 17, 14
COLOURS = {
    "thread": "#d9dde3", "operation": "#8fb3d9", "page fault": "#e0a95c",
    "flush": "#b59ad6", "interrupt": "#d98f8f", "ipi_send": "#7d57b8",
    "ipi_wait": "#c9b8e6", "ipi_handler": "#c0504d", "flush_local": "#5a9a5a",
    "kernel": "#5b87b8", "fault": "#c98a2b", "walk": "#9a9a4a",
    "lock": "#a0522d", "switch": "#777777", "idle": "#f2f2f2",
}


def run(tool):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "timeline.json"
        subprocess.run([tool, *COMMAND, "--timeline", path, "-o", "/dev/null",
                        SOURCE], check=True)
        return json.loads(path.read_text())["traceEvents"]


def slices(events):
    """(track, depth, begin, end, category, name), by cycles."""
    open_slices, found = {}, []
    for event in events:
        stack = open_slices.setdefault(event.get("tid"), [])
        if event["ph"] == "B":
            stack.append(event)
        elif event["ph"] == "E":
            begun = stack.pop()
            begin = event["args"]["cycle"]
            found.append((event["tid"], len(stack), begin,
                          begin + event["args"]["cycles"], begun["cat"],
                          begun["name"]))
    return found


def arrows(events):
    starts = {e["id"]: e["tid"] for e in events if e["ph"] == "s"}
    return [(starts[e["id"]], e["args"]["sent_cycle"], e["tid"],
             e["args"]["handled_cycle"]) for e in events if e["ph"] == "f"]


def draw(events):
    shootdown = next(e for e in events
                     if e["ph"] == "b" and e["id"] == str(SHOOTDOWN))
    first = shootdown["args"]["cycle"] - BEFORE
    last = (shootdown["args"]["cycle"] + shootdown["args"]["latency_cycles"] +
            AFTER)
    names = {e["tid"]: e["args"]["name"] for e in events
             if e["ph"] == "M" and e["name"] == "thread_name"}
    cpus = sorted(t for t in names if t % 100 == 0)
    shown = [s for s in slices(events)
             if s[0] in cpus and s[3] > first and s[2] < last]
    rows = {cpu: 1 + max((s[1] for s in shown if s[0] == cpu), default=0)
            for cpu in cpus}
    tops, y = {}, TOP
    for cpu in cpus:
        tops[cpu] = y
        y += rows[cpu] * ROW + GAP

    def x_of(cycle):
        cycle = min(max(cycle, first), last)
        return LEFT + (cycle - first) / (last - first) * WIDTH

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"'
             f' width="{LEFT + WIDTH + RIGHT}" height="{y + 6}">',
             f'<rect width="{LEFT + WIDTH + RIGHT}" height="{y + 6}" '
             'fill="white"/>',
             '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" '
             'markerWidth="7" markerHeight="7" orient="auto">'
             '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>']
    for cycles in range(0, last - first, 1000):
        x = x_of(first + cycles)
        unit = "" if cycles else " cycles"
        parts.append(f'<line x1="{x:.1f}" y1="30" x2="{x:.1f}" y2="{y}" '
                     'stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="22" font-size="11" '
                     f'text-anchor="middle">{cycles}{unit}</text>')
    for cpu in cpus:
        parts.append(f'<text x="4" y="{tops[cpu] + 13}" font-size="12">'
                     f'{names[cpu]}</text>')
    for cpu, depth, begin, end, category, name in shown:
        x, width = x_of(begin), max(x_of(end) - x_of(begin), 0.6)
        top = tops[cpu] + depth * ROW
        parts.append(f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" '
                     f'height="{ROW - 2}" fill="{COLOURS[category]}"/>')
        if width > 6.2 * len(name) + 4:
            parts.append(f'<text x="{x + 3:.1f}" y="{top + 11}" '
                         f'font-size="11">{escape(name)}</text>')
    for source, sent, target, handled in arrows(events):
        if first <= sent and handled <= last:
            parts.append(
                f'<line x1="{x_of(sent):.1f}" y1="{tops[source] + 3.5 * ROW}" '
                f'x2="{x_of(handled):.1f}" y2="{tops[target] + 1.5 * ROW}" '
                'stroke="black" marker-end="url(#head)"/>')
    return "\n".join(parts + ["</svg>"])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(draw(run(sys.argv[1])))


main()
