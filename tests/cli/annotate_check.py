#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `mmusim annotate` says, against what binutils and `replay` say.

usage: annotate_check.py laws MMUSIM ARGS...      sums equal statistics
       annotate_check.py trace ELF SEED           a text trace: code all over ELF
       annotate_check.py places ELF TRACE JSON    places equal addr2line's
       annotate_check.py first JSON VIEW TEXT...  TEXTs are in the first row
       annotate_check.py damage FILE SEED         changes some bytes of FILE
"""
import json
import random
import re
import subprocess
import sys

BASE = 0x5000000000
N_PLACES = 150


def output_of(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def laws(mmusim, *arguments):
    annotated, replayed = (json.loads(output_of(
        mmusim, command, "-q", "--format", "json", *arguments))
        for command in ("annotate", "replay"))
    stats, totals = replayed["stats"], annotated["totals"]
    expected = {
        "misses": stats["llt.misses"],
        "fetch_misses": None,
        "walks": stats["walker.walks"],
        "walk_cycles": stats["walker.cycles"],
        "faults": sum(value for name, value in stats.items()
                      if name.startswith("faults.")),
        "flush_cycles": stats["cycles.flush_local"],
        "shootdowns": stats["shootdown.completed"],
        "shootdown_wait": stats["cycles.ipi_send"] + stats["cycles.ipi_wait"],
    }
    wrong = [f"{name}: {totals[name]}, statistics say {value}"
             for name, value in expected.items()
             if value is not None and totals[name] != value]
    for view in ("mapping", "function", "line", "site", "thread"):
        for name, total in totals.items():
            rows = sum(row["counts"][name] for row in annotated["by_" + view])
            if rows != total:
                wrong.append(f"by {view}: {name} sum to {rows}, not {total}")
    return wrong


def segments(elf):
    """(offset, vaddr, size, flags) of each PT_LOAD, as readelf says."""
    found = []
    for line in output_of("readelf", "-lW", elf).splitlines():
        match = re.match(r"\s+LOAD\s+(0x\w+) (0x\w+) 0x\w+ (0x\w+) 0x\w+ "
                         r"([R ][W ][E ])", line)
        if match:
            offset, vaddr, size = (int(x, 16) for x in match.groups()[:3])
            found.append((offset, vaddr, size, match.group(4)))
    return found


def trace(elf, seed):
    """One byte of code at each of many places, and a miss of its own there."""
    chosen = random.Random(int(seed))
    kind = re.search(r"Type:\s+(\w+)", output_of("readelf", "-hW", elf)).group(1)
    bias = BASE if kind == "DYN" else 0
    code = []  # not the padding between functions, which nobody executes
    for line in output_of("nm", "-S", "--defined-only", elf).splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tTwW":
            start, size = int(words[0], 16), int(words[1], 16)
            code += range(start, start + size)
    for offset, vaddr, size, flags in segments(elf):
        start = vaddr & ~4095
        prot = "".join(c if c.lower() in flags.lower().replace("e", "x")
                       else "-" for c in "rwx")
        print(f"1 image {bias + start:#x} {vaddr - start + size} {prot} "
              f"file:{elf}@{offset - vaddr + start}")
    code = sorted(set(code))
    for i, vaddr in enumerate(chosen.sample(code, min(N_PLACES, len(code)))):
        print(f"1 i {bias + vaddr:#x} 1 1\n1 r {0x10000000000 + (i << 21):#x}")


def places(elf, trace_text, annotated):
    """Each place of the trace: function and line, innermost first."""
    bias = BASE if any(f"image {BASE:#x}" in line for line in
                       open(trace_text)) else 0
    vaddrs = [int(line.split()[2], 16) - bias for line in open(trace_text)
              if line.split()[1] == "i"]
    by_offset, by_line = {}, set()
    for row in json.load(open(annotated))["by_line"]:
        by_offset[row["offset"]] = row
        by_line.add((row["function"], row["source"], row["line"]))
    wrong, n_known = [], 0
    told = output_of("addr2line", "-fCe", elf, *map(hex, vaddrs)).splitlines()
    for vaddr, function, place in zip(vaddrs, told[::2], told[1::2]):
        source, _, line = re.sub(r" \(discriminator.*", "", place).rpartition(":")
        line = int(line) if line.isdigit() else 0
        if function == "??" or not line:
            continue  # only the symbol table, or nothing: see the test
        n_known += 1
        # addr2line leaves the arguments out where it reads DWARF alone
        if not any(name.split("(")[0] == function.split("(")[0] and
                   where.split("/")[-1] == source.split("/")[-1] and at == line
                   for name, where, at in by_line if where):
            wrong.append(f"{vaddr:#x}: addr2line says {function} {place}")
    if n_known < 20:
        wrong.append(f"only {n_known} places are known to addr2line")
    return wrong


def first(annotated, view, *texts):
    rows = json.load(open(annotated))["by_" + view]
    row = json.dumps(rows[0]) if rows else "nothing"
    return [f"{text} is not in the first row by {view}: {row}"
            for text in texts if text not in row]


def damage(path, seed):
    chosen = random.Random(int(seed))
    data = bytearray(open(path, "rb").read())
    for _ in range(chosen.choice((1, 4, 40))):
        # the headers are short and matter most
        end = len(data) if chosen.random() < 0.7 else 1024
        data[chosen.randrange(end)] = chosen.choice(
            (0, 0xff, 0x80, chosen.randrange(256)))
    if chosen.random() < 0.2:
        del data[chosen.randrange(len(data)):]
    with open(path, "wb") as file:
        file.write(data)


def main(what, *arguments):
    wrong = {"laws": laws, "trace": trace, "places": places, "first": first,
             "damage": damage}[what](*arguments)
    for line in wrong or ():
        print(line[:240])
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
