/* SPDX-License-Identifier: MIT */
/*
 * The machine's memory: one arena owns everything a machine allocates and
 * releases it at once. Zeroed memory; no free of single pieces (slabs and
 * growing tables keep their own free lists above it).
 *
 * fail_after lets tests make the N-th allocation fail.
 */
#ifndef MMUSIM_CORE_ARENA_H
#define MMUSIM_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    uint64_t allocated_bytes; /* handed out, for memory accounting */
    int64_t fail_after;       /* < 0: never fail */
};

void mmusim__arena_init(struct arena *arena);
void mmusim__arena_fini(struct arena *arena);

/* n * size zeroed bytes, aligned to 64; NULL when memory is short or the
 * product overflows. */
void *mmusim__arena_alloc(struct arena *arena, size_t n, size_t size);

#endif
