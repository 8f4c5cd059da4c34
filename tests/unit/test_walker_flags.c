/* SPDX-License-Identifier: MIT */
/*
 * A and D of table entries: set by the walker in one go with a comparison, or
 * left to software; and why a walk faults.
 */
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR UINT64_C(0x00007f1234567000)
#define BIT_P (UINT64_C(1) << 0)
#define BIT_W (UINT64_C(1) << 1)
#define BIT_A (UINT64_C(1) << 5)
#define BIT_D (UINT64_C(1) << 6)

#define BIT_PS       (UINT64_C(1) << 7)
#define BIT_RESERVED (UINT64_C(1) << 13)

static struct small_system *make(bool software_accessed, bool software_dirty)
{
    struct small_options options;
    struct small_system *small;

    small_options_init(&options);
    options.walker.has_software_accessed = software_accessed;
    options.walker.has_software_dirty = software_dirty;
    small = small_create(&options);
    small_map_user(small, small->system.cpus[0].mmu.root, VADDR, 0);
    return small;
}

static struct mmu *mmu_of(struct small_system *small)
{
    return &small->system.cpus[0].mmu;
}

static uint64_t entry_at(const struct small_system *small, uint32_t level)
{
    return small_entry_paddr(small, small->system.cpus[0].mmu.root, VADDR,
                             level);
}

static uint64_t word_at(const struct small_system *small, uint32_t level)
{
    return mmusim__pt_read(small->shared.tables, entry_at(small, level));
}

static void edit(struct small_system *small, uint32_t level, uint64_t clear,
                 uint64_t set)
{
    mmusim__pt_write(small->shared.tables, entry_at(small, level),
                     (word_at(small, level) & ~clear) | set);
}

/* Another CPU's edit of the leaf, at a cycle. */
struct late_edit {
    struct small_system *small;
    uint64_t clear, set;
    uint64_t seen; /* the word before it */
};

static void edit_now(struct cpu *cpu, void *context)
{
    struct late_edit *late = context;

    (void) cpu;
    late->seen = word_at(late->small, 0);
    edit(late->small, 0, late->clear, late->set);
}

/* Walks with A and D of the leaf clear, and edits the leaf `after` cycles from
 * the beginning of its read. */
static void walk_and_edit(struct small_system *small,
                          struct walk_request *request, struct late_edit *late,
                          uint64_t after)
{
    const struct small_options *options = &small->options;

    edit(small, 0, BIT_A | BIT_D, 0);
    late->small = small;
    mmusim__walk_ask(mmu_of(small), request, 0);
    small_busy(small, 1,
               options->walker.start_cycles +
                   3 * (uint64_t) options->memory.fixed_cycles + after,
               BUCKET_BASE);
    small_do(small, 1, edit_now, late);
    small_run(small);
}

static uint64_t end_of_walk(const struct small_system *small, uint32_t n_reads,
                            uint32_t n_sets)
{
    const struct small_options *options = &small->options;

    return options->walker.start_cycles +
           n_reads * (uint64_t) options->memory.fixed_cycles +
           n_sets * (uint64_t) options->walker.dirty_cycles;
}

/* TLBSim's pitfall: a failed compare-and-exchange of A and D is not retried. */
static void an_entry_that_has_changed_is_read_again(void **state)
{
    struct small_system *small = make(false, false);
    struct walk_request request = {.vaddr = VADDR, .kind = ACCESS_STORE};
    struct late_edit late = {.clear = BIT_W};
    tlb_data_t data;

    (void) state;
    walk_and_edit(small, &request, &late, 1);
    assert_int_equal(small->cpus[0].outcome, WALK_FILLED);
    assert_int_equal(mmu_of(small)->counters.pte_reads, 5);
    assert_int_equal(small->cpus[0].answered_cycle, end_of_walk(small, 5, 1));
    /* It may not be written any more: no D, and no right. */
    assert_int_equal(word_at(small, 0) & (BIT_A | BIT_D | BIT_W), BIT_A);
    assert_true(mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, VADDR, &data));
    assert_false(data & (TLB_WRITE | TLB_DIRTY));
    small_destroy(small);
}

static void an_entry_that_has_gone_is_not_brought_back(void **state)
{
    struct small_system *small = make(false, false);
    struct walk_request request = {.vaddr = VADDR, .kind = ACCESS_STORE};
    struct late_edit late = {.clear = UINT64_MAX};

    (void) state;
    walk_and_edit(small, &request, &late, 1);
    assert_int_equal(word_at(small, 0), 0);
    assert_int_equal(small->cpus[0].outcome, WALK_FAULTED);
    assert_int_equal(request.fault.kind, WALK_FAULT_ABSENT);
    small_destroy(small);
}

static void flags_are_set_when_the_read_is_over(void **state)
{
    /* A cycle before the end of the read, and one after it. */
    for (uint64_t late_by = 0; late_by < 2; late_by++) {
        struct small_system *small = make(false, false);
        struct walk_request request = {.vaddr = VADDR, .kind = ACCESS_STORE};
        struct late_edit late = {0};
        uint64_t read = small->options.memory.fixed_cycles;

        walk_and_edit(small, &request, &late, late_by ? read + 1 : read - 1);
        assert_int_equal(late.seen & (BIT_A | BIT_D),
                         late_by ? BIT_A | BIT_D : 0);
        assert_int_equal(small->cpus[0].answered_cycle,
                         end_of_walk(small, 4, 1));
        small_destroy(small);
    }
    (void) state;
}

static void a_and_d_of_an_entry_cost_once(void **state)
{
    struct small_system *small = make(false, false);

    (void) state;
    edit(small, 0, BIT_A | BIT_D, 0);
    small_walk(small, 0, ACCESS_STORE, VADDR);
    assert_int_equal(small_walk_cycles(small, 0), end_of_walk(small, 4, 1));
    assert_int_equal(word_at(small, 0) & (BIT_A | BIT_D), BIT_A | BIT_D);
    small_destroy(small);
}

/* Arm without FEAT_HAFDBS, RISC-V Svade: nothing is written or cached. */
static void software_a_faults_at_the_entry_without_it(void **state)
{
    for (uint32_t level = 0; level < 4; level++) {
        struct small_system *small = make(true, false);
        struct walk_request request = {.vaddr = VADDR};
        uint64_t before;

        edit(small, level, BIT_A, 0);
        before = word_at(small, level);
        mmusim__walk_ask(mmu_of(small), &request, 0);
        small_drain(small);
        assert_int_equal(small->cpus[0].outcome, WALK_FAULTED);
        assert_int_equal(request.fault.kind, WALK_FAULT_ACCESS);
        assert_int_equal(request.fault.level, level);
        assert_int_equal(word_at(small, level), before);
        assert_int_equal(mmu_of(small)->tlb[TLB_L2].arrays[0]->n_valid, 0);
        small_destroy(small);
    }
    (void) state;
}

static void software_d_caches_the_clean_entry_and_writes_nothing(void **state)
{
    struct small_system *small = make(false, true);
    tlb_data_t data;
    uint64_t before;

    (void) state;
    edit(small, 0, BIT_D, 0);
    before = word_at(small, 0);
    assert_int_equal(small_walk(small, 0, ACCESS_STORE, VADDR), WALK_FILLED);
    assert_int_equal(word_at(small, 0), before);
    assert_true(mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, VADDR, &data));
    assert_int_equal(data & (TLB_WRITE | TLB_DIRTY), TLB_WRITE);
    small_destroy(small);
}

static void a_fault_says_why_and_at_which_level(void **state)
{
    static const struct {
        uint32_t level;
        uint64_t clear, set;
        enum walk_fault_kind kind;
    } cases[] = {
        {0, BIT_P, 0, WALK_FAULT_ABSENT},
        {3, BIT_P, 0, WALK_FAULT_ABSENT},
        {1, 0, BIT_PS | BIT_RESERVED, WALK_FAULT_RESERVED},
        {3, 0, BIT_PS, WALK_FAULT_RESERVED},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct small_system *small = make(false, false);
        struct walk_request first = {.vaddr = VADDR};
        struct walk_request merged = {.vaddr = VADDR, .kind = ACCESS_FETCH};

        edit(small, cases[i].level, cases[i].clear, cases[i].set);
        mmusim__walk_ask(mmu_of(small), &first, 0);
        mmusim__walk_ask(mmu_of(small), &merged, 0);
        small_drain(small);
        assert_int_equal(first.fault.kind, cases[i].kind);
        assert_int_equal(first.fault.level, cases[i].level);
        assert_int_equal(merged.fault.kind, cases[i].kind);
        small_destroy(small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_that_has_changed_is_read_again),
        cmocka_unit_test(an_entry_that_has_gone_is_not_brought_back),
        cmocka_unit_test(flags_are_set_when_the_read_is_over),
        cmocka_unit_test(a_and_d_of_an_entry_cost_once),
        cmocka_unit_test(software_a_faults_at_the_entry_without_it),
        cmocka_unit_test(software_d_caches_the_clean_entry_and_writes_nothing),
        cmocka_unit_test(a_fault_says_why_and_at_which_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
