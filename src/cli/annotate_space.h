/* SPDX-License-Identifier: MIT */
/*
 * What is mapped where in one address space, as far as a trace tells: sorted
 * ranges, each a part of an object (a file, the heap, an anonymous mapping of
 * some size ...). Who observes a run keeps it up to date.
 */
#ifndef MMUSIM_CLI_ANNOTATE_SPACE_H
#define MMUSIM_CLI_ANNOTATE_SPACE_H

#include <stddef.h>
#include <stdint.h>

struct annotate_mapping {
    uint64_t start;
    uint64_t end;    /* exclusive */
    uint64_t offset; /* in the object, of start */
    uint32_t object;
};

struct annotate_space {
    struct annotate_mapping *mappings; /* by address; none overlap */
    size_t n;
    size_t room;
    uint64_t heap_start; /* the first break; 0: unknown */
};

enum { ANNOTATE_MAPPINGS_MAX = 1 << 20 }; /* 40 MB of them; more are not kept */

void annotate_space_fini(struct annotate_space *space);
/* What follows returns 0 if memory is short. */
int annotate_space_copy(struct annotate_space *to,
                        const struct annotate_space *from);
/* Takes the place of what was mapped there. */
int annotate_space_map(struct annotate_space *space,
                       const struct annotate_mapping *mapping);
int annotate_space_unmap(struct annotate_space *space, uint64_t start,
                         uint64_t end);
/* NULL: nothing is known to be mapped there. */
const struct annotate_mapping *
annotate_space_find(const struct annotate_space *space, uint64_t vaddr);

#endif
