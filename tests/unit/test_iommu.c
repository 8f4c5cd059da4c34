/* SPDX-License-Identifier: MIT */
/* Devices with the process's addresses: what an access takes, what a flush
 * takes away from them and when, what is left after the process. */
#include "coherence/iommu.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct run_fixture *fixture = run_fixture_create(1);

    fixture->config.iommu.n_devices = 1;
    *state = fixture;
    return 0;
}

/* ipi_wait of a process with one mapped page that does this with it. */
static uint64_t wait_cycles(struct run_fixture *fixture, const char *line)
{
    struct program *program = program_create();
    struct machine_run run;
    uint64_t cycles;

    program_say(program, "1 mmap 0x10000 0x4000 rw-\n1 w 0x10000\n");
    program_say(program, "%s", line);
    run_well(&run, &fixture->config, program);
    cycles = run_core_stat(&run, 0, "cycles.ipi_wait");
    run_fini(&run);
    program_destroy(program);
    return cycles;
}

#define READ "1 dma 0x10000 0x1000 r\n"

/* Also once at the end: the exit takes the device away. */
static uint64_t inval_cycles(const struct iommu_config *config)
{
    return (uint64_t) config->iotlb_inval_cycles + config->device_inval_cycles;
}

static uint64_t miss_cycles(const struct iommu_config *config)
{
    return config->ats_cycles + 4 * config->walk_read_cycles;
}

static void a_miss_asks_walks_four_tables_and_accesses(void **state)
{
    struct run_fixture *fixture = *state;
    const struct iommu_config *config = &fixture->config.iommu;

    assert_int_equal(wait_cycles(fixture, READ), miss_cycles(config) +
                                                     config->access_cycles +
                                                     inval_cycles(config));
}

static void the_second_access_to_a_page_hits(void **state)
{
    struct run_fixture *fixture = *state;
    const struct iommu_config *config = &fixture->config.iommu;

    assert_int_equal(wait_cycles(fixture, READ READ),
                     miss_cycles(config) +
                         2 * (uint64_t) config->access_cycles +
                         inval_cycles(config));
}

/* Page 1 is not there: request, fault, and the request again. */
static void a_page_that_is_not_there_is_asked_of_the_kernel(void **state)
{
    struct run_fixture *fixture = *state;
    const struct iommu_config *config = &fixture->config.iommu;

    assert_int_equal(wait_cycles(fixture, "1 dma 0x11000 0x1000 w\n"),
                     2 * miss_cycles(config) + config->page_request_cycles +
                         config->access_cycles + inval_cycles(config));
}

/* munmap: one flush, one invalidation, waited for. */
static void a_flush_waits_for_the_queue(void **state)
{
    struct run_fixture *fixture = *state;
    const struct iommu_config *config = &fixture->config.iommu;

    assert_int_equal(wait_cycles(fixture, READ "1 munmap 0x10000 0x1000\n"),
                     miss_cycles(config) + config->access_cycles +
                         2 * inval_cycles(config));
}

static void an_address_space_without_a_device_invalidates_nothing(void **state)
{
    struct run_fixture *fixture = *state;

    assert_int_equal(wait_cycles(fixture, "1 munmap 0x10000 0x1000\n"), 0);
}

static void an_iotlb_hit_walks_no_table(void **state)
{
    struct run_fixture *fixture = *state;

    /* One entry in the device, so that the second page drops the first. */
    fixture->config.iommu.device_entries = 1;
    fixture->config.iommu.device_ways = 1;
    program_say(fixture->program,
                "1 mmap 0x10000 0x4000 rw-\n1 w 0x10000\n1 w 0x11000\n"
                "1 dma 0x10000 0x2000 r\n1 dma 0x10000 0x1000 r\n");
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "iommu.device_misses"), 3);
    assert_int_equal(run_stat(&fixture->run, "iommu.iotlb_hits"), 1);
    assert_int_equal(run_stat(&fixture->run, "iommu.walk_reads"), 8);
}

static void what_is_unmapped_leaves_and_its_neighbour_stays(void **state)
{
    struct run_fixture *fixture = *state;

    program_say(fixture->program,
                "1 mmap 0x10000 0x4000 rw-\n1 w 0x10000\n1 w 0x11000\n"
                "1 dma 0x10000 0x2000 r\n1 munmap 0x11000 0x1000\n"
                "1 dma 0x10000 0x1000 r\n1 dma 0x11000 0x1000 r\n");
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "iommu.device_hits"), 1);
    assert_int_equal(run_stat(&fixture->run, "iommu.failed"), 1);
    assert_int_equal(run_stat(&fixture->run, "iommu.stale_hits"), 0);
}

/* fork write-protects: a device that wrote must ask again, and gets a copy. */
static void after_a_fork_a_device_writes_to_a_copy(void **state)
{
    struct run_fixture *fixture = *state;

    program_say(fixture->program,
                "1 mmap 0x10000 0x1000 rw-\n1 dma 0x10000 0x1000 w\n"
                "1 fork 2\n1 dma 0x10000 0x1000 w\n1 exit\n2 exit\n");
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "iommu.page_requests"), 2);
    assert_int_equal(run_stat(&fixture->run, "faults.cow"), 1);
    assert_int_equal(run_stat(&fixture->run, "iommu.stale_hits"), 0);
}

static void exit_takes_the_device_away(void **state)
{
    struct run_fixture *fixture = *state;
    const struct iommu *iommu;

    program_say(fixture->program, "1 mmap 0x10000 0x4000 rw-\n"
                                  "1 dma 0x10000 0x4000 w\n1 exit\n");
    run_fixture_run(fixture);
    iommu = fixture->run.machine->system.iommu;
    assert_int_equal(iommu->counters.invalidated, 8); /* of both TLBs */
    for (uint32_t i = 0; i < fixture->config.iommu.iotlb_entries; i++)
        assert_int_equal(iommu->iotlb.entries[i].mm_id, 0);
}

/* Another thread unmaps and maps under the device's hands. */
static void both_engines_agree(void **state)
{
    struct run_fixture *fixture = *state;
    struct machine_run reference;

    run_config(&fixture->config, 2);
    fixture->config.iommu.n_devices = 1;
    program_say(fixture->program, "1 mmap 0x10000 0x20000 rw-\n1 clone 2\n");
    for (unsigned i = 0; i < 12; i++)
        program_say(fixture->program,
                    "1 dma 0x10000 0x10000 %c\n2 n %u\n"
                    "2 madvise 0x%x 0x3000 dontneed\n2 w 0x14000\n",
                    i % 3 ? 'w' : 'r', i * 1700, 0x10000 + i % 4 * 0x3000);
    program_say(fixture->program, "1 exit\n2 exit\n");
    run_fixture_run(fixture);
    assert_true(run_stat(&fixture->run, "iommu.invalidations") >= 12);
    fixture->config.engine = ENGINE_REFERENCE;
    run_well(&reference, &fixture->config, fixture->program);
    run_assert_equal(&fixture->run, &reference);
    run_fini(&reference);
}

static void a_machine_without_devices_says_so(void **state)
{
    struct run_fixture *fixture = *state;

    fixture->config.iommu.n_devices = 0;
    program_say(fixture->program, "1 dma 0x10000 0x1000 r\n");
    run_program(&fixture->run, &fixture->config, fixture->program, NULL);
    assert_int_equal(fixture->run.status, MMUSIM_UNSUPPORTED);
    assert_non_null(strstr(fixture->run.diag.text, "iommu.devices"));
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_miss_asks_walks_four_tables_and_accesses),
        T(the_second_access_to_a_page_hits),
        T(a_page_that_is_not_there_is_asked_of_the_kernel),
        T(a_flush_waits_for_the_queue),
        T(an_address_space_without_a_device_invalidates_nothing),
        T(an_iotlb_hit_walks_no_table),
        T(what_is_unmapped_leaves_and_its_neighbour_stays),
        T(after_a_fork_a_device_writes_to_a_copy),
        T(exit_takes_the_device_away),
        T(both_engines_agree),
        T(a_machine_without_devices_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
