#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""LRU misses of a text trace, by stack distance (Mattson et al. 1970).

    stack_distance.py ENTRIES... < TEXT_TRACE

Prints "ENTRIES MISSES TRANSLATIONS" for each size: a look-up of a page misses
in a fully associative LRU cache of E entries when at least E other pages
were looked up since its last use, or it has no last use. Loads and stores
only; one that crosses a 4 KiB boundary is two look-ups. Written from that
definition; knows nothing of mmusim but the text format.
"""
import sys


def pages(stream):
    for line in stream:
        words = line.split()
        if words[1] in ("r", "w"):
            first = int(words[2], 0)
            last = first + (int(words[3], 0) if len(words) > 3 else 1) - 1
            yield from range(first >> 12, (last >> 12) + 1)


def main():
    sizes = [int(word) for word in sys.argv[1:]]
    misses = {size: 0 for size in sizes}
    stack = []  # most recently used last
    total = 0
    for page in pages(sys.stdin):
        total += 1
        if stack and stack[-1] == page:
            continue
        distance = None
        if page in stack:
            distance = len(stack) - 1 - stack.index(page)
            stack.remove(page)
        stack.append(page)
        for size in sizes:
            if distance is None or distance >= size:
                misses[size] += 1
    for size in sizes:
        print(size, misses[size], total)


main()
