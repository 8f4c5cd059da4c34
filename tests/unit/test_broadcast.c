/* SPDX-License-Identifier: MIT */
/*
 * Broadcast invalidations, to the cycle: every expected time is a formula over
 * the fields of struct broadcast_config, worked out from the rules in
 * coherence/broadcast.h.
 *
 * CPUs of the small machine: 0 and 4 are threads of one core; 1 and 5 are in
 * the same socket; 2, 3, 6 and 7 are in the other.
 */
#include "coherence/broadcast.h"
#include "coherence/inval_instruction.h"
#include "coherence/ipi.h"
#include "support/small_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SIBLING = 4, NEIGHBOUR = 1, REMOTE = 2, N_OTHERS = 7 };

#define VADDR UINT64_C(0x7f0000000000)

static const struct inval everything = {
    .hits_globals = true, .hits_nonglobals = true, .psc = INVAL_PSC_ALL};

/* What a step of a script does. */
struct order {
    enum broadcast_reach reach;
    uint32_t n_ops;
};

static struct order inner = {REACH_INNER, 1};
static struct order inner_five = {REACH_INNER, 5};
static struct order outer = {REACH_OUTER, 1};
static struct order self = {REACH_SELF, 1};

static void issue(struct cpu *cpu, void *context)
{
    const struct order *order = context;
    struct broadcast_request request = {
        .inval = everything,
        .cause = MISS_FULL_FLUSH,
        .reach = order->reach,
        .n_ops = order->n_ops,
    };

    if (order->n_ops > 1) {
        request.inval.has_range = true;
        request.inval.vpn = vpn_of(VADDR);
        request.inval.n_pages = 1;
    }
    mmusim__broadcast_issue(cpu, &request);
}

static void sync(struct cpu *cpu, void *context)
{
    mmusim__broadcast_sync(cpu, ((const struct order *) context)->reach);
}

static void note(struct cpu *cpu, void *context)
{
    *(uint64_t *) context = cpu->now;
}

static void mask(struct cpu *cpu, void *context)
{
    cpu->masks_interrupts = context != NULL;
}

static const struct broadcast_config *
config_of(const struct small_system *small)
{
    return &small->system.broadcast;
}

/* One operation to everybody is complete after this. */
static uint64_t round_trip(const struct broadcast_config *config)
{
    return (uint64_t) config->issue_cycles + config->latency_remote_cycles +
           config->slot_cycles + config->ack_remote_cycles;
}

static void assert_completes_at(struct small_system *small, uint64_t cycle)
{
    small_run_to(small, cycle - 1);
    assert_int_equal(small->system.shootdowns.completed, 0);
    small_run_to(small, cycle);
    assert_int_equal(small->system.shootdowns.completed, 1);
    assert_int_equal(small->system.shootdowns.latency_cycles.max, cycle);
    small_drain(small);
}

static void the_sync_ends_when_the_farthest_answer_is_back(void **state)
{
    struct small_system *small = *state;
    const struct broadcast_config *config = config_of(small);
    uint64_t end = round_trip(config) + config->sync_cycles;

    small_do(small, 0, issue, &inner);
    small_do(small, 0, sync, &inner);
    small_start(small);
    assert_completes_at(small, end);
    assert_int_equal(small_bucket(small, 0, BUCKET_IPI_SEND),
                     config->issue_cycles);
    assert_int_equal(small_bucket(small, 0, BUCKET_IPI_WAIT),
                     end - config->issue_cycles);
    assert_int_equal(small->system.shootdowns.count, 1);
    assert_int_equal(small->system.shootdowns.broadcasts, 1);
    assert_int_equal(small->system.shootdowns.targets, N_OTHERS);
    assert_int_equal(small->system.shootdowns.ipis_sent, 0);
}

static void the_inner_domain_may_be_a_socket(void **state)
{
    struct small_options options = small_options_of(state);
    struct small_system *small;
    const struct broadcast_config *config;

    options.broadcast.inner_domain = INNER_SOCKET;
    small = small_remake(state, &options);
    config = config_of(small);
    small_do(small, 0, issue, &inner);
    small_do(small, 0, sync, &inner);
    small_start(small);
    assert_completes_at(
        small, (uint64_t) config->issue_cycles + config->latency_socket_cycles +
                   config->slot_cycles + config->ack_socket_cycles +
                   config->sync_cycles);
    assert_int_equal(small->system.shootdowns.targets, 3);
    assert_int_equal(small_bucket(small, NEIGHBOUR, BUCKET_IPI_HANDLER),
                     config->slot_cycles);
    assert_int_equal(small_bucket(small, REMOTE, BUCKET_IPI_HANDLER), 0);
}

static void the_outer_domain_is_the_machine_all_the_same(void **state)
{
    struct small_options options = small_options_of(state);
    struct small_system *small;

    options.broadcast.inner_domain = INNER_SOCKET;
    small = small_remake(state, &options);
    small_do(small, 0, issue, &outer);
    small_do(small, 0, sync, &outer);
    small_start(small);
    assert_completes_at(small, round_trip(config_of(small)) +
                                   config_of(small)->sync_cycles);
}

static void a_sibling_is_as_near_as_its_own_latencies_say(void **state)
{
    struct small_options options = small_options_of(state);
    struct small_system *small;
    const struct broadcast_config *config;

    options.n_sockets = options.cores_per_socket = 1;
    small = small_remake(state, &options);
    config = config_of(small);
    small_do(small, 0, issue, &inner);
    small_do(small, 0, sync, &inner);
    small_start(small);
    assert_completes_at(small,
                        (uint64_t) config->issue_cycles +
                            config->latency_core_cycles + config->slot_cycles +
                            config->ack_core_cycles + config->sync_cycles);
}

static void a_local_operation_reaches_nobody_else(void **state)
{
    struct small_system *small = *state;
    const struct broadcast_config *config = config_of(small);

    small_do(small, 0, issue, &self);
    small_do(small, 0, sync, &self);
    small_run(small);
    assert_int_equal(small->system.cpus[0].now,
                     config->local_cycles + config->sync_local_cycles);
    assert_int_equal(small_bucket(small, 0, BUCKET_FLUSH_LOCAL),
                     config->local_cycles + config->sync_local_cycles);
    assert_int_equal(small->system.shootdowns.count, 0);
    assert_int_equal(small->system.cpus[1].flushes.received_full, 0);
}

static void a_core_without_broadcast_acts_alone(void **state)
{
    struct small_options options = small_options_of(state);
    struct small_system *small;

    options.broadcast.reaches_others = false;
    small = small_remake(state, &options);
    small_do(small, 0, issue, &inner);
    small_run(small);
    assert_int_equal(small->system.cpus[0].now, config_of(small)->local_cycles);
    assert_int_equal(small->system.shootdowns.broadcasts, 0);
    assert_int_equal(small->system.cpus[1].flushes.received_full, 0);
}

/* ---- what it does to the others ---- */

/* An instruction as decoded; here an outer shareable one, by hand. */
static void issue_instruction(struct cpu *cpu, void *context)
{
    const struct inval_request request = {.invals = {everything, everything},
                                          .n_invals = 2,
                                          .reach = REACH_OUTER};

    (void) context;
    mmusim__broadcast_instruction(cpu, &request, MISS_FULL_FLUSH);
}

static void a_sync_of_a_smaller_domain_does_not_wait(void **state)
{
    struct small_system *small = *state;
    const struct broadcast_config *config = config_of(small);
    uint64_t ends[2] = {0, 0};

    small_do(small, 0, issue_instruction, NULL);
    small_do(small, 0, sync, &inner);
    small_do(small, 0, note, &ends[0]);
    small_do(small, 0, sync, &outer);
    small_do(small, 0, note, &ends[1]);
    small_run(small);
    assert_int_equal(ends[0],
                     (uint64_t) config->issue_cycles + config->sync_cycles);
    assert_int_equal(ends[1], round_trip(config) + config->sync_cycles);
    assert_int_equal(small->system.shootdowns.completed, 1);
    assert_int_equal(small->system.shootdowns.broadcasts, 1);
}

static void the_activity_of_the_target_is_prolonged_by_a_slot(void **state)
{
    struct small_system *small = *state;
    uint64_t busy = 5000, end = 0;

    small_busy(small, REMOTE, busy, BUCKET_BASE);
    small_do(small, REMOTE, note, &end);
    small_do(small, 0, issue, &inner);
    small_run(small);
    assert_int_equal(end, busy + config_of(small)->slot_cycles);
    assert_int_equal(small_bucket(small, REMOTE, BUCKET_BASE), busy);
    assert_int_equal(small_bucket(small, REMOTE, BUCKET_IPI_HANDLER),
                     config_of(small)->slot_cycles);
}

static void masked_interrupts_do_not_delay_it(void **state)
{
    struct small_system *small = *state;

    small_do(small, REMOTE, mask, small);
    small_busy(small, REMOTE, 50000, BUCKET_FAULT);
    small_do(small, REMOTE, mask, NULL);
    small_do(small, 0, issue, &inner);
    small_do(small, 0, sync, &inner);
    small_start(small);
    assert_completes_at(small, round_trip(config_of(small)) +
                                   config_of(small)->sync_cycles);
}

/* CPUs 2 and 3 are both remote from 0 and 1, which issue at once: the second
 * message at each waits for the first one's slot. */
static void slots_that_meet_at_a_core_queue_up(void **state)
{
    struct small_system *small = *state;
    const struct broadcast_config *config = config_of(small);
    uint64_t end = round_trip(config) + config->slot_cycles;

    small_do(small, 0, issue, &inner);
    small_do(small, 1, issue, &inner);
    small_start(small);
    small_run_to(small, end - 1);
    assert_int_equal(broadcast_n_outstanding(&small->system.cpus[1]), 1);
    assert_int_equal(broadcast_n_outstanding(&small->system.cpus[0]), 0);
    small_run_to(small, end);
    assert_int_equal(broadcast_n_outstanding(&small->system.cpus[1]), 0);
    small_drain(small);
    assert_int_equal(small_bucket(small, REMOTE, BUCKET_IPI_HANDLER),
                     2 * config->slot_cycles);
}

static uint32_t act_nothing(struct cpu *cpu,
                            const struct flush_request *request)
{
    struct small_cpu *own = cpu->user;

    (void) request;
    own->acted_cycle = cpu->now;
    return 0;
}

static void call_remote(struct cpu *cpu, void *context)
{
    const struct flush_request request = {.end = FLUSH_END_ALL,
                                          .act = act_nothing};
    struct cpu_mask targets = {{1 << REMOTE}};

    (void) context;
    mmusim__ipi_call_many(cpu, &targets, &request);
}

/* An interrupt that arrives in the middle of a slot is taken at its end. */
static void an_interrupt_waits_for_the_end_of_the_slot(void **state)
{
    struct small_options options = small_options_of(state);
    struct small_system *small;
    const struct broadcast_config *config;
    const struct ipi_config *ipi;
    uint64_t interrupt, slot_end;

    options.broadcast.slot_cycles = 10000;
    small = small_remake(state, &options);
    config = config_of(small);
    ipi = &small->system.ipi;
    interrupt = (uint64_t) ipi->enqueue_cycles + ipi->send_cycles +
                ipi->latency_remote_cycles;
    slot_end = (uint64_t) config->issue_cycles + config->latency_remote_cycles +
               config->slot_cycles;
    assert_true(interrupt < slot_end);
    small_busy(small, REMOTE, 50000, BUCKET_BASE);
    small_do(small, 1, issue, &inner);
    small_do(small, 3, call_remote, NULL);
    small->system.ipi.latency_socket_cycles = ipi->latency_remote_cycles;
    small_run(small);
    assert_int_equal(small->cpus[REMOTE].acted_cycle,
                     slot_end + ipi->entry_cycles);
    assert_int_equal(small_bucket(small, REMOTE, BUCKET_BASE), 50000);
    assert_int_equal(small->system.cpus[REMOTE].now,
                     50000 + config->slot_cycles + ipi->entry_cycles +
                         ipi->handler_cycles + ipi->exit_cycles);
}

/* ---- the issuer ---- */

/* The fifth operation waits for the first answer, at a limit of four. */
static void an_issuer_at_its_limit_waits(void **state)
{
    struct small_system *small = *state;
    const struct broadcast_config *config = config_of(small);
    uint64_t left = 0;

    assert_int_equal(config->max_outstanding, 4);
    small_do(small, 0, issue, &inner_five);
    small_do(small, 0, note, &left);
    small_run(small);
    assert_int_equal(left, round_trip(config) + config->issue_cycles);
    assert_int_equal(small_bucket(small, 0, BUCKET_IPI_WAIT),
                     round_trip(config) - 4 * (uint64_t) config->issue_cycles);
    assert_int_equal(small->system.shootdowns.broadcasts, 5);
    assert_int_equal(small->system.shootdowns.count, 1);
    assert_int_equal(small->system.cpus[REMOTE].flushes.received_pages, 5);
}

static void a_sync_does_not_wait_for_another_cpus_operations(void **state)
{
    struct small_system *small = *state;
    const struct broadcast_config *config = config_of(small);
    uint64_t end = 0;

    small_do(small, 1, issue, &inner);
    small_busy(small, 0, 2 * (uint64_t) config->issue_cycles, BUCKET_BASE);
    small_do(small, 0, sync, &inner);
    small_do(small, 0, note, &end);
    small_run(small);
    assert_int_equal(end, 2 * (uint64_t) config->issue_cycles +
                              config->slot_cycles + config->sync_cycles);
    assert_int_equal(small_bucket(small, 0, BUCKET_IPI_WAIT),
                     config->sync_cycles);
}

static void two_cpus_that_broadcast_at_once_both_finish(void **state)
{
    struct small_system *small = *state;

    for (uint32_t id = 0; id < 8; id++) {
        small_do(small, id, issue, &inner_five);
        small_do(small, id, sync, &inner);
    }
    small_run(small);
    assert_int_equal(small->system.shootdowns.completed, 8);
    for (uint32_t id = 0; id < 8; id++) {
        assert_int_equal(small->system.cpus[id].flushes.received_pages, 35);
        assert_int_equal(small_bucket(small, id, BUCKET_IPI_HANDLER),
                         35 * config_of(small)->slot_cycles);
    }
}

static void issue_range(struct cpu *cpu, void *context)
{
    struct inval inval = everything;

    inval.has_range = true;
    inval.vpn = vpn_of(VADDR);
    inval.n_pages = *(const uint64_t *) context;
    mmusim__broadcast_inval(cpu, &inval, REACH_ALL, MISS_PAGE_FLUSH);
}

static void a_range_takes_as_many_operations_as_its_pages_need(void **state)
{
    struct small_system *small = *state;
    uint64_t n_pages = 2 * config_of(small)->max_pages + 3;

    small_do(small, 0, issue_range, &n_pages);
    small_run(small);
    assert_int_equal(small->system.shootdowns.broadcasts, 3);
    assert_int_equal(small->system.cpus[REMOTE].flushes.received_pages,
                     n_pages);
}

/* ---- costs ---- */

static uint64_t latency_with(const struct small_options *options)
{
    struct small_system *small = small_create(options);
    uint64_t latency;

    small_do(small, 0, issue, &inner_five);
    small_do(small, 0, sync, &inner);
    small_run(small);
    latency = small->system.shootdowns.latency_cycles.max;
    small_destroy(small);
    return latency;
}

static void each_cost_lengthens_the_shootdown(void **state)
{
    struct small_options options = small_options_of(state);
    struct broadcast_config *config = &options.broadcast;
    uint32_t *costs[] = {&config->issue_cycles, &config->latency_remote_cycles,
                         &config->slot_cycles, &config->ack_remote_cycles,
                         &config->sync_cycles};
    uint64_t before = latency_with(&options);

    for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
        uint64_t after;

        *costs[i] += 5;
        after = latency_with(&options);
        assert_true(after >= before + 5);
        before = after;
    }
}

static void sockets_without_a_link_between_them_are_farther(void **state)
{
    struct small_options options = small_options_of(state);
    uint64_t before;

    options.n_sockets = 4;
    options.cores_per_socket = options.threads_per_core = 1;
    options.broadcast.max_outstanding = 8;
    before = latency_with(&options);
    options.links = LINKS_RING;
    assert_int_equal(latency_with(&options),
                     before + 2 * (uint64_t) options.broadcast.hop_cycles);
}

static void
the_least_delivery_time_is_one_issue_and_the_shortest_way(void **state)
{
    const struct small_system *small = *state;

    assert_int_equal(mmusim__broadcast_min_delivery_cycles(&small->system),
                     config_of(small)->issue_cycles +
                         config_of(small)->latency_core_cycles);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, small_setup, small_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_sync_ends_when_the_farthest_answer_is_back),
        T(the_inner_domain_may_be_a_socket),
        T(the_outer_domain_is_the_machine_all_the_same),
        T(a_sibling_is_as_near_as_its_own_latencies_say),
        T(a_local_operation_reaches_nobody_else),
        T(a_core_without_broadcast_acts_alone),
        T(a_sync_of_a_smaller_domain_does_not_wait),
        T(the_activity_of_the_target_is_prolonged_by_a_slot),
        T(masked_interrupts_do_not_delay_it),
        T(slots_that_meet_at_a_core_queue_up),
        T(an_interrupt_waits_for_the_end_of_the_slot),
        T(an_issuer_at_its_limit_waits),
        T(a_sync_does_not_wait_for_another_cpus_operations),
        T(two_cpus_that_broadcast_at_once_both_finish),
        T(a_range_takes_as_many_operations_as_its_pages_need),
        T(each_cost_lengthens_the_shootdown),
        T(sockets_without_a_link_between_them_are_farther),
        T(the_least_delivery_time_is_one_issue_and_the_shortest_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
