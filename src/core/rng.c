/* SPDX-License-Identifier: MIT */
/* xoshiro256** and splitmix64, from the published algorithms. */
#include "core/rng.h"

static uint64_t rng_splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t rng_rotl(uint64_t x, unsigned k)
{
    return x << k | x >> (64 - k);
}

void mmusim__rng_init(struct rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t state = seed;

    state = rng_splitmix(&state) ^ stream;
    for (unsigned i = 0; i < 4; i++)
        rng->s[i] = rng_splitmix(&state);
}

uint64_t mmusim__rng_next(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rng_rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotl(s[3], 45);
    return result;
}

uint32_t mmusim__rng_below(struct rng *rng, uint32_t bound)
{
    uint64_t product = (mmusim__rng_next(rng) >> 32) * bound;
    uint32_t threshold = (uint32_t) (-bound) % bound;

    while ((uint32_t) product < threshold)
        product = (mmusim__rng_next(rng) >> 32) * bound;
    return (uint32_t) (product >> 32);
}
