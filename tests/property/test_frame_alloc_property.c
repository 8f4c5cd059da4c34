/* SPDX-License-Identifier: MIT */
/* Physical frames against a map of every frame, step by step. */
#include "core/rng.h"
#include "os/frame_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    RUN_STEPS = 1500000,
    RUN_MAX_BLOCKS = 6000,
    RUN_ORDERS = 3,
    /* 3 GiB, 5 MiB and 12 KiB */
    RUN_FRAMES = 3 * 262144 + 5 * 256 + 3,
};

enum frame_state {
    FRAME_UNUSED, /* never handed out since it was cut */
    FRAME_LIVE,
    FRAME_FREED,
};

static const uint32_t run_orders[RUN_ORDERS] = {
    PAGE_ORDER_4K,
    PAGE_ORDER_2M,
    PAGE_ORDER_1G,
};

struct block {
    uint64_t pfn;
    uint32_t order;
    uint32_t n_refs;
};

struct stack { /* freed blocks of one order, the last one on top */
    uint64_t pfns[RUN_MAX_BLOCKS];
    uint32_t n_pfns;
};

struct run {
    struct frame_alloc *frames;
    struct rng rng;
    uint8_t states[RUN_FRAMES]; /* the model: enum frame_state */
    struct block blocks[RUN_MAX_BLOCKS];
    uint32_t n_blocks;
    uint64_t n_in_use;
    struct stack stacks[RUN_ORDERS];
};

static void run_mark(struct run *run, uint64_t pfn, uint32_t order,
                     enum frame_state state)
{
    memset(&run->states[pfn], (int) state, (size_t) 1 << order);
}

static bool run_is_all(const struct run *run, uint64_t pfn, uint32_t order,
                       enum frame_state state)
{
    uint64_t i = pfn;

    while (i < pfn + (UINT64_C(1) << order) && run->states[i] == state)
        i++;
    return i == pfn + (UINT64_C(1) << order);
}

/* A freed block must be the top of the lowest order that has one; it becomes
 * unused memory again, of which the new block is a part. */
static void run_take_freed(struct run *run, uint64_t pfn, uint32_t order_index)
{
    for (uint32_t i = order_index; i < RUN_ORDERS; i++) {
        struct stack *stack = &run->stacks[i];
        uint64_t top;

        if (!stack->n_pfns)
            continue;
        top = stack->pfns[stack->n_pfns - 1];
        if (i == order_index)
            assert_int_equal(pfn, top);
        if (pfn < top || pfn >= top + (UINT64_C(1) << run_orders[i]))
            continue;
        stack->n_pfns--;
        run_mark(run, top, run_orders[i], FRAME_UNUSED);
        return;
    }
}

static void run_get(struct run *run, uint32_t order_index)
{
    uint32_t order = run_orders[order_index];
    uint64_t n_frames = UINT64_C(1) << order;
    pfn_t pfn = {0};
    mmusim_status_t status;

    if (run->n_blocks == RUN_MAX_BLOCKS)
        return;
    status = mmusim__frame_get(run->frames, order, &pfn);
    if (status != MMUSIM_OK) {
        assert_int_equal(status, MMUSIM_EXHAUSTED);
        assert_int_equal(run->stacks[order_index].n_pfns, 0);
        assert_int_equal(pfn.v, 0);
        return;
    }
    assert_true(pfn.v > 0 && pfn.v + n_frames <= RUN_FRAMES);
    assert_int_equal(pfn.v % n_frames, 0);
    run_take_freed(run, pfn.v, order_index);
    assert_true(run_is_all(run, pfn.v, order, FRAME_UNUSED));
    run_mark(run, pfn.v, order, FRAME_LIVE);
    run->n_in_use += n_frames;
    run->blocks[run->n_blocks++] = (struct block){pfn.v, order, 1};
}

static void run_unref(struct run *run, uint32_t index)
{
    struct block *block = &run->blocks[index];
    bool is_last = --block->n_refs == 0;

    assert_int_equal(mmusim__frame_unref(run->frames, (pfn_t){block->pfn}),
                     is_last);
    if (is_last) {
        struct stack *stack = &run->stacks[block->order / PAGE_ORDER_2M];

        stack->pfns[stack->n_pfns++] = block->pfn;
        assert_true(stack->n_pfns < RUN_MAX_BLOCKS);
        run_mark(run, block->pfn, block->order, FRAME_FREED);
        run->n_in_use -= UINT64_C(1) << block->order;
        *block = run->blocks[--run->n_blocks];
    }
}

static void run_step(struct run *run, bool is_growing)
{
    uint32_t choice = mmusim__rng_below(&run->rng, 100);
    uint32_t index;

    if (choice < (is_growing ? 60u : 40u)) {
        uint32_t kind = mmusim__rng_below(&run->rng, 2000);

        run_get(run, kind < 1 ? 2 : kind < 300 ? 1 : 0);
        return;
    }
    if (!run->n_blocks)
        return;
    index = mmusim__rng_below(&run->rng, run->n_blocks);
    if (choice < 70) {
        mmusim__frame_ref(run->frames, (pfn_t){run->blocks[index].pfn});
        run->blocks[index].n_refs++;
    } else {
        run_unref(run, index);
    }
}

static void check_block(const struct run *run, const struct block *block)
{
    pfn_t pfn = {block->pfn};

    assert_int_equal(mmusim__frame_refs(run->frames, pfn), block->n_refs);
    assert_int_equal(mmusim__frame_order(run->frames, pfn), block->order);
}

static void frames_agree_with_a_map_of_all_frames(void **state)
{
    struct run *run = calloc(1, sizeof(*run));

    (void) state;
    assert_non_null(run);
    print_message("seed 21\n");
    run->frames = mmusim__frame_alloc_create((uint64_t) RUN_FRAMES << 12,
                                             &mmusim__frame_orders_usual);
    assert_non_null(run->frames);
    mmusim__rng_init(&run->rng, 21, 0);
    for (uint32_t step = 0; step < RUN_STEPS; step++) {
        run_step(run, step / 20000 % 2 == 0);
        assert_int_equal(mmusim__frames_in_use(run->frames), run->n_in_use);
        if (run->n_blocks)
            check_block(run, &run->blocks[step % run->n_blocks]);
    }
    while (run->n_blocks)
        run_unref(run, run->n_blocks - 1);
    assert_int_equal(mmusim__frames_in_use(run->frames), 0);
    mmusim__frame_alloc_destroy(run->frames);
    free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_agree_with_a_map_of_all_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
