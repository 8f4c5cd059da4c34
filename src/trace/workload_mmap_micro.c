/* SPDX-License-Identifier: MIT */
/*
 * mmap-micro: the microbenchmark of LATR (ASPLOS 2018; sslab-gatech/latr,
 * microbenchmark/mmap_micro). A main thread on CPU 0 maps P pages, N reference
 * threads on CPUs 0 to N - 1 (so socket by socket) touch each page between two
 * barriers, then the main thread unmaps them (or gives them back).
 *
 * The barriers are order stamps: stamp 2r + 1 is the mapping of round r, 2r + 2
 * its end; a reference thread waits for the first and has come to the next
 * one's before the second begins. It sleeps there, as pthread_barrier_wait()
 * does, or spins (sleep=0).
 */
#include "trace/workload_steps.h"

enum { MICRO_THREADS, MICRO_PAGES, MICRO_ROUNDS, MICRO_MADVISE, MICRO_SLEEP };

enum micro_main_phase {
    MICRO_PLACE,
    MICRO_NEIGHBOUR, /* keeps the tables, as a program's other mappings do */
    MICRO_WRITE_NEIGHBOUR,
    MICRO_CLONE,
    MICRO_START,
    MICRO_MAP,
    MICRO_DROP,
    MICRO_STOP,
    MICRO_MAIN_EXIT,
    MICRO_MAIN_END
};

enum micro_phase {
    MICRO_GO,
    MICRO_BARRIER,
    MICRO_TOUCH,
    MICRO_LAST_BARRIER,
    MICRO_EXIT,
    MICRO_END
};

static const struct workload_param micro_params[] = {
    {"threads", 1, 255, 15, "threads that touch, on CPUs 0, 1, 2, ..."},
    {"pages", 1, UINT64_C(1) << 18, 1, "pages touched and unmapped a round"},
    {"rounds", 1, UINT64_C(1) << 32, 100, "times they are unmapped"},
    {"madvise", 0, 1, 0, "1: MADV_DONTNEED instead of munmap"},
    {"sleep", 0, 1, 1, "how threads wait for a round: 1 asleep, 0 spinning"},
    {0},
};

static uint32_t micro_count_threads(const uint64_t *values)
{
    return (uint32_t) values[MICRO_THREADS] + 1;
}

static uint64_t micro_neighbour(const struct workload_thread *thread)
{
    return WORKLOAD_LOW_BASE + thread->values[MICRO_PAGES] * BASE_PAGE_BYTES;
}

/* With MADV_DONTNEED the mapping stays: later ones are calls of nothing. */
static void micro_map(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;

    workload_call(thread, SYS_SYNC, 2 * thread->round + 1);
    if (values[MICRO_MADVISE] && thread->round)
        workload_call(thread, SYS_SYSCALL, 0);
    else
        workload_map(thread, WORKLOAD_LOW_BASE, values[MICRO_PAGES],
                     SYS_PROT_READ | SYS_PROT_WRITE);
}

static void micro_drop(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;

    workload_call(thread, SYS_SYNC, 2 * thread->round + 2);
    workload_drop(thread, values[MICRO_MADVISE] ? SYS_MADVISE : SYS_MUNMAP,
                  WORKLOAD_LOW_BASE, values[MICRO_PAGES]);
}

static uint32_t micro_next_main_phase(struct workload_thread *thread)
{
    thread->position = 0;
    if (thread->phase == MICRO_DROP &&
        ++thread->round < thread->values[MICRO_ROUNDS])
        return MICRO_MAP;
    return thread->phase + 1;
}

static bool micro_step_main(struct workload_thread *thread)
{
    bool is_done = true;

    switch ((enum micro_main_phase) thread->phase) {
    case MICRO_PLACE:
        workload_call(thread, SYS_ON, 0);
        break;
    case MICRO_NEIGHBOUR:
        workload_map(thread, micro_neighbour(thread), 1,
                     SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case MICRO_WRITE_NEIGHBOUR:
        workload_emit(thread, OP_STORE, 0, micro_neighbour(thread), 1);
        break;
    case MICRO_CLONE:
        is_done = workload_clone(thread, thread->values[MICRO_THREADS]);
        break;
    case MICRO_START:
        workload_mark(thread, "start");
        break;
    case MICRO_MAP:
        micro_map(thread);
        break;
    case MICRO_DROP:
        micro_drop(thread);
        break;
    case MICRO_STOP:
        workload_mark(thread, "end");
        break;
    case MICRO_MAIN_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case MICRO_MAIN_END:
        return false;
    }
    if (is_done)
        thread->phase = micro_next_main_phase(thread);
    return true;
}

static void micro_wait(struct workload_thread *thread, uint64_t stamp)
{
    if (thread->values[MICRO_SLEEP])
        workload_call(thread, SYS_IDLE, 0);
    workload_call(thread, SYS_SYNC, stamp);
}

static uint32_t micro_next_phase(struct workload_thread *thread)
{
    thread->position = 0;
    if (thread->phase == MICRO_TOUCH &&
        ++thread->round < thread->values[MICRO_ROUNDS])
        return MICRO_BARRIER;
    return thread->phase + 1;
}

static bool micro_step_reference(struct workload_thread *thread)
{
    bool is_done = true;

    switch ((enum micro_phase) thread->phase) {
    case MICRO_GO:
        workload_call(thread, SYS_ON, thread->index - 1);
        break;
    case MICRO_BARRIER:
        micro_wait(thread, 2 * thread->round + 1);
        break;
    case MICRO_TOUCH:
        is_done = workload_access(thread, OP_STORE, WORKLOAD_LOW_BASE,
                                  thread->values[MICRO_PAGES]);
        break;
    case MICRO_LAST_BARRIER: /* the stamp must not number the exit */
        workload_call(thread, SYS_SYNC, 2 * thread->round);
        workload_emit(thread, OP_NOMEM, 0, 0, 1);
        break;
    case MICRO_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case MICRO_END:
        return false;
    }
    if (is_done)
        thread->phase = micro_next_phase(thread);
    return true;
}

static bool micro_step(struct workload_thread *thread)
{
    return thread->index ? micro_step_reference(thread)
                         : micro_step_main(thread);
}

static uint64_t micro_count_records(const uint64_t *values,
                                    uint32_t thread_index)
{
    uint64_t wait = 1 + values[MICRO_SLEEP];

    if (!thread_index)
        return 6 + values[MICRO_THREADS] + 4 * values[MICRO_ROUNDS];
    return 4 + values[MICRO_ROUNDS] * (wait + values[MICRO_PAGES]);
}

static uint64_t micro_last_stamp(const uint64_t *values, uint32_t thread_index)
{
    (void) thread_index;
    return 2 * values[MICRO_ROUNDS];
}

extern const struct workload_ops mmusim__workload_mmap_micro;
const struct workload_ops mmusim__workload_mmap_micro = {
    .name = "mmap-micro",
    .help = "threads on many CPUs touch pages that one thread unmaps",
    .params = micro_params,
    .count_threads = micro_count_threads,
    .step = micro_step,
    .count_quiet = workload_count_none,
    .last_stamp = micro_last_stamp,
    .count_records = micro_count_records,
};
