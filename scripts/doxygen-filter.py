#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints a public header, or a page, as Doxygen should read it.

    doxygen-filter.py FILE.h|FILE.md

Headers have plain comments. One before a declaration becomes its documentation, one
behind a field or a value that of what stands before it, the first one the file's.
Declarations that follow each other without a blank line share the comment above
them. In pages, links to what is not in the site become their text,
and pictures lose their folders.
"""
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
SPDX = "/* SPDX-License-Identifier: MIT */"
NAME = re.compile(r"^MMUSIM_API[^(]*?(\w+)\(|^typedef [^;{]*\(\*(\w+)\)\(", re.M)
FAULT = re.compile(r"#(?=(?:PF|GP|UD)\b)")  # else a link to a symbol PF
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
PICTURE = re.compile(r"(!\[[^\]]*\]\()[^)\s]*?([^/)\s]+)\)")
IN_SITE = re.compile(r"^https?:|\.md(#|$)|\.svg$|\.png$|\.h$|^#")


def documented(comment, mark):
    """A plain comment with the mark of Doxygen; others as they are."""
    if comment.startswith("/**"):
        return comment
    # <x> would be HTML, and @ or \ a command
    return mark + re.sub(r"([<>@\\])", r"\\\1", comment[2:])


def convert(text):
    """Marks each comment by where it stands."""
    text = text.replace(SPDX, "", 1)
    seen_file = "@file" in text

    def replace(match):
        nonlocal seen_file
        before = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
        if before.lstrip().startswith("#"):
            return match[0]
        if before.strip():
            return documented(match[0], "/**<")
        if not seen_file:
            seen_file = True
            return documented(match[0], "/** @file\n")
        if text[match.end():].startswith("\n\n"):  # on what follows in general
            return match[0]
        return documented(match[0], "/**")

    return COMMENT.sub(replace, text)


def share(text):
    """Gives further declarations below a comment that comment, and says whose."""
    out, comment, owner = [], "", ""
    text = COMMENT.sub(lambda m: m[0].replace(";\n", ";\0\n"), text)  # one block
    for block in re.split(r"(?<=;\n)|(?<=\*/\n)|(?<=\n)(?=\n)", text):
        name = NAME.search(block)
        if "/**" in block and block.rstrip().endswith("*/"):
            comment, owner = block[block.rindex("/**"):], ""
        elif not block.strip() or block.startswith("\n"):
            comment = ""
        elif name and comment and not owner:
            owner = f"{name[1]}()" if name[1] else name[2]
        elif name and comment:
            out.append(comment.replace("/**", f"/** With {owner}:", 1))
        out.append(block)
    return "".join(out).replace("\0", "")


def page(text):
    text = PICTURE.sub(r"\1\2)", text)  # IMAGE_PATH finds them
    text = re.sub(r"(\]\([^)\s]*\.md)#[^)\s]*\)", r"\1)", text)  # ids of its own
    return LINK.sub(lambda m: m[0] if IN_SITE.search(m[2]) else m[1], text)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    text = page(text) if sys.argv[1].endswith(".md") else share(convert(text))
    print(FAULT.sub(r"\\#", text), end="")


main()
