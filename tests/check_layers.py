#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rules of the source tree that no compiler checks.

usage: check_layers.py ROOT [LIBRARY.a]

Each broken rule is one line, FILE:LINE: what is wrong; the exit status is 1
if there is any. With the static library (built without sanitizers), symbols
are checked too: no mutable file-scope data, every global name has the prefix.
"""
import re
import subprocess
import sys
from pathlib import Path

LAYERS = ["core", "tlb", "coherence", "os", "machine"]
MAY_INCLUDE = {layer: set(LAYERS[:i + 1]) for i, layer in enumerate(LAYERS)}
MAY_INCLUDE["litmus"] = {"core", "tlb", "coherence", "litmus"}
MAY_INCLUDE["scenario"] = {"core", "tlb", "coherence", "scenario"}
MAY_INCLUDE["trace"] = {"core", "trace"}
MAY_INCLUDE["config"] = set(LAYERS) | {"config"}
MAY_INCLUDE["validate"] = {"core", "validate"}  # and the public headers
MAY_INCLUDE["cli"] = {"cli"}
MAY_INCLUDE["recorder"] = {"core", "trace", "recorder"}
NOT_THE_LIBRARY = {"cli", "recorder"}

# For programs that link nothing of ours.
STANDALONE_HEADERS = {"mark.h"}

PUBLIC_SYSTEM_HEADERS = {"stddef.h", "stdint.h", "stdbool.h"}
FORBIDDEN_CALLS = re.compile(
    r"\b(printf|vprintf|puts|putchar|perror|exit|_exit|_Exit|quick_exit|"
    r"abort|assert|getenv|secure_getenv|setenv|system)\s*\(|"
    r"\b(stdout|stderr)\b")
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60
HEADER_COMMENT_LINES_MAX = 25  # style asks for 15; this is the hard limit
FLAT_SWITCH_SHARE = 0.7  # of a function's lines: then the limit is waived

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                   re.S)


def without_noise(text):
    """The text with comments and literals blanked; lines stay where they are."""
    return NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        self.files = sorted(
            path for top in ("include", "src", "tests", "bench")
            for path in (self.root / top).rglob("*.[ch]"))
        self.text = {path: path.read_text() for path in self.files}

    def name(self, path):
        return path.relative_to(self.root).as_posix()

    def folder_in_src(self, path):
        parts = path.relative_to(self.root).parts
        return parts[1] if parts[0] == "src" and len(parts) > 2 else None

    def is_public(self, path):
        return path.relative_to(self.root).parts[0] == "include"

    def includes(self, path):
        for number, line in enumerate(self.text[path].splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1) == "<", match.group(2)


def includes_go_downwards(tree):
    for path in tree.files:
        folder = tree.folder_in_src(path)
        if folder is None:
            continue
        if folder not in MAY_INCLUDE:
            yield path, 1, f"src/{folder}/ is no layer known to this check"
            continue
        for number, is_system, target in tree.includes(path):
            top = target.split("/")[0]
            if is_system or top == "mmusim" or top in MAY_INCLUDE[folder]:
                continue
            if "/" not in target and (path.parent / target).exists():
                continue
            allowed = ", ".join(sorted(MAY_INCLUDE[folder]))
            yield (path, number, f'{folder} includes "{target}" '
                   f"(it may include mmusim and {allowed})")


def public_headers_are_plain(tree):
    for path in filter(tree.is_public, tree.files):
        for number, is_system, target in tree.includes(path):
            if is_system and target not in PUBLIC_SYSTEM_HEADERS:
                yield path, number, f"a public header includes <{target}>"
            if not is_system and not target.startswith("mmusim/"):
                yield path, number, f'a public header includes "{target}"'
        code = without_noise(tree.text[path])
        for match in re.finditer(r"\b(inline\b|bool\s+\w+\s*[,)])", code):
            if match.group(1) == "inline" and path.name in STANDALONE_HEADERS:
                continue
            what = ("contains inline code" if match.group(1) == "inline" else
                    "has a bool parameter (use an enum or two functions)")
            number = code.count("\n", 0, match.start()) + 1
            yield path, number, f"a public header {what}"


def names_are_unique(tree):
    """A public header may share its name with the module behind it."""
    seen = {}
    for path in tree.files:
        if tree.is_public(path):
            continue
        other = seen.setdefault(path.name, path)
        if other != path:
            yield path, 1, f"the name is taken by {tree.name(other)}"


def guards_follow_paths(tree):
    for path in tree.files:
        if path.suffix != ".h":
            continue
        parts = list(path.relative_to(tree.root).parts[1:])
        if tree.is_public(path):
            parts = parts[1:]
        words = re.sub(r"\W", "_", "_".join(parts)).upper()
        guards = {f"MMUSIM_{words}", f"MMUSIM_TESTS_{words}"}
        match = re.search(r"^#ifndef (\w+)$", tree.text[path], re.M)
        if not match or match.group(1) not in guards:
            yield (path, match and tree.text[path].count("\n", 0, match.start())
                   + 1 or 1, f"the include guard is not MMUSIM_{words}")


def files_begin_with_licence(tree):
    for path in tree.files:
        lines = tree.text[path].splitlines() or [""]
        if lines[0] != "/* SPDX-License-Identifier: MIT */":
            yield path, 1, "the first line is not the SPDX line"
        elif len(lines) > 1 and lines[1].startswith("/*"):
            end = next((i for i, line in enumerate(lines[1:], 2)
                        if "*/" in line), 0)
            if end > HEADER_COMMENT_LINES_MAX:
                yield path, 2, f"the file's header comment has {end} lines"


def library_keeps_to_itself(tree):
    for path in tree.files:
        folder = tree.folder_in_src(path)
        if folder is None or folder in NOT_THE_LIBRARY:
            continue
        lines = without_noise(tree.text[path]).splitlines()
        for number, line in enumerate(lines, 1):
            match = FORBIDDEN_CALLS.search(line)
            if match:
                word = match.group(1) or match.group(2)
                yield path, number, f"the library uses {word}"


def functions(text):
    """(first line, lines) of each function: its braces are in column 0."""
    begin = None
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
        elif line == "}" and begin:
            yield begin, lines[begin - 1:number]
            begin = None


def is_flat_switch(lines):
    for begin, line in enumerate(lines):
        if line.startswith("    switch ("):
            end = next((i for i in range(begin, len(lines))
                        if lines[i] == "    }"), begin)
            return end - begin >= FLAT_SWITCH_SHARE * len(lines)
    return False


def sizes_have_limits(tree):
    for path in tree.files:
        text = tree.text[path]
        n_lines = text.count("\n")
        if n_lines > FILE_LINES_MAX:
            yield path, n_lines, f"{n_lines} lines (limit {FILE_LINES_MAX})"
        for begin, lines in functions(text):
            if len(lines) > FUNCTION_LINES_MAX and not is_flat_switch(lines):
                yield (path, begin, f"a function of {len(lines)} lines "
                       f"(limit {FUNCTION_LINES_MAX})")


def run(*command):
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def library_has_no_mutable_data(library):
    member = ""
    for line in run("objdump", "-t", library).splitlines():
        if ":     file format" in line:
            member = line.split(":")[0]
        match = re.match(r"[0-9a-f]+ .{7} (\S+)\s+([0-9a-f]+)\s+(.*)", line)
        if not match or int(match.group(2), 16) == 0:
            continue
        section = match.group(1)
        if (re.match(r"\.(t?data|t?bss)\b|\*COM\*", section)
                and not section.startswith(".data.rel.ro")):
            name = match.group(3).replace(".hidden ", "")
            yield member, 0, f"mutable file-scope data: {name} in {section}"


def library_names_have_the_prefix(library):
    member = ""
    for line in run("nm", "-g", "--defined-only", library).splitlines():
        if line.endswith(":"):
            member = line[:-1]
        elif line and not re.match(r"\S+ \S mmusim_", line):
            yield member, 0, f"global name without prefix: {line.split()[-1]}"


TREE_RULES = [includes_go_downwards, public_headers_are_plain,
              names_are_unique, guards_follow_paths, files_begin_with_licence,
              library_keeps_to_itself, sizes_have_limits]
LIBRARY_RULES = [library_has_no_mutable_data, library_names_have_the_prefix]


def violations(root, library=None):
    tree = Tree(root)
    for rule in TREE_RULES:
        for path, number, text in rule(tree):
            yield f"{tree.name(path)}:{number}: {text}"
    for rule in LIBRARY_RULES if library else []:
        for member, number, text in rule(library):
            yield f"{member}:{number}: {text}"


def main(arguments):
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    found = list(violations(*arguments[1:]))
    print("\n".join(found) or "the tree keeps its rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
