/* SPDX-License-Identifier: MIT */
/* Tables in simulated memory: adding, removing, words, far frames. */
#include "tlb/pt_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = mmusim__pt_memory_create();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    mmusim__pt_memory_destroy(*state);
    return 0;
}

static void a_new_table_is_empty_and_found_by_its_frame(void **state)
{
    struct pt_info *info = mmusim__pt_table_add(*state, (pfn_t){5}, 3);

    assert_non_null(info);
    assert_ptr_equal(mmusim__pt_table(*state, (pfn_t){5}), info);
    assert_int_equal(info->pfn.v, 5);
    assert_int_equal(info->level, 3);
    assert_null(info->lock);
    for (uint64_t i = 0; i < PT_WORDS; i++)
        assert_int_equal(mmusim__pt_read(*state, (5 << 12) + 8 * i), 0);
}

static void present_entries_are_counted(void **state)
{
    struct pt_info *info = mmusim__pt_table_add(*state, (pfn_t){5}, 0);
    uint64_t paddr = (5 << 12) + 8 * 511;

    mmusim__pt_write(*state, paddr, 7);
    mmusim__pt_write(*state, paddr, 9);
    mmusim__pt_write(*state, 5 << 12, 1);
    assert_int_equal(info->n_present, 2);
    assert_int_equal(mmusim__pt_read(*state, paddr), 9);
    mmusim__pt_write(*state, paddr, 0);
    mmusim__pt_write(*state, paddr, 0);
    assert_int_equal(info->n_present, 1);
}

static void a_removed_table_reads_as_zero(void **state)
{
    mmusim__pt_table_add(*state, (pfn_t){5}, 0);
    mmusim__pt_write(*state, 5 << 12, 1);
    mmusim__pt_table_remove(*state, (pfn_t){5});
    assert_null(mmusim__pt_table(*state, (pfn_t){5}));
    assert_int_equal(mmusim__pt_read(*state, 5 << 12), 0);
    assert_int_equal(mmusim__pt_table_count(*state), 0);
    assert_int_equal(mmusim__pt_table_add(*state, (pfn_t){5}, 0)->n_present, 0);
    assert_int_equal(mmusim__pt_read(*state, 5 << 12), 0);
}

static void tables_may_lie_anywhere_in_52_bits(void **state)
{
    uint64_t last = (UINT64_C(1) << 40) - 1;

    assert_non_null(mmusim__pt_table_add(*state, (pfn_t){0}, 0));
    assert_non_null(mmusim__pt_table_add(*state, (pfn_t){last}, 4));
    mmusim__pt_write(*state, last << 12 | 8, 3);
    assert_int_equal(mmusim__pt_read(*state, last << 12 | 8), 3);
    assert_int_equal(mmusim__pt_read(*state, 8), 0);
    assert_null(mmusim__pt_table_add(*state, (pfn_t){last + 1}, 0));
    assert_int_equal(mmusim__pt_table_count(*state), 2);
}

static void what_is_no_table_reads_as_zero(void **state)
{
    assert_int_equal(mmusim__pt_read(*state, 0), 0);
    assert_int_equal(mmusim__pt_read(*state, UINT64_MAX - 7), 0);
    mmusim__pt_table_add(*state, (pfn_t){4096}, 0);
    assert_null(mmusim__pt_table(*state, (pfn_t){4097}));
    assert_null(mmusim__pt_table(*state, (pfn_t){1}));
    mmusim__pt_memory_destroy(NULL);
}

static void small_tables_share_a_frame(void **state)
{
    struct pt_info *tables[4];

    for (uint64_t i = 0; i < 4; i++) {
        const struct pt_shape shape = {0x5000 + i * 0x400, 0, 256, 2};

        tables[i] = mmusim__pt_table_make(*state, &shape);
        assert_non_null(tables[i]);
        assert_null(mmusim__pt_table_make(*state, &shape));
    }
    assert_int_equal(mmusim__pt_table_count(*state), 4);
    mmusim__pt_write(*state, 0x5bfc, 0xfffffffe);
    mmusim__pt_write(*state, 0x5c00, 3);
    assert_int_equal(mmusim__pt_read(*state, 0x5bfc), 0xfffffffe);
    assert_int_equal(mmusim__pt_read(*state, 0x5c00), 3);
    assert_ptr_equal(mmusim__pt_table_at(*state, 0x5bfc), tables[2]);
    assert_int_equal(pt_word(tables[2], 255), 0xfffffffe);
    assert_int_equal(pt_entry_index(tables[2], 0x5bfc), 255);
    assert_int_equal(pt_entry_paddr(tables[3], 1), 0x5c04);
    assert_int_equal(tables[2]->n_present, 1);
    mmusim__pt_table_remove(*state, (pfn_t){5});
    assert_int_equal(mmusim__pt_table_count(*state), 0);
    assert_null(mmusim__pt_table_at(*state, 0x5bfc));
}

static void half_a_frame_may_be_a_table(void **state)
{
    const struct pt_shape shape = {0x5800, 0, 512, 2};

    assert_non_null(mmusim__pt_table_make(*state, &shape));
    assert_null(mmusim__pt_table_at(*state, 0x57fc));
    assert_int_equal(mmusim__pt_read(*state, 0x57fc), 0);
    assert_non_null(mmusim__pt_table_at(*state, 0x5800));
    assert_non_null(mmusim__pt_table_at(*state, 0x5ffc));
    assert_null(mmusim__pt_table_at(*state, 0x6000));
}

static void a_large_table_lies_in_all_its_frames(void **state)
{
    /* 64 KiB over the border of two directory nodes */
    const struct pt_shape shape = {0xff8000, 1, 8192, 3};
    const struct pt_shape inside = {0x1007000, 0, 512, 3};
    struct pt_info *table = mmusim__pt_table_make(*state, &shape);

    assert_non_null(table);
    assert_int_equal(pt_id_chunks(table), 128);
    for (uint64_t pfn = 0xff8; pfn < 0x1008; pfn++)
        assert_ptr_equal(mmusim__pt_table(*state, (pfn_t){pfn}), table);
    assert_null(mmusim__pt_table(*state, (pfn_t){0x1008}));
    assert_null(mmusim__pt_table_make(*state, &inside));
    mmusim__pt_write(*state, 0x1007ff8, 9);
    assert_int_equal(mmusim__pt_read(*state, 0x1007ff8), 9);
    assert_int_equal(pt_word(table, 8191), 9);
    mmusim__pt_table_remove(*state, (pfn_t){0xff8});
    assert_non_null(mmusim__pt_table_make(*state, &inside));
    assert_non_null(mmusim__pt_table_make(
        *state, &(struct pt_shape){0xff8000, 1, 4096, 2}));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_table_is_empty_and_found_by_its_frame),
        TEST(present_entries_are_counted),
        TEST(a_removed_table_reads_as_zero),
        TEST(tables_may_lie_anywhere_in_52_bits),
        TEST(small_tables_share_a_frame),
        TEST(half_a_frame_may_be_a_table),
        TEST(a_large_table_lies_in_all_its_frames),
        TEST(what_is_no_table_reads_as_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
