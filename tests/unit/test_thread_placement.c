/* SPDX-License-Identifier: MIT */
/* os.thread_placement: which CPU stands for CPU n of a trace. */
#include "os/thread_placement.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { N_SOCKETS = 2, N_CORES = 3, N_THREADS = 2, N_CPUS = 12 };

static struct run_fixture *fixture_of(enum thread_placement placement)
{
    struct run_fixture *fixture = run_fixture_create(1);

    fixture->config.n_sockets = N_SOCKETS;
    fixture->config.cores_per_socket = N_CORES;
    fixture->config.threads_per_core = N_THREADS;
    fixture->config.os.thread_placement = placement;
    return fixture;
}

static void assert_places(enum thread_placement placement,
                          const uint32_t expected[N_CPUS])
{
    struct run_fixture *fixture = fixture_of(placement);

    run_build(&fixture->run, &fixture->config);
    for (uint32_t n = 0; n < 3 * N_CPUS; n++)
        assert_int_equal(
            mmusim__thread_place(&fixture->run.machine->kernel, n)->id,
            expected[n % N_CPUS]);
    run_fixture_destroy(fixture);
}

/* CPUs 0..2 are the cores of socket 0, 3..5 of socket 1, then the second
 * threads. */
static void cores_keeps_the_numbers(void **state)
{
    static const uint32_t expected[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

    (void) state;
    assert_places(PLACE_CORES, expected);
}

static void spread_takes_the_sockets_in_turn(void **state)
{
    static const uint32_t expected[] = {0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11};

    (void) state;
    assert_places(PLACE_SPREAD, expected);
}

static void pairs_fills_a_core_before_the_next(void **state)
{
    static const uint32_t expected[] = {0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11};

    (void) state;
    assert_places(PLACE_PAIRS, expected);
}

/* The second thread starts on CPU 1 of the trace, then asks for CPU 2. */
static void threads_and_on_records_run_there(void **state)
{
    struct run_fixture *fixture = fixture_of(PLACE_SPREAD);

    (void) state;
    program_say(fixture->program,
                "1 n 10\n2 n 1000\n2 r 0x5000000\n2 on 2\n2 r 0x5000000\n");
    run_fixture_run(fixture);
    assert_int_equal(run_core_stat(&fixture->run, 3, "accesses"), 1);
    assert_int_equal(run_core_stat(&fixture->run, 1, "accesses"), 1);
    run_fixture_destroy(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cores_keeps_the_numbers),
        cmocka_unit_test(spread_takes_the_sockets_in_turn),
        cmocka_unit_test(pairs_fills_a_core_before_the_next),
        cmocka_unit_test(threads_and_on_records_run_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
