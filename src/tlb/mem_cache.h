/* SPDX-License-Identifier: MIT */
/*
 * A tag-only set-associative cache of 64-byte lines of physical memory.
 *
 * A line is known by its number (paddr / 64) and a version: a copy with an
 * older version does not match and ages out, which is how a write elsewhere
 * makes it stale at no cost (mem_model.h).
 *
 * A tag is 32 bits. Lines below 256 GiB at version 0 are told apart exactly;
 * of others, two of one set are taken for each other with odds of 2^-32.
 *
 * Sets: address bits from 6 up to hash_from_bit select as they are (at most as
 * many as the number of sets has factors of two), all bits above through a
 * hash. That is a last-level cache of slices, where bits 6 to 16 select a set
 * of the slice that a hash has chosen (Maurice et al., RAID 2015). With one
 * line a page, bits 6 to 11 never change: those a cache does not hash leave
 * only 1 of 2^n of its sets in use.
 *
 * Replacement: least recently used, or at random; bypass_percent of the misses
 * of a full set enter their line as the oldest (lru) or not at all (random),
 * as adaptive insertion does when a program overflows the cache (Qureshi et
 * al., ISCA 2007).
 */
#ifndef MMUSIM_TLB_MEM_CACHE_H
#define MMUSIM_TLB_MEM_CACHE_H

#include "core/types.h"
#include "mmusim/status.h"

struct arena;

enum { CACHE_LINE_SHIFT = 6 };

enum cache_replacement { CACHE_LRU, CACHE_RANDOM };

struct cache_config {
    uint64_t size_bytes; /* 0: the machine has none */
    uint32_t n_ways;
    uint32_t hit_cycles;
    uint32_t hash_from_bit; /* 0: all sets are chosen by plain address bits,
                               as far as their number has factors of two */
    enum cache_replacement replacement;
    uint32_t bypass_percent;
};

struct mem_cache {
    uint32_t *tags;  /* [n_sets * n_ways]; 0: empty. LRU: newest first */
    uint32_t n_sets; /* 0: no such cache; every look-up misses */
    uint32_t n_ways;
    uint32_t n_groups; /* n_sets >> plain_bits */
    uint32_t plain_bits;
    uint32_t random; /* state of the cache's own generator, never 0 */
    uint32_t bypass; /* of 2^32 */
    bool is_random;
};

/* NULL if the geometry is possible, else what is wrong and would be right.
 * Size 0 is possible: no cache. */
const char *mmusim__mem_cache_refuses(uint64_t size_bytes, uint32_t n_ways);

/* How many of the address bits from 6 up choose the set as they are. */
uint32_t mmusim__mem_cache_plain_bits(const struct cache_config *config);

/* Memory comes from the arena: 4 bytes a line. */
mmusim_status_t mmusim__mem_cache_init(struct mem_cache *cache,
                                       const struct cache_config *config,
                                       struct arena *arena);

/* The index of a line's set. */
uint64_t mmusim__mem_cache_set_of(const struct mem_cache *cache, uint64_t line);

/* True on a hit, which makes the line the newest. A miss changes nothing. */
bool mmusim__mem_cache_touch(struct mem_cache *cache, uint64_t line,
                             uint32_t version);
/* Puts a line in, in place of an older copy of the same version, an empty way,
 * or what the replacement chooses. */
void mmusim__mem_cache_fill(struct mem_cache *cache, uint64_t line,
                            uint32_t version);
/* True if the line was there; its way is the next to be filled. */
bool mmusim__mem_cache_drop(struct mem_cache *cache, uint64_t line,
                            uint32_t version);

#endif
