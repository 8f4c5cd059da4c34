/* SPDX-License-Identifier: MIT */
/*
 * madvise and munmap: one thread touches N pages and drops them, round after
 * round, while M threads of the same process read W warm pages each. This is
 * the trade that a flush ceiling decides: N single flushes on every CPU, or
 * one full flush and then the refills of all warm pages.
 *
 * The readers run free (no order stamps); each does `reads` loads for every
 * round, `work` other instructions apart, after one round of stores over its
 * own pages. Marks `start` and `end` bracket the rounds of the dropping thread.
 */
#include "trace/workload_steps.h"

enum {
    DROP_PAGES,
    DROP_THREADS,
    DROP_WARM,
    DROP_ROUNDS,
    DROP_READS,
    DROP_WORK,
    DROP_OWN,
};

enum drop_phase {
    DROP_MAP_WARM,
    DROP_CLONE,
    DROP_MAP_ONCE, /* madvise: the dropped pages are mapped once */
    DROP_START,
    DROP_MAP,
    DROP_TOUCH,
    DROP_READ_OWN,
    DROP_DROP,
    DROP_STOP,
    DROP_EXIT,
    DROP_END
};

enum drop_reader_phase { READER_WARM, READER_READ, READER_EXIT, READER_END };

/* Both 1 GiB aligned, in the user half. What fits lies below 3 GiB, where
 * 32-bit machines have it, too; else apart by more than the largest lengths. */
#define DROP_BASE      UINT64_C(0x40000000)
#define WARM_BASE      UINT64_C(0x80000000)
#define WARM_BASE_HIGH UINT64_C(0x2000000000)

enum { DROP_LOW_PAGES = 1 << 18 }; /* 1 GiB */

static uint64_t drop_warm_start(const uint64_t *values)
{
    uint64_t warm = values[DROP_OWN] + values[DROP_THREADS] * values[DROP_WARM];

    return warm <= DROP_LOW_PAGES && values[DROP_PAGES] <= DROP_LOW_PAGES
               ? WARM_BASE
               : WARM_BASE_HIGH;
}

static const struct workload_param drop_params[] = {
    {"pages", 1, UINT64_C(1) << 24, 16, "pages touched and dropped each round"},
    {"threads", 0, 255, 3, "other threads, which read their warm pages"},
    {"warm", 1, UINT64_C(1) << 24, 64, "warm pages of each other thread"},
    {"rounds", 1, UINT64_C(1) << 32, 200, "times the pages are dropped"},
    {"reads", 0, UINT64_C(1) << 24, 2500,
     "loads of each other thread for every round"},
    {"work", 0, 1000000, 20, "instructions between two of those loads"},
    {"own", 0, UINT64_C(1) << 24, 0,
     "warm pages that the dropping thread itself reads each round"},
    {0},
};

static uint32_t drop_count_threads(const uint64_t *values)
{
    return (uint32_t) values[DROP_THREADS] + 1;
}

/* First warm page of a thread: the dropping thread's own come first. */
static uint64_t drop_warm_base(const uint64_t *values, uint32_t thread_index)
{
    uint64_t pages = 0;

    if (thread_index)
        pages = values[DROP_OWN] + (thread_index - 1) * values[DROP_WARM];
    return drop_warm_start(values) + pages * BASE_PAGE_BYTES;
}

/* The phase after one that is done. */
static uint32_t drop_next_phase(struct workload_thread *thread)
{
    thread->position = 0;
    if (thread->phase == DROP_DROP &&
        ++thread->round < thread->values[DROP_ROUNDS])
        return DROP_MAP;
    return thread->phase + 1;
}

static bool drop_step_dropper(struct workload_thread *thread, bool unmaps)
{
    const uint64_t *values = thread->values;
    uint64_t pages = values[DROP_PAGES];
    uint64_t warm = values[DROP_OWN] + values[DROP_THREADS] * values[DROP_WARM];
    bool is_done = true;

    switch ((enum drop_phase) thread->phase) {
    case DROP_MAP_WARM:
        if (warm)
            workload_map(thread, drop_warm_start(values), warm,
                         SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case DROP_CLONE:
        is_done = workload_clone(thread, values[DROP_THREADS]);
        break;
    case DROP_MAP_ONCE:
        if (!unmaps)
            workload_map(thread, DROP_BASE, pages,
                         SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case DROP_START:
        workload_mark(thread, "start");
        break;
    case DROP_MAP:
        if (unmaps)
            workload_map(thread, DROP_BASE, pages,
                         SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case DROP_TOUCH:
        is_done = workload_access(thread, OP_STORE, DROP_BASE, pages);
        break;
    case DROP_READ_OWN:
        is_done = workload_access(thread, OP_LOAD, drop_warm_start(values),
                                  values[DROP_OWN]);
        break;
    case DROP_DROP:
        workload_drop(thread, unmaps ? SYS_MUNMAP : SYS_MADVISE, DROP_BASE,
                      pages);
        break;
    case DROP_STOP:
        workload_mark(thread, "end");
        break;
    case DROP_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case DROP_END:
        return false;
    }
    if (is_done)
        thread->phase = drop_next_phase(thread);
    return true;
}

static uint64_t drop_reads(const uint64_t *values)
{
    return values[DROP_READS] * values[DROP_ROUNDS];
}

static bool drop_step_reader(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    uint64_t base = drop_warm_base(values, thread->index);
    bool is_done = true;

    switch ((enum drop_reader_phase) thread->phase) {
    case READER_WARM:
        is_done = workload_access(thread, OP_STORE, base, values[DROP_WARM]);
        break;
    case READER_READ:
        is_done = workload_read_round(thread, base, values[DROP_WARM],
                                      drop_reads(values),
                                      (uint32_t) values[DROP_WORK]);
        break;
    case READER_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case READER_END:
        return false;
    }
    if (is_done) {
        thread->phase++;
        thread->position = 0;
    }
    return true;
}

static bool drop_step_madvise(struct workload_thread *thread)
{
    return thread->index ? drop_step_reader(thread)
                         : drop_step_dropper(thread, false);
}

static bool drop_step_munmap(struct workload_thread *thread)
{
    return thread->index ? drop_step_reader(thread)
                         : drop_step_dropper(thread, true);
}

static uint64_t drop_count_quiet(const struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    uint64_t reads = drop_reads(values) * (values[DROP_WORK] + 1);

    if (!thread->index) {
        if (thread->phase == DROP_TOUCH)
            return values[DROP_PAGES] - thread->position + values[DROP_OWN];
        return thread->phase == DROP_READ_OWN
                   ? values[DROP_OWN] - thread->position
                   : 0;
    }
    if (thread->phase == READER_WARM)
        return values[DROP_WARM] - thread->position + reads;
    if (thread->phase == READER_READ)
        return reads - thread->position * (values[DROP_WORK] + 1);
    return 0;
}

/* What both generators have in common; sys_per_round is 1 or 2. */
static uint64_t drop_count(const uint64_t *values, uint32_t thread_index,
                           uint64_t sys_per_round)
{
    uint64_t per_read = values[DROP_WORK] ? 2 : 1;
    uint64_t per_round = values[DROP_PAGES] + values[DROP_OWN] + sys_per_round;
    uint64_t maps_warm = values[DROP_OWN] || values[DROP_THREADS];

    if (thread_index)
        return values[DROP_WARM] + per_read * drop_reads(values) + 1;
    return maps_warm + values[DROP_THREADS] + (sys_per_round == 1) + 3 +
           values[DROP_ROUNDS] * per_round;
}

static uint64_t drop_count_madvise(const uint64_t *values,
                                   uint32_t thread_index)
{
    return drop_count(values, thread_index, 1);
}

static uint64_t drop_count_munmap(const uint64_t *values, uint32_t thread_index)
{
    return drop_count(values, thread_index, 2);
}

extern const struct workload_ops mmusim__workload_madvise;
const struct workload_ops mmusim__workload_madvise = {
    .name = "madvise",
    .help = "one thread gives pages back (MADV_DONTNEED) while others read",
    .params = drop_params,
    .count_threads = drop_count_threads,
    .step = drop_step_madvise,
    .count_quiet = drop_count_quiet,
    .count_records = drop_count_madvise,
};

extern const struct workload_ops mmusim__workload_munmap;
const struct workload_ops mmusim__workload_munmap = {
    .name = "munmap",
    .help = "one thread maps, touches and unmaps pages while others read",
    .params = drop_params,
    .count_threads = drop_count_threads,
    .step = drop_step_munmap,
    .count_quiet = drop_count_quiet,
    .count_records = drop_count_munmap,
};
