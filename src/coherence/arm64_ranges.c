/* SPDX-License-Identifier: MIT */
/* Cutting a range into TLBI operations: see arm64_ranges.h. Linux 6.2.12 and
 * 7.1.3 arch/arm64/include/asm/tlbflush.h. */
#include "coherence/arm64_ranges.h"

enum { MAX_SCALE = 3, MAX_NUM = 31 };

static uint32_t range_log2(int scale)
{
    return 5 * (uint32_t) scale + 1;
}

void mmusim__arm64_cut_begin(struct arm64_cut *cut,
                             enum arm64_range_order order, uint64_t n_pages,
                             uint64_t stride_pages)
{
    *cut = (struct arm64_cut){
        .order = order,
        .stride_pages = stride_pages,
        .pages_left = n_pages,
        .scale = order == ARM64_SCALES_DESCENDING ? MAX_SCALE : 0,
    };
}

static struct arm64_op cut_take(struct arm64_cut *cut, uint64_t n_pages)
{
    struct arm64_op op = {.n_pages = min_u64(n_pages, cut->pages_left),
                          .n_ops = 1};

    cut->pages_left -= op.n_pages;
    return op;
}

static struct arm64_op cut_take_range(struct arm64_cut *cut, uint64_t num)
{
    struct arm64_op op = cut_take(cut, (num + 1) << range_log2(cut->scale));

    op.is_range = true;
    op.scale = (uint8_t) cut->scale;
    op.num = (uint8_t) num;
    return op;
}

/* One classic operation for every stride that is left. */
static struct arm64_op cut_take_all(struct arm64_cut *cut)
{
    uint64_t n_ops =
        (cut->pages_left + cut->stride_pages - 1) / cut->stride_pages;
    struct arm64_op op;

    if (cut->is_single)
        return cut_take(cut, cut->stride_pages);
    op = cut_take(cut, cut->pages_left);
    op.n_ops = (uint32_t) n_ops;
    return op;
}

/* 5.9 to 6.8: `num` is masked with 31 before 1 is taken off; a scale without
 * work is passed over. 2^21 pages run past the last scale [B42]: the fifth one
 * spills over its field, so that the operation covers a pair of pages. */
static struct arm64_op cut_ascending(struct arm64_cut *cut)
{
    if (cut->pages_left % 2)
        return cut_take(cut, cut->stride_pages);
    for (;; cut->scale++) {
        uint64_t units =
            cut->pages_left >> range_log2(cut->scale) & (uint64_t) MAX_NUM;

        if (units)
            return cut_take_range(cut, units - 1);
    }
}

static struct arm64_op cut_descending(struct arm64_cut *cut)
{
    if (cut->pages_left == 1)
        return cut_take(cut, cut->stride_pages);
    for (; cut->scale >= 0; cut->scale--) {
        uint64_t units = cut->pages_left >> range_log2(cut->scale);

        if (units)
            return cut_take_range(cut, min_u64(units - 1, MAX_NUM));
    }
    return cut_take_all(cut);
}

bool mmusim__arm64_cut_next(struct arm64_cut *cut, struct arm64_op *op)
{
    if (!cut->pages_left)
        return false;
    switch (cut->order) {
    case ARM64_NO_RANGES:
        *op = cut_take_all(cut);
        break;
    case ARM64_SCALES_ASCENDING:
        *op = cut_ascending(cut);
        break;
    case ARM64_SCALES_DESCENDING:
        *op = cut_descending(cut);
        break;
    }
    return true;
}
