/* SPDX-License-Identifier: MIT */
/* When the uses of a CPU are judged: they are logged ahead of the others, and
 * count at their own place in the order of events. */
#include "coherence/check_cpus.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
    struct small_system *small;
    struct check *check;
};

enum { USER = 2 }; /* whose uses are logged */

/* A CPU is at work at cycle 10, after its turn to access there or not. */
static void act(struct fixture *fixture, uint32_t cpu, bool has_had_turn)
{
    struct system *system = &fixture->small->system;

    system->acting_cpu = cpu;
    system->access_cpu = cpu;
    system->access_cycle = has_had_turn ? 10 : 9;
}

static int setup(void **state)
{
    static struct fixture fixture;
    struct small_options options;

    small_options_init(&options);
    fixture.small = small_create(&options);
    fixture.check = mmusim__check_create(&fixture.small->system,
                                         fixture.small->shared.format, 1);
    assert_non_null(fixture.check);
    act(&fixture, USER - 1, false);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    mmusim__check_destroy(fixture->check);
    small_destroy(fixture->small);
    return 0;
}

static void use_at(struct fixture *fixture, uint64_t cycle, bool is_event)
{
    const struct check_use use = {
        .cycle = cycle,
        .vaddr = 0x1000,
        .need = CHECKER_READ,
        .is_event = is_event,
    };

    assert_true(mmusim__check_make_room(fixture->check, USER, cycle) > 0);
    check_log_use(&fixture->check->logs[USER], &use);
}

static void a_use_ahead_comes_after_the_events_of_its_cycle(void **state)
{
    struct fixture *fixture = *state;

    use_at(fixture, 10, false);
    mmusim__check_settle(fixture->check, 10);
    assert_int_equal(fixture->check->n_uses, 0);
    mmusim__check_settle(fixture->check, 11);
    assert_int_equal(fixture->check->n_uses, 1);
}

/* Another CPU's write in the same cycle comes after it. */
static void regress_an_event_comes_before_later_ones_of_its_cycle(void **state)
{
    struct fixture *fixture = *state;

    use_at(fixture, 10, true);
    mmusim__check_settle(fixture->check, 9);
    assert_int_equal(fixture->check->n_uses, 0);
    mmusim__check_settle(fixture->check, 10);
    assert_int_equal(fixture->check->n_uses, 1);
}

/* The order of event_queue.h: class, then CPU. */
static void accesses_of_a_cycle_go_by_cpu(void **state)
{
    struct fixture *fixture = *state;

    use_at(fixture, 10, false);
    act(fixture, USER - 1, true);
    mmusim__check_settle(fixture->check, 10);
    assert_int_equal(fixture->check->n_uses, 0);
    act(fixture, USER + 1, false);
    mmusim__check_settle(fixture->check, 10);
    assert_int_equal(fixture->check->n_uses, 0);
    act(fixture, USER + 1, true);
    mmusim__check_settle(fixture->check, 10);
    assert_int_equal(fixture->check->n_uses, 1);
}

/* What a later CPU's access has begun may go on with a step of another CPU. */
static void regress_a_turn_to_access_is_behind_all_that_follows(void **state)
{
    struct fixture *fixture = *state;

    use_at(fixture, 10, false);
    act(fixture, USER + 1, true);
    fixture->small->system.acting_cpu = USER - 1;
    mmusim__check_settle(fixture->check, 10);
    assert_int_equal(fixture->check->n_uses, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_use_ahead_comes_after_the_events_of_its_cycle),
        T(accesses_of_a_cycle_go_by_cpu),
        T(regress_a_turn_to_access_is_behind_all_that_follows),
        T(regress_an_event_comes_before_later_ones_of_its_cycle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
