/* SPDX-License-Identifier: MIT */
/* Splits, merges and their count, as Linux 4.6 does them. */
#include "os/vm_area.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PAGE UINT64_C(4096)
#define RW   (VM_READ | VM_WRITE)

static int setup(void **state)
{
    *state = mmusim__vm_set_create();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    bool is_valid = mmusim__vm_set_is_valid(*state);

    mmusim__vm_set_destroy(*state);
    return is_valid ? 0 : -1;
}

/* Pages [start, end); returns the number of areas touched. */
static uint32_t map(struct vm_set *set, uint64_t start, uint64_t end,
                    uint32_t flags)
{
    struct vm_area area = {start * PAGE, end * PAGE, flags, 0, 0, 0};
    uint32_t n_touched = 0;

    assert_int_equal(mmusim__vm_insert(set, &area, &n_touched), MMUSIM_OK);
    return n_touched;
}

static void map_file(struct vm_set *set, uint64_t start, uint64_t end,
                     uint32_t file_id, uint64_t offset_pages)
{
    struct vm_area area = {start * PAGE, end * PAGE,         RW, 0,
                           file_id,      offset_pages * PAGE};

    assert_int_equal(mmusim__vm_insert(set, &area, NULL), MMUSIM_OK);
}

static mmusim_status_t map_huge(struct vm_set *set, uint64_t start,
                                uint64_t end, uint32_t order)
{
    struct vm_area area = {start * PAGE, end * PAGE, RW | VM_HUGETLB,
                           order,        0,          0};

    return mmusim__vm_insert(set, &area, NULL);
}

static uint32_t unmap(struct vm_set *set, uint64_t start, uint64_t end)
{
    uint32_t n_touched = 0;

    assert_int_equal(
        mmusim__vm_remove(set, start * PAGE, end * PAGE, &n_touched),
        MMUSIM_OK);
    return n_touched;
}

static uint32_t protect(struct vm_set *set, uint64_t start, uint64_t end,
                        uint32_t flags)
{
    uint32_t n_touched = 0;

    assert_int_equal(
        mmusim__vm_protect(set, start * PAGE, end * PAGE, flags, &n_touched),
        MMUSIM_OK);
    return n_touched;
}

static void assert_area(const struct vm_set *set, uint64_t start, uint64_t end,
                        uint32_t flags)
{
    const struct vm_area *area = mmusim__vm_find(set, start * PAGE);

    assert_non_null(area);
    assert_int_equal(area->start, start * PAGE);
    assert_int_equal(area->end, end * PAGE);
    assert_int_equal(area->flags, flags);
}

static void equal_neighbours_become_one_area(void **state)
{
    assert_int_equal(map(*state, 10, 20, RW), 1);
    assert_int_equal(map(*state, 20, 30, RW), 1); /* one resized */
    assert_int_equal(map(*state, 40, 50, RW), 1);
    assert_int_equal(map(*state, 30, 40, RW), 2); /* resized, unlinked */
    assert_area(*state, 10, 50, RW);
    assert_int_equal(map(*state, 50, 60, VM_READ), 1);
    assert_int_equal(mmusim__vm_count(*state), 2);
}

static void finding_knows_holes_and_ends(void **state)
{
    map(*state, 10, 20, RW);
    assert_null(mmusim__vm_find(*state, 10 * PAGE - 1));
    assert_null(mmusim__vm_find(*state, 20 * PAGE));
    assert_non_null(mmusim__vm_find(*state, 20 * PAGE - 1));
    assert_int_equal(mmusim__vm_find_from(*state, 0)->start, 10 * PAGE);
    assert_null(mmusim__vm_find_from(*state, 20 * PAGE));
}

static void the_end_before_an_address_is_the_last_areas(void **state)
{
    assert_int_equal(mmusim__vm_end_before(*state, UINT64_MAX), 0);
    map(*state, 10, 20, RW);
    map(*state, 30, 40, RW);
    assert_int_equal(mmusim__vm_end_before(*state, 20 * PAGE - 1), 0);
    assert_int_equal(mmusim__vm_end_before(*state, 20 * PAGE), 20 * PAGE);
    assert_int_equal(mmusim__vm_end_before(*state, 35 * PAGE), 20 * PAGE);
    assert_int_equal(mmusim__vm_end_before(*state, UINT64_MAX), 40 * PAGE);
}

static void files_merge_only_where_offsets_continue(void **state)
{
    map_file(*state, 10, 20, 7, 100);
    map_file(*state, 20, 30, 7, 110);
    assert_int_equal(mmusim__vm_count(*state), 1);
    map_file(*state, 30, 40, 7, 110);
    map_file(*state, 40, 50, 8, 120);
    assert_int_equal(mmusim__vm_count(*state), 3);
    map_file(*state, 5, 10, 7, 95);
    assert_int_equal(mmusim__vm_find(*state, 5 * PAGE)->file_offset, 95 * PAGE);
    assert_area(*state, 5, 30, RW);
}

static void a_hole_splits_an_area_and_moves_its_offset(void **state)
{
    map_file(*state, 10, 20, 7, 100);
    assert_int_equal(unmap(*state, 12, 15), 2); /* resized, linked */
    assert_area(*state, 10, 12, RW);
    assert_area(*state, 15, 20, RW);
    assert_int_equal(mmusim__vm_find(*state, 15 * PAGE)->file_offset,
                     105 * PAGE);
    map_file(*state, 12, 15, 7, 102);
    assert_area(*state, 10, 20, RW);
}

static void unmapping_skips_holes(void **state)
{
    map(*state, 10, 20, RW);
    map(*state, 30, 40, RW);
    map(*state, 50, 60, RW);
    assert_int_equal(unmap(*state, 15, 55), 3);
    assert_area(*state, 10, 15, RW);
    assert_area(*state, 55, 60, RW);
    assert_int_equal(unmap(*state, 15, 55), 0);
}

static void protecting_splits_and_merges(void **state)
{
    map(*state, 10, 20, RW);
    assert_int_equal(protect(*state, 10, 20, VM_READ), 0); /* in place */
    assert_int_equal(protect(*state, 12, 15, RW), 3);
    assert_int_equal(mmusim__vm_count(*state), 3);
    /* The border between two areas moves: two are resized. */
    assert_int_equal(protect(*state, 15, 17, RW), 2);
    assert_area(*state, 12, 17, RW);
    assert_int_equal(protect(*state, 17, 18, VM_READ), 0); /* nothing new */
    assert_int_equal(protect(*state, 12, 17, VM_READ), 3); /* all is one */
    assert_area(*state, 10, 20, VM_READ);
}

static void protecting_keeps_all_other_flags(void **state)
{
    map(*state, 10, 20, RW | VM_SHARED | VM_HEAP);
    protect(*state, 0, 100, VM_EXEC | VM_HUGETLB | VM_IMPLICIT);
    assert_area(*state, 10, 20, VM_EXEC | VM_SHARED | VM_HEAP);
}

static void protecting_across_areas_skips_holes(void **state)
{
    map(*state, 10, 20, RW);
    map(*state, 20, 25, RW | VM_EXEC);
    map(*state, 30, 40, RW);
    protect(*state, 15, 35, VM_READ);
    assert_area(*state, 10, 15, RW);
    assert_area(*state, 15, 25, VM_READ);
    assert_area(*state, 30, 35, VM_READ);
    assert_area(*state, 35, 40, RW);
}

static void hugetlb_areas_never_merge(void **state)
{
    assert_int_equal(map_huge(*state, 512, 1024, PAGE_ORDER_2M), MMUSIM_OK);
    assert_int_equal(map_huge(*state, 1024, 1536, PAGE_ORDER_2M), MMUSIM_OK);
    assert_int_equal(mmusim__vm_count(*state), 2);
}

static void a_huge_page_cannot_be_cut(void **state)
{
    uint32_t n_touched = 0;
    uint64_t gib_pages = 1 << 18;

    assert_int_equal(map_huge(*state, 512, 1000, PAGE_ORDER_2M), MMUSIM_USAGE);
    assert_int_equal(map_huge(*state, 512, 1536, PAGE_ORDER_2M), MMUSIM_OK);
    assert_int_equal(mmusim__vm_remove(*state, 0, 600 * PAGE, &n_touched),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim__vm_protect(*state, 600 * PAGE, 9999 * PAGE,
                                        VM_READ, &n_touched),
                     MMUSIM_USAGE);
    assert_int_equal(map_huge(*state, gib_pages, 2 * gib_pages, PAGE_ORDER_1G),
                     MMUSIM_OK);
    assert_int_equal(
        mmusim__vm_remove(*state, 0, (gib_pages + 512) * PAGE, &n_touched),
        MMUSIM_USAGE);
    assert_int_equal(n_touched, 0);
    assert_int_equal(mmusim__vm_count(*state), 2);
    unmap(*state, 1024, 3 * gib_pages);
    assert_area(*state, 512, 1024, RW | VM_HUGETLB);
}

static void wrong_arguments_change_nothing(void **state)
{
    struct vm_area overlap = {15 * PAGE, 25 * PAGE, RW, 0, 0, 0};
    struct vm_area empty = {30 * PAGE, 30 * PAGE, RW, 0, 0, 0};
    struct vm_area odd = {30 * PAGE, 31 * PAGE + 1, RW, 0, 0, 0};

    map(*state, 10, 20, RW);
    assert_int_equal(mmusim__vm_insert(*state, &overlap, NULL), MMUSIM_USAGE);
    assert_int_equal(mmusim__vm_insert(*state, &empty, NULL), MMUSIM_USAGE);
    assert_int_equal(mmusim__vm_insert(*state, &odd, NULL), MMUSIM_USAGE);
    assert_int_equal(mmusim__vm_remove(*state, 1, PAGE, NULL), MMUSIM_USAGE);
    assert_int_equal(mmusim__vm_remove(*state, 20 * PAGE, 10 * PAGE, NULL),
                     MMUSIM_OK);
    assert_area(*state, 10, 20, RW);
    assert_int_equal(mmusim__vm_count(*state), 1);
}

static void the_top_of_the_address_space_can_be_mapped(void **state)
{
    uint64_t last = UINT64_MAX / PAGE;

    map(*state, last - 2, last, RW);
    assert_area(*state, last - 2, last, RW);
    assert_null(mmusim__vm_find(*state, UINT64_MAX));
    assert_int_equal(unmap(*state, last - 1, last), 1);
    assert_area(*state, last - 2, last - 1, RW);
}

static void a_copy_is_independent(void **state)
{
    struct vm_set *copy;

    map(*state, 10, 20, RW);
    copy = mmusim__vm_set_copy(*state);
    assert_non_null(copy);
    unmap(*state, 10, 20);
    assert_area(copy, 10, 20, RW);
    assert_int_equal(mmusim__vm_count(*state), 0);
    map(copy, 30, 40, RW);
    assert_true(mmusim__vm_set_is_valid(copy));
    mmusim__vm_set_destroy(copy);
    mmusim__vm_set_destroy(NULL);
}

static void a_hundred_thousand_areas_come_and_go(void **state)
{
    enum { N = 100000 };

    /* in an order that jumps about */
    for (uint64_t i = 0; i < N; i++)
        map(*state, i * 7919 % N * 2, i * 7919 % N * 2 + 1, RW);
    assert_int_equal(mmusim__vm_count(*state), N);
    assert_true(mmusim__vm_set_is_valid(*state));
    for (uint64_t i = 0; i < N; i++)
        assert_area(*state, 2 * i, 2 * i + 1, RW);
    assert_int_equal(protect(*state, 0, 2 * N, VM_READ), 0);
    for (uint64_t i = 0; i < N - 1; i++)
        map(*state, 2 * i + 1, 2 * i + 2, i % 3 ? VM_READ : RW);
    assert_int_equal(mmusim__vm_count(*state), 2 * ((N + 1) / 3) + 1);
    unmap(*state, 0, 2 * N);
    assert_int_equal(mmusim__vm_count(*state), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal_neighbours_become_one_area),
        TEST(finding_knows_holes_and_ends),
        TEST(the_end_before_an_address_is_the_last_areas),
        TEST(files_merge_only_where_offsets_continue),
        TEST(a_hole_splits_an_area_and_moves_its_offset),
        TEST(unmapping_skips_holes),
        TEST(protecting_splits_and_merges),
        TEST(protecting_keeps_all_other_flags),
        TEST(protecting_across_areas_skips_holes),
        TEST(hugetlb_areas_never_merge),
        TEST(a_huge_page_cannot_be_cut),
        TEST(wrong_arguments_change_nothing),
        TEST(the_top_of_the_address_space_can_be_mapped),
        TEST(a_copy_is_independent),
        TEST(a_hundred_thousand_areas_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
