#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws docs/context-switches.svg: what address-space numbers keep in the TLBs
while processes take turns on a CPU.

    context-switch-figure.py MMUSIM >docs/context-switches.svg

Each point is a row of `mmusim sweep` over workload:context-switch: the loads
that no TLB held, of all loads after the first round.
"""
import csv
import io
import subprocess
import sys

PROCESSES = [2, 4, 6, 8]
PAGES = [16, 32, 64, 128, 192, 256, 384, 512, 768, 1024]
ROUNDS = 8
LINES = [  # name, colour, dashes, machine, keys that are swept
    ("x86, 1536 entries, no PCIDs (linux-4.6)", "#b03030", "",
     "skylake-sp", {"os.protocol": "linux-4.6", "tlb.l2.0.entries": "1536"}),
    ("x86, 768 entries, PCIDs (linux-4.20)", "#3060b0", "6 4",
     "skylake-sp", {"os.protocol": "linux-4.20", "tlb.l2.0.entries": "768"}),
    ("x86, 1536 entries, PCIDs (linux-4.20)", "#3060b0", "",
     "skylake-sp", {"os.protocol": "linux-4.20", "tlb.l2.0.entries": "1536"}),
    ("Arm, 1280 entries, ASIDs (linux-arm64-6.8)", "#308040", "",
     "neoverse-n1", {"os.protocol": "linux-arm64-6.8"}),
]
PANEL, GAP, LEFT, TOP, LEGEND = 190, 26, 60, 34, 110


def sweep(tool, machine, keys, processes, pages):
    """Misses of a load after the first round, by the values of the keys."""
    command = [tool, "sweep", "-q", "-j", "2", "-m", machine,
               "-s", "topology.cores_per_socket=1", "--format", "csv"]
    for key, values in keys.items():
        command += ["-p", f"{key}={','.join(values)}"]
    command.append(f"workload:context-switch,processes={processes},"
                   f"pages={pages},rounds={ROUNDS}")
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    loads = processes * pages * ROUNDS
    return {tuple(row[key] for key in keys):
            (int(row["llt.misses"]) - int(row["miss.cold"])) / loads
            for row in csv.DictReader(io.StringIO(out))}


def points(tool):
    """(line, processes, pages) -> misses of a load."""
    found = {}
    for machine in dict.fromkeys(line[3] for line in LINES):
        mine = [line for line in LINES if line[3] == machine]
        keys = {key: list(dict.fromkeys(line[4][key] for line in mine))
                for key in mine[0][4]}
        for processes in PROCESSES:
            for pages in PAGES:
                rows = sweep(tool, machine, keys, processes, pages)
                for line in mine:
                    found[line[0], processes, pages] = \
                        rows[tuple(line[4][key] for key in keys)]
    return found


def text(x, y, words, anchor="middle", size=12):
    return (f'<text x="{x}" y="{y}" font-size="{size}" '
            f'text-anchor="{anchor}">{words}</text>')


def panel(index, processes, found):
    left = LEFT + index * (PANEL + GAP)
    low, high = PAGES[0].bit_length(), PAGES[-1].bit_length()

    def at(pages, misses):
        import math
        x = (math.log2(pages) - low + 1) / (high - low) * PANEL
        return f"{left + x:.1f},{TOP + PANEL * (1 - misses):.1f}"

    parts = [f'<rect x="{left}" y="{TOP}" width="{PANEL}" height="{PANEL}" '
             'fill="none" stroke="#888"/>',
             text(left + PANEL / 2, TOP - 10, f"{processes} processes", size=13)]
    for pages in (16, 64, 256, 1024):
        x = at(pages, 0).split(",")[0]
        parts.append(f'<line x1="{x}" y1="{TOP + PANEL}" x2="{x}" '
                     f'y2="{TOP + PANEL + 4}" stroke="#888"/>')
        parts.append(text(x, TOP + PANEL + 18, pages, size=11))
    for name, colour, dashes, _, _ in LINES:
        path = " ".join(at(pages, found[name, processes, pages])
                        for pages in PAGES)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                     f'stroke-width="2" stroke-dasharray="{dashes or "none"}"/>')
    return parts


def draw(found):
    width = LEFT + len(PROCESSES) * (PANEL + GAP)
    height = TOP + PANEL + LEGEND
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
             f'height="{height}" font-family="sans-serif">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for share in (0, 0.5, 1):
        y = TOP + PANEL * (1 - share)
        parts.append(text(LEFT - 8, y + 4, f"{share:.0%}", "end", 11))
    parts.append(f'<text transform="translate(14 {TOP + PANEL / 2}) rotate(-90)"'
                 ' font-size="12" text-anchor="middle">loads that miss every '
                 'TLB</text>')
    for index, processes in enumerate(PROCESSES):
        parts += panel(index, processes, found)
    parts.append(text(LEFT + (width - LEFT) / 2, TOP + PANEL + 36,
                      "pages that each process loads in a turn"))
    for i, (name, colour, dashes, _, _) in enumerate(LINES):
        x, y = LEFT + i % 2 * 400, TOP + PANEL + 62 + i // 2 * 22
        parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 30}" y2="{y}" stroke="'
                     f'{colour}" stroke-width="2" stroke-dasharray="'
                     f'{dashes or "none"}"/>')
        parts.append(text(x + 38, y + 4, name, "start"))
    return "\n".join(parts + ["</svg>"])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(draw(points(sys.argv[1])))


main()
