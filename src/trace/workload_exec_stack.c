/* SPDX-License-Identifier: MIT */
/*
 * exec-stack: a process forks a child, which executes a program; the arguments
 * are written to a stack at its first place, which then moves down, as Linux's
 * setup_arg_pages() does it (shift_arg_pages(), now relocate_vma_down()):
 * entries move, the old range is flushed, and the tables of the hole are freed
 * where no area covers them. The program touches its stack again and exits;
 * the parent waits.
 *
 * Stamp 2r + 1 is the fork of round r, 2r + 2 the child's exit.
 */
#include "trace/workload_steps.h"

enum { EXEC_ROUNDS, EXEC_ARGS, EXEC_SHIFT, EXEC_PAGES };

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
    EXEC_WRITE,
    EXEC_MOVE,
    EXEC_READ,
    EXEC_MAP_IMAGE,
    EXEC_TOUCH,
    EXEC_EXIT,
    EXEC_END
};

/* The end of the stack before it moves; 2 MiB aligned, with nothing near. */
#define EXEC_STACK_TOP UINT64_C(0xbfe00000)
#define EXEC_IMAGE     UINT64_C(0x40000000)

static const struct workload_param exec_params[] = {
    {"rounds", 1, 4096, 50, "programs executed, one after the other"},
    {"args", 1, 8192, 4, "pages of arguments on the stack"},
    {"shift", 1, 65536, 2048, "pages by which the stack moves down"},
    {"pages", 0, UINT64_C(1) << 18, 32, "pages that the program writes"},
    {0},
};

static const char *exec_check(const uint64_t *values)
{
    if (values[EXEC_SHIFT] < values[EXEC_ARGS])
        return "shift must be at least args: the places must not overlap";
    return NULL;
}

static uint32_t exec_count_threads(const uint64_t *values)
{
    return (uint32_t) (1 + values[EXEC_ROUNDS]);
}

static uint64_t exec_first_place(const uint64_t *values)
{
    return EXEC_STACK_TOP - values[EXEC_ARGS] * BASE_PAGE_BYTES;
}

static uint64_t exec_last_place(const uint64_t *values)
{
    return exec_first_place(values) - values[EXEC_SHIFT] * BASE_PAGE_BYTES;
}

static void exec_move(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    uint64_t length = values[EXEC_ARGS] * BASE_PAGE_BYTES;

    workload_emit_sys(thread,
                      (struct sys_op){.kind = SYS_MREMAP,
                                      .vaddr = exec_first_place(values),
                                      .length_bytes = length,
                                      .new_vaddr = exec_last_place(values),
                                      .new_length_bytes = length});
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
    uint32_t writable = SYS_PROT_READ | SYS_PROT_WRITE;
    bool is_done = true;

    switch ((enum exec_child_phase) thread->phase) {
    case EXEC_CHILD_PLACE:
        workload_call(thread, SYS_ON, 1);
        break;
    case EXEC_EXEC:
        workload_call(thread, SYS_EXEC, 0);
        break;
    case EXEC_MAP:
        workload_map(thread, exec_first_place(values), values[EXEC_ARGS],
                     writable);
        break;
    case EXEC_WRITE:
        is_done = workload_access(thread, OP_STORE, exec_first_place(values),
                                  values[EXEC_ARGS]);
        break;
    case EXEC_MOVE:
        exec_move(thread);
        break;
    case EXEC_READ:
        is_done = workload_access(thread, OP_LOAD, exec_last_place(values),
                                  values[EXEC_ARGS]);
        break;
    case EXEC_MAP_IMAGE:
        if (values[EXEC_PAGES])
            workload_map(thread, EXEC_IMAGE, values[EXEC_PAGES], writable);
        break;
    case EXEC_TOUCH:
        is_done =
            workload_access(thread, OP_STORE, EXEC_IMAGE, values[EXEC_PAGES]);
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
    return 6 + 2 * values[EXEC_ARGS] + (values[EXEC_PAGES] != 0) +
           values[EXEC_PAGES];
}

static uint64_t exec_last_stamp(const uint64_t *values, uint32_t thread_index)
{
    return 2 * (thread_index ? thread_index : values[EXEC_ROUNDS]);
}

extern const struct workload_ops mmusim__workload_exec_stack;
const struct workload_ops mmusim__workload_exec_stack = {
    .name = "exec-stack",
    .help = "children execute programs, whose argument stacks move",
    .params = exec_params,
    .check = exec_check,
    .count_threads = exec_count_threads,
    .step = exec_step,
    .count_quiet = workload_count_none,
    .last_stamp = exec_last_stamp,
    .count_records = exec_count_records,
};
