/* SPDX-License-Identifier: MIT */
/* What holds for every page-table format: what is made is read back. */
#include "support/format_list.h"

#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { N_WORDS = 20000, PAGE_RIGHTS = 63 };

struct leaf {
    pfn_t pfn;
    uint32_t level;
    uint32_t rights;
    bool is_accessed;
};

static bool is_x86_32(const struct pt_format *format)
{
    return format->word_log2 == 2 && format->sets_dirty;
}

/* The largest frame number of a page at a level. */
static uint32_t pfn_bits(const struct pt_format *format, uint32_t level)
{
    uint32_t bits = format->paddr_bits < 52 ? format->paddr_bits : 52;

    if (format->word_log2 == 2 && (!level || format->levels[1].bits == 12))
        bits = 32; /* only 4M pages and supersections reach further */
    return bits - BASE_PAGE_SHIFT;
}

static struct leaf draw_leaf(const struct pt_format *format, struct rng *rng)
{
    struct leaf leaf;
    uint64_t pfn = mmusim__rng_next(rng);

    do {
        leaf.level = mmusim__rng_below(rng, format->n_levels);
    } while (!format->levels[leaf.level].has_leaves);
    pfn &= (UINT64_C(1) << pfn_bits(format, leaf.level)) - 1;
    leaf.pfn.v =
        align_down(pfn, UINT64_C(1) << pt_level_order(format, leaf.level));
    leaf.rights = mmusim__rng_below(rng, PAGE_RIGHTS + 1) | TLB_READ;
    leaf.is_accessed = mmusim__rng_below(rng, 2);
    return leaf;
}

static uint64_t make(const struct pt_format *format, const struct leaf *leaf)
{
    return format->make_leaf(format, leaf->pfn, leaf->level, leaf->rights,
                             leaf->is_accessed);
}

/* A leaf's rights with all allowed above it, and what the format cannot say
 * taken from what was asked. */
static void assert_rights(const struct pt_format *format,
                          const struct pt_entry *entry, uint32_t asked)
{
    uint32_t rights = pt_leaf_rights(format, PT_ALL_RIGHTS, entry->rights) |
                      (entry->rights & TLB_DIRTY);

    if (is_x86_32(format))
        asked |= TLB_EXEC;
    if (is_x86_32(format) && !format->levels[1].has_leaves)
        asked &= ~(uint32_t) TLB_GLOBAL;
    if (format->stage == PT_STAGE_2) {
        asked = (asked | TLB_USER) & ~(uint32_t) TLB_GLOBAL;
        /* EPT without flags knows no clean pages, Arm no dirty ones that may
         * not be written. */
        if (!format->sets_dirty || !(asked & TLB_WRITE))
            asked = (asked & ~(uint32_t) TLB_DIRTY) | (rights & TLB_DIRTY);
    }
    assert_int_equal(rights, asked);
}

static void assert_reads(const struct pt_format *format, uint64_t word,
                         const struct leaf *leaf)
{
    struct pt_entry entry = format->decode(format, word, leaf->level);

    assert_true(entry.is_present && entry.is_leaf && !entry.is_reserved);
    assert_int_equal(entry.pfn.v, leaf->pfn.v);
    assert_int_equal(entry.order, pt_level_order(format, leaf->level));
    assert_int_equal(entry.run_order, entry.order);
    if (format->sets_accessed || !strstr(format->name, "ept"))
        assert_int_equal(entry.is_accessed, leaf->is_accessed);
    assert_rights(format, &entry, leaf->rights);
    assert_int_equal(word >> (8U << format->word_log2 >> 1) >>
                         (8U << format->word_log2 >> 1),
                     0);
}

static void leaves_are_read_as_made(void **state)
{
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 51, 0);
    for (size_t i = 0; i < n_formats; i++) {
        struct pt_format format = format_of(&format_list[i]);

        for (uint32_t n = 0; n < N_WORDS; n++) {
            struct leaf leaf = draw_leaf(&format, &rng);

            assert_reads(&format, make(&format, &leaf), &leaf);
        }
    }
}

static void a_mark_changes_only_itself(void **state)
{
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 52, 0);
    for (size_t i = 0; i < n_formats; i++) {
        struct pt_format format = format_of(&format_list[i]);

        for (uint32_t n = 0; n < N_WORDS; n++) {
            struct leaf leaf = draw_leaf(&format, &rng);
            uint64_t word = make(&format, &leaf);

            leaf.is_accessed = true;
            assert_reads(&format, format.set_accessed(word, leaf.level), &leaf);
            leaf.rights |= TLB_WRITE;
            word = make(&format, &leaf);
            leaf.rights |= TLB_DIRTY;
            assert_reads(&format, format.set_dirty(word, leaf.level), &leaf);
        }
    }
}

static void what_is_hidden_comes_back_whole(void **state)
{
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 53, 0);
    for (size_t i = 0; i < n_formats; i++) {
        struct pt_format format = format_of(&format_list[i]);

        for (uint32_t n = 0; n < N_WORDS; n++) {
            struct leaf leaf = draw_leaf(&format, &rng);
            uint64_t word = make(&format, &leaf);
            uint64_t hidden = format.hide(word, leaf.level);

            assert_true(hidden != 0);
            assert_false(format.decode(&format, hidden, leaf.level).is_present);
            assert_true(format.reveal(hidden, leaf.level) == word);
            assert_true(format.reveal(word, leaf.level) == word);
        }
        assert_int_equal(format.reveal(0, 0), 0);
        assert_false(format.decode(&format, 0, 0).is_present);
    }
}

/* A pointer leads to its table and forbids nothing. */
static void pointers_are_read_as_made(void **state)
{
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 54, 0);
    for (size_t i = 0; i < n_formats * N_WORDS; i++) {
        struct pt_format format = format_of(&format_list[i % n_formats]);
        uint32_t level = 1 + mmusim__rng_below(&rng, format.n_levels - 1);
        uint32_t log2 = format.levels[level - 1].bits + format.word_log2;
        uint32_t bits = format.word_log2 == 2    ? 32
                        : format.paddr_bits < 52 ? format.paddr_bits
                                                 : 52;
        uint64_t table =
            (mmusim__rng_next(&rng) & ((UINT64_C(1) << bits) - 1)) >>
            log2 << log2;
        uint64_t word = format.make_table(&format, table, level);
        struct pt_entry entry = format.decode(&format, word, level);

        assert_true(entry.is_present && entry.is_accessed);
        assert_false(entry.is_leaf || entry.is_reserved);
        assert_true(entry.table == table);
        assert_true(entry.pfn.v == table >> BASE_PAGE_SHIFT);
        assert_int_equal(pt_leaf_rights(&format, entry.rights, PT_ALL_RIGHTS),
                         TLB_READ | TLB_WRITE | TLB_EXEC | TLB_USER);
    }
}

static void runs_are_as_long_as_the_format_says(void **state)
{
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 55, 0);
    for (size_t i = 0; i < n_formats * 100; i++) {
        struct pt_format format = format_of(&format_list[i % n_formats]);
        struct leaf leaf = draw_leaf(&format, &rng);
        uint32_t order = pt_level_order(&format, leaf.level);
        uint32_t log2 = format.levels[leaf.level].run_log2;
        uint64_t word = make(&format, &leaf);
        struct pt_entry alone = format.decode(&format, word, leaf.level);
        struct pt_entry joined;

        if (!format.join || !log2)
            continue;
        word = format.join(&format, word, leaf.level);
        joined = format.decode(&format, word, leaf.level);
        assert_int_equal(joined.run_order, order + log2);
        assert_int_equal(joined.rights, alone.rights);
        assert_int_equal(joined.is_accessed, alone.is_accessed);
        /* Either the word alone translates the run, or its neighbours do. */
        assert_true(joined.order == order || joined.order == order + log2);
        assert_int_equal(joined.pfn.v,
                         align_down(leaf.pfn.v, UINT64_C(1) << joined.order));
    }
}

/* Levels follow each other without a gap and cover the address. */
static void levels_cover_the_address(void **state)
{
    (void) state;
    for (size_t i = 0; i < n_formats; i++) {
        struct pt_format format = format_of(&format_list[i]);
        uint32_t shift = format.granule_order + BASE_PAGE_SHIFT;
        uint64_t vaddr = 0;

        assert_in_range(format.n_levels, 2, PT_MAX_LEVELS);
        assert_true(format.levels[0].has_leaves);
        for (uint32_t level = 0; level < format.n_levels; level++) {
            assert_int_equal(format.levels[level].shift, shift);
            shift += format.levels[level].bits;
            assert_int_equal(pt_span_order(&format, level), shift - 12);
            vaddr |= (uint64_t) pt_index(&format, UINT64_MAX, level)
                     << format.levels[level].shift;
        }
        assert_int_equal(shift, format.vaddr_bits);
        assert_true(vaddr >> (format.granule_order + 12) ==
                    ((UINT64_C(1) << format.vaddr_bits) - 1) >>
                        (format.granule_order + 12));
        assert_true(strlen(format.name) > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_cover_the_address),
        cmocka_unit_test(leaves_are_read_as_made),
        cmocka_unit_test(a_mark_changes_only_itself),
        cmocka_unit_test(what_is_hidden_comes_back_whole),
        cmocka_unit_test(pointers_are_read_as_made),
        cmocka_unit_test(runs_are_as_long_as_the_format_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
