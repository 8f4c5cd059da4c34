#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the site of the API and the pages with Doxygen: FOLDER/html/index.html.

    build-docs.py FOLDER

Every warning is an error, but for fields, types and macros without a comment of their
own: many are clear by name. Functions are not excused. Status 77: no Doxygen.
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

EXCUSED = re.compile(r"warning: (Compound \S+ is|Member .*\((variable|typedef|enumeration|"
                     r"enumvalue|macro definition)\) of .* is) not documented")
ROOT = Path(__file__).resolve().parent.parent


def version():
    header = (ROOT / "include/mmusim/mmusim.h").read_text()
    return ".".join(re.findall(r"#define MMUSIM_VERSION_[A-Z]+ (\d+)", header))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if not shutil.which("doxygen"):
        print("build-docs: doxygen is missing (apt-get install doxygen)")
        sys.exit(77)
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    config = (ROOT / "docs/Doxyfile").read_text() + (
        f'\nOUTPUT_DIRECTORY = "{folder}"\nPROJECT_NUMBER = {version()}\n')
    done = subprocess.run(["doxygen", "-"], input=config, text=True, cwd=ROOT,
                          stderr=subprocess.PIPE)
    wrong = [line for line in done.stderr.splitlines()
             if line.strip() and not EXCUSED.search(line)]
    for line in wrong:
        print(line.replace(f"{ROOT}/", ""), file=sys.stderr)
    if done.returncode or wrong:
        sys.exit(f"build-docs: {len(wrong)} warnings, which must be none")
    print(folder / "html" / "index.html")


main()
