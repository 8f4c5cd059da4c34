/* SPDX-License-Identifier: MIT */
/* The event queue against a sorted list, step by step. */
#include "core/event_queue.h"
#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    RUN_EVENTS = 300,
    RUN_STEPS = 1500000,
    RUN_CHECK_EVERY = 4096,
};

struct run {
    struct event_queue queue;
    struct event events[RUN_EVENTS];
    struct event *sorted[RUN_EVENTS]; /* the model */
    uint32_t n_sorted;
    uint64_t n_scheduled;
    struct rng rng;
};

static void model_insert(struct run *run, struct event *event,
                         struct event_key key)
{
    uint32_t i = run->n_sorted++;

    while (i > 0 && event_key_before(key, run->sorted[i - 1]->key)) {
        run->sorted[i] = run->sorted[i - 1];
        i--;
    }
    run->sorted[i] = event;
}

static void model_remove(struct run *run, const struct event *event)
{
    uint32_t i = 0;

    while (i < run->n_sorted && run->sorted[i] != event)
        i++;
    assert_true(i < run->n_sorted);
    run->n_sorted--;
    memmove(&run->sorted[i], &run->sorted[i + 1],
            (run->n_sorted - i) * sizeof(run->sorted[0]));
}

static struct event_key run_key(struct run *run)
{
    /* Few cycles, classes and units: most keys differ in their last part. */
    return event_key(mmusim__rng_below(&run->rng, 64),
                     (enum event_class) mmusim__rng_below(&run->rng, 5),
                     mmusim__rng_below(&run->rng, 4), run->n_scheduled++);
}

static void run_step(struct run *run, bool is_growing)
{
    struct event *event =
        &run->events[mmusim__rng_below(&run->rng, RUN_EVENTS)];
    uint32_t choice = mmusim__rng_below(&run->rng, 10);

    if (choice < (is_growing ? 6u : 3u)) {
        struct event_key key = run_key(run);

        if (event_is_queued(event))
            return;
        model_insert(run, event, key);
        mmusim__event_schedule(&run->queue, event, key);
    } else if (choice == 9) {
        if (event_is_queued(event))
            model_remove(run, event);
        mmusim__event_cancel(&run->queue, event);
    } else {
        struct event *first = run->n_sorted ? run->sorted[0] : NULL;

        assert_ptr_equal(mmusim__event_pop(&run->queue), first);
        if (first)
            model_remove(run, first);
    }
}

static void the_queue_agrees_with_a_sorted_list(void **state)
{
    static struct run run;

    (void) state;
    print_message("seed 11\n");
    mmusim__rng_init(&run.rng, 11, 0);
    mmusim__event_queue_init(&run.queue);
    for (int i = 0; i < RUN_EVENTS; i++)
        event_init(&run.events[i], NULL, NULL);
    for (uint32_t step = 0; step < RUN_STEPS; step++) {
        run_step(&run, step / 5000 % 2 == 0);
        assert_int_equal(run.queue.n_events, run.n_sorted);
        assert_true(event_queue_next_cycle(&run.queue) ==
                    (run.n_sorted ? run.sorted[0]->key.cycle : CYCLE_NEVER));
        if (step % RUN_CHECK_EVERY == 0)
            assert_true(mmusim__event_queue_is_valid(&run.queue));
    }
    assert_false(run.queue.has_failed);
    mmusim__event_queue_fini(&run.queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_queue_agrees_with_a_sorted_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
