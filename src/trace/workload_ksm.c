/* SPDX-License-Identifier: MIT */
/*
 * ksm: N processes, as virtual machines of one image would, write P pages at
 * the same addresses and advise the kernel to merge what is equal; each reads
 * its pages for a while, in which ksmd merges them (os.ksm.run; what is equal
 * is os.ksm.duplicate_ppm's to say), then writes some, which takes them apart
 * again, and reads once more. Every merge flushes, and so does every copy.
 *
 * Process 0 forks the others before it touches anything, so that nothing is
 * shared at first. Marks `start` (before the reading), `write` and `end` are
 * process 0's.
 */
#include "trace/workload_steps.h"

enum {
    MERGE_PROCESSES,
    MERGE_PAGES,
    MERGE_WRITES,
    MERGE_READS,
    MERGE_WORK,
    MERGE_AWAY,
};

enum merge_phase {
    MERGE_PLACE,
    MERGE_CREATE, /* process 0 */
    MERGE_MAP,
    MERGE_ADVISE,
    MERGE_TOUCH,
    MERGE_START, /* process 0 */
    MERGE_WAIT,
    MERGE_BEGIN_WRITE, /* process 0 */
    MERGE_WRITE,
    MERGE_AGAIN,
    MERGE_STOP, /* process 0 */
    MERGE_UNMERGE,
    MERGE_EXIT,
    MERGE_END
};

static const struct workload_param merge_params[] = {
    {"processes", 1, 256, 4, "processes with the same pages"},
    {"pages", 1, UINT64_C(1) << 20, 256, "pages of each"},
    {"writes", 0, UINT64_C(1) << 20, 64, "of these, written again"},
    {"reads", 1, UINT64_C(1) << 32, 20000,
     "loads before those writes, and after"},
    {"work", 0, 1000000, 200, "instructions between two loads"},
    {"unmerge", 0, 1, 0, "1: at the end madvise(MADV_UNMERGEABLE)"},
    {0},
};

static const char *merge_check(const uint64_t *values)
{
    return values[MERGE_WRITES] > values[MERGE_PAGES]
               ? "a process writes some of its pages, not more"
               : NULL;
}

static uint32_t merge_count_threads(const uint64_t *values)
{
    return (uint32_t) values[MERGE_PROCESSES];
}

static uint64_t merge_base(const struct workload_thread *thread)
{
    return workload_base(thread->values[MERGE_PAGES]);
}

static bool merge_create(struct workload_thread *thread)
{
    uint64_t n = thread->values[MERGE_PROCESSES] - 1;

    while (thread->position < n && workload_has_room(thread))
        workload_call(thread, SYS_FORK,
                      workload_tid((uint32_t) ++thread->position));
    return thread->position == n;
}

static void merge_advise(struct workload_thread *thread, enum madvice advice)
{
    workload_emit_sys(
        thread, (struct sys_op){.kind = SYS_MADVISE,
                                .advice = advice,
                                .vaddr = merge_base(thread),
                                .length_bytes = thread->values[MERGE_PAGES] *
                                                BASE_PAGE_BYTES});
}

static bool merge_read(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;

    return workload_read_round(thread, merge_base(thread), values[MERGE_PAGES],
                               values[MERGE_READS],
                               (uint32_t) values[MERGE_WORK]);
}

/* Is the phase one that the thread leaves out? */
static bool merge_skips(const struct workload_thread *thread, uint32_t phase)
{
    const uint64_t *values = thread->values;

    switch ((enum merge_phase) phase) {
    case MERGE_CREATE:
        return thread->index || values[MERGE_PROCESSES] == 1;
    case MERGE_START:
    case MERGE_BEGIN_WRITE:
    case MERGE_STOP:
        return thread->index;
    case MERGE_WRITE:
        return !values[MERGE_WRITES];
    case MERGE_UNMERGE:
        return !values[MERGE_AWAY];
    case MERGE_PLACE:
    case MERGE_MAP:
    case MERGE_ADVISE:
    case MERGE_TOUCH:
    case MERGE_WAIT:
    case MERGE_AGAIN:
    case MERGE_EXIT:
    case MERGE_END:
        break;
    }
    return false;
}

static void merge_next_phase(struct workload_thread *thread)
{
    do {
        thread->phase++;
    } while (merge_skips(thread, thread->phase));
    thread->position = 0;
    thread->round = 0;
}

static bool merge_step(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    bool is_done = true;

    switch ((enum merge_phase) thread->phase) {
    case MERGE_PLACE:
        workload_call(thread, SYS_ON, thread->index);
        break;
    case MERGE_CREATE:
        is_done = merge_create(thread);
        break;
    case MERGE_MAP:
        workload_map(thread, merge_base(thread), values[MERGE_PAGES],
                     SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case MERGE_ADVISE:
        merge_advise(thread, MADVICE_MERGEABLE);
        break;
    case MERGE_TOUCH:
        is_done = workload_access(thread, OP_STORE, merge_base(thread),
                                  values[MERGE_PAGES]);
        break;
    case MERGE_START:
        workload_mark(thread, "start");
        break;
    case MERGE_WAIT:
    case MERGE_AGAIN:
        is_done = merge_read(thread);
        break;
    case MERGE_BEGIN_WRITE:
        workload_mark(thread, "write");
        break;
    case MERGE_WRITE:
        is_done = workload_access(thread, OP_STORE, merge_base(thread),
                                  values[MERGE_WRITES]);
        break;
    case MERGE_STOP:
        workload_mark(thread, "end");
        break;
    case MERGE_UNMERGE:
        merge_advise(thread, MADVICE_UNMERGEABLE);
        break;
    case MERGE_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case MERGE_END:
        return false;
    }
    if (is_done)
        merge_next_phase(thread);
    return true;
}

static uint64_t merge_count_records(const uint64_t *values,
                                    uint32_t thread_index)
{
    uint64_t per_read = values[MERGE_WORK] ? 2 : 1;
    uint64_t own = thread_index ? 0 : values[MERGE_PROCESSES] - 1 + 3;

    return own + 4 + values[MERGE_PAGES] + values[MERGE_WRITES] +
           2 * per_read * values[MERGE_READS] + values[MERGE_AWAY];
}

extern const struct workload_ops mmusim__workload_ksm;
const struct workload_ops mmusim__workload_ksm = {
    .name = "ksm",
    .help = "processes with equal pages, which ksmd merges; then they write",
    .params = merge_params,
    .check = merge_check,
    .count_threads = merge_count_threads,
    .step = merge_step,
    .count_quiet = workload_count_none,
    .count_records = merge_count_records,
};
