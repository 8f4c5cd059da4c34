/* SPDX-License-Identifier: MIT */
/* Physical frames: exhaustion, reuse, cutting, odd sizes of memory. */
#include "os/frame_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static pfn_t frame_get_ok(struct frame_alloc *frames, uint32_t order)
{
    pfn_t pfn = {0};

    assert_int_equal(mmusim__frame_get(frames, order, &pfn), MMUSIM_OK);
    return pfn;
}

/* Takes blocks of an order until there are none; returns how many. */
static uint64_t frame_drain(struct frame_alloc *frames, uint32_t order)
{
    uint64_t n = 0;
    pfn_t pfn;
    mmusim_status_t status = mmusim__frame_get(frames, order, &pfn);

    while (status == MMUSIM_OK) {
        n++;
        status = mmusim__frame_get(frames, order, &pfn);
    }
    assert_int_equal(status, MMUSIM_EXHAUSTED);
    return n;
}

static void every_frame_but_the_first_is_handed_out(void **state)
{
    const uint64_t sizes[] = {
        0,       4095,           4096, 8192,    5 * 4096,
        2 * MIB, 3 * MIB + 8192, GIB,  GIB + 1, 2 * GIB + 7 * MIB};

    (void) state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct frame_alloc *frames =
            mmusim__frame_alloc_create(sizes[i], &mmusim__frame_orders_usual);
        uint64_t n_frames = sizes[i] >> BASE_PAGE_SHIFT;

        assert_non_null(frames);
        assert_int_equal(frame_drain(frames, PAGE_ORDER_4K),
                         n_frames ? n_frames - 1 : 0);
        mmusim__frame_alloc_destroy(frames);
    }
}

static void large_blocks_and_the_rest_fill_memory(void **state)
{
    struct frame_alloc *frames = mmusim__frame_alloc_create(
        3 * GIB + 5 * MIB + 12288, &mmusim__frame_orders_usual);

    (void) state;
    assert_int_equal(frame_drain(frames, PAGE_ORDER_1G), 2);
    assert_int_equal(frame_drain(frames, PAGE_ORDER_2M), 511 + 2);
    assert_int_equal(frame_drain(frames, PAGE_ORDER_4K), 511 + 256 + 3);
    assert_int_equal(mmusim__frames_in_use(frames),
                     3 * 262144 + 5 * 256 + 3 - 1);
    mmusim__frame_alloc_destroy(frames);
}

static void the_last_freed_is_the_first_reused(void **state)
{
    struct frame_alloc *frames =
        mmusim__frame_alloc_create(16 * MIB, &mmusim__frame_orders_usual);
    pfn_t a = frame_get_ok(frames, PAGE_ORDER_4K);
    pfn_t b = frame_get_ok(frames, PAGE_ORDER_4K);

    (void) state;
    assert_true(mmusim__frame_unref(frames, a));
    assert_true(mmusim__frame_unref(frames, b));
    assert_int_equal(frame_get_ok(frames, PAGE_ORDER_4K).v, b.v);
    assert_int_equal(frame_get_ok(frames, PAGE_ORDER_4K).v, a.v);
    mmusim__frame_alloc_destroy(frames);
}

static void a_shared_block_is_free_after_its_last_reference(void **state)
{
    struct frame_alloc *frames =
        mmusim__frame_alloc_create(16 * MIB, &mmusim__frame_orders_usual);
    pfn_t pfn = frame_get_ok(frames, PAGE_ORDER_2M);

    (void) state;
    mmusim__frame_ref(frames, pfn);
    assert_int_equal(mmusim__frame_refs(frames, pfn), 2);
    assert_false(mmusim__frame_unref(frames, pfn));
    assert_int_equal(mmusim__frames_in_use(frames), 512);
    assert_true(mmusim__frame_unref(frames, pfn));
    assert_int_equal(mmusim__frame_refs(frames, pfn), 0);
    assert_int_equal(mmusim__frames_in_use(frames), 0);
    mmusim__frame_alloc_destroy(frames);
}

static void a_freed_large_block_is_cut_when_small_ones_are_gone(void **state)
{
    struct frame_alloc *frames =
        mmusim__frame_alloc_create(4 * MIB, &mmusim__frame_orders_usual);
    pfn_t large = frame_get_ok(frames, PAGE_ORDER_2M);

    (void) state;
    assert_int_equal(frame_drain(frames, PAGE_ORDER_4K), 511);
    assert_true(mmusim__frame_unref(frames, large));
    for (uint64_t i = 0; i < 512; i++)
        assert_int_equal(frame_get_ok(frames, PAGE_ORDER_4K).v, large.v + i);
    assert_int_equal(frame_drain(frames, PAGE_ORDER_4K), 0);
    mmusim__frame_alloc_destroy(frames);
}

static void failing_leaves_the_result_untouched(void **state)
{
    struct frame_alloc *frames =
        mmusim__frame_alloc_create(2 * MIB, &mmusim__frame_orders_usual);
    pfn_t pfn = {77};

    (void) state;
    assert_int_equal(mmusim__frame_get(frames, PAGE_ORDER_1G, &pfn),
                     MMUSIM_EXHAUSTED);
    assert_int_equal(mmusim__frame_get(frames, 3, &pfn), MMUSIM_USAGE);
    assert_int_equal(pfn.v, 77);
    mmusim__frame_alloc_destroy(frames);
}

static void memory_ends_where_physical_addresses_do(void **state)
{
    struct frame_alloc *frames =
        mmusim__frame_alloc_create(UINT64_MAX, &mmusim__frame_orders_usual);

    (void) state;
    for (int i = 1; i <= 5; i++) {
        pfn_t pfn = frame_get_ok(frames, PAGE_ORDER_1G);

        assert_true(pfn.v << 12 == (uint64_t) i * GIB);
    }
    mmusim__frame_alloc_destroy(frames);
    mmusim__frame_alloc_destroy(NULL);
}

static void unknown_frames_have_no_references(void **state)
{
    struct frame_alloc *frames =
        mmusim__frame_alloc_create(GIB, &mmusim__frame_orders_usual);

    (void) state;
    assert_int_equal(mmusim__frame_refs(frames, (pfn_t){0}), 0);
    assert_int_equal(mmusim__frame_refs(frames, (pfn_t){UINT64_MAX}), 0);
    assert_int_equal(mmusim__frame_order(frames, (pfn_t){12345}), 0);
    mmusim__frame_alloc_destroy(frames);
}

/* 16 colours: each page's frame has its colour, no two the same frame, and
 * neighbours of one colour are as good as never adjacent. */
static void scattered_frames_have_the_colour_of_their_page(void **state)
{
    enum { N_PAGES = 20000 };
    struct frame_alloc *frames =
        mmusim__frame_alloc_create(GIB, &mmusim__frame_orders_usual);
    static unsigned char seen[GIB / 4096];
    uint64_t last = 0;
    uint32_t n_adjacent = 0;

    (void) state;
    memset(seen, 0, sizeof(seen));
    mmusim__frame_alloc_scatter(frames, 16, 1);
    for (uint64_t page = 0; page < N_PAGES; page++) {
        vpn_t vpn = {0x12340 + page};
        pfn_t pfn;

        assert_int_equal(mmusim__frame_get_for(frames, 0, vpn, &pfn), 0);
        assert_int_equal(pfn.v % 16, vpn.v % 16);
        assert_int_equal(seen[pfn.v]++, 0);
        n_adjacent += pfn.v == last + 1;
        last = pfn.v;
    }
    assert_true(n_adjacent < N_PAGES / 100);
    assert_int_equal(mmusim__frames_in_use(frames), N_PAGES);
    mmusim__frame_alloc_destroy(frames);
}

static void scattered_memory_can_be_used_up_and_given_back(void **state)
{
    struct frame_alloc *frames =
        mmusim__frame_alloc_create(16 * MIB, &mmusim__frame_orders_usual);
    static pfn_t pfns[4096];
    uint32_t n = 0;
    pfn_t pfn;

    (void) state;
    mmusim__frame_alloc_scatter(frames, 64, 1);
    while (!mmusim__frame_get_for(frames, 0, (vpn_t){n}, &pfns[n]))
        n++;
    assert_int_equal(n, 16 * MIB / 4096 - 1);
    assert_int_equal(mmusim__frame_get(frames, 0, &pfn), MMUSIM_EXHAUSTED);
    for (uint32_t i = 0; i < n; i++)
        assert_true(mmusim__frame_unref(frames, pfns[i]));
    assert_int_equal(mmusim__frames_in_use(frames), 0);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(mmusim__frame_get(frames, 0, &pfn), MMUSIM_OK);
    mmusim__frame_alloc_destroy(frames);
}

/* ---- nodes ---- */

static pfn_t frame_get_near(struct frame_alloc *frames, uint32_t order,
                            uint32_t node)
{
    const struct frame_wish wish = {.order = order, .node = node};
    pfn_t pfn = {0};

    assert_int_equal(mmusim__frame_get_wish(frames, &wish, &pfn), MMUSIM_OK);
    return pfn;
}

static void a_node_gives_its_own_memory_first(void **state)
{
    struct frame_alloc *frames = mmusim__frame_alloc_create_nodes(
        16 * MIB, &mmusim__frame_orders_usual, 4);

    (void) state;
    for (uint32_t node = 0; node < 4; node++) {
        pfn_t pfn = frame_get_near(frames, PAGE_ORDER_4K, node);

        assert_int_equal(pfn.v / 1024, node); /* 4 MiB each */
        assert_int_equal(mmusim__frame_node(frames, pfn), node);
    }
    mmusim__frame_alloc_destroy(frames);
}

static void a_full_node_falls_back_unless_bound(void **state)
{
    struct frame_alloc *frames = mmusim__frame_alloc_create_nodes(
        8 * MIB, &mmusim__frame_orders_usual, 2);
    const struct frame_wish bound = {.node = 1, .is_bound = true};
    pfn_t pfn = {0};

    (void) state;
    for (uint32_t i = 0; i < 1024; i++)
        assert_int_equal(mmusim__frame_node(
                             frames, frame_get_near(frames, PAGE_ORDER_4K, 1)),
                         1);
    assert_int_equal(mmusim__frame_get_wish(frames, &bound, &pfn),
                     MMUSIM_EXHAUSTED);
    assert_int_equal(
        mmusim__frame_node(frames, frame_get_near(frames, PAGE_ORDER_4K, 1)),
        0);
    mmusim__frame_alloc_destroy(frames);
}

static void nodes_share_all_memory_however_small(void **state)
{
    const uint64_t sizes[] = {0, 8192, 5 * 4096, 3 * MIB + 8192, 2 * GIB + MIB};

    (void) state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct frame_alloc *frames = mmusim__frame_alloc_create_nodes(
            sizes[i], &mmusim__frame_orders_usual, 7);
        uint64_t n_frames = sizes[i] >> BASE_PAGE_SHIFT;

        assert_int_equal(frame_drain(frames, PAGE_ORDER_4K),
                         n_frames ? n_frames - 1 : 0);
        mmusim__frame_alloc_destroy(frames);
    }
}

static void a_freed_frame_goes_back_to_its_node(void **state)
{
    struct frame_alloc *frames = mmusim__frame_alloc_create_nodes(
        8 * MIB, &mmusim__frame_orders_usual, 2);
    pfn_t pfn = frame_get_near(frames, PAGE_ORDER_2M, 1);

    (void) state;
    assert_true(mmusim__frame_unref(frames, pfn));
    assert_int_not_equal(frame_get_near(frames, PAGE_ORDER_2M, 0).v, pfn.v);
    assert_int_equal(frame_get_near(frames, PAGE_ORDER_2M, 1).v, pfn.v);
    mmusim__frame_alloc_destroy(frames);
}

/* ---- pieces ---- */

static void a_split_block_is_as_many_frames_with_its_references(void **state)
{
    struct frame_alloc *frames =
        mmusim__frame_alloc_create(16 * MIB, &mmusim__frame_orders_usual);
    pfn_t pfn = frame_get_ok(frames, PAGE_ORDER_2M);

    (void) state;
    mmusim__frame_ref(frames, pfn);
    assert_int_equal(mmusim__frame_split(frames, pfn), MMUSIM_OK);
    for (uint64_t i = 0; i < 512; i++) {
        pfn_t piece = {pfn.v + i};

        assert_int_equal(mmusim__frame_order(frames, piece), PAGE_ORDER_4K);
        assert_int_equal(mmusim__frame_refs(frames, piece), 2);
        assert_false(mmusim__frame_unref(frames, piece));
    }
    assert_int_equal(mmusim__frames_in_use(frames), 512);
    /* the other holder has it as a whole */
    mmusim__frame_ref_span(frames, pfn, PAGE_ORDER_2M);
    assert_int_equal(mmusim__frame_refs_span(frames, pfn, PAGE_ORDER_2M), 2);
    mmusim__frame_unref_span(frames, pfn, PAGE_ORDER_2M);
    mmusim__frame_unref_span(frames, pfn, PAGE_ORDER_2M);
    assert_int_equal(mmusim__frames_in_use(frames), 0);
    mmusim__frame_alloc_destroy(frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_but_the_first_is_handed_out),
        cmocka_unit_test(large_blocks_and_the_rest_fill_memory),
        cmocka_unit_test(the_last_freed_is_the_first_reused),
        cmocka_unit_test(a_shared_block_is_free_after_its_last_reference),
        cmocka_unit_test(a_freed_large_block_is_cut_when_small_ones_are_gone),
        cmocka_unit_test(failing_leaves_the_result_untouched),
        cmocka_unit_test(memory_ends_where_physical_addresses_do),
        cmocka_unit_test(unknown_frames_have_no_references),
        cmocka_unit_test(scattered_frames_have_the_colour_of_their_page),
        cmocka_unit_test(scattered_memory_can_be_used_up_and_given_back),
        cmocka_unit_test(a_node_gives_its_own_memory_first),
        cmocka_unit_test(a_full_node_falls_back_unless_bound),
        cmocka_unit_test(nodes_share_all_memory_however_small),
        cmocka_unit_test(a_freed_frame_goes_back_to_its_node),
        cmocka_unit_test(a_split_block_is_as_many_frames_with_its_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
