/* SPDX-License-Identifier: MIT */
/*
 * exec-stack: a process forks a child, which executes a program, writes a few
 * pages and exits; the parent waits. What is of interest is in exec: the pages
 * of arguments (os.exec_arg_pages) are written at the top of the new address
 * space and moved to the stack's place (shift_arg_pages(), now
 * relocate_vma_down()), the old range is flushed, and the tables of the hole
 * are freed, which no area covers.
 *
 * Stamp 2r + 1 is the fork of round r, 2r + 2 the child's exit.
 */
#include "trace/workload_steps.h"

enum { EXEC_ROUNDS, EXEC_PAGES };

enum exec_parent_phase {
    EXEC_PLACE,
    EXEC_START,
    EXEC_FORK,
    EXEC_WAIT,
    EXEC_STOP,
    EXEC_PARENT_EXIT,
    EXEC_PARENT_END
};

enum exec_child_phase {
    EXEC_CHILD_PLACE,
    EXEC_EXEC,
    EXEC_MAP,
    EXEC_TOUCH,
    EXEC_EXIT,
    EXEC_END
};

static const struct workload_param exec_params[] = {
    {"rounds", 1, 4096, 50, "programs executed, one after the other"},
    {"pages", 0, UINT64_C(1) << 18, 32, "pages that the program writes"},
    {0},
};

static uint32_t exec_count_threads(const uint64_t *values)
{
    return (uint32_t) (1 + values[EXEC_ROUNDS]);
}

static uint32_t exec_next_phase(struct workload_thread *thread)
{
    if (thread->phase == EXEC_WAIT &&
        ++thread->round < thread->values[EXEC_ROUNDS])
        return EXEC_FORK;
    return thread->phase + 1;
}

static bool exec_step_parent(struct workload_thread *thread)
{
    switch ((enum exec_parent_phase) thread->phase) {
    case EXEC_PLACE:
        workload_call(thread, SYS_ON, 0);
        break;
    case EXEC_START:
        workload_mark(thread, "start");
        break;
    case EXEC_FORK:
        workload_call(thread, SYS_SYNC, 2 * thread->round + 1);
        workload_call(thread, SYS_FORK,
                      workload_tid((uint32_t) thread->round + 1));
        break;
    case EXEC_WAIT: /* the stamp must not number what comes next */
        workload_call(thread, SYS_SYNC, 2 * thread->round + 2);
        workload_emit(thread, OP_NOMEM, 0, 0, 1);
        break;
    case EXEC_STOP:
        workload_mark(thread, "end");
        break;
    case EXEC_PARENT_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case EXEC_PARENT_END:
        return false;
    }
    thread->phase = exec_next_phase(thread);
    return true;
}

static bool exec_step_child(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    bool is_done = true;

    switch ((enum exec_child_phase) thread->phase) {
    case EXEC_CHILD_PLACE:
        workload_call(thread, SYS_ON, 1);
        break;
    case EXEC_EXEC:
        workload_call(thread, SYS_EXEC, 0);
        break;
    case EXEC_MAP:
        if (values[EXEC_PAGES])
            workload_map(thread, WORKLOAD_LOW_BASE, values[EXEC_PAGES],
                         SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case EXEC_TOUCH:
        is_done = workload_access(thread, OP_STORE, WORKLOAD_LOW_BASE,
                                  values[EXEC_PAGES]);
        break;
    case EXEC_EXIT:
        workload_call(thread, SYS_SYNC, 2 * (uint64_t) thread->index);
        workload_call(thread, SYS_EXIT, 0);
        break;
    case EXEC_END:
        return false;
    }
    if (is_done) {
        thread->phase++;
        thread->position = 0;
    }
    return true;
}

static bool exec_step(struct workload_thread *thread)
{
    return thread->index ? exec_step_child(thread) : exec_step_parent(thread);
}

static uint64_t exec_count_records(const uint64_t *values,
                                   uint32_t thread_index)
{
    if (!thread_index)
        return 4 + 4 * values[EXEC_ROUNDS];
    return 4 + (values[EXEC_PAGES] ? 1U : 0) + values[EXEC_PAGES];
}

static uint64_t exec_last_stamp(const uint64_t *values, uint32_t thread_index)
{
    return 2 * (thread_index ? thread_index : values[EXEC_ROUNDS]);
}

extern const struct workload_ops mmusim__workload_exec_stack;
const struct workload_ops mmusim__workload_exec_stack = {
    .name = "exec-stack",
    .help = "children execute programs, whose arguments move",
    .params = exec_params,
    .count_threads = exec_count_threads,
    .step = exec_step,
    .count_quiet = workload_count_none,
    .last_stamp = exec_last_stamp,
    .count_records = exec_count_records,
};
