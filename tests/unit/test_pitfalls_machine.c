/* SPDX-License-Identifier: MIT */
/*
 * Mistakes found in other simulators' TLBs and shootdowns: G of gem5, V of
 * Virtuoso, S of SST, TLBSim, HSCC. Each test fails if ours makes the mistake.
 * docs/conformance.md lists them all.
 */
#include "coherence/ipi.h"
#include "coherence/x86_ops.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR     UINT64_C(0x00007f1234400000)
#define NEXT_PAGE (VADDR + BASE_PAGE_BYTES)

enum { NEIGHBOUR = 1, RUN_PAGES = 4, RUN_ORDER = 2 };

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

static uint64_t have(struct small_system *small, uint64_t vaddr)
{
    uint64_t where = small_map_user(small, mmu_of(small)->root, vaddr, 0);

    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, vaddr), WALK_FILLED);
    return where;
}

static bool finds(struct small_system *small, enum access_kind kind,
                  uint64_t vaddr, tlb_data_t *data)
{
    return mmusim__mmu_probe(mmu_of(small), kind, vaddr, data);
}

/* ---- TLBs ---- */

static void pitfall_g10_an_l2_hit_takes_its_cycles(void **state)
{
    struct small_system *small = *state;
    uint32_t cycles = 0;
    tlb_data_t data;

    have(small, VADDR);
    assert_true(mmusim__mmu_l2_lookup(mmu_of(small), ACCESS_FETCH, VADDR, &data,
                                      &cycles));
    assert_int_equal(cycles, small->options.tlb[TLB_L2].arrays[0].hit_cycles);
    assert_true(cycles > 0);
}

/* Arm's contiguous bit, Svnapot, AMD's coalescing: one entry, all of it. */
static void pitfall_g14_a_run_of_pages_is_one_entry(void **state)
{
    struct small_system *small = *state;
    struct small_options options = small->options;
    const struct pt_format *format = small->shared.format;
    tlb_data_t data;

    options.walker.coalesce_pages = RUN_PAGES;
    options.tlb[TLB_L2].arrays[0].n_orders = 2;
    options.tlb[TLB_L2].arrays[0].orders[1] = RUN_ORDER;
    small_destroy(small);
    *state = small = small_create(&options);
    for (uint32_t i = 0; i < RUN_PAGES; i++)
        small_map(small, mmu_of(small)->root, VADDR + i * BASE_PAGE_BYTES, 0,
                  format->make_leaf(format, (pfn_t){0x200000 + i}, 0,
                                    TLB_READ | TLB_WRITE | TLB_USER | TLB_DIRTY,
                                    true));
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FILLED);
    assert_int_equal(mmu_of(small)->tlb[TLB_L2].arrays[0]->n_valid, 1);
    assert_true(finds(small, ACCESS_LOAD, NEXT_PAGE, &data));
    mmusim__x86_invlpg(mmu_of(small), VADDR + 3 * BASE_PAGE_BYTES,
                       MISS_PAGE_FLUSH);
    assert_false(finds(small, ACCESS_FETCH, NEXT_PAGE, &data));
}

/* By who asks again after a refused walk, too. */
static void pitfall_g15_a_miss_counts_once(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);
    struct walk_request miss = {.vaddr = VADDR, .need = WALK_FOR_MISS};
    struct walk_request again = {.vaddr = VADDR, .need = WALK_FOR_REPLAY};

    small_map_user(small, mmu->root, VADDR, 0);
    mmusim__walk_ask(mmu, &miss, 0);
    mmusim__x86_invlpg(mmu, VADDR, MISS_PAGE_FLUSH);
    small_drain(small);
    mmusim__walk_ask(mmu, &again, 0);
    small_drain(small);
    assert_int_equal(small->cpus[0].outcome, WALK_FILLED);
    assert_int_equal(mmu->llt_misses, 1);
}

static void pitfall_v3_address_spaces_do_not_alias(void **state)
{
    struct small_system *small = *state;
    tlb_data_t data;

    mmusim__mmu_set_asid(mmu_of(small), 1);
    have(small, VADDR);
    mmusim__mmu_set_asid(mmu_of(small), 2);
    assert_false(finds(small, ACCESS_LOAD, VADDR, &data));
    mmusim__mmu_set_asid(mmu_of(small), 1);
    assert_true(finds(small, ACCESS_LOAD, VADDR, &data));
}

/* After a, b, a: LRU gives up b, FIFO a. */
static bool keeps_the_one_used_last(const char *policy)
{
    struct small_options options;
    struct small_system *small;
    struct tlb_array *l1;
    bool is_kept;

    small_options_init(&options);
    small_options_tlb(&options, TLB_L1D, 2, 1);
    for (uint32_t i = 0; policy[i] && i < 15; i++) {
        options.tlb[TLB_L1D].arrays[0].replacement[i] = policy[i];
        options.tlb[TLB_L1D].arrays[0].replacement[i + 1] = '\0';
    }
    small = small_create(&options);
    l1 = mmu_of(small)->tlb[TLB_L1D].arrays[0];
    have(small, VADDR);
    have(small, NEXT_PAGE);
    assert_true(mmusim__mmu_l1_search(
        mmu_of(small), mmu_of(small)->l1_of[ACCESS_LOAD], vpn_of(VADDR).v));
    have(small, NEXT_PAGE + BASE_PAGE_BYTES);
    is_kept = mmusim__tlb_array_probe(l1, vpn_of(VADDR), 0) != TLB_NO_SLOT;
    small_destroy(small);
    return is_kept;
}

static void pitfall_tlbsim_there_is_more_than_fifo(void **state)
{
    (void) state;
    assert_true(keeps_the_one_used_last("lru"));
    assert_true(keeps_the_one_used_last("plru"));
    assert_false(keeps_the_one_used_last("fifo"));
}

/* ---- shootdowns ---- */

static uint32_t act(struct cpu *cpu, const struct flush_request *request)
{
    (void) cpu;
    (void) request;
    return 1;
}

static void call(struct cpu *cpu, void *context)
{
    const struct flush_request request = {.end = FLUSH_END_ALL, .act = act};
    struct cpu_mask targets = {{*(const uint64_t *) context}};

    mmusim__ipi_call_many(cpu, &targets, &request);
}

/* When a call to the neighbour is complete, with that latency. */
static uint64_t completion(uint32_t latency_cycles, uint64_t *n_ipis)
{
    const uint64_t targets = UINT64_C(1) << NEIGHBOUR;
    struct small_options options;
    struct small_system *small;
    uint64_t latency;

    small_options_init(&options);
    options.ipi.latency_socket_cycles = latency_cycles;
    small = small_create(&options);
    small_do(small, 0, call, (void *) &targets);
    small_run(small);
    assert_int_equal(small->system.shootdowns.completed, 1);
    latency = small->system.shootdowns.latency_cycles.max;
    *n_ipis = small->system.shootdowns.ipis_sent;
    small_destroy(small);
    return latency;
}

/* SST's shootdown_delay is read by nobody, and its statistic is exported. */
static void pitfall_s1_the_delay_of_a_shootdown_is_used(void **state)
{
    uint64_t n_ipis;

    (void) state;
    assert_int_equal(completion(2000, &n_ipis) - completion(1000, &n_ipis),
                     1000);
}

static void pitfall_hscc_an_interrupt_costs_more_than_a_tlb_hit(void **state)
{
    struct small_system *small = *state;
    const struct ipi_config *ipi = &small->options.ipi;
    uint64_t n_ipis;

    assert_true(completion(ipi->latency_socket_cycles, &n_ipis) >=
                (uint64_t) ipi->enqueue_cycles + ipi->send_cycles +
                    ipi->latency_socket_cycles + ipi->entry_cycles +
                    ipi->ack_socket_cycles);
}

/* HSCC adds to a counter that it was given by value. */
static void pitfall_hscc_shootdowns_reach_the_statistics(void **state)
{
    uint64_t n_ipis = 0;

    (void) state;
    completion(1000, &n_ipis);
    assert_int_equal(n_ipis, 1);
}

/* Clear, then flush: a walk between the two finds nothing, and all sides lose
 * the page. The other way round, the walk brings the old page back, and the
 * model shows it. */
static void pitfall_s4_the_entry_goes_before_the_flush(void **state)
{
    struct small_system *small = *state;
    uint64_t where = have(small, VADDR);
    tlb_data_t data;

    assert_int_equal(small_walk(small, 0, ACCESS_FETCH, VADDR), WALK_FILLED);
    mmusim__x86_invlpg(mmu_of(small), VADDR, MISS_PAGE_FLUSH);
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FILLED);
    mmusim__pt_write(small->shared.tables, where, 0);
    assert_true(finds(small, ACCESS_LOAD, VADDR, &data)); /* stale */
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FAULTED);
    mmusim__x86_invlpg(mmu_of(small), VADDR, MISS_PAGE_FLUSH);
    for (uint32_t kind = 0; kind < ACCESS_KINDS; kind++)
        assert_false(finds(small, (enum access_kind) kind, VADDR, &data));
    assert_int_equal(small_walk(small, 0, ACCESS_FETCH, VADDR), WALK_FAULTED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(pitfall_g10_an_l2_hit_takes_its_cycles),
        T(pitfall_g14_a_run_of_pages_is_one_entry),
        T(pitfall_g15_a_miss_counts_once),
        T(pitfall_v3_address_spaces_do_not_alias),
        T(pitfall_tlbsim_there_is_more_than_fifo),
        T(pitfall_s1_the_delay_of_a_shootdown_is_used),
        T(pitfall_hscc_an_interrupt_costs_more_than_a_tlb_hit),
        T(pitfall_hscc_shootdowns_reach_the_statistics),
        T(pitfall_s4_the_entry_goes_before_the_flush),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
