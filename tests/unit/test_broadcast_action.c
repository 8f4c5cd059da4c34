/* SPDX-License-Identifier: MIT */
/*
 * What a broadcast does to the other CPUs: when, with whose scope, to which
 * structures, and who pays. The faults of other simulators have a test each,
 * named as in their lists: G gem5, V Virtuoso, HSCC.
 *
 * CPUs of the small machine: 0 and 4 are threads of one core; 1 and 5 are in
 * the same socket; 2, 3, 6 and 7 are in the other.
 */
#include "coherence/broadcast.h"
#include "support/small_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NEIGHBOUR = 1, REMOTE = 2 };

#define VADDR UINT64_C(0x7f0000000000)

static void issue(struct cpu *cpu, void *context)
{
    static const struct inval everything = {
        .hits_globals = true, .hits_nonglobals = true, .psc = INVAL_PSC_ALL};

    (void) context;
    mmusim__broadcast_inval(cpu, &everything, REACH_INNER, MISS_FULL_FLUSH);
}

static const struct broadcast_config *
config_of(const struct small_system *small)
{
    return &small->system.broadcast;
}

static void
pitfall_g8_a_translation_is_stale_until_the_message_arrives(void **state)
{
    struct small_system *small = *state;
    struct address_space mm;
    const struct broadcast_config *config = config_of(small);
    uint64_t arrival =
        (uint64_t) config->issue_cycles + config->latency_remote_cycles;
    tlb_data_t data;

    small_space_init(small, &mm, 1);
    small_map_user(small, mm.root, VADDR, 0);
    small_run_mm(&small->system.cpus[REMOTE], &mm);
    assert_int_equal(small_walk(small, REMOTE, ACCESS_LOAD, VADDR),
                     WALK_FILLED);
    small_do(small, 0, issue, NULL);
    small_start(small);
    small_run_to(small, arrival - 1);
    assert_true(mmusim__mmu_probe(&small->system.cpus[REMOTE].mmu, ACCESS_LOAD,
                                  VADDR, &data));
    small_run_to(small, arrival);
    assert_false(mmusim__mmu_probe(&small->system.cpus[REMOTE].mmu, ACCESS_LOAD,
                                   VADDR, &data));
    small_drain(small);
}

static void pitfall_g9_a_walk_in_flight_is_poisoned(void **state)
{
    struct small_system *small = *state;
    struct address_space mm;
    struct walk_request request = {.vaddr = VADDR};

    small_space_init(small, &mm, 1);
    small_map_user(small, mm.root, VADDR, 0);
    small_run_mm(&small->system.cpus[REMOTE], &mm);
    mmusim__walk_ask(&small->system.cpus[REMOTE].mmu, &request, 0);
    small_do(small, 0, issue, NULL);
    small_run(small);
    assert_int_equal(small->cpus[REMOTE].outcome, WALK_POISONED);
}

/* All of the issuer's VM, as TLBI VMALLS12E1IS. */
static void drop_own_vm(struct cpu *cpu, void *context)
{
    struct inval inval = mmusim__mmu_scope(&cpu->mmu);

    (void) context;
    inval.hits_globals = inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ALL;
    mmusim__broadcast_inval(cpu, &inval, REACH_INNER, MISS_FULL_FLUSH);
}

static void load_vm(struct small_system *small, uint32_t id, uint16_t vmid)
{
    const struct tlb_context context = {
        .regime = REGIME_EL1, .has_asid = true, .asid = 1, .vmid = vmid};

    mmusim__mmu_set_context(&small->system.cpus[id].mmu, &context);
}

static void pitfall_g7_the_scope_is_the_senders(void **state)
{
    struct small_options options = small_options_of(state);
    struct small_system *small;
    struct address_space mm;
    tlb_data_t data;

    options.has_contexts = true;
    small = small_remake(state, &options);
    small_space_init(small, &mm, 1);
    small_map_user(small, mm.root, VADDR, 0);
    for (uint32_t id = 0; id <= REMOTE; id++) {
        load_vm(small, id, id == REMOTE ? 2 : 1);
        small_run_mm(&small->system.cpus[id], &mm);
    }
    small_walk(small, NEIGHBOUR, ACCESS_LOAD, VADDR);
    small_walk(small, REMOTE, ACCESS_LOAD, VADDR);
    small_do(small, 0, drop_own_vm, NULL);
    small_run(small);
    assert_false(mmusim__mmu_probe(&small->system.cpus[NEIGHBOUR].mmu,
                                   ACCESS_LOAD, VADDR, &data));
    assert_true(mmusim__mmu_probe(&small->system.cpus[REMOTE].mmu, ACCESS_LOAD,
                                  VADDR, &data));
}

static void pitfall_v1_walk_caches_of_the_others_go_too(void **state)
{
    struct small_system *small = *state;
    const struct walker_counters *counters =
        &small->system.cpus[REMOTE].mmu.counters;
    struct address_space mm;
    uint64_t n_reads;

    small_space_init(small, &mm, 1);
    small_map_user(small, mm.root, VADDR, 0);
    small_run_mm(&small->system.cpus[REMOTE], &mm);
    small_walk(small, REMOTE, ACCESS_LOAD, VADDR);
    n_reads = counters->pte_reads;
    assert_int_equal(n_reads, small->options.n_levels);
    small_do(small, 0, issue, NULL);
    small_run(small);
    small_walk(small, REMOTE, ACCESS_LOAD, VADDR);
    assert_int_equal(counters->pte_reads, 2 * n_reads);
}

static void pitfall_hscc_cores_that_hold_nothing_pay_too(void **state)
{
    struct small_system *small = *state;

    small_do(small, 0, issue, NULL);
    small_run(small);
    for (uint32_t id = 1; id < 8; id++)
        assert_int_equal(small_bucket(small, id, BUCKET_IPI_HANDLER),
                         config_of(small)->slot_cycles);
}

static void of_asid(struct cpu *cpu, void *context)
{
    struct inval inval = {.has_asid = true,
                          .asid = *(const uint16_t *) context,
                          .hits_nonglobals = true,
                          .psc = INVAL_PSC_ASID};

    mmusim__broadcast_inval(cpu, &inval, REACH_INNER, MISS_FULL_FLUSH);
}

static void a_filter_spares_cores_that_never_held_the_asid(void **state)
{
    struct small_options options = small_options_of(state);
    struct small_system *small;
    uint16_t asid = 5;

    options.has_pcid = true;
    options.broadcast.filter = FILTER_CLEAN;
    small = small_remake(state, &options);
    mmusim__mmu_set_asid(&small->system.cpus[REMOTE].mmu, asid);
    mmusim__mmu_set_asid(&small->system.cpus[REMOTE].mmu, 1);
    small_do(small, 0, of_asid, &asid);
    small_busy(small, 0, 5000, BUCKET_BASE);
    small_do(small, 0, of_asid, &asid);
    small_run(small);
    /* the first operation cleaned it */
    assert_int_equal(small_bucket(small, REMOTE, BUCKET_IPI_HANDLER),
                     config_of(small)->slot_cycles);
    assert_int_equal(small_bucket(small, NEIGHBOUR, BUCKET_IPI_HANDLER), 0);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, small_setup, small_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(pitfall_g8_a_translation_is_stale_until_the_message_arrives),
        T(pitfall_g9_a_walk_in_flight_is_poisoned),
        T(pitfall_g7_the_scope_is_the_senders),
        T(pitfall_v1_walk_caches_of_the_others_go_too),
        T(pitfall_hscc_cores_that_hold_nothing_pay_too),
        T(a_filter_spares_cores_that_never_held_the_asid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
