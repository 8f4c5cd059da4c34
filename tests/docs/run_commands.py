#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every mmusim command that README.md and docs/ show.

    run_commands.py TOOL SOURCE_DIR [--slow] [PAGE...]

A command is a line of an indented or fenced block in which mmusim is called, with
the lines that a trailing backslash joins to it. Those of a page run in the page's
order in one folder, beside links to the tree's traces, scenarios and so on and
stand-ins for the files that pages speak of (STAND_INS). Each must end with status 0,
or 1 where it finds what it looks for (scenario, --check).

Not commands: synopses (with [ ] or ...). Before a block stand, where needed,

    <!-- not run: REASON -->   it needs what a test cannot have
    <!-- slow -->              only with --slow

Links between pages must lead somewhere, too.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CALL = re.compile(r"(^|[|;&] *)(mmusim|PYTHONPATH=\S+ python3) ")
NOTE = re.compile(r"<!-- (not run: .+|slow) -->")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
LINKED = ("configs", "scenarios", "tests", "traces", "python", "docs", "examples")
TIMEOUT_SECONDS = 240
MAY_FIND = re.compile(r"mmusim (scenario|litmus)|--check")

PROGRAM = """
#include <mmusim/mark.h>
#include <stdlib.h>
int main(void) {
    mmusim_mark("start");
    char *bytes = malloc(1 << 20);
    for (int i = 0; i < 1 << 20; i += 4096) bytes[i] = 1;
    mmusim_mark("end");
    free(bytes);
    return 0;
}
"""


def samples(folder, name):
    return folder / "tests" / "data" / "traces" / name


def stand_in_copy(name):
    return lambda folder, file: shutil.copy(samples(folder, name), file)


def stand_in_tool(*arguments):
    return lambda folder, file: subprocess.run(
        ["mmusim", *arguments, "-o", str(file)], check=True, cwd=folder,
        capture_output=True)


def stand_in_program(folder, file):
    subprocess.run([os.environ.get("CC", "cc"), "-O1", "-g", "-I",
                    str(SOURCE / "include"), "-x", "c", "-", "-o", str(file)],
                   input=PROGRAM, text=True, check=True)


def stand_in_drmemtrace(folder, file):
    subprocess.run([sys.executable, str(SOURCE / "tests/model/drmemtrace_writer.py"),
                    "1", "500", str(file)], check=True)


RECORD = ("record", "-q", "--lines")
STAND_INS = {
    "app.champsim.xz": stand_in_copy("loop.champsim.xz"),
    "600.perlbench_s-210B.champsimtrace.xz": stand_in_copy("loop.champsim.xz"),
    "app.lackey.gz": stand_in_copy("tiny_sort.lackey.gz"),
    "app.lackey": stand_in_copy("tiny_sort.lackey.gz"),
    "app.din": stand_in_copy("loop.din"),
    "app.ptrc.gz": stand_in_copy("loop.ptrc.gz"),
    "drmemtrace.app.1.dir": stand_in_drmemtrace,
    "my-own.log": lambda folder, file: file.write_text("R 7f00 8\nW 7f08 8\n"),
    "trace.txt": lambda folder, file: file.write_text(
        "1 mmap 0x10000 8192 rw-\n1 w 0x10000\n1 munmap 0x10000 8192\n"),
    "big.txt": lambda folder, file: file.write_text("b\na\n" * 2000),
    "kinds.tsv": lambda folder, file: shutil.copy(
        SOURCE / "tests/litmus/kinds.tsv", file),
    "some.litmus": lambda folder, file: shutil.copy(
        SOURCE / "tests/litmus/store-buffering.litmus", file),
    "program": stand_in_program,
    "marks": stand_in_program,
    "app": stand_in_program,
    "app.mmt": stand_in_tool("trace", "convert", "traces/sort.mmt", "--thread", "1"),
    "my.mmt": lambda folder, file: subprocess.run(
        ["mmusim", "record", "-q", "--lines", "-o", str(file), "--", "./program"],
        check=True, cwd=folder),
}


def blocks(text):
    """(first line number, notes before it, lines) of each block of code."""
    lines = text.splitlines()
    note, found, fenced, i = "", [], False, 0
    while i < len(lines):
        line = lines[i]
        match = NOTE.search(line)
        if match:
            note = match[1]
        elif line.startswith("```"):
            begin = i + 1
            i += 1
            while i < len(lines) and not lines[i].startswith("```"):
                i += 1
            found.append((begin + 1, note, lines[begin:i]))
            note = ""
        elif line.startswith("    ") and (i == 0 or not lines[i - 1].strip()):
            begin = i
            while i < len(lines) and (lines[i].startswith("    ") or
                                      not lines[i].strip()):
                i += 1
            found.append((begin + 1, note, [text[4:] for text in lines[begin:i]]))
            note = ""
            continue
        elif line.strip():
            note = ""
        i += 1
    return found


def commands(text):
    """(line number, note, command) of a page."""
    for number, note, lines in blocks(text):
        i = 0
        while i < len(lines):
            first, command = i, lines[i]
            while command.endswith("\\") and i + 1 < len(lines):
                i += 1
                command = command[:-1] + lines[i].strip()
            i += 1
            bare = re.sub(r"\s+#\s.*$", "", command)
            if CALL.search(bare) and not re.search(r"\[-|\.\.\.|\bSOURCE\b", bare):
                yield number + first, note, bare


def prepare(folder):
    for name in LINKED:
        (folder / name).symlink_to(SOURCE / name)


def stand_ins(folder, command):
    """The files a command names and the folder lacks."""
    wanted = []
    for name in STAND_INS:
        pattern = name.replace(".1.dir", "")
        if re.search(r"(^|[\s/=])" + re.escape(pattern), command) and not re.search(
                r"(-o|--to \S+ -o) \S*" + re.escape(pattern), command):
            wanted.append(name)
    if "my.mmt" in wanted:
        wanted.insert(0, "program")
    for name in wanted:
        if not (folder / name).exists():
            STAND_INS[name](folder, folder / name)


def has_recorder():
    return bool(shutil.which("qemu-x86_64")) and (
        TOOL.parent / "mmusim-recorder.so").exists()


def run(folder, command):
    """None, or what went wrong."""
    try:
        stand_ins(folder, command)
        done = subprocess.run(["bash", "-c", "set -o pipefail; " + command],
                              cwd=folder, text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return f"takes more than {TIMEOUT_SECONDS} s"
    except subprocess.CalledProcessError as error:
        return f"a stand-in cannot be made: {error} {error.stderr or ''}"
    if done.returncode == 0 or (done.returncode == 1 and MAY_FIND.search(command)):
        return None
    return f"status {done.returncode}: {done.stderr.strip()[-400:]}"


def check_links(page, text):
    """Links that lead nowhere."""
    for match in LINK.finditer(text):
        target = match[1]
        if "://" not in target and not target.startswith("mailto:"):
            if not (page.parent / target).exists():
                yield f"{page.relative_to(SOURCE)}: no {target}"


def check_page(page, with_slow, counts):
    failures = []
    text = page.read_text()
    failures += check_links(page, text)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for number, note, command in commands(text):
            place = f"{page.relative_to(SOURCE)}:{number}"
            needs_qemu = re.search(r"mmusim (record|run)\b|my\.mmt", command)
            if note.startswith("not run") or (note == "slow" and not with_slow) or (
                    needs_qemu and not has_recorder()):
                counts["left out"] += 1
                continue
            begun = time.monotonic()
            wrong = run(folder, command)
            counts["run"] += 1
            print(f"{time.monotonic() - begun:6.1f} s  {place}  {command}", flush=True)
            if wrong:
                failures.append(f"{place}: {command}\n    {wrong}")
    return failures


def main():
    arguments = [word for word in sys.argv[3:] if word != "--slow"]
    pages = [Path(word).resolve() for word in arguments] or [
        SOURCE / "README.md", *sorted((SOURCE / "docs").rglob("*.md"))]
    counts = {"run": 0, "left out": 0}
    failures = []
    for page in pages:
        failures += check_page(page, "--slow" in sys.argv, counts)
    if not arguments:
        for page in sorted(SOURCE.glob("*.md")):
            failures += check_links(page, page.read_text())
    print(f"{counts['run']} commands run, {counts['left out']} left out")
    for failure in failures:
        print("FAILED:", failure)
    sys.exit(bool(failures) or not counts["run"])


if len(sys.argv) < 3:
    sys.exit(__doc__)
TOOL = Path(sys.argv[1]).resolve()
SOURCE = Path(sys.argv[2]).resolve()
os.environ["PATH"] = f"{TOOL.parent}:{os.environ['PATH']}"
os.environ["MMUSIM_DATADIR"] = str(SOURCE)
os.environ.setdefault("MMUSIM_LIBRARY", str(TOOL.parent / "libmmusim.so"))
main()
