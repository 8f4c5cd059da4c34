/* SPDX-License-Identifier: MIT */
/*
 * Walks in flight when an invalidation comes: at every cycle between two reads,
 * what is entered afterwards, how the requests are answered, and what becomes
 * of later requests.
 */
#include "coherence/x86_ops.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR     UINT64_C(0x00007f1234567000)
#define NEXT_PAGE (VADDR + BASE_PAGE_BYTES)
#define FAR_AWAY  (VADDR ^ UINT64_C(1) << 40)

static int setup(void **state)
{
    struct small_options options;

    small_options_init(&options);
    options.has_pcid = true;
    *state = small_create(&options);
    return 0;
}

static int teardown(void **state)
{
    small_destroy(*state);
    return 0;
}

static struct mmu *mmu_of(struct small_system *small)
{
    return &small->system.cpus[0].mmu;
}

static void map(struct small_system *small, uint64_t vaddr)
{
    small_map_user(small, mmu_of(small)->root, vaddr, 0);
}

/* When read number n (from 1) of a cold walk is over. */
static uint64_t after_read(const struct small_system *small, uint32_t n)
{
    return small->options.walker.start_cycles +
           n * (uint64_t) small->options.memory.fixed_cycles;
}

/* Script steps: what another event does to CPU 0's structures. */
static void invlpg(struct cpu *cpu, void *context)
{
    mmusim__x86_invlpg(&cpu->mmu, *(const uint64_t *) context, MISS_PAGE_FLUSH);
}

static void page_fault(struct cpu *cpu, void *context)
{
    mmusim__x86_page_fault(&cpu->mmu, *(const uint64_t *) context);
}

static void ask(struct cpu *cpu, void *context)
{
    mmusim__walk_ask(&cpu->mmu, context, cpu->now);
}

static void load_pcid_1(struct cpu *cpu, void *context)
{
    (void) context;
    mmusim__x86_mov_cr3(&cpu->mmu, cpu->mmu.root, 1, CR3_NOFLUSH, MISS_SWITCH);
}

static uint32_t n_pointers(const struct mmu *mmu)
{
    return mmu->psc.own[0].n_valid + mmu->psc.own[1].n_valid +
           mmu->psc.own[2].n_valid;
}

/* What context expects of CPU 0 now. */
struct expected_pointers {
    const struct mmu *mmu;
    uint32_t n;
};

static void check_pointers(struct cpu *cpu, void *context)
{
    const struct expected_pointers *expected = context;

    (void) cpu;
    assert_int_equal(n_pointers(expected->mmu), expected->n);
}

static void a_pointer_is_cached_when_its_entry_has_been_read(void **state)
{
    struct small_system *small = *state;
    struct walk_request request = {.vaddr = VADDR};
    struct expected_pointers expected[8];

    map(small, VADDR);
    mmusim__walk_ask(mmu_of(small), &request, 0);
    for (uint32_t i = 0; i < 8; i++) { /* a cycle before each, and at it */
        uint32_t n_reads = i / 2 + 1;
        uint64_t wait = i == 0  ? after_read(small, 1) - 1
                        : i % 2 ? 1
                                : small->options.memory.fixed_cycles - 1;

        expected[i].mmu = mmu_of(small);
        expected[i].n = n_reads - (i % 2 == 0);
        if (expected[i].n > 3)
            expected[i].n = 3; /* the leaf is no pointer */
        small_busy(small, 0, wait, BUCKET_BASE);
        small_do(small, 0, check_pointers, &expected[i]);
    }
    small_run(small);
    assert_int_equal(small->cpus[0].outcome, WALK_FILLED);
}

static void a_poisoned_walk_reads_on_and_enters_nothing(void **state)
{
    /* Before the first read, between all, and after the last. */
    for (uint32_t n_reads = 0; n_reads <= 4; n_reads++) {
        struct small_system *small;
        struct walk_request request = {.vaddr = VADDR};
        uint64_t vaddr = VADDR;

        teardown(state);
        setup(state);
        small = *state;
        map(small, VADDR);
        mmusim__walk_ask(mmu_of(small), &request, 0);
        small_busy(small, 0, after_read(small, n_reads) - 1, BUCKET_BASE);
        small_do(small, 0, invlpg, &vaddr);
        small_run(small);
        assert_int_equal(small->cpus[0].outcome, WALK_POISONED);
        assert_int_equal(small->cpus[0].answered_cycle, after_read(small, 4));
        assert_int_equal(mmu_of(small)->tlb[TLB_L2].arrays[0]->n_valid, 0);
        assert_int_equal(mmu_of(small)->tlb[TLB_L1D].arrays[0]->n_valid, 0);
        assert_int_equal(n_pointers(mmu_of(small)), 0);
        assert_int_equal(mmu_of(small)->counters.poisoned, 1);
        assert_int_equal(mmu_of(small)->counters.pte_reads, 4);
    }
}

static void asked_again_it_is_found_and_counted_as_a_replay(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    struct walk_request request = {.vaddr = VADDR};
    struct walk_request again = {.vaddr = VADDR, .need = WALK_FOR_REPLAY};

    map(small, VADDR);
    mmusim__walk_ask(mmu, &request, 0);
    mmusim__x86_invlpg(mmu, VADDR, MISS_PAGE_FLUSH);
    small_drain(small);
    mmusim__walk_ask(mmu, &again, 0);
    small_drain(small);
    assert_int_equal(small->cpus[0].outcome, WALK_FILLED);
    assert_int_equal(mmu->counters.replays, 1);
    assert_int_equal(mmu->llt_misses, 1);
    assert_int_equal(mmu->counters.walks, 2);
}

/* It may not be given what was read before the invalidation. */
static void
a_request_after_the_invalidation_gets_a_walk_of_its_own(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    struct walk_request before = {.vaddr = VADDR};
    struct walk_request after = {.vaddr = VADDR};
    uint64_t vaddr = VADDR;

    map(small, VADDR);
    mmusim__walk_ask(mmu, &before, 0);
    small_busy(small, 0, after_read(small, 4) - 1, BUCKET_BASE);
    small_do(small, 0, invlpg, &vaddr);
    small_do(small, 0, ask, &after);
    small_run(small);
    assert_int_equal(mmu->counters.walks, 2);
    assert_int_equal(mmu->counters.merged, 0);
    assert_int_equal(small->cpus[0].n_answers, 2);
    assert_int_equal(small->cpus[0].outcome, WALK_FILLED);
    assert_int_equal(small->cpus[0].answered_cycle,
                     2 * after_read(small, 4) - 1);
}

static void a_request_of_another_pcid_does_not_join(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    struct walk_request first = {.vaddr = VADDR};
    struct walk_request second = {.vaddr = VADDR};

    map(small, VADDR);
    mmusim__walk_ask(mmu, &first, 0);
    small_do(small, 0, load_pcid_1, NULL);
    small_do(small, 0, ask, &second);
    small_run(small);
    assert_int_equal(mmu->counters.walks, 2);
    assert_int_equal(mmu->counters.merged, 0);
    assert_int_equal(mmu->tlb[TLB_L2].arrays[0]->n_valid,
                     2); /* one of each PCID */
}

static void all_requests_of_a_poisoned_walk_are_answered(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    struct walk_request first = {.vaddr = VADDR};
    struct walk_request second = {.vaddr = VADDR, .kind = ACCESS_FETCH};

    map(small, VADDR);
    mmusim__walk_ask(mmu, &first, 0);
    mmusim__walk_ask(mmu, &second, 0);
    mmusim__x86_invlpg(mmu, VADDR, MISS_PAGE_FLUSH);
    small_drain(small);
    assert_int_equal(small->cpus[0].n_answers, 2);
    assert_int_equal(mmu->counters.poisoned, 1);
    assert_int_equal(mmu->tlb[TLB_L1I].arrays[0]->n_valid, 0);
}

/* Requests that wait for a walker have read nothing. */
static void a_waiting_request_is_not_poisoned(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    struct walk_request requests[3] = {
        {.vaddr = VADDR}, {.vaddr = NEXT_PAGE}, {.vaddr = FAR_AWAY}};

    for (uint32_t i = 0; i < 3; i++) {
        map(small, requests[i].vaddr);
        mmusim__walk_ask(mmu, &requests[i], 0);
    }
    mmusim__x86_flush_everything(mmu, MISS_FULL_FLUSH);
    small_drain(small);
    assert_int_equal(mmu->counters.poisoned, 2);
    assert_int_equal(small->cpus[0].outcome, WALK_FILLED);
    assert_int_equal(small->cpus[0].n_answers, 3);
}

static void a_fault_elsewhere_leaves_a_walk_alone(void **state)
{
    struct small_system *small = *state;
    struct walk_request request = {.vaddr = VADDR};
    uint64_t vaddr = FAR_AWAY;

    map(small, VADDR);
    mmusim__walk_ask(mmu_of(small), &request, 0);
    small_busy(small, 0, after_read(small, 2) - 1, BUCKET_BASE);
    small_do(small, 0, page_fault, &vaddr);
    small_run(small);
    assert_int_equal(small->cpus[0].outcome, WALK_FILLED);
    assert_int_equal(n_pointers(mmu_of(small)), 3);
}

/* The #PF has dropped the pointers to the tables of both pages. */
static void regress_a_walk_beside_a_fault_brings_no_pointer_back(void **state)
{
    struct small_system *small = *state;
    struct walk_request request = {.vaddr = VADDR};
    uint64_t vaddr = NEXT_PAGE;

    map(small, VADDR);
    mmusim__walk_ask(mmu_of(small), &request, 0);
    small_busy(small, 0, after_read(small, 2) - 1, BUCKET_BASE);
    small_do(small, 0, page_fault, &vaddr);
    small_run(small);
    assert_int_equal(small->cpus[0].outcome, WALK_FILLED);
    assert_int_equal(n_pointers(mmu_of(small)), 0);
}

static void vae1_of_the_next_page(struct cpu *cpu, void *context)
{
    const struct inval vae1 = {.has_range = true,
                               .vpn = vpn_of(NEXT_PAGE),
                               .n_pages = 1,
                               .hits_globals = true,
                               .hits_nonglobals = true,
                               .psc = INVAL_PSC_ADDRESS};

    (void) context;
    mmusim__mmu_invalidate(&cpu->mmu, &vae1, MISS_PAGE_FLUSH);
}

/* The table it is about to read in may be freed, or not be the one that maps
 * the address named any more: TLBI VAE1 by Linux on arm64, when it frees a
 * table, names one address of it. */
static void regress_a_walk_behind_a_dropped_pointer_fills_nothing(void **state)
{
    struct small_system *small = *state;
    struct walk_request request = {.vaddr = VADDR};

    map(small, VADDR);
    mmusim__walk_ask(mmu_of(small), &request, 0);
    small_busy(small, 0, after_read(small, 3) - 1, BUCKET_BASE);
    small_do(small, 0, vae1_of_the_next_page, NULL);
    small_run(small);
    assert_int_equal(small->cpus[0].outcome, WALK_POISONED);
}

static void a_refused_fill_is_remembered_with_its_cause(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    struct walk_request request = {.vaddr = VADDR};
    uint32_t id = mmusim__translation_begin(small->translations);
    uint32_t ids[PT_ID_CHUNK] = {0};
    uint32_t index = pt_index(small->shared.format, VADDR, 0);
    struct pt_info *table;

    map(small, VADDR);
    ids[index % PT_ID_CHUNK] = id;
    table = mmusim__pt_table(
        small->shared.tables,
        (pfn_t){small_entry_paddr(small, mmu->root, VADDR, 0) >> 12});
    table->translation_ids[index / PT_ID_CHUNK] = ids;
    mmusim__walk_ask(mmu, &request, 0);
    mmusim__x86_flush_everything(mmu, MISS_FULL_FLUSH);
    small_drain(small);
    table->translation_ids[index / PT_ID_CHUNK] = NULL;
    assert_int_equal(mmu->causes[MISS_COLD], 1); /* the miss itself */
    assert_int_equal(mmusim__miss_log_cause(mmu->log, id), MISS_FULL_FLUSH);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_pointer_is_cached_when_its_entry_has_been_read),
        T(a_poisoned_walk_reads_on_and_enters_nothing),
        T(asked_again_it_is_found_and_counted_as_a_replay),
        T(a_request_after_the_invalidation_gets_a_walk_of_its_own),
        T(a_request_of_another_pcid_does_not_join),
        T(all_requests_of_a_poisoned_walk_are_answered),
        T(a_waiting_request_is_not_poisoned),
        T(a_fault_elsewhere_leaves_a_walk_alone),
        T(regress_a_walk_beside_a_fault_brings_no_pointer_back),
        T(regress_a_walk_behind_a_dropped_pointer_fills_nothing),
        T(a_refused_fill_is_remembered_with_its_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
