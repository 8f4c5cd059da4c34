/* SPDX-License-Identifier: MIT */
/*
 * How many accesses of a cyclic run miss a cache of mem_cache.h, in closed
 * form: the run visits n lines round and round in any fixed order, frames have
 * the colours of their pages, and all else about an address is random.
 *
 * Lines whose plain index bits agree share a group of sets; a hash spreads
 * them over it, so a set holds a binomial number of them. A set that has k
 * lines for w ways misses: never if k <= w; always with LRU; at random, a line
 * is still there when it is visited again with probability
 *     x = (x + (1 - x) p) (1 - 1/w)^(p (1 - x) k),
 * where p of the misses enter their line and (1 - x) k misses lie between.
 */
#ifndef MMUSIM_VALIDATE_CACHE_CURVE_H
#define MMUSIM_VALIDATE_CACHE_CURVE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CURVE_WAYS_MAX = 64,
    CURVE_CROWDED = 16, /* lines a way: more of them all miss */
};

struct cache_shape {
    uint64_t n_sets; /* 0: no such cache */
    uint32_t n_ways;
    uint32_t plain_bits;  /* of the set's index, that are address bits */
    uint32_t colour_bits; /* of those, how many a run spreads evenly */
    bool is_random;
    uint32_t bypass_percent;
};

/* Share of misses in a set of k lines, for every k that matters. */
struct cache_crowding {
    double misses[CURVE_WAYS_MAX * CURVE_CROWDED + 1];
    uint32_t n; /* of them; beyond, all miss */
};

void mmusim__cache_crowding_init(struct cache_crowding *crowding,
                                 const struct cache_shape *shape);
/* Share of the accesses that miss, 0 to 1. */
double mmusim__cache_misses(const struct cache_shape *shape,
                            const struct cache_crowding *crowding,
                            double n_lines);

#endif
