#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every pitfall of other simulators has a test.

usage: check_pitfalls.py ROOT

The list is here; docs/conformance.md says which tests; each of those must be
in the list of tests that a program under tests/ runs. Each thing that is
missing is one line; the exit status is 1 if there is any.
"""
import re
import sys
from pathlib import Path

PITFALLS = ([f"G{i}" for i in range(1, 16)] + [f"V{i}" for i in range(1, 11)] +
            [f"S{i}" for i in range(1, 6)] +
            [f"TLBSim-{i}" for i in range(1, 5)] + ["HSCC-1", "HSCC-2"] +
            ["Flexus", "QEMU", "XiangShan", "Spike"] +
            [f"Lesson-{i}" for i in range(1, 9)])
ROW = re.compile(r"^\| (\S+) [^|]*\| ([^|]*) \|$", re.M)


def tests_of(root):
    """Words in the lists of tests that programs run."""
    names = set()
    for source in sorted((root / "tests").rglob("test_*.c")):
        text = source.read_text(encoding="utf-8")
        begin = text.find("struct CMUnitTest")
        names.update(re.findall(r"\w+", text[begin:]) if begin >= 0 else [])
    return names


def missing(root):
    page = (root / "docs" / "conformance.md").read_text(encoding="utf-8")
    table = dict(ROW.findall(page[page.index("## Pitfalls"):]))
    known = tests_of(root)
    for pitfall in PITFALLS:
        names = re.findall(r"\w+", table.get(pitfall, ""))
        if not names:
            yield f"docs/conformance.md: {pitfall} has no test"
        for name in names:
            if name not in known:
                yield f"docs/conformance.md: {pitfall}: no test {name}"


def main():
    lines = list(missing(Path(sys.argv[1])))
    print("\n".join(lines) or f"{len(PITFALLS)} pitfalls have tests")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
