#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that each rule of check_layers.py can fail: a tree with one fault
at a time, and what must be said about it."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import check_layers  # noqa: E402

SPDX = "/* SPDX-License-Identifier: MIT */\n"


def header(guard, body=""):
    return f"{SPDX}#ifndef {guard}\n#define {guard}\n{body}#endif\n"


SOUND = {
    "include/mmusim/status.h": header("MMUSIM_STATUS_H",
                                      "#include <stdint.h>\n"),
    "src/core/ring.h": header("MMUSIM_CORE_RING_H",
                              '#include "mmusim/status.h"\n'),
    "src/tlb/walk.c": SPDX + '#include "core/ring.h"\n#include <stdio.h>\n'
                             '/* exit() and abort() in a comment */\n'
                             'const char *mmusim__walk_name(void)\n{\n'
                             '    return "printf(stdout)";\n}\n',
    "src/cli/main.c": SPDX + '#include "mmusim/status.h"\n'
                             'int main(void)\n{\n    exit(0);\n}\n',
}

LONG = "int f(int a)\n{\n" + "    a++;\n" * 70 + "    return a;\n}\n"
LONG_SWITCH = ("int f(int a)\n{\n    switch (a) {\n"
               + "    case 1:\n" * 70 + "    }\n}\n")

# what is added or replaced; what must be reported ("" = nothing)
FAULTS = [
    ({}, ""),
    ({"src/core/up.c": SPDX + '#include "tlb/tlb_array.h"\n'},
     'src/core/up.c:2: core includes "tlb/tlb_array.h"'),
    ({"src/trace/up.c": SPDX + '#include "machine/machine.h"\n'},
     "src/trace/up.c:2: trace includes"),
    ({"src/cli/up.c": SPDX + '#include "core/ring.h"\n'},
     "src/cli/up.c:2: cli includes"),
    ({"src/misc/up.c": SPDX}, "src/misc/ is no layer"),
    ({"include/mmusim/a.h": header("MMUSIM_A_H", "#include <stdio.h>\n")},
     "include/mmusim/a.h:4: a public header includes <stdio.h>"),
    ({"include/mmusim/a.h": header("MMUSIM_A_H", "void f(bool on);\n")},
     "include/mmusim/a.h:4: a public header has a bool parameter"),
    ({"include/mmusim/a.h": header("MMUSIM_A_H", "static inline int f();\n")},
     "include/mmusim/a.h:4: a public header contains inline code"),
    ({"src/os/walk.c": SPDX}, "the name is taken by src/os/walk.c"),
    ({"src/os/b.h": header("OS_B_H")}, "guard is not MMUSIM_OS_B_H"),
    ({"src/os/b.c": "int x;\n"}, "src/os/b.c:1: the first line is not the"),
    ({"src/os/b.c": SPDX + "/*\n" + " * x\n" * 30 + " */\n"},
     "src/os/b.c:2: the file's header comment has"),
    ({"src/os/b.c": SPDX + "void f(void)\n{\n    exit(1);\n}\n"},
     "src/os/b.c:4: the library uses exit"),
    ({"src/os/b.c": SPDX + "void f(void)\n{\n    fputs(x, stderr);\n}\n"},
     "src/os/b.c:4: the library uses stderr"),
    ({"src/os/b.c": SPDX + "int x;\n" * 601},
     "src/os/b.c:602: 602 lines (limit 600)"),
    ({"tests/unit/test_b.c": SPDX + LONG},
     "tests/unit/test_b.c:3: a function of 73 lines"),
    ({"src/os/b.c": SPDX + LONG_SWITCH}, ""),
]

SYMBOLS = [
    ("int mmusim__sound(void);\nint mmusim__sound(void) { return 1; }\n"
     "extern const char *const mmusim__names[];\n"
     'const char *const mmusim__names[] = {"a", "b"};\n', ""),
    ("static int count;\nint mmusim__count(void) { return ++count; }\n",
     "mutable file-scope data: count in .bss"),
    ("int mmusim__level = 3;\n", "mutable file-scope data: mmusim__level"),
    ("_Thread_local int mmusim__slot;\n", "mmusim__slot in .tbss"),
    ("int helper(void) { return 1; }\n", "global name without prefix: helper"),
]


def write(root, files):
    for name, text in files.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def library_of(root, code):
    write(root, {"member.c": code})
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-fPIC", "-c", "member.c"], cwd=root, check=True)
    subprocess.run(["ar", "rc", "lib.a", "member.o"], cwd=root, check=True)
    return str(Path(root) / "lib.a")


def wrong(found, expected):
    """What is wrong with the list of findings, or None."""
    if expected == "":
        return f"unexpected: {found}" if found else None
    if len(found) != 1 or expected not in found[0]:
        return f"wanted [{expected}], got {found}"
    return None


def main():
    n_wrong = 0
    cases = [(files, None, expected) for files, expected in FAULTS]
    cases += [({}, code, expected) for code, expected in SYMBOLS]
    for files, code, expected in cases:
        with tempfile.TemporaryDirectory() as root:
            write(root, SOUND | files)
            library = library_of(root, code) if code else None
            problem = wrong(list(check_layers.violations(root, library)),
                            expected)
            if problem:
                n_wrong += 1
                print(f"{expected or 'sound tree'}: {problem}")
    print(f"{len(cases)} cases, {n_wrong} wrong")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
