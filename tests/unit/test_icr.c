/* SPDX-License-Identifier: MIT */
/*
 * How interrupts leave a CPU and how they are taken: modes of the interrupt
 * command register, links between sockets, NMIs, virtual machines. Times are
 * formulas over the ipi.* and virt.* fields.
 */
#include "coherence/distance.h"
#include "coherence/icr.h"
#include "coherence/ipi.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ACT_CYCLES = 77, NEIGHBOUR = 1, REMOTE = 2, EVERYBODY = 0xff };

static uint32_t act(struct cpu *cpu, const struct flush_request *request)
{
    struct small_cpu *own = cpu->user;

    (void) request;
    own->acted_cycle = cpu->now;
    own->n_acts++;
    return ACT_CYCLES;
}

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

struct fixture {
    struct small_options options;
    struct small_system *small;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    small_options_init(&fixture->options);
    fixture->options.is_reference = true;
    *state = fixture;
    return fixture ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->small)
        small_destroy(fixture->small);
    free(fixture);
    return 0;
}

static struct small_system *build(struct fixture *fixture)
{
    fixture->small = small_create(&fixture->options);
    return fixture->small;
}

static uint64_t spent(const struct small_system *small, uint32_t cpu,
                      enum bucket bucket)
{
    return small->system.cpus[cpu].cycles[bucket];
}

/* What CPU 0 spends on sending to some targets. */
static uint64_t send_to(struct fixture *fixture, uint64_t targets)
{
    small_do(build(fixture), 0, call, &targets);
    small_run(fixture->small);
    return spent(fixture->small, 0, BUCKET_IPI_SEND);
}

/* CPU 0 queues a call at each other: three in its socket, four beyond. */
static uint64_t enqueue_others(const struct ipi_config *ipi)
{
    return 3 * (uint64_t) ipi->enqueue_cycles +
           4 * (uint64_t) ipi->enqueue_remote_cycles;
}

/* ---- modes ---- */

static void xapic_waits_for_the_delivery_status_of_each_target(void **state)
{
    struct fixture *fixture = *state;
    const struct ipi_config *ipi = &fixture->options.ipi;

    fixture->options.ipi.mode = IPI_XAPIC;
    fixture->options.ipi.cluster_cpus = 8;
    assert_int_equal(send_to(fixture, EVERYBODY),
                     enqueue_others(ipi) + 7 * ((uint64_t) ipi->send_cycles +
                                                ipi->status_cycles));
    /* the second target's interrupt leaves after the first one's status */
    assert_int_equal(fixture->small->cpus[REMOTE].acted_cycle -
                         fixture->small->cpus[NEIGHBOUR].acted_cycle,
                     (uint64_t) ipi->send_cycles + ipi->status_cycles +
                         ipi->latency_remote_cycles -
                         ipi->latency_socket_cycles);
}

static void a_cluster_takes_one_write(void **state)
{
    struct fixture *fixture = *state;
    const struct ipi_config *ipi = &fixture->options.ipi;

    fixture->options.ipi.cluster_cpus = 4;
    assert_int_equal(send_to(fixture, EVERYBODY),
                     enqueue_others(ipi) + 2 * (uint64_t) ipi->send_cycles);
}

static void the_shorthand_takes_one_write_for_all_others(void **state)
{
    struct fixture *fixture = *state;
    const struct ipi_config *ipi = &fixture->options.ipi;

    fixture->options.ipi.mode = IPI_SHORTHAND;
    fixture->options.ipi.cluster_cpus = 2;
    assert_int_equal(send_to(fixture, EVERYBODY),
                     enqueue_others(ipi) + ipi->send_cycles);
    for (uint32_t id = 1; id < 8; id++)
        assert_int_equal(fixture->small->cpus[id].n_acts, 1);
}

static void the_shorthand_is_not_for_some_of_the_others(void **state)
{
    struct fixture *fixture = *state;
    const struct ipi_config *ipi = &fixture->options.ipi;

    fixture->options.ipi.mode = IPI_SHORTHAND;
    fixture->options.ipi.cluster_cpus = 2;
    assert_int_equal(send_to(fixture, EVERYBODY & ~0x80),
                     enqueue_others(ipi) - ipi->enqueue_remote_cycles +
                         4 * (uint64_t) ipi->send_cycles);
    assert_int_equal(fixture->small->cpus[7].n_acts, 0);
}

/* Three sockets of six cores of two threads: a bit for the thread, three for
 * the core, the rest for the socket. */
static void apic_ids_have_a_field_for_each_part(void **state)
{
    static const uint32_t cases[][2] = {{0, 0},   {1, 2},  {5, 10},  {6, 16},
                                        {17, 42}, {18, 1}, {24, 17}, {35, 43}};
    struct fixture *fixture = *state;

    fixture->options.n_sockets = 3;
    fixture->options.cores_per_socket = 6;
    build(fixture);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(fixture->small->system.cpus[cases[i][0]].apic_id,
                         cases[i][1]);
}

/* ---- links ---- */

static void links_are_counted_along_the_shortest_way(void **state)
{
    static const struct {
        enum socket_links links;
        uint32_t n_sockets, a, b, n_links;
    } cases[] = {
        {LINKS_FULL, 8, 0, 0, 0},   {LINKS_FULL, 8, 0, 7, 1},
        {LINKS_RING, 8, 0, 1, 1},   {LINKS_RING, 8, 0, 4, 4},
        {LINKS_RING, 8, 0, 7, 1},   {LINKS_RING, 8, 6, 1, 3},
        {LINKS_LADDER, 8, 0, 3, 3}, {LINKS_LADDER, 8, 0, 4, 1},
        {LINKS_LADDER, 8, 3, 4, 4}, {LINKS_LADDER, 8, 5, 5, 0},
        {LINKS_CUBE, 8, 0, 7, 3},   {LINKS_CUBE, 8, 5, 4, 1},
        {LINKS_CUBE, 4, 1, 2, 2},   {LINKS_RING, 3, 0, 2, 1},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(mmusim__socket_links_between(cases[i].links,
                                                      cases[i].n_sockets,
                                                      cases[i].a, cases[i].b),
                         cases[i].n_links);
}

static void each_link_more_delays_delivery_and_acknowledgement(void **state)
{
    struct fixture *fixture = *state;
    const struct ipi_config *ipi = &fixture->options.ipi;
    uint64_t targets = 1 << 2; /* opposite in a ring of four */

    fixture->options.n_sockets = 4;
    fixture->options.cores_per_socket = fixture->options.threads_per_core = 1;
    fixture->options.links = LINKS_RING;
    small_do(build(fixture), 0, call, &targets);
    small_run(fixture->small);
    assert_int_equal(fixture->small->system.shootdowns.latency_cycles.max,
                     (uint64_t) ipi->enqueue_remote_cycles +
                         ipi->enqueue_hop_cycles + ipi->send_cycles +
                         ipi->latency_remote_cycles + ipi->hop_cycles +
                         ipi->entry_cycles + ipi->handler_cycles + ACT_CYCLES +
                         ipi->ack_remote_cycles + ipi->ack_hop_cycles);
}

/* ---- NMIs ---- */

static uint64_t nmi_arrival(const struct ipi_config *ipi)
{
    return (uint64_t) ipi->enqueue_remote_cycles + ipi->send_cycles +
           ipi->latency_remote_cycles;
}

static void an_nmi_is_taken_where_interrupts_are_masked(void **state)
{
    struct fixture *fixture = *state;
    const struct ipi_config *ipi = &fixture->options.ipi;
    uint64_t targets = 1 << REMOTE;
    struct small_system *small;

    fixture->options.ipi.delivery = IPI_NMI;
    small = build(fixture);
    small_do(small, REMOTE, mask, small);
    small_busy(small, REMOTE, 90000, BUCKET_FAULT);
    small_do(small, 0, call, &targets);
    small_start(small);
    small_run_to(small, 80000);
    assert_int_equal(small->cpus[REMOTE].acted_cycle,
                     nmi_arrival(ipi) + ipi->nmi_entry_cycles);
    /* still masked when it returns, and the activity goes on */
    assert_true(small->system.cpus[REMOTE].masks_interrupts);
    small_drain(small);
    assert_int_equal(spent(small, REMOTE, BUCKET_FAULT), 90000);
    assert_int_equal(spent(small, REMOTE, BUCKET_IPI_HANDLER),
                     (uint64_t) ipi->nmi_entry_cycles + ipi->handler_cycles +
                         ACT_CYCLES + ipi->exit_cycles);
}

/* Three senders, one handler at a time: the second NMI is latched, the third
 * merges with it. The first handler does all three calls. */
static void one_nmi_is_latched_during_a_handler(void **state)
{
    struct fixture *fixture = *state;
    const struct ipi_config *ipi = &fixture->options.ipi;
    uint64_t targets = 1 << REMOTE;
    struct small_system *small;

    fixture->options.ipi.delivery = IPI_NMI;
    fixture->options.ipi.nmi_entry_cycles = 30000;
    small = build(fixture);
    for (uint32_t id = 0; id < 2; id++)
        small_do(small, id, call, &targets);
    small_do(small, 3, call, &targets);
    small_run(small);
    assert_int_equal(small->cpus[REMOTE].n_acts, 3);
    assert_int_equal(small->system.shootdowns.ipis_sent, 3);
    assert_int_equal(spent(small, REMOTE, BUCKET_IPI_HANDLER),
                     2 * (30000 + (uint64_t) ipi->exit_cycles) +
                         3 * ((uint64_t) ipi->handler_cycles + ACT_CYCLES));
}

/* ---- virtual machines ---- */

static uint64_t latency_of_one(struct fixture *fixture,
                               enum virt_interrupts interrupts)
{
    uint64_t targets = 1 << REMOTE;
    struct small_system *small;
    uint64_t latency;

    fixture->options.virt.interrupts = interrupts;
    small = build(fixture);
    small_do(small, 0, call, &targets);
    small_run(small);
    latency = small->system.shootdowns.latency_cycles.max;
    small_destroy(small);
    fixture->small = NULL;
    return latency;
}

static void a_virtual_machine_adds_its_exits(void **state)
{
    struct fixture *fixture = *state;
    const struct virt_config *virt = &fixture->options.virt;
    uint64_t bare = latency_of_one(fixture, VIRT_NONE);

    assert_int_equal(latency_of_one(fixture, VIRT_EXITS),
                     bare + virt->icr_exit_cycles + virt->inject_cycles);
    assert_int_equal(latency_of_one(fixture, VIRT_POSTED),
                     bare + virt->icr_exit_cycles + virt->posted_cycles);
    assert_int_equal(latency_of_one(fixture, VIRT_IPIV),
                     bare + virt->posted_cycles);
}

static void only_exits_make_the_end_of_interrupt_exit(void **state)
{
    struct fixture *fixture = *state;
    const struct ipi_config *ipi = &fixture->options.ipi;
    const struct virt_config *virt = &fixture->options.virt;

    fixture->options.virt.interrupts = VIRT_EXITS;
    send_to(fixture, 1 << REMOTE);
    assert_int_equal(spent(fixture->small, REMOTE, BUCKET_IPI_HANDLER),
                     (uint64_t) virt->inject_cycles + ipi->entry_cycles +
                         ipi->handler_cycles + ACT_CYCLES + ipi->exit_cycles +
                         virt->eoi_exit_cycles);
}

static void a_halted_virtual_cpu_is_woken_by_the_host(void **state)
{
    struct fixture *fixture = *state;
    uint64_t targets = 1 << REMOTE;

    fixture->options.virt.interrupts = VIRT_IPIV;
    build(fixture)->system.cpus[REMOTE].is_idle = true;
    small_do(fixture->small, 0, call, &targets);
    small_run(fixture->small);
    assert_int_equal(fixture->small->cpus[REMOTE].acted_cycle,
                     nmi_arrival(&fixture->options.ipi) +
                         fixture->options.ipi.idle_exit_cycles +
                         fixture->options.virt.halt_wake_cycles +
                         fixture->options.virt.posted_cycles +
                         fixture->options.ipi.entry_cycles);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(xapic_waits_for_the_delivery_status_of_each_target),
        T(a_cluster_takes_one_write),
        T(the_shorthand_takes_one_write_for_all_others),
        T(the_shorthand_is_not_for_some_of_the_others),
        T(apic_ids_have_a_field_for_each_part),
        T(links_are_counted_along_the_shortest_way),
        T(each_link_more_delays_delivery_and_acknowledgement),
        T(an_nmi_is_taken_where_interrupts_are_masked),
        T(one_nmi_is_latched_during_a_handler),
        T(a_virtual_machine_adds_its_exits),
        T(only_exits_make_the_end_of_interrupt_exit),
        T(a_halted_virtual_cpu_is_woken_by_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
