/* SPDX-License-Identifier: MIT */
/*
 * A unit's tree is gone through once. Functions nest, so their address ranges
 * do: sorted by start, longer first, an inner one follows the one around it,
 * and one pass with a stack cuts all into ranges that do not overlap.
 *
 * A damaged tree may be endless (a sibling that leads back): both its depth and
 * the number of entries read are bounded.
 */
#include "cli/symbol_ranges.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum {
    RANGES_MAX_DEPTH = 200,      /* guess: 20 are usual */
    RANGES_MAX_ENTRIES = 1 << 22 /* guess: units of C++ have some 10^5 */
};

/* Before the cutting: what one function covers. */
struct span {
    uint64_t start;
    uint64_t end;
    uint32_t function;
    uint32_t depth;
};

struct collector {
    struct symbol_ranges *ranges;
    struct span *spans;
    size_t n_spans;
    size_t spans_room;
    size_t functions_room;
    uint32_t n_entries;
    int has_failed;
};

/* Room for one more of n elements; 0: out of memory. */
static int ranges_grow(void **list, size_t n, size_t *room, size_t size)
{
    size_t wanted = *room ? 2 * *room : 64;
    void *grown;

    if (n < *room)
        return 1;
    grown = realloc(*list, wanted * size);
    if (!grown)
        return 0;
    *list = grown;
    *room = wanted;
    return 1;
}

static void collect_span(struct collector *collector, struct span span)
{
    void *list = collector->spans;

    if (span.start >= span.end || collector->has_failed)
        return;
    if (!ranges_grow(&list, collector->n_spans, &collector->spans_room,
                     sizeof(span))) {
        collector->has_failed = 1;
        return;
    }
    collector->spans = list;
    collector->spans[collector->n_spans++] = span;
}

/* The function's index, or outer if it has no code. */
static uint32_t collect_function(struct collector *collector, Dwarf_Die *die,
                                 uint32_t outer, uint32_t depth)
{
    struct symbol_ranges *ranges = collector->ranges;
    uint32_t index = (uint32_t) ranges->n_functions;
    void *list = ranges->functions;
    Dwarf_Addr base, start, end;
    ptrdiff_t at = dwarf_ranges(die, 0, &base, &start, &end);

    if (at <= 0)
        return outer;
    if (!ranges_grow(&list, ranges->n_functions, &collector->functions_room,
                     sizeof(*ranges->functions))) {
        collector->has_failed = 1;
        return outer;
    }
    ranges->functions = list;
    ranges->functions[ranges->n_functions++] = (struct symbol_function){
        .die = *die,
        .outer = dwarf_tag(die) == DW_TAG_inlined_subroutine ? outer : index};
    for (; at > 0 && collector->n_entries < RANGES_MAX_ENTRIES;
         at = dwarf_ranges(die, at, &base, &start, &end)) {
        collector->n_entries++;
        collect_span(collector, (struct span){start, end, index, depth});
    }
    return index;
}

static void collect_children(struct collector *collector, Dwarf_Die *die,
                             uint32_t outer, uint32_t depth)
{
    Dwarf_Die child;

    if (depth == RANGES_MAX_DEPTH || dwarf_child(die, &child))
        return;
    do {
        int tag = dwarf_tag(&child);
        uint32_t inner = outer;

        if (++collector->n_entries >= RANGES_MAX_ENTRIES ||
            collector->has_failed)
            return;
        if (tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine)
            inner = collect_function(collector, &child, outer, depth);
        collect_children(collector, &child, inner, depth + 1);
    } while (!dwarf_siblingof(&child, &child));
}

static int span_compare(const void *left, const void *right)
{
    const struct span *a = left, *b = right;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    if (a->depth != b->depth)
        return a->depth < b->depth ? -1 : 1;
    return a->function < b->function ? -1 : a->function > b->function;
}

static void cut_put(struct symbol_ranges *ranges, uint64_t start, uint64_t end,
                    uint32_t function)
{
    if (start < end)
        ranges->ranges[ranges->n_ranges++] =
            (struct symbol_range){start, end, function};
}

/* Sorted spans into ranges: at most two for each span. */
static int ranges_cut(struct symbol_ranges *ranges, const struct span *spans,
                      size_t n)
{
    struct span *open = malloc((n + 1) * sizeof(*open));
    uint64_t at = 0;
    size_t depth = 0;

    ranges->ranges = malloc((2 * n + 1) * sizeof(*ranges->ranges));
    if (!open || !ranges->ranges) {
        free(open);
        return 0;
    }
    for (size_t i = 0; i <= n; i++) {
        uint64_t start = i < n ? spans[i].start : UINT64_MAX;

        while (depth && open[depth - 1].end <= start) {
            depth--;
            cut_put(ranges, at, open[depth].end, open[depth].function);
            if (at < open[depth].end)
                at = open[depth].end;
        }
        if (depth)
            cut_put(ranges, at, start, open[depth - 1].function);
        at = start;
        if (i < n)
            open[depth++] = spans[i];
    }
    free(open);
    return 1;
}

int symbol_ranges_init(struct symbol_ranges *ranges, Dwarf_Die *unit)
{
    struct collector collector = {.ranges = ranges};

    memset(ranges, 0, sizeof(*ranges));
    collect_children(&collector, unit, 0, 0);
    if (!collector.has_failed && collector.n_spans) {
        qsort(collector.spans, collector.n_spans, sizeof(*collector.spans),
              span_compare);
        collector.has_failed =
            !ranges_cut(ranges, collector.spans, collector.n_spans);
    }
    free(collector.spans);
    if (collector.has_failed)
        symbol_ranges_fini(ranges);
    return !collector.has_failed;
}

void symbol_ranges_fini(struct symbol_ranges *ranges)
{
    free(ranges->ranges);
    free(ranges->functions);
    memset(ranges, 0, sizeof(*ranges));
}

struct symbol_function *symbol_ranges_find(const struct symbol_ranges *ranges,
                                           uint64_t vaddr)
{
    size_t low = 0, high = ranges->n_ranges;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ranges->ranges[middle].end <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == ranges->n_ranges || ranges->ranges[low].start > vaddr)
        return NULL;
    return &ranges->functions[ranges->ranges[low].function];
}

struct symbol_function *symbol_ranges_outer(const struct symbol_ranges *ranges,
                                            struct symbol_function *function)
{
    while (&ranges->functions[function->outer] != function)
        function = &ranges->functions[function->outer];
    return function;
}
