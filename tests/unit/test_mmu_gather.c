/* SPDX-License-Identifier: MIT */
/* mmu_gather of Linux 4.6: the range rule and the batches. */
#include "coherence/mmu_gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR UINT64_C(0x7f0000000000)

static int setup(void **state)
{
    struct mmu_gather *gather = calloc(1, sizeof(*gather));

    assert_non_null(gather);
    mmusim__gather_begin(gather, GATHER_RANGE);
    *state = gather;
    return 0;
}

static int teardown(void **state)
{
    mmusim__gather_fini(*state);
    free(*state);
    return 0;
}

static enum gather_full add_pages(struct mmu_gather *gather, uint32_t n)
{
    enum gather_full full = GATHER_HAS_ROOM;

    for (uint32_t i = 0; i < n; i++)
        full = mmusim__gather_page(gather, (pfn_t){i}, i % 7 == 0);
    return full;
}

static void nothing_cleared_needs_no_flush(void **state)
{
    struct mmu_gather *gather = *state;

    assert_false(mmusim__gather_needs_flush(gather));
    add_pages(gather, 1); /* a page alone is no cleared entry */
    assert_false(mmusim__gather_needs_flush(gather));
}

static void one_entry_is_a_range_of_one_page(void **state)
{
    struct mmu_gather *gather = *state;

    mmusim__gather_entry(gather, VADDR, BASE_PAGE_BYTES);
    assert_true(mmusim__gather_needs_flush(gather));
    assert_int_equal(gather->start, VADDR);
    assert_int_equal(gather->end, VADDR + BASE_PAGE_BYTES);
}

/* What lies between was not cleared, and is flushed with them. */
static void
the_range_is_the_minimum_and_maximum_of_what_was_cleared(void **state)
{
    struct mmu_gather *gather = *state;

    mmusim__gather_entry(gather, VADDR + 50 * BASE_PAGE_BYTES, BASE_PAGE_BYTES);
    mmusim__gather_entry(gather, VADDR + 3 * BASE_PAGE_BYTES, BASE_PAGE_BYTES);
    mmusim__gather_entry(gather, VADDR + 20 * BASE_PAGE_BYTES, BASE_PAGE_BYTES);
    assert_int_equal(gather->start, VADDR + 3 * BASE_PAGE_BYTES);
    assert_int_equal(gather->end, VADDR + 51 * BASE_PAGE_BYTES);
}

static void a_large_entry_counts_with_its_size(void **state)
{
    struct mmu_gather *gather = *state;

    mmusim__gather_entry(gather, VADDR, UINT64_C(1) << 21);
    assert_int_equal(gather->end - gather->start, UINT64_C(1) << 21);
}

static void a_freed_table_adds_one_page_at_its_address(void **state)
{
    struct mmu_gather *gather = *state;
    uint64_t table_vaddr = VADDR + (UINT64_C(1) << 30);

    mmusim__gather_entry(gather, VADDR, BASE_PAGE_BYTES);
    mmusim__gather_entry(gather, table_vaddr, BASE_PAGE_BYTES);
    assert_int_equal(mmusim__gather_page(gather, (pfn_t){1}, true),
                     GATHER_HAS_ROOM);
    assert_int_equal(gather->end, table_vaddr + BASE_PAGE_BYTES);
}

static void the_first_page_of_all_is_a_range(void **state)
{
    struct mmu_gather *gather = *state;

    mmusim__gather_entry(gather, 0, BASE_PAGE_BYTES);
    assert_true(mmusim__gather_needs_flush(gather));
    assert_int_equal(gather->start, 0);
}

static void
after_a_flush_the_range_is_empty_and_the_pages_are_held(void **state)
{
    struct mmu_gather *gather = *state;

    mmusim__gather_entry(gather, VADDR, BASE_PAGE_BYTES);
    add_pages(gather, 5);
    mmusim__gather_flushed(gather);
    assert_false(mmusim__gather_needs_flush(gather));
    assert_int_equal(gather->n_pages, 5); /* freed only after the flush */
    mmusim__gather_entry(gather, VADDR + BASE_PAGE_BYTES, BASE_PAGE_BYTES);
    assert_int_equal(gather->start, VADDR + BASE_PAGE_BYTES);
}

/* 8 on the stack and 19 pages of 510. */
static void the_9698th_page_forces_a_flush_and_none_before(void **state)
{
    struct mmu_gather *gather = *state;

    assert_int_equal(GATHER_MAX_PAGES, 9698);
    for (uint32_t i = 1; i < 9698; i++)
        assert_int_equal(add_pages(gather, 1), GATHER_HAS_ROOM);
    assert_int_equal(add_pages(gather, 1), GATHER_MUST_FLUSH);
}

static void
pages_and_tables_share_the_batches_and_keep_their_order(void **state)
{
    struct mmu_gather *gather = *state;

    assert_int_equal(add_pages(gather, 9698), GATHER_MUST_FLUSH);
    for (uint32_t i = 0; i < 9698; i++) {
        assert_int_equal(gather->pages[i].pfn.v, i);
        assert_int_equal(gather->pages[i].is_table, i % 7 == 0);
    }
}

static void a_new_use_starts_empty_and_in_its_own_scope(void **state)
{
    struct mmu_gather *gather = *state;

    mmusim__gather_entry(gather, VADDR, BASE_PAGE_BYTES);
    add_pages(gather, 20);
    mmusim__gather_begin(gather, GATHER_FULL_MM);
    assert_true(gather->is_full_mm);
    assert_int_equal(gather->n_pages, 0);
    assert_false(mmusim__gather_needs_flush(gather));
    mmusim__gather_begin(gather, GATHER_RANGE);
    assert_false(gather->is_full_mm);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_cleared_needs_no_flush),
        T(one_entry_is_a_range_of_one_page),
        T(the_range_is_the_minimum_and_maximum_of_what_was_cleared),
        T(a_large_entry_counts_with_its_size),
        T(a_freed_table_adds_one_page_at_its_address),
        T(the_first_page_of_all_is_a_range),
        T(after_a_flush_the_range_is_empty_and_the_pages_are_held),
        T(the_9698th_page_forces_a_flush_and_none_before),
        T(pages_and_tables_share_the_batches_and_keep_their_order),
        T(a_new_use_starts_empty_and_in_its_own_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
