/* SPDX-License-Identifier: MIT */
/*
 * fork-cow: a process with P written pages and a few reading threads forks a
 * child, again and again; both write to some of the pages, which are copied;
 * the child exits and the parent waits for it. fork takes the parent's right to
 * write away (a flush on every CPU it runs on), each write after it is a fault
 * that copies or takes over a page.
 *
 * Stamp 2r + 1 is the fork of round r, 2r + 2 the child's exit.
 */
#include "trace/workload_steps.h"

enum {
    COW_PAGES,
    COW_ROUNDS,
    COW_CHILD,
    COW_PARENT,
    COW_THREADS,
    COW_READS,
    COW_WORK,
};

enum cow_phase {
    COW_PLACE,
    COW_MAP,
    COW_TOUCH,
    COW_CLONE,
    COW_START,
    COW_FORK,
    COW_WRITE,
    COW_WAIT,
    COW_STOP,
    COW_EXIT,
    COW_END
};

enum cow_child_phase { CHILD_PLACE, CHILD_WRITE, CHILD_EXIT, CHILD_END };
enum cow_reader_phase { COW_READ, COW_READER_EXIT, COW_READER_END };

static const struct workload_param cow_params[] = {
    {"pages", 1, UINT64_C(1) << 20, 256, "written pages of the parent"},
    {"rounds", 1, 4096, 50, "children, one after the other"},
    {"child", 0, UINT64_C(1) << 20, 32, "pages that a child writes"},
    {"parent", 0, UINT64_C(1) << 20, 32,
     "pages that the parent writes meanwhile"},
    {"threads", 0, 128, 2, "other threads of the parent, which read"},
    {"reads", 0, UINT64_C(1) << 24, 5000,
     "loads of each other thread for every child"},
    {"work", 0, 1000000, 20, "instructions between two of those loads"},
    {0},
};

static const char *cow_check(const uint64_t *values)
{
    if (values[COW_CHILD] > values[COW_PAGES] ||
        values[COW_PARENT] > values[COW_PAGES])
        return "child and parent write some of the pages, not more";
    return NULL;
}

static uint32_t cow_count_threads(const uint64_t *values)
{
    return (uint32_t) (1 + values[COW_THREADS] + values[COW_ROUNDS]);
}

static uint64_t cow_base(const struct workload_thread *thread)
{
    return workload_base(thread->values[COW_PAGES]);
}

static void cow_fork(struct workload_thread *thread)
{
    uint64_t child = 1 + thread->values[COW_THREADS] + thread->round;

    workload_call(thread, SYS_SYNC, 2 * thread->round + 1);
    workload_call(thread, SYS_FORK, workload_tid((uint32_t) child));
}

/* The stamp must not number what comes next. */
static void cow_wait(struct workload_thread *thread)
{
    workload_call(thread, SYS_SYNC, 2 * thread->round + 2);
    workload_emit(thread, OP_NOMEM, 0, 0, 1);
}

static uint32_t cow_next_phase(struct workload_thread *thread)
{
    thread->position = 0;
    if (thread->phase == COW_WAIT &&
        ++thread->round < thread->values[COW_ROUNDS])
        return COW_FORK;
    return thread->phase + 1;
}

static bool cow_step_parent(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    bool is_done = true;

    switch ((enum cow_phase) thread->phase) {
    case COW_PLACE:
        workload_call(thread, SYS_ON, 0);
        break;
    case COW_MAP:
        workload_map(thread, cow_base(thread), values[COW_PAGES],
                     SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case COW_TOUCH:
        is_done = workload_access(thread, OP_STORE, cow_base(thread),
                                  values[COW_PAGES]);
        break;
    case COW_CLONE:
        is_done = workload_clone(thread, values[COW_THREADS]);
        break;
    case COW_START:
        workload_mark(thread, "start");
        break;
    case COW_FORK:
        cow_fork(thread);
        break;
    case COW_WRITE:
        is_done = workload_access(thread, OP_STORE, cow_base(thread),
                                  values[COW_PARENT]);
        break;
    case COW_WAIT:
        cow_wait(thread);
        break;
    case COW_STOP:
        workload_mark(thread, "end");
        break;
    case COW_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case COW_END:
        return false;
    }
    if (is_done)
        thread->phase = cow_next_phase(thread);
    return true;
}

/* A child writes the last pages, the parent the first. */
static bool cow_step_child(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    uint64_t round = thread->index - 1 - values[COW_THREADS];
    uint64_t first = values[COW_PAGES] - values[COW_CHILD];
    bool is_done = true;

    switch ((enum cow_child_phase) thread->phase) {
    case CHILD_PLACE:
        workload_call(thread, SYS_ON, 1 + values[COW_THREADS]);
        break;
    case CHILD_WRITE:
        is_done = workload_access(thread, OP_STORE,
                                  cow_base(thread) + first * BASE_PAGE_BYTES,
                                  values[COW_CHILD]);
        break;
    case CHILD_EXIT:
        workload_call(thread, SYS_SYNC, 2 * round + 2);
        workload_call(thread, SYS_EXIT, 0);
        break;
    case CHILD_END:
        return false;
    }
    thread->phase += is_done;
    return true;
}

static bool cow_step_reader(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    bool is_done = true;

    switch ((enum cow_reader_phase) thread->phase) {
    case COW_READ:
        is_done =
            workload_read_round(thread, cow_base(thread), values[COW_PAGES],
                                values[COW_ROUNDS] * values[COW_READS],
                                (uint32_t) values[COW_WORK]);
        break;
    case COW_READER_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case COW_READER_END:
        return false;
    }
    thread->phase += is_done;
    return true;
}

static bool cow_step(struct workload_thread *thread)
{
    if (!thread->index)
        return cow_step_parent(thread);
    return thread->index <= thread->values[COW_THREADS]
               ? cow_step_reader(thread)
               : cow_step_child(thread);
}

static uint64_t cow_count_records(const uint64_t *values, uint32_t thread_index)
{
    uint64_t per_read = values[COW_WORK] ? 2 : 1;

    if (!thread_index)
        return 5 + values[COW_PAGES] + values[COW_THREADS] +
               values[COW_ROUNDS] * (4 + values[COW_PARENT]);
    if (thread_index <= values[COW_THREADS])
        return per_read * values[COW_ROUNDS] * values[COW_READS] + 1;
    return 3 + values[COW_CHILD];
}

static uint64_t cow_last_stamp(const uint64_t *values, uint32_t thread_index)
{
    if (!thread_index)
        return 2 * values[COW_ROUNDS];
    if (thread_index <= values[COW_THREADS])
        return 0;
    return 2 * (thread_index - values[COW_THREADS]);
}

extern const struct workload_ops mmusim__workload_fork_cow;
const struct workload_ops mmusim__workload_fork_cow = {
    .name = "fork-cow",
    .help = "a process forks again and again; both sides write: copies",
    .params = cow_params,
    .check = cow_check,
    .count_threads = cow_count_threads,
    .step = cow_step,
    .count_quiet = workload_count_none,
    .last_stamp = cow_last_stamp,
    .count_records = cow_count_records,
};
