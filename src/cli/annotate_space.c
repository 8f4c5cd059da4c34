/* SPDX-License-Identifier: MIT */
#include "cli/annotate_space.h"

#include <stdlib.h>
#include <string.h>

void annotate_space_fini(struct annotate_space *space)
{
    free(space->mappings);
    memset(space, 0, sizeof(*space));
}

int annotate_space_copy(struct annotate_space *to,
                        const struct annotate_space *from)
{
    struct annotate_mapping *copy =
        malloc((from->n + 1) * sizeof(*from->mappings));

    if (!copy)
        return 0;
    if (from->n)
        memcpy(copy, from->mappings, from->n * sizeof(*copy));
    *to = *from;
    to->mappings = copy;
    to->room = from->n + 1;
    return 1;
}

/* The first mapping that ends behind vaddr, or n. */
static size_t space_first_behind(const struct annotate_space *space,
                                 uint64_t vaddr)
{
    size_t low = 0, high = space->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (space->mappings[middle].end <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Moves what is from index on by some places; room for two is there. */
static void space_shift(struct annotate_space *space, size_t index,
                        ptrdiff_t places)
{
    memmove(space->mappings + index + places, space->mappings + index,
            (space->n - index) * sizeof(*space->mappings));
    space->n = (size_t) ((ptrdiff_t) space->n + places);
}

static int space_make_room(struct annotate_space *space)
{
    size_t room = 2 * space->room + 64;
    struct annotate_mapping *grown;

    if (space->n + 2 <= space->room)
        return 1;
    grown = realloc(space->mappings, room * sizeof(*grown));
    if (!grown)
        return 0;
    space->mappings = grown;
    space->room = room;
    return 1;
}

int annotate_space_unmap(struct annotate_space *space, uint64_t start,
                         uint64_t end)
{
    size_t first, last;

    if (!space_make_room(space))
        return 0;
    first = space_first_behind(space, start);
    if (first < space->n && space->mappings[first].start < start &&
        space->mappings[first].end > end) { /* in the middle of one */
        struct annotate_mapping *one = &space->mappings[first];

        if (space->n >= ANNOTATE_MAPPINGS_MAX) {
            one->end = start;
            return 1;
        }
        space_shift(space, first, 1);
        one[0].end = start;
        one[1].offset += end - one[1].start;
        one[1].start = end;
        return 1;
    }
    if (first < space->n && space->mappings[first].start < start)
        space->mappings[first++].end = start;
    for (last = first; last < space->n && space->mappings[last].end <= end;)
        last++;
    if (last < space->n && space->mappings[last].start < end) {
        space->mappings[last].offset += end - space->mappings[last].start;
        space->mappings[last].start = end;
    }
    if (last > first)
        space_shift(space, last, (ptrdiff_t) first - (ptrdiff_t) last);
    return 1;
}

int annotate_space_map(struct annotate_space *space,
                       const struct annotate_mapping *mapping)
{
    size_t index;

    if (mapping->start >= mapping->end)
        return 1;
    if (!annotate_space_unmap(space, mapping->start, mapping->end) ||
        !space_make_room(space))
        return 0;
    if (space->n >= ANNOTATE_MAPPINGS_MAX)
        return 1;
    index = space_first_behind(space, mapping->start);
    space_shift(space, index, 1);
    space->mappings[index] = *mapping;
    return 1;
}

const struct annotate_mapping *
annotate_space_find(const struct annotate_space *space, uint64_t vaddr)
{
    size_t index = space_first_behind(space, vaddr);

    if (index == space->n || space->mappings[index].start > vaddr)
        return NULL;
    return &space->mappings[index];
}
