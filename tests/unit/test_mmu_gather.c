/* SPDX-License-Identifier: MIT */
/* mmu_gather: the range rule, the slots, tables and nested gathers by version;
 * the figures are those of mm/mmu_gather.c and include/asm-generic/tlb.h. */
#include "coherence/mmu_gather.h"

#include "coherence/ipi.h"
#include "coherence/mm_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR UINT64_C(0x7f0000000000)
#define MIB   UINT64_C(0x100000)

struct fixture {
    struct gather_shape shape;
    struct mmu_gather gather;
    struct address_space mm;
};

static const struct gather_habitat x86 = {.isa = ISA_X86_64,
                                          .page_bytes = 4096};
static const struct gather_habitat arm64 = {.isa = ISA_ARMV8,
                                            .page_bytes = 4096};

/* Begins a gather of a version on a machine. */
static struct mmu_gather *begin(struct fixture *fixture,
                                const struct mm_rules *rules,
                                const struct gather_habitat *habitat)
{
    mmusim__gather_fini(&fixture->gather);
    fixture->mm = (struct address_space){.id = 1};
    fixture->shape = mmusim__gather_shape(rules, habitat);
    mmusim__gather_init(&fixture->gather, &fixture->shape, 1, 1);
    mmusim__gather_begin(&fixture->gather, &fixture->mm, GATHER_RANGE, VADDR,
                         VADDR + 64 * MIB);
    return &fixture->gather;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    begin(fixture, &mmusim__mm_rules_4_6, &x86);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    mmusim__gather_fini(&fixture->gather);
    free(fixture);
    return 0;
}

static void add_entry(struct mmu_gather *gather, uint64_t page)
{
    mmusim__gather_entry(gather, VADDR + page * BASE_PAGE_BYTES,
                         BASE_PAGE_BYTES, 0);
}

static enum gather_full add_page(struct mmu_gather *gather)
{
    return mmusim__gather_block(gather, (pfn_t){1}, 0);
}

static enum gather_full add_table(struct mmu_gather *gather, uint32_t n_users)
{
    const struct gather_table table = {
        .pfn = {2},
        .vaddr = VADDR,
        .entry_bytes = 2 * MIB,
        .level = 1,
        .n_users = n_users,
    };

    return mmusim__gather_table(gather, &table);
}

/* The number of the first page that forces a flush. */
static uint32_t pages_to_flush(struct mmu_gather *gather)
{
    uint32_t n = 1;

    while (add_page(gather) == GATHER_HAS_ROOM)
        n++;
    return n;
}

static uint32_t pages_of(struct fixture *fixture, const struct mm_rules *rules,
                         const struct gather_habitat *habitat)
{
    return pages_to_flush(begin(fixture, rules, habitat));
}

/* ---- the range ---- */

static void nothing_cleared_needs_no_flush(void **state)
{
    struct fixture *fixture = *state;

    assert_false(mmusim__gather_needs_flush(&fixture->gather));
    add_page(&fixture->gather); /* a page alone is no cleared entry */
    assert_false(mmusim__gather_needs_flush(&fixture->gather));
}

/* What lies between was not cleared, and is flushed with them. */
static void
the_range_is_the_minimum_and_maximum_of_what_was_cleared(void **state)
{
    struct fixture *fixture = *state;

    add_entry(&fixture->gather, 50);
    add_entry(&fixture->gather, 3);
    add_entry(&fixture->gather, 20);
    assert_int_equal(fixture->gather.start, VADDR + 3 * BASE_PAGE_BYTES);
    assert_int_equal(fixture->gather.end, VADDR + 51 * BASE_PAGE_BYTES);
}

static void a_large_entry_counts_with_its_size(void **state)
{
    struct fixture *fixture = *state;

    mmusim__gather_entry(&fixture->gather, VADDR, 2 * MIB, 1);
    assert_int_equal(fixture->gather.end - fixture->gather.start, 2 * MIB);
}

static void the_first_page_of_all_is_a_range(void **state)
{
    struct fixture *fixture = *state;

    mmusim__gather_entry(&fixture->gather, 0, BASE_PAGE_BYTES, 0);
    assert_true(mmusim__gather_needs_flush(&fixture->gather));
    assert_int_equal(fixture->gather.start, 0);
}

static void a_freed_table_adds_one_page_at_its_address(void **state)
{
    struct fixture *fixture = *state;
    struct mmu_gather *gather = &fixture->gather;

    assert_int_equal(add_table(gather, 1), GATHER_HAS_ROOM);
    assert_int_equal(gather->start, VADDR);
    assert_int_equal(gather->end, VADDR + BASE_PAGE_BYTES);
    assert_true(mmusim__gather_span(gather).frees_tables);
}

/* asm/tlb.h of arch/arm, 3.6: either side of the border of the two 1 MiB. */
static void a_table_under_two_entries_is_flushed_at_both(void **state)
{
    const struct gather_habitat arm = {ISA_ARMV7, 4096, true, false, 0};
    const struct gather_table table = {
        .vaddr = VADDR, .entry_bytes = 2 * MIB, .level = 1, .is_joint = true};
    struct fixture *fixture = *state;
    struct mmu_gather *gather = begin(fixture, &mmusim__mm_rules_6_8, &arm);

    mmusim__gather_table(gather, &table);
    assert_int_equal(gather->start, VADDR + MIB - BASE_PAGE_BYTES);
    assert_int_equal(gather->end, VADDR + MIB + BASE_PAGE_BYTES);
}

static void
after_a_flush_the_range_is_empty_and_the_pages_are_held(void **state)
{
    struct fixture *fixture = *state;
    struct mmu_gather *gather = &fixture->gather;

    add_entry(gather, 0);
    add_page(gather);
    mmusim__gather_flushed(gather);
    assert_false(mmusim__gather_needs_flush(gather));
    assert_int_equal(gather->n_pages, 1); /* freed only after the flush */
    add_entry(gather, 1);
    assert_int_equal(gather->start, VADDR + BASE_PAGE_BYTES);
}

/* ---- strides and levels ---- */

static void versions_before_4_19_know_no_stride(void **state)
{
    struct fixture *fixture = *state;
    struct flush_span span;

    mmusim__gather_entry(&fixture->gather, VADDR, 2 * MIB, 1);
    span = mmusim__gather_span(&fixture->gather);
    assert_int_equal(span.stride_order, 0);
    assert_int_equal(span.cleared_levels, 0);
}

static void the_stride_is_that_of_the_smallest_entry(void **state)
{
    struct fixture *fixture = *state;
    struct mmu_gather *gather = begin(fixture, &mmusim__mm_rules_4_20, &x86);

    mmusim__gather_entry(gather, VADDR, 2 * MIB, 1);
    assert_int_equal(mmusim__gather_span(gather).stride_order, 9);
    assert_int_equal(mmusim__gather_span(gather).cleared_levels, 2);
    add_entry(gather, 1024);
    assert_int_equal(mmusim__gather_span(gather).stride_order, 0);
    assert_int_equal(mmusim__gather_span(gather).cleared_levels, 3);
}

/* pte_free_tlb() sets cleared_pmds. */
static void a_freed_table_counts_as_an_entry_of_the_level_above(void **state)
{
    struct fixture *fixture = *state;
    struct mmu_gather *gather = begin(fixture, &mmusim__mm_rules_4_20, &x86);

    add_table(gather, 1);
    assert_int_equal(mmusim__gather_span(gather).cleared_levels, 2);
    assert_int_equal(mmusim__gather_span(gather).stride_order, 9);
}

static void a_gather_without_an_area_says_so(void **state)
{
    struct fixture *fixture = *state;

    add_table(&fixture->gather, 1);
    assert_true(mmusim__gather_span(&fixture->gather).has_no_area);
    fixture->gather.has_area = true;
    assert_false(mmusim__gather_span(&fixture->gather).has_no_area);
}

/* ---- slots ---- */

/* 8 on the stack and 19 pages of 510. */
static void in_4_6_the_9698th_page_forces_a_flush(void **state)
{
    assert_int_equal(pages_of(*state, &mmusim__mm_rules_4_6, &x86), 9698);
}

/* __tlb_remove_folio_pages() came with 6.9. */
static void in_6_8_it_is_still_the_9698th_and_in_6_14_not(void **state)
{
    assert_int_equal(pages_of(*state, &mmusim__mm_rules_6_8, &x86), 9698);
    assert_int_equal(pages_of(*state, &mmusim__mm_rules_6_14, &x86), 9678);
}

/* 7 and 19 times 509. */
static void in_7_1_the_9678th_page_forces_a_flush(void **state)
{
    assert_int_equal(pages_of(*state, &mmusim__mm_rules_7_1, &x86), 9678);
}

static void without_memory_the_8th_page_does_and_in_7_1_the_7th(void **state)
{
    struct gather_habitat poor = x86;

    poor.failures_per_million = 1000000;
    assert_int_equal(pages_of(*state, &mmusim__mm_rules_4_6, &poor), 8);
    assert_int_equal(pages_of(*state, &mmusim__mm_rules_7_1, &poor), 7);
}

/* (65536 - 16) / 8 = 8190; 10000 / 8190 = 1 */
static void pages_of_64k_have_one_batch_of_8190(void **state)
{
    struct gather_habitat large = arm64;

    large.page_bytes = 65536;
    assert_int_equal(pages_of(*state, &mmusim__mm_rules_4_6, &large), 8 + 8190);
}

/* struct mmu_gather_batch is 12 bytes: 1021 pointers, 9 pages. */
static void pointers_of_4_bytes_take_half_the_room(void **state)
{
    const struct gather_habitat i386 = {ISA_I386, 4096, false, false, 0};

    assert_int_equal(pages_of(*state, &mmusim__mm_rules_4_6, &i386),
                     8 + 9 * 1021);
}

/* arch/arm up to 4.x: 1024 pointers in place of the stack's 8. */
static void arm_takes_one_page_of_pointers(void **state)
{
    const struct mm_rules rules = {.gather_stack_pages = 8,
                                   .gather_takes_page = true,
                                   .frees_pages_late = true};
    struct gather_habitat arm = {ISA_ARMV7, 4096, true, false, 0};

    assert_int_equal(pages_of(*state, &rules, &arm), 1024);
    arm.failures_per_million = 1000000;
    assert_int_equal(pages_of(*state, &rules, &arm), 8);
}

/* FREE_PTE_NR of 2.6.38 */
static void a_gather_without_batches_has_its_own_slots_only(void **state)
{
    const struct mm_rules rules = {.gather_stack_pages = 500,
                                   .frees_pages_late = true};

    assert_int_equal(pages_of(*state, &rules, &x86), 500);
}

/* Batches are kept from flush to flush: no new memory is asked for. */
static void after_a_forced_flush_all_slots_are_there_again(void **state)
{
    struct fixture *fixture = *state;
    struct mmu_gather *gather = &fixture->gather;

    assert_int_equal(pages_to_flush(gather), 9698);
    assert_int_equal(mmusim__gather_take_allocated(gather), 19);
    mmusim__gather_emptied(gather);
    assert_int_equal(pages_to_flush(gather), 9698);
    assert_int_equal(mmusim__gather_take_allocated(gather), 0);
}

/* tlb_next_batch() with delayed_rmap: the stack's 7 and one page's 509. */
static void delayed_rmap_ends_the_gather_after_one_more_batch(void **state)
{
    struct fixture *fixture = *state;
    struct mmu_gather *gather = begin(fixture, &mmusim__mm_rules_7_1, &x86);

    gather->has_delayed_rmap = true;
    assert_int_equal(pages_to_flush(gather), 7 + 509);
}

/* ---- tables ---- */

static void on_x86_tables_wait_in_the_pages_slots_until_7_1(void **state)
{
    struct fixture *fixture = *state;
    struct gather_habitat guest = x86;

    add_table(begin(fixture, &mmusim__mm_rules_6_14, &x86), 1);
    assert_int_equal(fixture->gather.n_pages, 1);
    mmusim__gather_emptied(&fixture->gather);
    add_table(begin(fixture, &mmusim__mm_rules_7_1, &x86), 1);
    assert_int_equal(fixture->gather.n_tables, 1);
    guest.has_pv_flush = true;
    add_table(begin(fixture, &mmusim__mm_rules_6_14, &guest), 1);
    assert_int_equal(fixture->gather.n_tables, 1);
}

/* MAX_TABLE_BATCH: (4096 - 24) / 8 */
static void a_batch_of_tables_holds_509(void **state)
{
    struct fixture *fixture = *state;
    struct mmu_gather *gather = begin(fixture, &mmusim__mm_rules_4_20, &arm64);

    for (uint32_t i = 1; i < 509; i++)
        assert_int_equal(add_table(gather, 1), GATHER_HAS_ROOM);
    assert_int_equal(add_table(gather, 1), GATHER_TABLE_FLUSH);
    mmusim__gather_tables_emptied(gather);
    assert_int_equal(add_table(gather, 1), GATHER_HAS_ROOM);
}

static void a_table_without_a_batch_waits_alone(void **state)
{
    struct fixture *fixture = *state;
    struct gather_habitat poor = arm64;
    struct mmu_gather *gather;

    poor.failures_per_million = 1000000;
    gather = begin(fixture, &mmusim__mm_rules_4_20, &poor);
    assert_int_equal(add_table(gather, 1), GATHER_TABLE_SYNC);
    assert_int_equal(gather->n_tables, 1);
}

/* tlb_remove_table() up to 4.18: of an address space with one user (B18, B19);
 * and arch/arm of 2.6.37, of any (B20). */
static void early_versions_free_tables_at_once(void **state)
{
    const struct mm_rules rules_4_18 = {.gather_stack_pages = 8,
                                        .frees_pages_late = true};
    const struct mm_rules rules_2_6_37 = {.gather_stack_pages = 8};
    struct fixture *fixture = *state;

    begin(fixture, &rules_4_18, &arm64);
    assert_int_equal(add_table(&fixture->gather, 1), GATHER_TABLE_NOW);
    assert_int_equal(add_table(&fixture->gather, 2), GATHER_HAS_ROOM);
    assert_true(mmusim__gather_needs_flush(&fixture->gather));
    begin(fixture, &rules_2_6_37, &arm64);
    assert_int_equal(add_table(&fixture->gather, 2), GATHER_TABLE_NOW);
    assert_false(mmusim__gather_needs_flush(&fixture->gather));
}

/* ---- nested gathers ---- */

static void in_4_6_nobody_sees_another_gather(void **state)
{
    struct fixture *fixture = *state;

    assert_false(flush_is_pending(&fixture->mm));
    mmusim__flush_pending_begin(&mmusim__mm_rules_4_6, &fixture->mm,
                                PENDING_BY_PROTECT);
    assert_true(flush_is_pending(&fixture->mm));
    assert_false(mmusim__gather_is_nested(&fixture->gather));
}

/* Two of them: the first to end clears it for both (B07). */
static void in_4_6_the_first_mprotect_to_end_clears_the_flag(void **state)
{
    struct fixture *fixture = *state;
    const struct mm_rules *rules = &mmusim__mm_rules_4_6;

    for (int i = 0; i < 2; i++)
        mmusim__flush_pending_begin(rules, &fixture->mm, PENDING_BY_PROTECT);
    mmusim__flush_pending_end(rules, &fixture->mm, PENDING_BY_PROTECT);
    assert_false(flush_is_pending(&fixture->mm));
}

static void from_4_13_gathers_are_counted(void **state)
{
    struct fixture *fixture = *state;
    const struct mm_rules *rules = &mmusim__mm_rules_4_20;
    struct mmu_gather *gather = begin(fixture, rules, &x86);

    assert_true(flush_is_pending(&fixture->mm));
    assert_false(mmusim__gather_is_nested(gather));
    mmusim__flush_pending_begin(rules, &fixture->mm, PENDING_BY_GATHER);
    assert_true(mmusim__gather_is_nested(gather));
    mmusim__flush_pending_end(rules, &fixture->mm, PENDING_BY_GATHER);
    mmusim__gather_end(gather);
    assert_false(flush_is_pending(&fixture->mm));
}

/* arch_tlb_finish_mmu() of 4.13 to 5.1: what the caller had asked for. */
static void in_4_20_a_nested_gather_flushes_all_it_was_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct mmu_gather *gather = begin(fixture, &mmusim__mm_rules_4_20, &x86);
    struct flush_span span;

    mmusim__gather_force(gather);
    assert_true(mmusim__gather_needs_flush(gather));
    span = mmusim__gather_span(gather);
    assert_int_equal(span.start, VADDR);
    assert_int_equal(span.end, VADDR + 64 * MIB);
    assert_false(span.is_full_mm);
}

static void in_7_1_a_nested_gather_flushes_everything(void **state)
{
    struct fixture *fixture = *state;
    struct mmu_gather *gather = begin(fixture, &mmusim__mm_rules_7_1, &x86);
    struct flush_span span;

    mmusim__gather_force(gather);
    span = mmusim__gather_span(gather);
    assert_int_equal(span.end, FLUSH_END_ALL);
    assert_true(span.is_full_mm);
    assert_true(span.frees_tables); /* else arm64 would flush nothing */
}

/* ---- another use ---- */

static void a_new_use_starts_empty_and_in_its_own_scope(void **state)
{
    struct fixture *fixture = *state;
    struct mmu_gather *gather = &fixture->gather;

    add_entry(gather, 0);
    mmusim__gather_end(gather);
    mmusim__gather_begin(gather, &fixture->mm, GATHER_FULL_MM, 0, 0);
    assert_false(mmusim__gather_needs_flush(gather));
    assert_true(mmusim__gather_span(gather).is_full_mm);
    assert_int_equal(mmusim__gather_span(gather).end, FLUSH_END_ALL);
    mmusim__gather_end(gather);
    mmusim__gather_begin(gather, &fixture->mm, GATHER_RANGE, 0, 1);
    assert_false(mmusim__gather_span(gather).is_full_mm);
}

static void x86_flushes_areas_together_and_arm64_each(void **state)
{
    (void) state;
    assert_false(
        mmusim__gather_shape(&mmusim__mm_rules_7_1, &x86).flushes_areas);
    assert_true(
        mmusim__gather_shape(&mmusim__mm_rules_7_1, &arm64).flushes_areas);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_cleared_needs_no_flush),
        T(the_range_is_the_minimum_and_maximum_of_what_was_cleared),
        T(a_large_entry_counts_with_its_size),
        T(the_first_page_of_all_is_a_range),
        T(a_freed_table_adds_one_page_at_its_address),
        T(a_table_under_two_entries_is_flushed_at_both),
        T(after_a_flush_the_range_is_empty_and_the_pages_are_held),
        T(versions_before_4_19_know_no_stride),
        T(the_stride_is_that_of_the_smallest_entry),
        T(a_freed_table_counts_as_an_entry_of_the_level_above),
        T(a_gather_without_an_area_says_so),
        T(in_4_6_the_9698th_page_forces_a_flush),
        T(in_6_8_it_is_still_the_9698th_and_in_6_14_not),
        T(in_7_1_the_9678th_page_forces_a_flush),
        T(without_memory_the_8th_page_does_and_in_7_1_the_7th),
        T(pages_of_64k_have_one_batch_of_8190),
        T(pointers_of_4_bytes_take_half_the_room),
        T(arm_takes_one_page_of_pointers),
        T(a_gather_without_batches_has_its_own_slots_only),
        T(after_a_forced_flush_all_slots_are_there_again),
        T(delayed_rmap_ends_the_gather_after_one_more_batch),
        T(on_x86_tables_wait_in_the_pages_slots_until_7_1),
        T(a_batch_of_tables_holds_509),
        T(a_table_without_a_batch_waits_alone),
        T(early_versions_free_tables_at_once),
        T(in_4_6_nobody_sees_another_gather),
        T(in_4_6_the_first_mprotect_to_end_clears_the_flag),
        T(from_4_13_gathers_are_counted),
        T(in_4_20_a_nested_gather_flushes_all_it_was_asked_for),
        T(in_7_1_a_nested_gather_flushes_everything),
        T(x86_flushes_areas_together_and_arm64_each),
        T(a_new_use_starts_empty_and_in_its_own_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
