/* SPDX-License-Identifier: MIT */
/*
 * context-switch: T processes take turns on a CPU (or on several), each loads
 * its W pages and gives the CPU up. What is still in the TLBs when a process
 * comes back depends on their entries, on T times W, and on whether the kernel
 * gives address spaces numbers (PCIDs, ASIDs): compare protocols.
 *
 * Process 0 forks the others before it touches anything, so that nothing is
 * shared; with `threads=1` they are threads of one process instead, and the
 * switches change no address space. Pages lie at other addresses in each, as
 * random placement has it, or (same=1) at the same, where they meet in the same
 * sets. Marks `start` (after the round of stores) and `end` are process 0's.
 */
#include "trace/workload_steps.h"

enum {
    TURN_PROCESSES,
    TURN_PAGES,
    TURN_ROUNDS,
    TURN_SWEEPS,
    TURN_CPUS,
    TURN_THREADS,
    TURN_SAME,
};

enum turn_phase {
    TURN_PLACE,
    TURN_CREATE, /* process 0 */
    TURN_MAP,
    TURN_TOUCH,
    TURN_START, /* process 0 */
    TURN_YIELD,
    TURN_LOAD,
    TURN_STOP, /* process 0 */
    TURN_EXIT,
    TURN_END
};

static const struct workload_param turn_params[] = {
    {"processes", 1, 256, 4, "processes that take turns"},
    {"pages", 1, UINT64_C(1) << 20, 64, "pages of each process"},
    {"rounds", 1, UINT64_C(1) << 32, 200, "turns of each process"},
    {"sweeps", 1, UINT64_C(1) << 20, 1, "loads of each page in a turn"},
    {"cpus", 1, 256, 1, "CPUs that they share"},
    {"threads", 0, 1, 0, "1: threads of one process instead"},
    {"same", 0, 1, 0, "1: all have their pages at the same addresses"},
    {0},
};

static const char *turn_check(const uint64_t *values)
{
    if (values[TURN_THREADS] && values[TURN_SAME])
        return "threads of one process cannot have the same addresses";
    return NULL;
}

static uint32_t turn_count_threads(const uint64_t *values)
{
    return (uint32_t) values[TURN_PROCESSES];
}

static uint64_t turn_region(const struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    uint64_t pages = values[TURN_PAGES];

    if (values[TURN_SAME])
        return workload_base(pages);
    return workload_base(pages * values[TURN_PROCESSES]) +
           thread->index * pages * BASE_PAGE_BYTES;
}

static bool turn_create(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    enum sys_kind kind = values[TURN_THREADS] ? SYS_CLONE : SYS_FORK;

    while (thread->position + 1 < values[TURN_PROCESSES] &&
           workload_has_room(thread))
        workload_call(thread, kind,
                      workload_tid((uint32_t) ++thread->position));
    return thread->position + 1 == values[TURN_PROCESSES];
}

/* Loads of a turn; position counts them. */
static bool turn_load(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    uint64_t n = values[TURN_PAGES] * values[TURN_SWEEPS];

    while (thread->position < n && workload_has_room(thread)) {
        uint64_t page = thread->position++ % values[TURN_PAGES];

        workload_emit(thread, OP_LOAD, 0,
                      workload_page(turn_region(thread), page), 1);
    }
    return thread->position == n;
}

static uint32_t turn_next_phase(struct workload_thread *thread)
{
    thread->position = 0;
    switch ((enum turn_phase) thread->phase) {
    case TURN_PLACE:
        if (thread->index || thread->values[TURN_PROCESSES] == 1)
            return TURN_MAP;
        break;
    case TURN_TOUCH:
        return thread->index ? TURN_YIELD : TURN_START;
    case TURN_LOAD:
        if (++thread->round < thread->values[TURN_ROUNDS])
            return TURN_YIELD;
        return thread->index ? TURN_EXIT : TURN_STOP;
    case TURN_CREATE:
    case TURN_MAP:
    case TURN_START:
    case TURN_YIELD:
    case TURN_STOP:
    case TURN_EXIT:
    case TURN_END:
        break;
    }
    return thread->phase + 1;
}

static bool turn_step(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    bool is_done = true;

    switch ((enum turn_phase) thread->phase) {
    case TURN_PLACE:
        workload_call(thread, SYS_ON, thread->index % values[TURN_CPUS]);
        break;
    case TURN_CREATE:
        is_done = turn_create(thread);
        break;
    case TURN_MAP:
        workload_map(thread, turn_region(thread), values[TURN_PAGES],
                     SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case TURN_TOUCH:
        is_done = workload_access(thread, OP_STORE, turn_region(thread),
                                  values[TURN_PAGES]);
        break;
    case TURN_START:
        workload_mark(thread, "start");
        break;
    case TURN_YIELD:
        workload_call(thread, SYS_IDLE, 0);
        break;
    case TURN_LOAD:
        is_done = turn_load(thread);
        break;
    case TURN_STOP:
        workload_mark(thread, "end");
        break;
    case TURN_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case TURN_END:
        return false;
    }
    if (is_done)
        thread->phase = turn_next_phase(thread);
    return true;
}

static uint64_t turn_count_records(const uint64_t *values,
                                   uint32_t thread_index)
{
    uint64_t own = thread_index ? 0 : values[TURN_PROCESSES] - 1 + 2;

    return own + 3 + values[TURN_PAGES] +
           values[TURN_ROUNDS] * (1 + values[TURN_PAGES] * values[TURN_SWEEPS]);
}

extern const struct workload_ops mmusim__workload_context_switch;
const struct workload_ops mmusim__workload_context_switch = {
    .name = "context-switch",
    .help = "processes take turns on a CPU: what stays in its TLBs",
    .params = turn_params,
    .check = turn_check,
    .count_threads = turn_count_threads,
    .step = turn_step,
    .count_quiet = workload_count_none,
    .count_records = turn_count_records,
};
