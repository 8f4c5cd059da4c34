/* SPDX-License-Identifier: MIT */
/* The x86-64 format's words, by the tables of Intel SDM vol. 3A 4.5. */
#include "tlb/pt_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ALL_RIGHTS (TLB_READ | TLB_WRITE | TLB_EXEC | TLB_USER)

static const struct pt_format *format(void)
{
    return mmusim__pt_format_x86_64(4);
}

static void formats_have_four_or_five_levels(void **state)
{
    (void) state;
    assert_int_equal(mmusim__pt_format_x86_64(4)->vaddr_bits, 48);
    assert_int_equal(mmusim__pt_format_x86_64(5)->vaddr_bits, 57);
    assert_int_equal(mmusim__pt_format_x86_64(5)->n_levels, 5);
    assert_null(mmusim__pt_format_x86_64(3));
    assert_null(mmusim__pt_format_x86_64(6));
}

static void options_choose_the_format_or_are_refused_with_the_key(void **state)
{
    static const struct {
        struct pt_options options;
        const char *key; /* NULL: accepted */
    } cases[] = {
        {{.isa = "x86-64"}, NULL},
        {{.isa = "x86-64", .n_levels = 5}, NULL},
        {{.isa = "x86-64", .vaddr_bits = 57, .granule_bytes = 4096}, NULL},
        {{.isa = "x86-64", .n_levels = 3}, "page_table.levels"},
        {{.isa = "x86-64", .granule_bytes = 65536}, "page_table.granule"},
        {{.isa = "x86-64", .n_levels = 4, .vaddr_bits = 57},
         "page_table.vaddr_bits"},
        {{.isa = "x86-64", .variant = "lpae"}, "page_table.format"},
        {{.isa = "vax"}, "isa"},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pt_format made;
        mmusim_diag_t diag = {0};
        mmusim_status_t status =
            mmusim__pt_format_init(&made, &cases[i].options, &diag);

        assert_int_equal(status, cases[i].key ? MMUSIM_CONFIG : MMUSIM_OK);
        if (cases[i].key)
            assert_string_equal(diag.key, cases[i].key);
        else
            assert_memory_equal(&made, mmusim__pt_format_x86_64(made.n_levels),
                                sizeof(made));
    }
}

static void leaves_have_the_manuals_bits(void **state)
{
    (void) state;
    /* P, R/W, U/S; XD; A; D; G; PS */
    assert_true(format()->make_leaf(format(), (pfn_t){0x1234}, 0, ALL_RIGHTS,
                                    false) == UINT64_C(0x1234007));
    assert_true(format()->make_leaf(format(), (pfn_t){1}, 0, TLB_READ, true) ==
                UINT64_C(0x8000000000001021));
    assert_true(format()->make_leaf(format(), (pfn_t){512}, 1,
                                    TLB_READ | TLB_EXEC | TLB_DIRTY,
                                    true) == UINT64_C(0x2000e1));
    assert_true(format()->make_leaf(format(), (pfn_t){1 << 18}, 2,
                                    TLB_READ | TLB_EXEC | TLB_GLOBAL,
                                    false) == UINT64_C(0x40000181));
}

static void a_table_pointer_is_as_linux_makes_it(void **state)
{
    uint64_t word = format()->make_table(format(), 0x99000, 3);
    struct pt_entry entry = format()->decode(format(), word, 3);

    (void) state;
    assert_true(word == UINT64_C(0x99067)); /* _PAGE_TABLE, Linux 4.6 */
    assert_true(entry.is_present && entry.is_accessed);
    assert_false(entry.is_leaf || entry.is_reserved);
    assert_int_equal(entry.pfn.v, 0x99);
    assert_int_equal(entry.rights, ALL_RIGHTS);
}

static void page_size_is_reserved_in_the_upper_levels(void **state)
{
    (void) state;
    for (uint32_t level = 0; level < PT_MAX_LEVELS; level++) {
        struct pt_entry entry = format()->decode(format(), 0x81, level);

        assert_int_equal(entry.is_reserved, level >= 3);
        assert_int_equal(entry.is_leaf, level <= 2);
    }
}

static void low_address_bits_of_large_pages_are_reserved_but_for_pat(void **s)
{
    (void) s;
    for (unsigned bit = 12; bit < 52; bit++) {
        uint64_t word = UINT64_C(1) << bit | 0x81;

        assert_int_equal(format()->decode(format(), word, 0).is_reserved,
                         false);
        assert_int_equal(format()->decode(format(), word, 1).is_reserved,
                         bit >= 13 && bit <= 20);
        assert_int_equal(format()->decode(format(), word, 2).is_reserved,
                         bit >= 13 && bit <= 29);
        /* a table pointer has no reserved address bit */
        assert_false(
            format()->decode(format(), word & ~UINT64_C(0x80), 1).is_reserved);
        assert_false(
            format()->decode(format(), word & ~UINT64_C(0x80), 2).is_reserved);
    }
    /* PAT of a large page is no address bit. */
    assert_int_equal(format()->decode(format(), 0x201081, 1).pfn.v, 512);
    assert_int_equal(format()->decode(format(), 0x40001081, 2).pfn.v, 1 << 18);
}

static void ignored_bits_change_nothing(void **state)
{
    uint64_t ignored = UINT64_C(0x7ff0000000000e18); /* 62:52, 11:9, 4:3 */
    struct pt_entry plain = format()->decode(format(), 0x1007, 0);
    struct pt_entry other = format()->decode(format(), 0x1007 | ignored, 0);

    (void) state;
    assert_int_equal(other.pfn.v, plain.pfn.v);
    assert_int_equal(other.rights, plain.rights);
    assert_false(other.is_reserved);
}

static void an_absent_entry_says_nothing_else(void **state)
{
    struct pt_entry entry = format()->decode(format(), ~UINT64_C(1), 1);

    (void) state;
    assert_false(entry.is_present || entry.is_reserved || entry.is_leaf ||
                 entry.is_accessed);
    assert_int_equal(entry.rights, 0);
    assert_int_equal(entry.pfn.v, 0);
}

static void a_dirty_word_is_also_accessed(void **state)
{
    (void) state;
    assert_int_equal(format()->set_accessed(0x1007, 0), 0x1027);
    assert_int_equal(format()->set_dirty(0x1007, 0), 0x1067);
    assert_true(format()->decode(format(), 0x1067, 0).rights & TLB_DIRTY);
}

static void dirty_and_global_are_ignored_in_a_table_pointer(void **state)
{
    (void) state;
    assert_int_equal(format()->decode(format(), 0x1147, 2).rights, ALL_RIGHTS);
}

static void a_hidden_word_is_absent_and_comes_back_whole(void **state)
{
    const uint64_t words[] = {0x1147, 0x2000e1, 0x8000000000001027};

    (void) state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint64_t hidden = format()->hide(words[i], 1);

        assert_true(hidden != 0);
        assert_false(format()->decode(format(), hidden, 1).is_present);
        assert_true(format()->reveal(hidden, 1) == words[i]);
        assert_true(format()->reveal(words[i], 1) == words[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_have_four_or_five_levels),
        cmocka_unit_test(options_choose_the_format_or_are_refused_with_the_key),
        cmocka_unit_test(leaves_have_the_manuals_bits),
        cmocka_unit_test(a_table_pointer_is_as_linux_makes_it),
        cmocka_unit_test(page_size_is_reserved_in_the_upper_levels),
        cmocka_unit_test(
            low_address_bits_of_large_pages_are_reserved_but_for_pat),
        cmocka_unit_test(ignored_bits_change_nothing),
        cmocka_unit_test(an_absent_entry_says_nothing_else),
        cmocka_unit_test(a_dirty_word_is_also_accessed),
        cmocka_unit_test(dirty_and_global_are_ignored_in_a_table_pointer),
        cmocka_unit_test(a_hidden_word_is_absent_and_comes_back_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
