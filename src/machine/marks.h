/* SPDX-License-Identifier: MIT */
/* `mark NAME` records: how many cycles each CPU had when it ran one. */
#ifndef MMUSIM_MACHINE_MARKS_H
#define MMUSIM_MACHINE_MARKS_H

#include "core/types.h"

/* A run keeps this many; later ones are counted in n_dropped. */
enum { MARKS_MAX = 65536 };

struct regions;

struct mark {
    char *name;
    uint32_t index; /* among the marks of this name, from 0 */
    uint32_t cpu;
    uint64_t cycle;
};

struct marks {
    struct mark *marks;
    uint32_t n_marks;
    uint32_t capacity;
    uint64_t n_dropped;
    struct regions *regions; /* the machine's; NULL: nobody counts */
};

/* False: out of memory. */
bool mmusim__marks_add(struct marks *marks, const char *name, uint32_t cpu,
                       uint64_t cycle);
/* The index of the mark added last; UINT32_MAX: it has been dropped. */
uint32_t mmusim__marks_last_index(const struct marks *marks);
void mmusim__marks_fini(struct marks *marks);

#endif
