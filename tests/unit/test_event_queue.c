/* SPDX-License-Identifier: MIT */
/* The event queue's order, cancelling and look-ahead. */
#include "core/event_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { TEST_EVENTS = 5 };

struct fixture {
    struct event_queue queue;
    struct event events[TEST_EVENTS];
};

static int setup(void **state)
{
    static struct fixture fixture;

    mmusim__event_queue_init(&fixture.queue);
    for (int i = 0; i < TEST_EVENTS; i++)
        event_init(&fixture.events[i], NULL, &fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    mmusim__event_queue_fini(&fixture->queue);
    return 0;
}

static void cycle_goes_before_class_before_unit_before_count(void **state)
{
    struct fixture *f = *state;
    struct event_key keys[TEST_EVENTS] = {
        event_key(7, EVENT_ACCESS, 0, 0),
        event_key(8, EVENT_DELIVERY, MAX_CPUS - 1, 9),
        event_key(8, EVENT_ACK, 0, 5),
        event_key(8, EVENT_ACK, 1, 0),
        event_key(8, EVENT_ACK, 1, 1),
    };

    for (int i = TEST_EVENTS - 1; i >= 0; i--)
        mmusim__event_schedule(&f->queue, &f->events[i], keys[i]);
    for (int i = 0; i < TEST_EVENTS; i++)
        assert_ptr_equal(mmusim__event_pop(&f->queue), &f->events[i]);
    assert_null(mmusim__event_pop(&f->queue));
}

static void popped_and_cancelled_events_are_not_queued(void **state)
{
    struct fixture *f = *state;

    assert_false(event_is_queued(&f->events[0]));
    for (int i = 0; i < 2; i++) {
        mmusim__event_schedule(&f->queue, &f->events[i],
                               event_key((uint64_t) i, EVENT_OS, 0, 0));
        assert_true(event_is_queued(&f->events[i]));
    }
    assert_ptr_equal(mmusim__event_pop(&f->queue), &f->events[0]);
    assert_false(event_is_queued(&f->events[0]));
    mmusim__event_cancel(&f->queue, &f->events[1]);
    assert_false(event_is_queued(&f->events[1]));
    assert_int_equal(f->queue.n_events, 0);
}

static void cancelling_an_event_that_is_not_queued_does_nothing(void **state)
{
    struct fixture *f = *state;

    mmusim__event_schedule(&f->queue, &f->events[0],
                           event_key(1, EVENT_OS, 0, 0));
    mmusim__event_cancel(&f->queue, &f->events[1]);
    assert_int_equal(f->queue.n_events, 1);
    assert_ptr_equal(mmusim__event_pop(&f->queue), &f->events[0]);
}

static void an_empty_queue_is_never_due(void **state)
{
    struct fixture *f = *state;

    assert_true(event_queue_next_cycle(&f->queue) == CYCLE_NEVER);
    assert_true(event_queue_is_first(
        &f->queue, event_key(CYCLE_NEVER, EVENT_ACCESS, 0, 0)));
}

static void only_an_earlier_key_would_be_the_first(void **state)
{
    struct fixture *f = *state;
    struct event_key key = event_key(100, EVENT_OS, 3, 7);

    mmusim__event_schedule(&f->queue, &f->events[0], key);
    assert_int_equal(event_queue_next_cycle(&f->queue), 100);
    assert_true(
        event_queue_is_first(&f->queue, event_key(100, EVENT_OS, 3, 6)));
    assert_false(event_queue_is_first(&f->queue, key));
    assert_false(
        event_queue_is_first(&f->queue, event_key(100, EVENT_ACCESS, 0, 0)));
}

static void fini_leaves_no_event_queued(void **state)
{
    struct fixture *f = *state;

    mmusim__event_schedule(&f->queue, &f->events[0],
                           event_key(1, EVENT_OS, 0, 0));
    mmusim__event_queue_fini(&f->queue);
    assert_false(event_is_queued(&f->events[0]));
    assert_int_equal(f->queue.n_events, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cycle_goes_before_class_before_unit_before_count),
        TEST(popped_and_cancelled_events_are_not_queued),
        TEST(cancelling_an_event_that_is_not_queued_does_nothing),
        TEST(an_empty_queue_is_never_due),
        TEST(only_an_earlier_key_would_be_the_first),
        TEST(fini_leaves_no_event_queued),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
