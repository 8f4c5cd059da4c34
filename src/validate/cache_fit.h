/* SPDX-License-Identifier: MIT */
/*
 * Data caches fitted to a curve of 64-byte strides: sizes and latencies of
 * L1D, L2 and LLC, the latency of DRAM, and whether L2 and LLC replace their
 * lines by age or at random and how many misses they keep, unless the machine
 * says random. What stays as the machine has it: which address bits choose a
 * set, and (as near as a size allows) the associativity.
 *
 * The measured time of an access is the translation's part, which the TLBs of
 * the machine give (fit_tlb), plus the latency of the level that has the line;
 * how often that is which level is cache_curve.h's closed form. Sizes come
 * from a grid of what is built (8 to 15 eighths of a power of two); for each
 * choice the latencies are those of the least sum of |error| / measured.
 *
 * The visits are those of the measuring program: random within windows of half
 * the last-level TLB's pages, window after window (InstLatx64's listings name
 * the window, AIDA64's manual says why: to hide TLB misses).
 */
#ifndef MMUSIM_VALIDATE_CACHE_FIT_H
#define MMUSIM_VALIDATE_CACHE_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FIT_L1D, FIT_L2, FIT_LLC, FIT_DRAM, FIT_LEVELS };

struct fit_cache {
    uint64_t size_bytes; /* 0: none */
    uint32_t n_ways;
    uint32_t hash_from_bit;
    bool is_random;
    uint32_t bypass_percent;
    uint32_t cycles;
};

/* What the fit takes from the machine. */
struct fit_machine {
    struct fit_cache caches[FIT_LEVELS]; /* where the search begins; DRAM has
                                            cycles only */
    bool has_pair_prefetch;
    uint32_t l1_pages; /* of 4 KiB, that a level of TLBs holds */
    uint32_t l2_pages; /* 0: one level only */
    uint32_t window_pages;
    double l2_tlb_cycles; /* beyond an L1 hit */
    double walk_cycles;   /* guess at a whole walk, beyond an L1 hit */
};

struct fit_point {
    uint64_t n_lines; /* of 64 bytes */
    double measured;
    double fitted; /* out */
};

struct fit_result {
    struct fit_cache caches[FIT_LEVELS];
    double error; /* mean of |error| / measured */
};

/* At least one point. False: out of memory. */
bool mmusim__cache_fit(const struct fit_machine *machine,
                       struct fit_point *points, size_t n_points,
                       struct fit_result *result);

/* The data caches' part of one load a page, for that many pages: a prediction
 * of the fit, from the same closed form. */
double mmusim__cache_fit_page_stride(const struct fit_result *result,
                                     uint64_t n_pages);

#endif
