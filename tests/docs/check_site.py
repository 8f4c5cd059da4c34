#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The site of docs/Doxyfile is built without a warning and has every page, picture
and public function; a function without a comment is refused.

    check_site.py SOURCE_DIR
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COPIED = ("include", "docs", "scripts", "traces/README.md", "README.md",
          "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")


def build(tree, folder):
    return subprocess.run([sys.executable, tree / "scripts/build-docs.py", folder],
                          capture_output=True, text=True)


def check_whole(source, folder):
    done = build(source, folder)
    if done.returncode == 77:
        print(done.stdout.strip())
        sys.exit(77)
    if done.returncode:
        return [done.stderr]
    site = {path.name: path.read_text(errors="replace")
            for path in (folder / "html").glob("*.html")}
    failures = []
    titles = "".join(site.values())
    for page in (source / "docs").rglob("*.md"):
        name = "_".join(("md_docs", *page.relative_to(source / "docs").parts))
        name = name[:-3].replace("-", "_").replace(".", "_") + ".html"
        if page != source / "docs/README.md" and name not in site:
            failures.append(f"no page for {page.name} ({name})")
    for name in set(re.findall(r'href="([^"]*\.md[^"]*)"', titles)):
        failures.append(f"a link leads to {name}, which is no page of the site")
    for name in set(re.findall(r'(?:<img src|<object [^>]*data)="([^":]+)"', titles)):
        if not (folder / "html" / name).exists():
            failures.append(f"no picture {name}")
    for header in (source / "include/mmusim").glob("*.h"):
        for name in re.findall(r"MMUSIM_API[^(;]*?(mmusim_\w+)\(", header.read_text()):
            if f">{name}<" not in titles:
                failures.append(f"{header.name}: {name} is not in the site")
    return failures


def check_undocumented(source, folder):
    tree = folder / "tree"
    for name in COPIED:
        copy = shutil.copytree if (source / name).is_dir() else shutil.copy
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        copy(source / name, tree / name)
    header = tree / "include/mmusim/litmus.h"
    text, count = re.subn(r"\n#ifdef __cplusplus\n}",
                          r"\n\nMMUSIM_API void mmusim_bare(int a);\n\g<0>",
                          header.read_text())
    header.write_text(text)
    done = build(tree, folder / "bare")
    if count != 1 or not done.returncode or "mmusim_bare" not in done.stderr:
        return ["a function without a comment is not refused", done.stderr]
    return []


def main():
    source = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        failures = check_whole(source, folder / "site")
        failures += check_undocumented(source, folder)
    for failure in failures:
        print("FAILED:", failure)
    sys.exit(bool(failures))


main()
