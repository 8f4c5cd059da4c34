/* SPDX-License-Identifier: MIT */
/*
 * numa-balance: one thread touches all pages, so that they lie on its node;
 * then every thread works on a part of its own, `stride` CPUs from the next
 * one's, and from phase to phase the parts move on by `shift` threads. With
 * os.numa_balancing the pages follow; without it they stay where they are.
 *
 * No stamps: the threads run free. Marks `start` and `end` bracket the first
 * thread's work.
 */
#include "trace/workload_steps.h"

enum {
    BALANCE_THREADS,
    BALANCE_PAGES,
    BALANCE_PHASES,
    BALANCE_ACCESSES,
    BALANCE_WORK,
    BALANCE_STRIDE,
    BALANCE_SHIFT,
};

enum balance_phase {
    BALANCE_PLACE,
    BALANCE_MAP,
    BALANCE_TOUCH,
    BALANCE_CLONE,
    BALANCE_START,
    BALANCE_RUN,
    BALANCE_STOP,
    BALANCE_EXIT,
    BALANCE_END
};

enum balance_other_phase { OTHER_PLACE, OTHER_RUN, OTHER_EXIT, OTHER_END };

static const struct workload_param balance_params[] = {
    {"threads", 1, 256, 4, "threads"},
    {"pages", 1, UINT64_C(1) << 20, 256, "pages of each part"},
    {"phases", 1, 4096, 2, "times the parts change hands, and one"},
    {"accesses", 1, UINT64_C(1) << 24, 20000,
     "accesses of each thread in a phase, one in four a store"},
    {"work", 0, 1000000, 50, "instructions between two of them"},
    {"stride", 1, 4096, 1, "CPUs from one thread to the next"},
    {"shift", 0, 256, 1, "threads by which the parts move on"},
    {0},
};

static uint32_t balance_count_threads(const uint64_t *values)
{
    return (uint32_t) values[BALANCE_THREADS];
}

static uint64_t balance_total(const uint64_t *values)
{
    return values[BALANCE_THREADS] * values[BALANCE_PAGES];
}

/* position counts accesses. */
static bool balance_work(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    uint64_t n = values[BALANCE_PHASES] * values[BALANCE_ACCESSES];

    while (thread->position < n && workload_has_room(thread)) {
        uint64_t phase = thread->position / values[BALANCE_ACCESSES];
        uint64_t part = (thread->index + phase * values[BALANCE_SHIFT]) %
                        values[BALANCE_THREADS];
        uint64_t page = part * values[BALANCE_PAGES] +
                        thread->position % values[BALANCE_PAGES];

        if (values[BALANCE_WORK])
            workload_emit(thread, OP_NOMEM, 0, 0,
                          (uint32_t) values[BALANCE_WORK]);
        workload_emit(thread, thread->position % 4 ? OP_LOAD : OP_STORE, 0,
                      workload_page(workload_base(balance_total(values)), page),
                      1);
        thread->position++;
    }
    return thread->position == n;
}

static void balance_place(struct workload_thread *thread)
{
    workload_call(thread, SYS_ON,
                  thread->index * thread->values[BALANCE_STRIDE]);
}

static bool balance_step_first(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    uint64_t total = balance_total(values);
    bool is_done = true;

    switch ((enum balance_phase) thread->phase) {
    case BALANCE_PLACE:
        balance_place(thread);
        break;
    case BALANCE_MAP:
        workload_map(thread, workload_base(total), total,
                     SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case BALANCE_TOUCH:
        is_done =
            workload_access(thread, OP_STORE, workload_base(total), total);
        break;
    case BALANCE_CLONE:
        is_done = workload_clone(thread, values[BALANCE_THREADS] - 1);
        break;
    case BALANCE_START:
        workload_mark(thread, "start");
        break;
    case BALANCE_RUN:
        is_done = balance_work(thread);
        break;
    case BALANCE_STOP:
        workload_mark(thread, "end");
        break;
    case BALANCE_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case BALANCE_END:
        return false;
    }
    if (is_done) {
        thread->phase++;
        thread->position = 0;
    }
    return true;
}

static bool balance_step_other(struct workload_thread *thread)
{
    bool is_done = true;

    switch ((enum balance_other_phase) thread->phase) {
    case OTHER_PLACE:
        balance_place(thread);
        break;
    case OTHER_RUN:
        is_done = balance_work(thread);
        break;
    case OTHER_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case OTHER_END:
        return false;
    }
    thread->phase += is_done;
    return true;
}

static bool balance_step(struct workload_thread *thread)
{
    return thread->index ? balance_step_other(thread)
                         : balance_step_first(thread);
}

static uint64_t balance_count_records(const uint64_t *values,
                                      uint32_t thread_index)
{
    uint64_t per_access = values[BALANCE_WORK] ? 2 : 1;
    uint64_t n = per_access * values[BALANCE_PHASES] * values[BALANCE_ACCESSES];

    if (thread_index)
        return 2 + n;
    return 5 + balance_total(values) + values[BALANCE_THREADS] - 1 + n;
}

extern const struct workload_ops mmusim__workload_numa_balance;
const struct workload_ops mmusim__workload_numa_balance = {
    .name = "numa-balance",
    .help = "threads on several nodes use pages that one of them has touched",
    .params = balance_params,
    .count_threads = balance_count_threads,
    .step = balance_step,
    .count_quiet = workload_count_none,
    .count_records = balance_count_records,
};
