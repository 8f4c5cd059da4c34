/* SPDX-License-Identifier: MIT */
/* What unmapping, mprotect and mremap flush, and when, by kernel version: on a
 * machine of one CPU, from the sequences of mm/memory.c, mm/mprotect.c and
 * mm/mremap.c. */
#include "coherence/mm_rules.h"
#include "coherence/protocol.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0x10000000u

static int setup(void **state)
{
    *state = run_fixture_create(1);
    return 0;
}

static void on(struct run_fixture *fixture, const char *protocol)
{
    fixture->config.os.has_protocol = true;
    snprintf(fixture->config.os.protocol, sizeof(fixture->config.os.protocol),
             "%s", protocol);
}

static void on_arm64(struct run_fixture *fixture, const char *protocol)
{
    on(fixture, protocol);
    fixture->config.isa = ISA_ARMV8;
    fixture->config.has_fabric = true;
    snprintf(fixture->config.fabric, sizeof(fixture->config.fabric), "dvm");
}

/* Runs the program so far; the statistic's difference to that of the program
 * without its last line, which is `line`. */
static uint64_t of_line(struct run_fixture *fixture, const char *stat,
                        const char *line)
{
    struct machine_run before;
    uint64_t n;

    program_say(fixture->program, "1 n 1\n");
    run_well(&before, &fixture->config, fixture->program);
    n = run_stat(&before, stat);
    run_fini(&before);
    program_say(fixture->program, "%s\n", line);
    run_fixture_run(fixture);
    return run_stat(&fixture->run, stat) - n;
}

/* Early flushes in all of the program and this line, after which nothing is
 * left for the exit to flush. */
static uint64_t early_with(struct run_fixture *fixture, const char *line)
{
    program_say(fixture->program, "%s\n", line);
    run_fixture_run(fixture);
    return run_stat(&fixture->run, "gather.early");
}

static void touch(struct run_fixture *fixture, unsigned n_pages)
{
    program_say(fixture->program, "1 mmap 0x%x 0x%x rw-\n", BASE,
                n_pages * 4096);
    for (unsigned i = 0; i < n_pages; i++)
        program_say(fixture->program, "1 w 0x%x\n", BASE + i * 4096);
}

/* Early flushes of an munmap of n pages. */
static uint64_t early_flushes(struct run_fixture *fixture, unsigned n_pages)
{
    char line[64];

    touch(fixture, n_pages);
    snprintf(line, sizeof(line), "1 munmap 0x%x 0x%x", BASE, n_pages * 4096);
    return early_with(fixture, line);
}

static void in_4_6_9697_pages_wait_together(void **state)
{
    assert_int_equal(early_flushes(*state, 9697), 0);
}

static void in_4_6_the_9698th_is_flushed_under_the_lock(void **state)
{
    assert_int_equal(early_flushes(*state, 9698), 1);
}

static void in_6_14_9677_pages_wait_together(void **state)
{
    on(*state, "linux-6.14");
    assert_int_equal(early_flushes(*state, 9677), 0);
}

static void in_6_14_the_9678th_is_flushed_under_the_lock(void **state)
{
    on(*state, "linux-6.14");
    assert_int_equal(early_flushes(*state, 9678), 1);
}

static void without_memory_each_8_pages_are_flushed(void **state)
{
    struct run_fixture *fixture = *state;

    fixture->config.os.gather_failures_per_million = 1000000;
    assert_int_equal(early_flushes(fixture, 24), 3);
    assert_int_equal(run_stat(&fixture->run, "gather.alloc_failures"), 3);
}

static void without_memory_each_7_pages_are_flushed_in_6_14(void **state)
{
    struct run_fixture *fixture = *state;

    on(fixture, "linux-6.14");
    fixture->config.os.gather_failures_per_million = 1000000;
    assert_int_equal(early_flushes(fixture, 21), 3);
}

/* A table that finds no batch: flush, empty call, free (arm64). */
static void without_memory_a_table_goes_alone(void **state)
{
    struct run_fixture *fixture = *state;

    on_arm64(fixture, "linux-arm64-4.20");
    fixture->config.os.gather_failures_per_million = 1000000;
    touch(fixture, 1);
    program_say(fixture->program, "1 exit\n");
    run_fixture_run(fixture);
    /* levels 3, 2 and 1 of the one page */
    assert_int_equal(run_stat(&fixture->run, "gather.table_syncs"), 3);
}

static void clean_file_pages_are_flushed_with_the_rest(void **state)
{
    struct run_fixture *fixture = *state;

    program_say(fixture->program,
                "1 mmap 0x10000 0x1000 rw- file:a shared\n1 r 0x10000\n");
    assert_int_equal(early_with(fixture, "1 munmap 0x10000 0x1000"), 0);
}

/* set_page_dirty(), then the flush before the lock is dropped. */
static void dirty_file_pages_are_flushed_under_the_lock(void **state)
{
    struct run_fixture *fixture = *state;

    program_say(fixture->program,
                "1 mmap 0x10000 0x1000 rw- file:a shared\n1 w 0x10000\n");
    assert_int_equal(early_with(fixture, "1 munmap 0x10000 0x1000"), 1);
}

/* Anonymous pages are dirty, too, and have no writeback to race with. */
static void dirty_anonymous_pages_wait(void **state)
{
    struct run_fixture *fixture = *state;

    program_say(fixture->program, "1 mmap 0x10000 0x2000 rw-\n1 w 0x10000\n"
                                  "1 fork 2\n");
    assert_int_equal(early_with(fixture, "1 munmap 0x10000 0x1000"), 0);
}

static uint64_t early_of_device(struct run_fixture *fixture)
{
    program_say(fixture->program,
                "1 mmap 0x10000 0x2000 rw- file:/dev/dri/card0 shared\n"
                "1 w 0x10000\n");
    return early_with(fixture, "1 munmap 0x10000 0x2000");
}

static void in_4_6_device_memory_is_flushed_after_its_area_is_gone(void **state)
{
    assert_int_equal(early_of_device(*state), 0);
}

static void from_6_0_before(void **state)
{
    on(*state, "linux-6.14");
    assert_int_equal(early_of_device(*state), 1);
}

#define TWO_AREAS                                                              \
    "1 mmap 0x10000 0x1000 rw-\n1 mmap 0x11000 0x1000 r--\n"                   \
    "1 mmap 0x20000 0x1000 rw-\n1 w 0x10000\n1 r 0x11000\n1 w 0x20000\n"

static void x86_flushes_two_areas_at_once(void **state)
{
    struct run_fixture *fixture = *state;

    program_say(fixture->program, TWO_AREAS);
    assert_int_equal(
        of_line(fixture, "gather.flushes", "1 munmap 0x10000 0x2000"), 1);
}

static void arm64_flushes_each_area(void **state)
{
    struct run_fixture *fixture = *state;

    on_arm64(fixture, "linux-arm64-7.1");
    program_say(fixture->program, TWO_AREAS);
    assert_int_equal(
        of_line(fixture, "gather.areas", "1 munmap 0x10000 0x2000"), 2);
}

/* One flush_tlb_range() an area, or one gather for all. */
static uint64_t mprotect_flushes(struct run_fixture *fixture)
{
    program_say(fixture->program, TWO_AREAS);
    return of_line(fixture, "tlb_flush.local_mm_shootdown.count",
                   "1 mprotect 0x10000 0x2000 ---");
}

static void in_4_6_mprotect_flushes_each_area(void **state)
{
    assert_int_equal(mprotect_flushes(*state), 2);
}

static void in_6_14_mprotect_flushes_once(void **state)
{
    on(*state, "linux-6.14");
    assert_int_equal(mprotect_flushes(*state), 1);
}

/* A page of zeroes is mapped without the right to write, whatever the area
 * allows: pte_needs_flush() finds no change. */
static uint64_t idle_mprotect_flushes(struct run_fixture *fixture)
{
    program_say(fixture->program, "1 mmap 0x10000 0x1000 rw-\n1 r 0x10000\n");
    return of_line(fixture, "tlb_flush.local_mm_shootdown.count",
                   "1 mprotect 0x10000 0x1000 r--");
}

static void in_4_6_mprotect_flushes_what_has_not_changed(void **state)
{
    assert_int_equal(idle_mprotect_flushes(*state), 1);
}

static void in_6_14_mprotect_does_not(void **state)
{
    on(*state, "linux-6.14");
    assert_int_equal(idle_mprotect_flushes(*state), 0);
}

/* 20 pages on either side of a table's end, to a place that is alike. The
 * second flush, or the third, is the gather's: a freed table's at the least. */
static uint64_t mremap_flushes(struct run_fixture *fixture)
{
    program_say(fixture->program,
                "1 mmap 0x101ec000 0x28000 rw-\n1 w 0x301eb000\n");
    for (unsigned i = 0; i < 40; i++)
        program_say(fixture->program, "1 w 0x%x\n", 0x101ec000 + i * 4096);
    return of_line(fixture, "tlb_flush.local_mm_shootdown.count",
                   "1 mremap 0x101ec000 0x28000 0x301ec000 0x28000");
}

static void in_4_6_mremap_flushes_at_the_end(void **state)
{
    assert_int_equal(mremap_flushes(*state), 2);
}

static void from_4_19_under_the_locks_of_each_table(void **state)
{
    on(*state, "linux-4.20");
    assert_int_equal(mremap_flushes(*state), 3);
}

/* ---- the rows ---- */

static void
a_protocol_with_a_version_has_the_rules_of_that_version(void **state)
{
    const char *name;

    (void) state;
    for (size_t i = 0; (name = mmusim__protocol_name_at(i)); i++) {
        const char *version = mmusim__protocol_find(name)->mm_rules->version;
        bool is_4_4 = !strncmp(name, "linux-arm64-4.4", 15); /* as 4.6 */

        if (strchr(name, '.') && !is_4_4 && !strstr(name, version))
            fail_msg("%s has the rules of %s", name, version);
    }
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(in_4_6_9697_pages_wait_together),
        T(in_4_6_the_9698th_is_flushed_under_the_lock),
        T(in_6_14_9677_pages_wait_together),
        T(in_6_14_the_9678th_is_flushed_under_the_lock),
        T(without_memory_each_8_pages_are_flushed),
        T(without_memory_each_7_pages_are_flushed_in_6_14),
        T(without_memory_a_table_goes_alone),
        T(dirty_file_pages_are_flushed_under_the_lock),
        T(clean_file_pages_are_flushed_with_the_rest),
        T(dirty_anonymous_pages_wait),
        T(in_4_6_device_memory_is_flushed_after_its_area_is_gone),
        T(from_6_0_before),
        T(x86_flushes_two_areas_at_once),
        T(arm64_flushes_each_area),
        T(in_4_6_mprotect_flushes_each_area),
        T(in_6_14_mprotect_flushes_once),
        T(in_4_6_mprotect_flushes_what_has_not_changed),
        T(in_6_14_mprotect_does_not),
        T(in_4_6_mremap_flushes_at_the_end),
        T(from_4_19_under_the_locks_of_each_table),
        T(a_protocol_with_a_version_has_the_rules_of_that_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
