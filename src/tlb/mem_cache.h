/* SPDX-License-Identifier: MIT */
/*
 * A tag-only set-associative cache of 64-byte lines of physical memory, LRU.
 *
 * A line is known by its number (paddr / 64) and a version: a copy with an
 * older version does not match and ages out, which is how a write elsewhere
 * makes it stale at no cost (mem_model.h).
 *
 * A tag is 32 bits. Lines below 256 GiB at version 0 are told apart exactly;
 * of others, two of one set are taken for each other with odds of 2^-32.
 * Sets: the low bits of the line number where their count is a power of two,
 * else a hash, as real sliced last-level caches do.
 */
#ifndef MMUSIM_TLB_MEM_CACHE_H
#define MMUSIM_TLB_MEM_CACHE_H

#include "core/types.h"
#include "mmusim/status.h"

struct arena;

enum { CACHE_LINE_SHIFT = 6 };

struct mem_cache {
    uint32_t *tags;  /* [n_sets * n_ways], newest first in a set; 0: empty */
    uint32_t n_sets; /* 0: no such cache; every look-up misses */
    uint32_t n_ways;
    bool is_hashed;
};

/* NULL if the geometry is possible, else what is wrong and would be right.
 * Size 0 is possible: no cache. */
const char *mmusim__mem_cache_refuses(uint64_t size_bytes, uint32_t n_ways);

/* Memory comes from the arena: 4 bytes a line. */
mmusim_status_t mmusim__mem_cache_init(struct mem_cache *cache,
                                       uint64_t size_bytes, uint32_t n_ways,
                                       struct arena *arena);

/* True on a hit, which makes the line the newest. A miss changes nothing. */
bool mmusim__mem_cache_touch(struct mem_cache *cache, uint64_t line,
                             uint32_t version);
/* Puts a line in as the newest, in place of an older copy of the same version,
 * an empty way, or the oldest. */
void mmusim__mem_cache_fill(struct mem_cache *cache, uint64_t line,
                            uint32_t version);
/* True if the line was there; its way is the next to be filled. */
bool mmusim__mem_cache_drop(struct mem_cache *cache, uint64_t line,
                            uint32_t version);

#endif
