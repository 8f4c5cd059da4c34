#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the table of docs/machines.md from the machines as `config show`
tells of them.

    machines-table.py MMUSIM            prints the table
    machines-table.py MMUSIM FILE       status 1 unless FILE has it
"""
import re
import subprocess
import sys

LEVELS = "l1i l1d l1s l2 l2i l2d".split()
HEAD = ["machine", "isa", *LEVELS, "L2 hit", "sourced", "guess"]


def ask(tool, *args):
    return subprocess.run([tool, "config", *args], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def machine_names(tool):
    return [line.split()[0] for line in ask(tool, "list").splitlines()
            if re.match(r"[a-z0-9]", line)]


def provenance(tool, name):
    """How many of its own numbers have a source, are a guess."""
    sourced = guess = 0
    for line in ask(tool, "show", name).splitlines():
        match = re.match(r"([a-z0-9_.]+) +(\[.*?\]|\S+) +(.*)$", line)
        if not match or match[1] in ("name", "extends"):
            continue
        if match[3].endswith("(default)"):
            continue
        if re.search(r"(^|  )guess\b", match[3]):
            guess += 1
        else:
            sourced += 1
    return sourced, guess


def own_numbers(tool, name):
    """The generic machine names every key there is."""
    if name == "generic":
        return ["all", "all"]
    return map(str, provenance(tool, name))


def show(tool, name):
    return {m[1]: m[2] for m in
            (re.match(r"([a-z0-9_.]+) +(\[.*?\]|\S+)", line)
             for line in ask(tool, "show", name).splitlines()) if m}


def arrays(values, level):
    text = []
    for i in range(4):
        key = f"tlb.{level}.{i}"
        if f"{key}.entries" not in values:
            break
        entries, ways = values[f"{key}.entries"], values[f"{key}.ways"]
        ways = "FA" if ways in ("full", entries) else ways + "w"
        text.append(f"{entries} {ways} " +
                    values[f"{key}.page_sizes"].strip("[]").replace(", ", "/"))
    return "; ".join(text) or "-"


def hit_cycles(values):
    for level in "l2", "l2d":
        if f"tlb.{level}.0.hit_cycles" in values:
            return "+" + values[f"tlb.{level}.0.hit_cycles"]
    return "-"


def table(tool):
    rows = [HEAD, ["---"] * len(HEAD)]
    for name in machine_names(tool):
        values = show(tool, name)
        rows.append([name, values["isa"],
                     *(arrays(values, level) for level in LEVELS),
                     hit_cycles(values), *own_numbers(tool, name)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main():
    text = table(sys.argv[1])
    if len(sys.argv) < 3:
        sys.stdout.write(text)
        return 0
    with open(sys.argv[2], encoding="utf-8") as page:
        return 0 if text in page.read() else 1


if __name__ == "__main__":
    sys.exit(main())
