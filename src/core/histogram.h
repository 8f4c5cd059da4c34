/* SPDX-License-Identifier: MIT */
/*
 * Exact distribution of unsigned values: a count for each distinct value, so
 * that percentiles are nearest rank over exact values. Memory grows with the
 * number of distinct values, not of samples.
 */
#ifndef MMUSIM_CORE_HISTOGRAM_H
#define MMUSIM_CORE_HISTOGRAM_H

#include "mmusim/status.h"

struct histogram_cell;

struct histogram {
    struct histogram_cell *cells; /* open addressing, power of two */
    uint32_t capacity;
    uint32_t n_distinct;
    uint64_t n_samples;
    uint64_t sum; /* saturating */
    uint64_t max;
    bool has_failed; /* memory was short: a sample was dropped */
};

void mmusim__histogram_init(struct histogram *histogram);
void mmusim__histogram_fini(struct histogram *histogram);
void mmusim__histogram_add(struct histogram *histogram, uint64_t value);
/* Nearest rank: the value at position ceil(percent / 100 * n) of the sorted
 * samples, 0 if there are none. May sort: not for the hot path. False if
 * memory is short. percent in 1..100; out[] gets one value per percent. */
bool mmusim__histogram_percentiles(const struct histogram *histogram,
                                   const uint32_t *percents, uint32_t n,
                                   uint64_t *out);
/* Each value that occurred and how often, in rising order. False if memory is
 * short; nothing was visited then. */
bool mmusim__histogram_visit(const struct histogram *histogram,
                             void (*visit)(void *context, uint64_t value,
                                           uint64_t n),
                             void *context);
/* sum * 1000 / n, rounded half up; 0 if there are no samples. */
uint64_t mmusim__histogram_mean_milli(const struct histogram *histogram);

#endif
