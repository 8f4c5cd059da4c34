/* SPDX-License-Identifier: MIT */
/*
 * Index functions: the set that a page number, counted in pages of its own
 * size, selects out of 2^set_bits. Adding one: a line in TLB_INDEX_MAP, and
 * n_folds (or a hash per way) in tlb_index_n_folds().
 *
 * The first three are one formula: the page number, xor-ed n_folds times with
 * itself shifted right by set_bits * 2^i, i = n_folds - 1 ... 0. No fold leaves
 * the low bits, one fold xors the two lowest groups (Skylake's "XOR-7", TLB;DR,
 * USENIX Security 2022), enough folds xor all groups. So the look-up pays one
 * comparison with 0 and no call.
 *
 * Skewed (Seznec, "A case for two-way skewed-associative caches", ISCA 1993):
 * way w has the set H^w(A1) ^ A2, where A1 is the lowest group, A2 the xor of
 * all others, and H Seznec's and Bodin's one-bit shift with feedback ("Skewed-
 * associative caches", PARLE 1993). Way 0 thus is xor-fold. Pages that
 * collide in one way differ in A1, or collide in all; those that differ collide
 * in way v too only if H^(v-w) keeps the difference of their A1.
 */
#ifndef MMUSIM_TLB_TLB_INDEX_H
#define MMUSIM_TLB_TLB_INDEX_H

#include "core/types.h"

#define TLB_INDEX_MAP(X)                                                       \
    X(BITS, "bits")     /* low bits of the page number */                      \
    X(XOR, "xor")       /* ^ the next group of as many bits */                 \
    X(FOLD, "xor-fold") /* ^ all higher groups */                              \
    X(SKEWED, "skewed") /* a hash for each way */

enum tlb_index {
#define TLB_INDEX_ENUM(name, word) TLB_INDEX_##name,
    TLB_INDEX_MAP(TLB_INDEX_ENUM)
#undef TLB_INDEX_ENUM
        TLB_INDEX_COUNT
};

/* How often to fold page numbers of n_bits. */
static inline uint32_t tlb_index_n_folds(enum tlb_index index,
                                         uint32_t set_bits, uint32_t n_bits)
{
    uint32_t n_folds = 0;

    if (index == TLB_INDEX_BITS || !set_bits)
        return 0;
    if (index == TLB_INDEX_XOR)
        return 1;
    while (set_bits << n_folds < n_bits)
        n_folds++;
    return n_folds;
}

static inline uint64_t tlb_index_fold(uint64_t page, uint32_t set_bits,
                                      uint32_t n_folds)
{
    while (n_folds)
        page ^= page >> (set_bits << --n_folds);
    return page;
}

/* H: one bit to the right; the new top bit is the old top ^ the old bottom.
 * Bijective for set_bits > 1. */
static inline uint32_t tlb_index_shuffle(uint32_t group, uint32_t set_bits)
{
    uint32_t top = (group >> (set_bits - 1) ^ group) & 1;

    return group >> 1 | top << (set_bits - 1);
}

/* How many ways have hashes of their own: the order of H, up to max. */
static inline uint32_t tlb_index_n_hashes(uint32_t set_bits, uint32_t max)
{
    uint32_t first = set_bits ? 1U << (set_bits - 1) : 0;
    uint32_t group = first;
    uint32_t n_hashes = 1;

    if (set_bits < 2)
        return 1;
    /* Powers of H on the top bit reach every bit: where they return to it,
     * they return to everything. */
    for (; n_hashes < max; n_hashes++) {
        group = tlb_index_shuffle(group, set_bits);
        if (group == first)
            break;
    }
    return n_hashes;
}

#endif
