/* SPDX-License-Identifier: MIT */
/*
 * madvise-threads: each thread has a region of its own (1 MiB) and touches and
 * gives back each page of it, one after the other, pass after pass; all at the
 * same time, or the first few of them while the others read. The page given
 * back is the giver's alone, yet every thread's CPU is in the process's mask.
 * (antonblanchard/will-it-scale, tlb_flush2; N. Amit, LKML, May 2019: one
 * thread gives back, the others loop.)
 */
#include "trace/workload_steps.h"

enum {
    GIVE_THREADS,
    GIVE_ACTIVE,
    GIVE_PAGES,
    GIVE_PASSES,
    GIVE_READS,
    GIVE_WORK,
};

enum give_phase {
    GIVE_MAP,   /* thread 0: all regions */
    GIVE_CLONE, /* thread 0 */
    GIVE_START, /* thread 0 */
    GIVE_TOUCH, /* one page */
    GIVE_DROP,  /* that page */
    GIVE_READ,  /* a thread that is not active */
    GIVE_STOP,  /* thread 0 */
    GIVE_EXIT,
    GIVE_END
};

static const struct workload_param give_params[] = {
    {"threads", 1, 256, 4, "threads of the process"},
    {"active", 0, 256, 0, "of these, the first that give pages back; 0: all"},
    {"pages", 1, UINT64_C(1) << 20, 256, "pages of each thread's region"},
    {"passes", 1, UINT64_C(1) << 32, 4, "times each page is given back"},
    {"reads", 0, UINT64_C(1) << 24, 500,
     "loads of each other thread for every page given back"},
    {"work", 0, 1000000, 20, "instructions between two of those loads"},
    {0},
};

static const char *give_check(const uint64_t *values)
{
    if (values[GIVE_ACTIVE] > values[GIVE_THREADS])
        return "active threads are some of the threads, not more";
    return NULL;
}

static uint32_t give_count_threads(const uint64_t *values)
{
    return (uint32_t) values[GIVE_THREADS];
}

static bool give_is_active(const uint64_t *values, uint32_t thread_index)
{
    return !values[GIVE_ACTIVE] || thread_index < values[GIVE_ACTIVE];
}

static uint64_t give_all_pages(const uint64_t *values)
{
    return values[GIVE_THREADS] * values[GIVE_PAGES];
}

static uint64_t give_region(const struct workload_thread *thread)
{
    const uint64_t *values = thread->values;

    return workload_base(give_all_pages(values)) +
           thread->index * values[GIVE_PAGES] * BASE_PAGE_BYTES;
}

/* Pages given back by one thread. */
static uint64_t give_drops(const uint64_t *values)
{
    return values[GIVE_PAGES] * values[GIVE_PASSES];
}

/* round counts the pages given back. */
static uint64_t give_page(const struct workload_thread *thread)
{
    uint64_t page = thread->round % thread->values[GIVE_PAGES];

    return give_region(thread) + page * BASE_PAGE_BYTES;
}

static uint32_t give_first_phase(const struct workload_thread *thread)
{
    return give_is_active(thread->values, thread->index) ? GIVE_TOUCH
                                                         : GIVE_READ;
}

static uint32_t give_next_phase(struct workload_thread *thread)
{
    thread->position = 0;
    if (thread->phase == GIVE_DROP) {
        if (++thread->round < give_drops(thread->values))
            return GIVE_TOUCH;
        return thread->index ? GIVE_EXIT : GIVE_STOP;
    }
    if (thread->phase == GIVE_READ)
        return GIVE_EXIT;
    return thread->phase + 1;
}

static bool give_step(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    uint64_t all = give_all_pages(values);
    bool is_done = true;

    if (thread->index && thread->phase < GIVE_TOUCH)
        thread->phase = give_first_phase(thread);
    switch ((enum give_phase) thread->phase) {
    case GIVE_MAP:
        workload_map(thread, workload_base(all), all,
                     SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case GIVE_CLONE:
        is_done = workload_clone(thread, values[GIVE_THREADS] - 1);
        break;
    case GIVE_START:
        workload_mark(thread, "start");
        break;
    case GIVE_TOUCH:
        workload_emit(thread, OP_STORE, 0, give_page(thread), 1);
        break;
    case GIVE_DROP:
        workload_drop(thread, SYS_MADVISE, give_page(thread), 1);
        break;
    case GIVE_READ:
        is_done =
            workload_read_round(thread, give_region(thread), values[GIVE_PAGES],
                                give_drops(values) * values[GIVE_READS] + 1,
                                (uint32_t) values[GIVE_WORK]);
        break;
    case GIVE_STOP:
        workload_mark(thread, "end");
        break;
    case GIVE_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case GIVE_END:
        return false;
    }
    if (is_done)
        thread->phase = give_next_phase(thread);
    return true;
}

static uint64_t give_count_records(const uint64_t *values,
                                   uint32_t thread_index)
{
    uint64_t first = 1 + (values[GIVE_THREADS] - 1) + 1 + 1;
    uint64_t per_read = values[GIVE_WORK] ? 2 : 1;

    if (give_is_active(values, thread_index))
        return (thread_index ? 0 : first) + 2 * give_drops(values) + 1;
    return per_read * (give_drops(values) * values[GIVE_READS] + 1) + 1;
}

extern const struct workload_ops mmusim__workload_madvise_threads;
const struct workload_ops mmusim__workload_madvise_threads = {
    .name = "madvise-threads",
    .help = "threads touch and give back (MADV_DONTNEED) page by page",
    .params = give_params,
    .check = give_check,
    .count_threads = give_count_threads,
    .step = give_step,
    .count_quiet = workload_count_none,
    .count_records = give_count_records,
};
