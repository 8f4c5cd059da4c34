/* SPDX-License-Identifier: MIT */
/* Remote Action Requests, to the cycle, and the choice of fabrics by name. */
#include "coherence/fabric.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NEIGHBOUR = 1, REMOTE = 2, N_PAGES = 3 };

#define VADDR UINT64_C(0x7f0000000000)

static struct address_space some_mm;

static uint32_t never_act(struct cpu *cpu, const struct flush_request *request)
{
    (void) cpu;
    (void) request;
    fail_msg("software ran at the target");
    return 0;
}

static void flush_pages(struct cpu *cpu, void *context)
{
    const struct flush_request request = {.mm = &some_mm,
                                          .start = VADDR,
                                          .end =
                                              VADDR + N_PAGES * BASE_PAGE_BYTES,
                                          .act = never_act};
    struct cpu_mask targets = {{*(const uint64_t *) context}};

    mmusim__fabric_call(cpu, &targets, &request);
}

static void mask(struct cpu *cpu, void *context)
{
    cpu->masks_interrupts = context != NULL;
}

static struct small_system *build(void **state, const char *fabric)
{
    struct small_options options;

    small_options_init(&options);
    options.is_reference = true;
    options.fabric = fabric;
    *state = small_create(&options);
    return *state;
}

static int teardown(void **state)
{
    small_destroy(*state);
    return 0;
}

static uint64_t handler_of(const struct rar_config *rar)
{
    return rar->handler_cycles + N_PAGES * (uint64_t) rar->page_cycles;
}

static uint64_t sent(const struct small_system *small)
{
    const struct rar_config *rar = &small->system.rar;

    return (uint64_t) rar->payload_cycles + rar->action_cycles +
           small->system.ipi.send_cycles;
}

static void one_request_costs_the_sum_of_its_steps(void **state)
{
    struct small_system *small = build(state, "rar");
    const struct ipi_config *ipi = &small->system.ipi;
    uint64_t targets = 1 << REMOTE, busy = 9000;
    uint64_t end = sent(small) + ipi->latency_remote_cycles +
                   handler_of(&small->system.rar) + ipi->ack_remote_cycles;

    small_busy(small, REMOTE, busy, BUCKET_BASE);
    small_do(small, 0, flush_pages, &targets);
    small_start(small);
    small_run_to(small, end - 1);
    assert_int_equal(small->system.shootdowns.completed, 0);
    small_run_to(small, end);
    assert_int_equal(small->system.shootdowns.completed, 1);
    small_drain(small);
    assert_int_equal(small->system.shootdowns.latency_cycles.max, end);
    assert_int_equal(small->system.cpus[0].cycles[BUCKET_IPI_SEND],
                     sent(small));
    assert_int_equal(small->system.cpus[0].cycles[BUCKET_IPI_WAIT],
                     end - sent(small));
    assert_int_equal(small->system.cpus[REMOTE].cycles[BUCKET_IPI_HANDLER],
                     handler_of(&small->system.rar));
    assert_int_equal(small->system.cpus[REMOTE].cycles[BUCKET_BASE], busy);
    assert_int_equal(small->system.cpus[REMOTE].flushes.received_pages,
                     N_PAGES);
}

static void masked_interrupts_do_not_delay_a_request(void **state)
{
    struct small_system *small = build(state, "rar");
    uint64_t targets = 1 << REMOTE;

    small_do(small, REMOTE, mask, small);
    small_busy(small, REMOTE, 90000, BUCKET_FAULT);
    small_do(small, 0, flush_pages, &targets);
    small_start(small);
    small_run_to(small, 80000);
    assert_int_equal(small->system.shootdowns.completed, 1);
    small_drain(small);
}

static void many_pages_are_everything(void **state)
{
    struct small_system *small = build(state, "rar");
    uint64_t targets = 1 << REMOTE;

    small->system.rar.max_pages = N_PAGES - 1;
    small_do(small, 0, flush_pages, &targets);
    small_run(small);
    assert_int_equal(small->system.cpus[REMOTE].flushes.received_full, 1);
    assert_int_equal(small->system.cpus[REMOTE].flushes.received_pages, 0);
}

/* Two slots, three initiators: the third waits for the first to finish. */
static void a_full_table_of_payloads_makes_initiators_wait(void **state)
{
    struct small_system *small = build(state, "rar");
    uint64_t targets = 1 << REMOTE;

    assert_int_equal(small->system.rar.n_slots, 2);
    small_do(small, 0, flush_pages, &targets);
    small_do(small, 4, flush_pages, &targets);
    small_do(small, 1, flush_pages, &targets);
    small_run(small);
    assert_int_equal(small->system.shootdowns.completed, 3);
    assert_int_equal(small->system.cpus[0].cycles[BUCKET_LOCK], 0);
    assert_int_equal(small->system.cpus[4].cycles[BUCKET_LOCK],
                     small->system.cpus[0].cycles[BUCKET_IPI_SEND] +
                         small->system.cpus[0].cycles[BUCKET_IPI_WAIT] +
                         small->system.ipi.ack_core_cycles);
    assert_int_equal(small->system.free_rar_slots, 2);
}

static void all_cpus_that_request_of_all_others_finish(void **state)
{
    struct small_system *small = build(state, "rar");
    uint64_t targets = 0xff;

    for (uint32_t id = 0; id < 8; id++)
        small_do(small, id, flush_pages, &targets);
    small_run(small);
    assert_int_equal(small->system.shootdowns.completed, 8);
    for (uint32_t id = 0; id < 8; id++)
        assert_int_equal(small->system.cpus[id].flushes.received_pages,
                         7 * N_PAGES);
}

static void a_broadcast_reaches_more_than_the_targets(void **state)
{
    struct small_system *small = build(state, "invlpgb");
    uint64_t targets = 1 << REMOTE;

    small_do(small, 0, flush_pages, &targets);
    small_run(small);
    for (uint32_t id = 1; id < 8; id++)
        assert_int_equal(small->system.cpus[id].flushes.received_pages,
                         N_PAGES);
    assert_int_equal(small->system.shootdowns.broadcasts, 1);
    assert_int_equal(small->system.shootdowns.completed, 1);
}

static void a_fabric_is_found_by_its_name_alone(void **state)
{
    size_t n_fabrics = 0;

    build(state, NULL);
    for (; mmusim__fabric_name_at(n_fabrics); n_fabrics++)
        assert_non_null(mmusim__fabric_find(mmusim__fabric_name_at(n_fabrics)));
    assert_int_equal(n_fabrics, 4);
    assert_null(mmusim__fabric_find("pigeon"));
}

#define T(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_request_costs_the_sum_of_its_steps),
        T(masked_interrupts_do_not_delay_a_request),
        T(many_pages_are_everything),
        T(a_full_table_of_payloads_makes_initiators_wait),
        T(all_cpus_that_request_of_all_others_finish),
        T(a_broadcast_reaches_more_than_the_targets),
        T(a_fabric_is_found_by_its_name_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
