/* SPDX-License-Identifier: MIT */
/*
 * Seeded random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded by
 * splitmix64. Each unit of a machine has a stream of its own, drawn only in
 * that unit's event order, so results do not depend on the host.
 */
#ifndef MMUSIM_CORE_RNG_H
#define MMUSIM_CORE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* stream: which unit (any number); same seed and stream, same numbers. */
void mmusim__rng_init(struct rng *rng, uint64_t seed, uint64_t stream);
uint64_t mmusim__rng_next(struct rng *rng);
/* Uniform in [0, bound), bound >= 1; no modulo bias (Lemire's method). */
uint32_t mmusim__rng_below(struct rng *rng, uint32_t bound);

#endif
