/* SPDX-License-Identifier: MIT */
/*
 * Virtual CPUs that are preempted: whose time it is, what waits for them, and
 * the flush they do on their return.
 */
#include "coherence/ipi.h"
#include "coherence/paravirt.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PERIOD = 100000, ABSENCE = 40000, REMOTE = 2, ACT_CYCLES = 77 };

#define VADDR UINT64_C(0x7f0000000000)

static uint32_t act(struct cpu *cpu, const struct flush_request *request)
{
    struct small_cpu *own = cpu->user;

    (void) request;
    own->acted_cycle = cpu->now;
    own->n_acts++;
    return ACT_CYCLES;
}

static struct address_space some_mm;

/* A flush of an address space, as protocols send it. */
static void flush(struct cpu *cpu, void *context)
{
    const struct flush_request request = {
        .mm = &some_mm, .end = FLUSH_END_ALL, .act = act};
    struct cpu_mask targets = {{1 << REMOTE}};

    (void) context;
    mmusim__ipi_call_many(cpu, &targets, &request);
}

static void note(struct cpu *cpu, void *context)
{
    *(uint64_t *) context = cpu->now;
}

static struct small_system *build(void **state, bool has_pv_flush)
{
    struct small_options options;

    small_options_init(&options);
    options.is_reference = true;
    options.virt.preempt_period_cycles = PERIOD;
    options.virt.preempt_cycles = ABSENCE;
    options.virt.has_pv_flush = has_pv_flush;
    *state = small_create(&options);
    return *state;
}

static int teardown(void **state)
{
    small_destroy(*state);
    return 0;
}

/* Runs until the remote CPU's first preemption has begun; when it did. */
static uint64_t run_to_absence(struct small_system *small)
{
    const struct cpu *remote = &small->system.cpus[REMOTE];

    while (!remote->vcpu.is_preempted)
        small_run_to(small, event_queue_next_cycle(&small->system.queue));
    return remote->vcpu.next_cycle - ABSENCE;
}

static void a_busy_cpu_stands_still_and_the_time_is_idle(void **state)
{
    struct small_system *small = build(state, false);
    const struct cpu *remote = &small->system.cpus[REMOTE];
    uint64_t busy = 10 * PERIOD, end = 0;

    small_busy(small, REMOTE, busy, BUCKET_BASE);
    small_do(small, REMOTE, note, &end);
    small_run(small);
    assert_in_range(remote->vcpu.n_preemptions, 5, 20);
    assert_int_equal(end, busy + remote->vcpu.n_preemptions * ABSENCE);
    assert_int_equal(remote->cycles[BUCKET_BASE], busy);
    assert_int_equal(remote->cycles[BUCKET_IDLE],
                     remote->vcpu.n_preemptions * ABSENCE);
}

static void an_idle_cpu_is_not_preempted(void **state)
{
    struct small_system *small = build(state, false);

    small_busy(small, 0, 10 * PERIOD, BUCKET_BASE);
    small_run(small);
    assert_true(small->system.cpus[0].vcpu.n_preemptions > 0);
    assert_int_equal(small->system.cpus[REMOTE].vcpu.n_preemptions, 0);
}

static void preemptions_are_those_of_the_seed(void **state)
{
    uint64_t ends[2] = {0, 0};

    for (uint32_t i = 0; i < 2; i++) {
        struct small_system *small = build(state, false);

        small_busy(small, REMOTE, 10 * PERIOD, BUCKET_BASE);
        small_do(small, REMOTE, note, &ends[i]);
        small_run(small);
        if (!i)
            small_destroy(small);
    }
    assert_int_equal(ends[0], ends[1]);
}

/* Sends to the remote CPU in the middle of its absence; when it is back. */
static uint64_t send_into_absence(struct small_system *small)
{
    uint64_t begin;

    small_busy(small, REMOTE, 4 * PERIOD, BUCKET_BASE);
    small_start(small);
    begin = run_to_absence(small);
    small_clear_script(small, 0);
    small_do(small, 0, flush, NULL);
    mmusim__cpu_wake(&small->system.cpus[0], begin + 1, 0);
    return begin + ABSENCE;
}

static void an_interrupt_waits_for_a_preempted_cpu(void **state)
{
    struct small_system *small = build(state, false);
    const struct ipi_config *ipi = &small->system.ipi;
    uint64_t back = send_into_absence(small);

    small_run_to(small, back - 1);
    assert_int_equal(small->cpus[REMOTE].n_acts, 0);
    small_drain(small);
    assert_int_equal(small->cpus[REMOTE].acted_cycle, back + ipi->entry_cycles);
    assert_int_equal(small->system.shootdowns.deferred, 0);
}

static void the_paravirtual_flush_does_without_the_interrupt(void **state)
{
    struct small_system *small = build(state, true);
    uint64_t back = send_into_absence(small);

    small_run_to(small, back - 1);
    assert_int_equal(small->system.shootdowns.completed, 1);
    assert_int_equal(small->system.shootdowns.latency_cycles.max,
                     small->system.virt.pv_check_cycles);
    assert_int_equal(small->system.cpus[REMOTE].flushes.received_full, 0);
    small_drain(small);
    assert_int_equal(small->cpus[REMOTE].n_acts, 0);
    assert_int_equal(small->system.shootdowns.ipis_sent, 0);
    assert_int_equal(small->system.shootdowns.deferred, 1);
    assert_int_equal(small->system.cpus[REMOTE].flushes.received_full, 1);
    assert_int_equal(small->system.cpus[REMOTE].cycles[BUCKET_IPI_HANDLER],
                     small->system.virt.pv_flush_cycles);
}

static void a_returning_cpu_has_nothing_left_in_its_tlbs(void **state)
{
    struct small_system *small = build(state, true);
    struct mmu *mmu = &small->system.cpus[REMOTE].mmu;
    struct address_space mm;
    uint64_t back;
    tlb_data_t data;

    small_space_init(small, &mm, 1);
    small_map_user(small, mm.root, VADDR, 0);
    small_run_mm(&small->system.cpus[REMOTE], &mm);
    assert_int_equal(small_walk(small, REMOTE, ACCESS_LOAD, VADDR),
                     WALK_FILLED);
    back = send_into_absence(small);
    small_run_to(small, back - 1);
    assert_true(mmusim__mmu_probe(mmu, ACCESS_LOAD, VADDR, &data));
    small_run_to(small, back);
    assert_false(mmusim__mmu_probe(mmu, ACCESS_LOAD, VADDR, &data));
    small_drain(small);
}

static void a_running_cpu_is_interrupted_all_the_same(void **state)
{
    struct small_system *small = build(state, true);

    small_do(small, 0, flush, NULL);
    small_run(small);
    assert_int_equal(small->cpus[REMOTE].n_acts, 1);
    assert_int_equal(small->system.shootdowns.ipis_sent, 1);
    assert_int_equal(small->system.shootdowns.deferred, 0);
}

#define T(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_busy_cpu_stands_still_and_the_time_is_idle),
        T(an_idle_cpu_is_not_preempted),
        T(preemptions_are_those_of_the_seed),
        T(an_interrupt_waits_for_a_preempted_cpu),
        T(the_paravirtual_flush_does_without_the_interrupt),
        T(a_returning_cpu_has_nothing_left_in_its_tlbs),
        T(a_running_cpu_is_interrupted_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
