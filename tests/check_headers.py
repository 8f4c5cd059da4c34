#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every header compiles alone, first and twice: the internal ones as C11,
the public ones as C11 and as C++.

usage: CC=compiler check_headers.py ROOT
"""
import os
import subprocess
import sys
from pathlib import Path

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion",
            "-Wsign-conversion", "-Werror", "-fsyntax-only"]
C = ["-x", "c", "-std=c11", "-D_DEFAULT_SOURCE", "-Wstrict-prototypes"]
CXX = ["-x", "c++", "-std=c++11"]


def complaint(root, header, language):
    """What the compiler says about a file that includes header only."""
    code = f'#include "{header}"\n' * 2 + "extern int mmusim_only_header;\n"
    result = subprocess.run(
        [os.environ.get("CC", "cc"), *language, *WARNINGS,
         f"-I{root}/include", f"-I{root}/src", f"-I{root}/tests", "-"],
        input=code, text=True, stderr=subprocess.PIPE)
    return result.stderr if result.returncode else ""


def main(root):
    jobs = []
    for top, languages in (("include", (C, CXX)), ("src", (C,)),
                           ("tests", (C,))):
        for path in sorted((root / top).rglob("*.h")):
            name = path.relative_to(root / top).as_posix()
            jobs += [(name, language) for language in languages]
    n_wrong = 0
    for name, language in jobs:
        text = complaint(root, name, language)
        if text:
            n_wrong += 1
            print(f"{name} does not compile alone as {language[1]}:\n{text}")
    print(f"{len(jobs)} compilations, {n_wrong} failed")
    return 1 if n_wrong or not jobs else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]).resolve()))
