/* SPDX-License-Identifier: MIT */
/*
 * How Linux on arm64 cuts a range into TLBI operations (__flush_tlb_range_op,
 * arch/arm64/include/asm/tlbflush.h). A range operation covers (NUM + 1) <<
 * (5 * SCALE + 1) pages, an even number of them; what is left over takes the
 * classic operation of one page (a stride).
 */
#ifndef MMUSIM_COHERENCE_ARM64_RANGES_H
#define MMUSIM_COHERENCE_ARM64_RANGES_H

#include "core/types.h"

enum arm64_range_order {
    ARM64_NO_RANGES,         /* without FEAT_TLBIRANGE, or before 5.9 */
    ARM64_SCALES_ASCENDING,  /* 5.9 to 6.8: an odd page first [B42] */
    ARM64_SCALES_DESCENDING, /* 6.9 on: an odd page last */
};

struct arm64_op {
    uint64_t n_pages; /* passed over, in units of the granule's pages */
    uint32_t n_ops;   /* of the classic form, one stride each; 1 if is_range */
    bool is_range;
    uint8_t scale, num; /* scale above 3: B42 */
};

/* Where the cutting of a range stands. */
struct arm64_cut {
    enum arm64_range_order order;
    uint64_t stride_pages; /* granule pages a classic operation steps */
    uint64_t pages_left;   /* granule pages */
    bool is_single;        /* n_ops is 1 */
    int scale;
};

void mmusim__arm64_cut_begin(struct arm64_cut *cut,
                             enum arm64_range_order order, uint64_t n_pages,
                             uint64_t stride_pages);
/* False: the range is covered. */
bool mmusim__arm64_cut_next(struct arm64_cut *cut, struct arm64_op *op);

#endif
