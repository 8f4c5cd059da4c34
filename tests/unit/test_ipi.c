/* SPDX-License-Identifier: MIT */
/*
 * Calls by interrupt, to the cycle: every expected time is a formula over the
 * ipi.* fields, worked out from the rules in coherence/ipi.h.
 *
 * CPUs of the small machine: 0 and 4 are threads of one core; 1 and 5 are in
 * the same socket; 2, 3, 6 and 7 are in the other.
 */
#include "coherence/ipi.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ACT_CYCLES = 77, SIBLING = 4, NEIGHBOUR = 1, REMOTE = 2 };

static uint32_t act(struct cpu *cpu, const struct flush_request *request)
{
    struct small_cpu *own = cpu->user;

    (void) request;
    own->acted_cycle = cpu->now;
    own->n_acts++;
    return ACT_CYCLES;
}

/* Calls the CPUs whose bits are set in *context. */
static void call(struct cpu *cpu, void *context)
{
    const struct flush_request request = {.end = FLUSH_END_ALL, .act = act};
    struct cpu_mask targets = {{*(const uint64_t *) context}};

    mmusim__ipi_call_many(cpu, &targets, &request);
}

static void mask(struct cpu *cpu, void *context)
{
    cpu->masks_interrupts = context != NULL;
}

static int setup(void **state)
{
    struct small_options options;

    small_options_init(&options);
    *state = small_create(&options);
    return 0;
}

static int teardown(void **state)
{
    small_destroy(*state);
    return 0;
}

static void remake(void **state, const struct small_options *options)
{
    small_destroy(*state);
    *state = small_create(options);
}

static const struct ipi_config *ipi_of(const struct small_system *small)
{
    return &small->system.ipi;
}

static uint64_t bucket_of(const struct small_system *small, uint32_t cpu,
                          enum bucket bucket)
{
    return small->system.cpus[cpu].cycles[bucket];
}

static void assert_completes_at(struct small_system *small, uint64_t cycle)
{
    const struct shootdown_counters *counters = &small->system.shootdowns;
    uint64_t before = counters->completed;

    small_run_to(small, cycle - 1);
    assert_int_equal(counters->completed, before);
    small_run_to(small, cycle);
    assert_int_equal(counters->completed, before + 1);
}

/* From a free target's interrupt to the end of its only call. */
static uint64_t service(const struct ipi_config *ipi)
{
    return (uint64_t) ipi->entry_cycles + ipi->handler_cycles + ACT_CYCLES;
}

static uint32_t enqueue(const struct ipi_config *ipi, uint32_t target)
{
    return target == SIBLING || target == NEIGHBOUR
               ? ipi->enqueue_cycles
               : ipi->enqueue_remote_cycles;
}

static void check_one_target(struct small_system *small, uint32_t target,
                             uint32_t latency, uint32_t ack)
{
    const struct ipi_config *ipi = ipi_of(small);
    uint64_t targets = UINT64_C(1) << target;
    uint64_t sent = (uint64_t) enqueue(ipi, target) + ipi->send_cycles;
    uint64_t end = sent + latency + service(ipi) + ack;

    small_do(small, 0, call, &targets);
    small_start(small);
    assert_completes_at(small, end);
    small_drain(small);
    assert_int_equal(small->cpus[target].acted_cycle,
                     sent + latency + ipi->entry_cycles);
    assert_int_equal(bucket_of(small, 0, BUCKET_IPI_SEND), sent);
    assert_int_equal(bucket_of(small, 0, BUCKET_IPI_WAIT), end - sent);
    assert_int_equal(bucket_of(small, target, BUCKET_IPI_HANDLER),
                     service(ipi) + ipi->exit_cycles);
    assert_int_equal(small->system.shootdowns.latency_cycles.max, end);
    assert_int_equal(small->system.shootdowns.ipis_sent, 1);
    assert_int_equal(small->system.shootdowns.targets, 1);
}

static void one_target_on_the_same_core_costs_the_sum_of_its_steps(void **state)
{
    struct small_system *small = *state;

    check_one_target(small, SIBLING, ipi_of(small)->latency_core_cycles,
                     ipi_of(small)->ack_core_cycles);
}

static void
one_target_on_the_same_socket_costs_the_sum_of_its_steps(void **state)
{
    struct small_system *small = *state;

    check_one_target(small, NEIGHBOUR, ipi_of(small)->latency_socket_cycles,
                     ipi_of(small)->ack_socket_cycles);
}

static void
one_target_on_another_socket_costs_the_sum_of_its_steps(void **state)
{
    struct small_system *small = *state;

    check_one_target(small, REMOTE, ipi_of(small)->latency_remote_cycles,
                     ipi_of(small)->ack_remote_cycles);
}

static void targets_are_enqueued_first_and_then_sent_to_one_by_one(void **state)
{
    struct small_system *small = *state;
    const struct ipi_config *ipi = ipi_of(small);
    uint64_t targets = 1 << 2 | 1 << 3 | 1 << 6;
    uint64_t enqueued = 3 * (uint64_t) ipi->enqueue_remote_cycles;

    small_do(small, 0, call, &targets);
    small_start(small);
    /* The first is seen when it is there, each other takes its line's time:
     * they are acknowledged faster than they are looked at. */
    assert_true(ipi->send_cycles < ipi->ack_remote_cycles);
    assert_completes_at(small, enqueued + ipi->send_cycles +
                                   ipi->latency_remote_cycles + service(ipi) +
                                   3 * (uint64_t) ipi->ack_remote_cycles);
    for (uint32_t i = 0; i < 3; i++) {
        static const uint32_t ids[] = {2, 3, 6};

        assert_int_equal(small->cpus[ids[i]].acted_cycle,
                         enqueued + (i + 1) * (uint64_t) ipi->send_cycles +
                             ipi->latency_remote_cycles + ipi->entry_cycles);
    }
    assert_int_equal(small->system.shootdowns.ipis_sent, 3);
}

/* APIC IDs 0 to 3 are CPUs 0, 4, 1 and 5: the first socket. */
static void one_write_reaches_every_target_of_a_cluster(void **state)
{
    struct small_options options = ((struct small_system *) *state)->options;
    uint64_t targets = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 7;
    struct small_system *small;
    const struct ipi_config *ipi;
    uint64_t enqueued;

    options.ipi.cluster_cpus = 4;
    remake(state, &options);
    small = *state;
    ipi = ipi_of(small);
    enqueued = 2 * (uint64_t) ipi->enqueue_cycles +
               3 * (uint64_t) ipi->enqueue_remote_cycles;
    small_do(small, 0, call, &targets);
    small_run(small);
    assert_int_equal(bucket_of(small, 0, BUCKET_IPI_SEND),
                     enqueued + 2 * (uint64_t) ipi->send_cycles);
    assert_int_equal(small->cpus[1].acted_cycle,
                     enqueued + ipi->send_cycles + ipi->latency_socket_cycles +
                         ipi->entry_cycles);
    assert_int_equal(small->cpus[5].acted_cycle, small->cpus[1].acted_cycle);
    assert_int_equal(small->cpus[2].acted_cycle,
                     enqueued + 2 * (uint64_t) ipi->send_cycles +
                         ipi->latency_remote_cycles + ipi->entry_cycles);
    assert_int_equal(small->cpus[3].acted_cycle, small->cpus[2].acted_cycle);
    assert_int_equal(small->cpus[7].acted_cycle, small->cpus[2].acted_cycle);
    assert_int_equal(small->system.shootdowns.ipis_sent, 5);
}

static void the_wait_ends_at_the_last_acknowledgement(void **state)
{
    struct small_system *small = *state;
    const struct ipi_config *ipi = ipi_of(small);
    uint64_t targets = 1 << NEIGHBOUR | 1 << SIBLING;
    uint64_t unmasked = 100000;

    small_do(small, 0, call, &targets);
    small_do(small, NEIGHBOUR, mask, small);
    small_busy(small, NEIGHBOUR, unmasked, BUCKET_FAULT);
    small_do(small, NEIGHBOUR, mask, NULL);
    small_start(small);
    assert_completes_at(small, unmasked + service(ipi) +
                                   ipi->ack_socket_cycles +
                                   ipi->ack_core_cycles);
    assert_true(small->cpus[SIBLING].acted_cycle < unmasked);
    assert_int_equal(small->cpus[NEIGHBOUR].acted_cycle,
                     unmasked + ipi->entry_cycles);
}

/* A first target that is late delays the look at the others, which are there
 * and cost their lines only; one that is there already costs its line. */
static void calls_are_looked_at_in_order_of_cpus(void **state)
{
    struct small_system *small = *state;
    const struct ipi_config *ipi = ipi_of(small);
    uint64_t targets = 1 << NEIGHBOUR | 1 << REMOTE | 1 << SIBLING;
    uint64_t unmasked = 100000;

    small_do(small, 0, call, &targets);
    small_do(small, NEIGHBOUR, mask, small);
    small_busy(small, NEIGHBOUR, unmasked, BUCKET_FAULT);
    small_do(small, NEIGHBOUR, mask, NULL);
    small_start(small);
    assert_completes_at(small,
                        unmasked + service(ipi) + ipi->ack_socket_cycles +
                            ipi->ack_remote_cycles + ipi->ack_core_cycles);
}

/* A ring of six: CPU 3 is three links away. */
static void requests_are_queued_dearer_with_every_link(void **state)
{
    struct small_options options = ((struct small_system *) *state)->options;
    uint64_t targets = 1 << 3;
    struct small_system *small;
    const struct ipi_config *ipi;

    options.n_sockets = 6;
    options.cores_per_socket = options.threads_per_core = 1;
    options.links = LINKS_RING;
    remake(state, &options);
    small = *state;
    ipi = ipi_of(small);
    small_do(small, 0, call, &targets);
    small_run(small);
    assert_int_equal(bucket_of(small, 0, BUCKET_IPI_SEND),
                     ipi->enqueue_remote_cycles +
                         2 * (uint64_t) ipi->enqueue_hop_cycles +
                         ipi->send_cycles);
}

static void masked_interrupts_are_taken_when_they_are_enabled(void **state)
{
    struct small_system *small = *state;
    uint64_t targets = 1 << REMOTE;

    small_do(small, 0, call, &targets);
    small_do(small, REMOTE, mask, small);
    small_busy(small, REMOTE, 50000, BUCKET_SWITCH);
    small_do(small, REMOTE, mask, NULL);
    small_busy(small, REMOTE, 1000, BUCKET_BASE);
    small_run(small);
    assert_int_equal(small->cpus[REMOTE].acted_cycle,
                     50000 + ipi_of(small)->entry_cycles);
    assert_int_equal(bucket_of(small, REMOTE, BUCKET_SWITCH), 50000);
    assert_int_equal(bucket_of(small, REMOTE, BUCKET_BASE), 1000);
}

static void an_idle_target_first_leaves_its_idle_state(void **state)
{
    struct small_system *small = *state;
    const struct ipi_config *ipi = ipi_of(small);
    uint64_t targets = 1 << REMOTE;
    uint64_t arrival = (uint64_t) ipi->enqueue_remote_cycles +
                       ipi->send_cycles + ipi->latency_remote_cycles;

    small->system.cpus[REMOTE].is_idle = true;
    small_do(small, 0, call, &targets);
    small_start(small);
    assert_completes_at(small, arrival + ipi->idle_exit_cycles + service(ipi) +
                                   ipi->ack_remote_cycles);
    small_drain(small);
    assert_int_equal(bucket_of(small, REMOTE, BUCKET_IDLE),
                     arrival + ipi->idle_exit_cycles);
    assert_int_equal(bucket_of(small, REMOTE, BUCKET_IPI_HANDLER),
                     service(ipi) + ipi->exit_cycles);
}

/* CPUs 0 and 1 call CPU 2 at the same cycle: 0 has the queue first. */
static void
a_second_sender_waits_for_the_queue_and_is_charged_lock(void **state)
{
    struct small_system *small = *state;
    const struct ipi_config *ipi = ipi_of(small);
    uint64_t targets = 1 << REMOTE;

    small_do(small, 0, call, &targets);
    small_do(small, 1, call, &targets);
    small_run(small);
    assert_int_equal(bucket_of(small, 0, BUCKET_LOCK), 0);
    assert_int_equal(bucket_of(small, 1, BUCKET_LOCK),
                     ipi->enqueue_remote_cycles);
    for (uint32_t id = 0; id < 2; id++)
        assert_int_equal(bucket_of(small, id, BUCKET_IPI_SEND),
                         ipi->enqueue_remote_cycles + ipi->send_cycles);
    assert_int_equal(small->system.shootdowns.completed, 2);
}

static void
a_call_done_by_an_earlier_interrupt_leaves_a_spurious_one(void **state)
{
    struct small_system *small = *state;
    const struct ipi_config *ipi = ipi_of(small);
    uint64_t targets = 1 << REMOTE;
    uint64_t first = (uint64_t) ipi->enqueue_remote_cycles + ipi->send_cycles +
                     ipi->latency_remote_cycles + service(ipi) +
                     ipi->ack_remote_cycles;

    small_do(small, 0, call, &targets);
    small_do(small, 1, call, &targets);
    small_start(small);
    assert_completes_at(small, first);
    assert_completes_at(small, first + ipi->handler_cycles + ACT_CYCLES);
    small_drain(small);
    assert_int_equal(small->cpus[REMOTE].n_acts, 2);
    assert_int_equal(small->system.shootdowns.ipis_sent, 2);
    assert_int_equal(bucket_of(small, REMOTE, BUCKET_IPI_HANDLER),
                     2 * ((uint64_t) ipi->entry_cycles + ipi->handler_cycles +
                          ACT_CYCLES + ipi->exit_cycles));
}

static void check_mutual(struct small_system *small, uint32_t other,
                         uint32_t latency, uint32_t ack)
{
    const struct ipi_config *ipi = ipi_of(small);
    uint64_t to_other = UINT64_C(1) << other;
    uint64_t to_first = 1;
    uint64_t sent = (uint64_t) enqueue(ipi, other) + ipi->send_cycles;
    uint64_t served = sent + latency + service(ipi);
    uint64_t end = served + max_u64(ack, ipi->exit_cycles);

    small_do(small, 0, call, &to_other);
    small_do(small, other, call, &to_first);
    small_start(small);
    small_run_to(small, end - 1);
    assert_int_equal(small->system.shootdowns.completed, 0);
    small_run_to(small, end);
    assert_int_equal(small->system.shootdowns.completed, 2);
    small_drain(small);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t id = i ? other : 0;

        assert_int_equal(small->cpus[id].n_acts, 1);
        assert_int_equal(bucket_of(small, id, BUCKET_IPI_HANDLER),
                         service(ipi) + ipi->exit_cycles);
        assert_int_equal(bucket_of(small, id, BUCKET_IPI_WAIT),
                         end - sent - service(ipi) - ipi->exit_cycles);
    }
}

/* The acknowledgement comes while the handler still runs: the wait ends with
 * the handler. */
static void two_cpus_of_a_socket_that_call_each_other_both_finish(void **state)
{
    struct small_system *small = *state;

    assert_true(ipi_of(small)->ack_socket_cycles < ipi_of(small)->exit_cycles);
    check_mutual(small, NEIGHBOUR, ipi_of(small)->latency_socket_cycles,
                 ipi_of(small)->ack_socket_cycles);
}

static void two_cpus_far_apart_that_call_each_other_both_finish(void **state)
{
    struct small_system *small = *state;

    assert_true(ipi_of(small)->ack_remote_cycles > ipi_of(small)->exit_cycles);
    check_mutual(small, REMOTE, ipi_of(small)->latency_remote_cycles,
                 ipi_of(small)->ack_remote_cycles);
}

static void all_cpus_that_call_all_others_finish(void **state)
{
    struct small_system *small = *state;
    uint64_t everybody = 0xff;

    for (uint32_t id = 0; id < small->system.n_cpus; id++)
        small_do(small, id, call, &everybody);
    small_run(small);
    assert_int_equal(small->system.shootdowns.completed, 8);
    assert_int_equal(small->system.shootdowns.ipis_sent, 8 * 7);
    for (uint32_t id = 0; id < small->system.n_cpus; id++)
        assert_int_equal(small->cpus[id].n_acts, 7);
}

static void the_sender_is_no_target_of_its_own_call(void **state)
{
    struct small_system *small = *state;
    uint64_t targets = 1 << 0 | 1 << REMOTE;

    small_do(small, 0, call, &targets);
    small_run(small);
    assert_int_equal(small->cpus[0].n_acts, 0);
    assert_int_equal(small->system.shootdowns.targets, 1);
}

static void a_second_call_of_the_same_pair_works_like_the_first(void **state)
{
    struct small_system *small = *state;
    uint64_t targets = 1 << REMOTE;
    uint64_t first;

    small_do(small, 0, call, &targets);
    small_run(small);
    first = small->system.shootdowns.latency_cycles.sum;
    small_clear_script(small, 0);
    small_do(small, 0, call, &targets);
    mmusim__cpu_wake(&small->system.cpus[0], 1000000, 0);
    small_drain(small);
    assert_int_equal(small->system.shootdowns.latency_cycles.sum, 2 * first);
    assert_int_equal(small->cpus[REMOTE].n_acts, 2);
}

/* Each cost that ipi.h names, raised alone, moves what it should. */
static void
every_cost_lengthens_the_shootdown_of_an_idle_remote_cpu(void **state)
{
    struct small_options base = ((struct small_system *) *state)->options;
    uint64_t targets = 1 << REMOTE;
    uint32_t *costs[] = {
        &base.ipi.enqueue_remote_cycles, &base.ipi.send_cycles,
        &base.ipi.latency_remote_cycles, &base.ipi.idle_exit_cycles,
        &base.ipi.entry_cycles,          &base.ipi.handler_cycles,
        &base.ipi.ack_remote_cycles};
    uint64_t before = 0;

    for (size_t i = 0; i <= sizeof(costs) / sizeof(costs[0]); i++) {
        struct small_system *small;

        if (i)
            *costs[i - 1] += 5;
        remake(state, &base);
        small = *state;
        small->system.cpus[REMOTE].is_idle = true;
        small_do(small, 0, call, &targets);
        small_run(small);
        if (i)
            assert_int_equal(small->system.shootdowns.latency_cycles.max,
                             before + 5);
        before = small->system.shootdowns.latency_cycles.max;
    }
}

static void
the_least_delivery_time_is_one_write_and_the_shortest_way(void **state)
{
    struct small_options options = ((struct small_system *) *state)->options;
    struct small_system *small = *state;

    assert_int_equal(small->system.min_delivery_cycles,
                     options.ipi.send_cycles + options.ipi.latency_core_cycles);
    options.ipi.latency_remote_cycles = 3;
    remake(state, &options);
    small = *state;
    assert_int_equal(small->system.min_delivery_cycles,
                     options.ipi.send_cycles + 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_target_on_the_same_core_costs_the_sum_of_its_steps),
        T(one_target_on_the_same_socket_costs_the_sum_of_its_steps),
        T(one_target_on_another_socket_costs_the_sum_of_its_steps),
        T(targets_are_enqueued_first_and_then_sent_to_one_by_one),
        T(one_write_reaches_every_target_of_a_cluster),
        T(the_wait_ends_at_the_last_acknowledgement),
        T(calls_are_looked_at_in_order_of_cpus),
        T(requests_are_queued_dearer_with_every_link),
        T(masked_interrupts_are_taken_when_they_are_enabled),
        T(an_idle_target_first_leaves_its_idle_state),
        T(a_second_sender_waits_for_the_queue_and_is_charged_lock),
        T(a_call_done_by_an_earlier_interrupt_leaves_a_spurious_one),
        T(two_cpus_of_a_socket_that_call_each_other_both_finish),
        T(two_cpus_far_apart_that_call_each_other_both_finish),
        T(all_cpus_that_call_all_others_finish),
        T(the_sender_is_no_target_of_its_own_call),
        T(a_second_call_of_the_same_pair_works_like_the_first),
        T(every_cost_lengthens_the_shootdown_of_an_idle_remote_cpu),
        T(the_least_delivery_time_is_one_write_and_the_shortest_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
