/* SPDX-License-Identifier: MIT */
/* A set of logical CPUs, 0 .. MAX_CPUS - 1. */
#ifndef MMUSIM_CORE_CPU_MASK_H
#define MMUSIM_CORE_CPU_MASK_H

#include "core/types.h"

struct cpu_mask {
    uint64_t words[MAX_CPUS / 64];
};

static inline void cpu_mask_set(struct cpu_mask *mask, uint32_t cpu)
{
    mask->words[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

static inline void cpu_mask_clear(struct cpu_mask *mask, uint32_t cpu)
{
    mask->words[cpu / 64] &= ~(UINT64_C(1) << (cpu % 64));
}

static inline bool cpu_mask_has(const struct cpu_mask *mask, uint32_t cpu)
{
    return mask->words[cpu / 64] >> (cpu % 64) & 1;
}

/* Adds the members of another. */
static inline void cpu_mask_or(struct cpu_mask *mask,
                               const struct cpu_mask *other)
{
    for (uint32_t i = 0; i < MAX_CPUS / 64; i++)
        mask->words[i] |= other->words[i];
}

/* The first member >= from, MAX_CPUS if there is none. */
static inline uint32_t cpu_mask_next(const struct cpu_mask *mask, uint32_t from)
{
    for (uint32_t cpu = from; cpu < MAX_CPUS; cpu = (cpu / 64 + 1) * 64) {
        uint64_t rest = mask->words[cpu / 64] >> (cpu % 64);

        if (rest)
            return cpu + (uint32_t) __builtin_ctzll(rest);
    }
    return MAX_CPUS;
}

/* Has the mask a member besides `self`? */
static inline bool cpu_mask_has_other(const struct cpu_mask *mask,
                                      uint32_t self)
{
    struct cpu_mask others = *mask;

    cpu_mask_clear(&others, self);
    return cpu_mask_next(&others, 0) != MAX_CPUS;
}

static inline uint32_t cpu_mask_count(const struct cpu_mask *mask)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MAX_CPUS / 64; i++)
        count += (uint32_t) __builtin_popcountll(mask->words[i]);
    return count;
}

#endif
