#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the conservation laws of mmusim's statistics in a JSON report.

    statistics_laws.py REPORT      status 1 and one line for each broken law
"""
import json
import re
import sys

BUCKETS = ("base memory l1_tlb l2_tlb l3_tlb walk fault kernel lock "
           "flush_local ipi_send ipi_wait ipi_handler switch idle order").split()
CAUSES = "cold capacity full_flush page_flush switch asid other".split()


def core_laws(stats, core):
    """Yields (law, left side, right side) of one CPU."""
    def at(name):
        return stats[f"{core}.{name}"]

    yield "cycles = sim.cycles", at("cycles"), stats["sim.cycles"]
    yield ("buckets = cycles", sum(at(f"cycles.{b}") for b in BUCKETS),
           at("cycles"))
    yield ("causes = llt.misses", sum(at(f"miss.{c}") for c in CAUSES),
           at("llt.misses"))
    yield ("demands = walks + merged",
           at("llt.misses") + at("walker.dirty_walks") +
           at("walker.prefetches") + at("walker.replays"),
           at("walker.walks") + at("walker.merged"))
    for tlb in "l1i l1d l1s l2 l2i l2d l3".split():
        if f"{core}.{tlb}.accesses" not in stats:
            continue  # a level that the machine has not
        yield (f"{tlb}: hits + misses = accesses",
               at(f"{tlb}.hits") + at(f"{tlb}.misses"), at(f"{tlb}.accesses"))


def laws(stats):
    cores = sorted({n.split(".")[0] for n in stats if re.match(r"core\d", n)})
    for core in cores:
        for law, left, right in core_laws(stats, core):
            yield f"{core}: {law}", left, right
    for name in (n[6:] for n in stats if n.startswith("core0.")):
        if name == "cycles":
            continue
        total = sum(stats[f"{core}.{name}"] for core in cores)
        whole = name if name in stats else f"sim.{name}"
        yield f"{whole} = sum over CPUs", stats[whole], total
    yield ("shootdown.count = completed", stats["shootdown.count"],
           stats["shootdown.completed"])
    yield "accesses happened", stats["sim.accesses"] > 0, True


def main():
    with open(sys.argv[1], encoding="utf-8") as report:
        stats = json.load(report)["stats"]
    broken = [law for law in laws(stats) if law[1] != law[2]]
    for law, left, right in broken:
        print(f"{law}: {left} is not {right}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
