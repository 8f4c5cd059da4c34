/* SPDX-License-Identifier: MIT */
/* What a CPU is doing, how interrupts cut in, and where its cycles go. */
#include "coherence/ipi.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TARGET = 1, ACT_CYCLES = 77 };

static int setup(void **state)
{
    struct small_options options;

    small_options_init(&options);
    *state = small_create(&options);
    return 0;
}

static int teardown(void **state)
{
    small_destroy(*state);
    return 0;
}

static uint32_t act(struct cpu *cpu, const struct flush_request *request)
{
    (void) request;
    ((struct small_cpu *) cpu->user)->n_acts++;
    return ACT_CYCLES;
}

static void call_target(struct cpu *cpu, void *context)
{
    const struct flush_request request = {.end = FLUSH_END_ALL, .act = act};
    struct cpu_mask targets = {{UINT64_C(1) << TARGET}};

    (void) context;
    mmusim__ipi_call_many(cpu, &targets, &request);
}

static void wait_for_lock(struct cpu *cpu, void *context)
{
    (void) context;
    mmusim__cpu_wait(cpu, BUCKET_LOCK);
}

/* Wakes TARGET; *context is the delay. */
static void wake_target(struct cpu *cpu, void *context)
{
    mmusim__cpu_wake(&cpu->system->cpus[TARGET], cpu->now,
                     *(const uint64_t *) context);
}

static void note_cycle(struct cpu *cpu, void *context)
{
    *(uint64_t *) context = cpu->now;
}

static uint64_t arrival(const struct small_system *small)
{
    const struct ipi_config *ipi = &small->options.ipi;

    return (uint64_t) ipi->enqueue_cycles + ipi->send_cycles +
           ipi->latency_socket_cycles;
}

/* All the time an interrupt with one call steals. */
static uint64_t stolen(const struct small_system *small)
{
    const struct ipi_config *ipi = &small->options.ipi;

    return (uint64_t) ipi->entry_cycles + ipi->handler_cycles + ACT_CYCLES +
           ipi->exit_cycles;
}

static const struct cpu *target(const struct small_system *small)
{
    return &small->system.cpus[TARGET];
}

static void a_busy_interval_lasts_as_long_as_it_says(void **state)
{
    struct small_system *small = *state;
    uint64_t end = 0;

    small_busy(small, TARGET, 1000, BUCKET_KERNEL);
    small_busy(small, TARGET, 0, BUCKET_FAULT);
    small_busy(small, TARGET, 23, BUCKET_FAULT);
    small_do(small, TARGET, note_cycle, &end);
    small_run(small);
    assert_int_equal(end, 1023);
    assert_int_equal(target(small)->cycles[BUCKET_KERNEL], 1000);
    assert_int_equal(target(small)->cycles[BUCKET_FAULT], 23);
}

static void
an_interrupted_busy_interval_keeps_the_cycles_it_had_left(void **state)
{
    struct small_system *small = *state;
    uint64_t end = 0;

    small_do(small, 0, call_target, NULL);
    small_busy(small, TARGET, 5000, BUCKET_BASE);
    small_do(small, TARGET, note_cycle, &end);
    small_run(small);
    assert_true(arrival(small) < 5000);
    assert_int_equal(end, 5000 + stolen(small));
    assert_int_equal(target(small)->cycles[BUCKET_BASE], 5000);
    assert_int_equal(target(small)->cycles[BUCKET_IPI_HANDLER], stolen(small));
}

/* At equal cycles what arrives comes first. */
static void
an_interrupt_at_the_end_of_an_interval_comes_before_the_next(void **state)
{
    struct small_system *small = *state;
    uint64_t end = 0;

    small_do(small, 0, call_target, NULL);
    small_busy(small, TARGET, arrival(small), BUCKET_BASE);
    small_do(small, TARGET, note_cycle, &end);
    small_run(small);
    assert_int_equal(end, arrival(small) + stolen(small));
    assert_int_equal(target(small)->cycles[BUCKET_BASE], arrival(small));
}

static void an_interval_cut_twice_is_still_as_long(void **state)
{
    struct small_system *small = *state;
    uint64_t end = 0;

    small_do(small, 0, call_target, NULL);
    small_do(small, 0, call_target, NULL);
    small_busy(small, TARGET, 5000, BUCKET_BASE);
    small_do(small, TARGET, note_cycle, &end);
    small_run(small);
    assert_int_equal(end, 5000 + 2 * stolen(small));
}

static void
a_waiting_cpu_goes_on_when_it_is_woken_and_the_delay_is_over(void **state)
{
    struct small_system *small = *state;
    uint64_t delay = 31;
    uint64_t end = 0;

    small_do(small, TARGET, wait_for_lock, NULL);
    small_do(small, TARGET, note_cycle, &end);
    small_busy(small, 0, 400, BUCKET_BASE);
    small_do(small, 0, wake_target, &delay);
    small_run(small);
    assert_int_equal(end, 431);
    assert_int_equal(target(small)->cycles[BUCKET_LOCK], 431);
}

static void
a_wake_inside_a_handler_counts_when_the_handler_returns(void **state)
{
    struct small_system *small = *state;
    uint64_t delay = 31;
    uint64_t end = 0;

    small_do(small, TARGET, wait_for_lock, NULL);
    small_do(small, TARGET, note_cycle, &end);
    small_do(small, 0, call_target, NULL);
    small_busy(small, 2, arrival(small) + 1, BUCKET_BASE);
    small_do(small, 2, wake_target, &delay);
    small_run(small);
    assert_int_equal(end, arrival(small) + stolen(small) + delay);
    assert_int_equal(target(small)->cycles[BUCKET_LOCK],
                     arrival(small) + delay);
    assert_int_equal(target(small)->cycles[BUCKET_IPI_HANDLER], stolen(small));
}

static void a_wait_that_is_interrupted_and_not_woken_goes_on(void **state)
{
    struct small_system *small = *state;
    uint64_t delay = 0;
    uint64_t end = 0;

    small_do(small, TARGET, wait_for_lock, NULL);
    small_do(small, TARGET, note_cycle, &end);
    small_do(small, 0, call_target, NULL);
    small_busy(small, 2, 20000, BUCKET_BASE);
    small_do(small, 2, wake_target, &delay);
    small_run(small);
    assert_int_equal(end, 20000);
    assert_int_equal(target(small)->cycles[BUCKET_LOCK], 20000 - stolen(small));
}

static void waking_a_busy_cpu_does_nothing(void **state)
{
    struct small_system *small = *state;
    uint64_t delay = 0;
    uint64_t end = 0;

    small_busy(small, TARGET, 1000, BUCKET_BASE);
    small_do(small, TARGET, note_cycle, &end);
    small_busy(small, 0, 10, BUCKET_BASE);
    small_do(small, 0, wake_target, &delay);
    small_run(small);
    assert_int_equal(end, 1000);
}

static void waking_twice_wakes_once(void **state)
{
    struct small_system *small = *state;
    uint64_t delays[] = {500, 0};
    uint64_t end = 0;

    small_do(small, TARGET, wait_for_lock, NULL);
    small_do(small, TARGET, note_cycle, &end);
    small_do(small, TARGET, wait_for_lock, NULL);
    small_busy(small, 0, 10, BUCKET_BASE);
    small_do(small, 0, wake_target, &delays[0]);
    small_do(small, 0, wake_target, &delays[1]);
    small_run(small);
    assert_int_equal(end, 510);
    assert_int_equal(target(small)->activity.mode, CPU_WAITING);
}

static void of_two_wakes_inside_a_handler_the_first_counts(void **state)
{
    struct small_system *small = *state;
    uint64_t delays[] = {31, 400};
    uint64_t end = 0;

    small_do(small, TARGET, wait_for_lock, NULL);
    small_do(small, TARGET, note_cycle, &end);
    small_do(small, 0, call_target, NULL);
    small_busy(small, 2, arrival(small) + 1, BUCKET_BASE);
    small_do(small, 2, wake_target, &delays[0]);
    small_do(small, 2, wake_target, &delays[1]);
    small_run(small);
    assert_int_equal(end, arrival(small) + stolen(small) + delays[0]);
}

/* ---- frames ---- */

struct countdown {
    struct kframe frame;
    uint32_t depth;
    unsigned char padding[37];
};

static enum kstep countdown_step(struct cpu *cpu, struct kframe *frame)
{
    struct countdown *count = (struct countdown *) frame;
    struct countdown *inner;

    if (frame->pc++ == 0) {
        mmusim__cpu_busy(cpu, 10, BUCKET_KERNEL);
        return KSTEP_NEXT;
    }
    if (frame->pc == 2 && count->depth) {
        inner = mmusim__cpu_push(cpu, countdown_step, sizeof(*inner));
        assert_int_equal(inner->frame.pc, 0);
        assert_int_equal(inner->depth, 0);
        assert_ptr_equal(inner->frame.below, frame);
        inner->depth = count->depth - 1;
        return KSTEP_NEXT;
    }
    return KSTEP_DONE;
}

static void begin_countdown(struct cpu *cpu, void *context)
{
    struct countdown *count =
        mmusim__cpu_push(cpu, countdown_step, sizeof(*count));

    count->depth = *(const uint32_t *) context;
}

static void frames_nest_and_the_stack_is_empty_at_the_end(void **state)
{
    struct small_system *small = *state;
    uint32_t depth = 9;
    uint64_t end = 0;

    small_do(small, TARGET, begin_countdown, &depth);
    small_do(small, TARGET, note_cycle, &end);
    small_run(small);
    assert_int_equal(end, 100);
    assert_null(target(small)->top);
    assert_int_equal(target(small)->stack_used_bytes, 0);
}

static void an_interrupt_lies_on_top_of_the_frames_it_finds(void **state)
{
    struct small_system *small = *state;
    uint32_t depth = 9;
    uint64_t end = 0;

    small->system.ipi.enqueue_cycles = small->system.ipi.send_cycles = 1;
    small->system.ipi.latency_socket_cycles = 43;
    small_do(small, 0, call_target, NULL);
    small_do(small, TARGET, begin_countdown, &depth);
    small_do(small, TARGET, note_cycle, &end);
    small_run(small);
    assert_int_equal(end, 100 + stolen(small));
    assert_int_equal(target(small)->cycles[BUCKET_KERNEL], 100);
    assert_int_equal(small->cpus[TARGET].n_acts, 1);
}

static void the_reference_engine_takes_the_same_time(void **state)
{
    struct small_options options = ((struct small_system *) *state)->options;
    uint64_t ends[2] = {0, 0};

    for (uint32_t i = 0; i < 2; i++) {
        struct small_system *small;

        options.is_reference = i;
        small = small_create(&options);
        small_do(small, 0, call_target, NULL);
        small_busy(small, TARGET, 5000, BUCKET_BASE);
        small_do(small, TARGET, note_cycle, &ends[i]);
        small_run(small);
        small_destroy(small);
    }
    assert_int_equal(ends[0], ends[1]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_busy_interval_lasts_as_long_as_it_says),
        T(an_interrupted_busy_interval_keeps_the_cycles_it_had_left),
        T(an_interrupt_at_the_end_of_an_interval_comes_before_the_next),
        T(an_interval_cut_twice_is_still_as_long),
        T(a_waiting_cpu_goes_on_when_it_is_woken_and_the_delay_is_over),
        T(a_wake_inside_a_handler_counts_when_the_handler_returns),
        T(a_wait_that_is_interrupted_and_not_woken_goes_on),
        T(waking_a_busy_cpu_does_nothing),
        T(waking_twice_wakes_once),
        T(of_two_wakes_inside_a_handler_the_first_counts),
        T(frames_nest_and_the_stack_is_empty_at_the_end),
        T(an_interrupt_lies_on_top_of_the_frames_it_finds),
        T(the_reference_engine_takes_the_same_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
