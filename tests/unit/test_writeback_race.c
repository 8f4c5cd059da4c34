/* SPDX-License-Identifier: MIT */
/*
 * A dirty page of a shared file is unmapped while the flusher writes it back:
 * the order of the reverse map and the flush (B12 of the bug corpus, commit
 * 5df397dec7c4, Linux 6.2). On a whole machine, judged by the checker.
 */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    FRAMES = 1024, /* the flusher begins at a tenth of them dirty */
    PAGES = 110,
    ROUNDS = 40,
    SWEEPS = 40, /* a round */
};

static int setup(void **state)
{
    struct run_fixture *fixture = run_fixture_create(4);

    fixture->config.checker.is_enabled = true;
    fixture->config.core.window = 64; /* stores go on while others wait */
    fixture->config.os.memory_bytes = FRAMES * 4096;
    fixture->config.os.has_protocol = true;
    *state = fixture;
    return 0;
}

static void say_stores(struct program *program, uint32_t tid)
{
    for (uint32_t i = 0; i < PAGES * SWEEPS; i++)
        program_say(program, "%u i 0x400000 4\n%u w 0x%x\n", tid, tid,
                    0x10000000 + i % PAGES * 4096);
}

/* Two threads store to the pages of a file, a third gives them back. */
static void say_race(struct program *program)
{
    program_say(program, "1 mmap 0x10000000 0x%x rw- file:a shared\n",
                PAGES * 4096);
    program_say(program, "1 clone 2\n1 clone 3\n");
    for (uint32_t round = 0; round < ROUNDS; round++) {
        say_stores(program, 2);
        say_stores(program, 3);
        program_say(program, "1 madvise 0x10000000 0x%x dontneed\n1 n %u\n",
                    PAGES * 4096, 150000 + round * 7919 % 100000);
    }
}

static void race(struct run_fixture *fixture, const char *protocol)
{
    snprintf(fixture->config.os.protocol, sizeof(fixture->config.os.protocol),
             "%s", protocol);
    say_race(fixture->program);
    run_fixture_run(fixture);
    /* The flusher has been at work, and pages went while they were dirty. */
    assert_true(run_stat(&fixture->run, "vmstat.nr_written") > PAGES);
    assert_true(run_stat(&fixture->run, "gather.early") >= ROUNDS / 2);
}

static void
before_6_2_the_flusher_misses_a_mapping_not_yet_flushed(void **state)
{
    struct run_fixture *fixture = *state;

    race(fixture, "linux-4.20");
    assert_true(run_stat(&fixture->run, "checker.violations.LOST_DIRTY") > 0);
    assert_int_equal(run_stat(&fixture->run, "checker.violations.LOST_DIRTY"),
                     run_stat(&fixture->run, "checker.violations"));
}

static void
regress_from_6_2_on_the_reverse_map_waits_for_the_flush(void **state)
{
    struct run_fixture *fixture = *state;

    race(fixture, "linux-6.14");
    assert_int_equal(run_stat(&fixture->run, "checker.violations"), 0);
}

static void the_repaired_version_has_it_too(void **state)
{
    struct run_fixture *fixture = *state;

    race(fixture, "linux-4.20-fixed");
    assert_int_equal(run_stat(&fixture->run, "checker.violations"), 0);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(before_6_2_the_flusher_misses_a_mapping_not_yet_flushed),
        T(regress_from_6_2_on_the_reverse_map_waits_for_the_flush),
        T(the_repaired_version_has_it_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
