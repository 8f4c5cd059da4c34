/* SPDX-License-Identifier: MIT */
/*
 * lru-file-mmap-read: processes that read mapped files of ten times the memory
 * from end to end, so that every page read makes reclaim take another one. It
 * is case-lru-file-mmap-read of vm-scalability, with which batched flushes of
 * reclaim were measured (M. Gorman, Linux commit 72b252aed506, 2015): as many
 * readers as CPUs, each a process with a sparse file of its own.
 *
 * scale is the memory that the files are ten times of: the machine's os.memory
 * should be the same. work stands for what a reader does with a page besides
 * its first load: 581 s of user time for the 168 million pages of 640 GiB
 * (Gorman's table) are 8300 cycles a page at 2.4 GHz, 16600 instructions at two
 * a cycle.
 *
 * The first process forks the others before it has mapped anything.
 */
#include "trace/workload_steps.h"

enum { LRU_READERS, LRU_SCALE, LRU_TIMES, LRU_WORK };

enum lru_phase { LRU_FORK, LRU_MAP, LRU_READ, LRU_EXIT, LRU_END };

#define LRU_BASE UINT64_C(0x10000000000) /* apart from all else: 1 TiB up */

static const struct workload_param lru_params[] = {
    {"readers", 1, 256, 48, "processes, one to a CPU"},
    {"scale", UINT64_C(1) << 20, UINT64_C(1) << 40, UINT64_C(1) << 30,
     "bytes of memory: the files together are so many times larger"},
    {"times", 1, 1000, 10, "times the memory"},
    {"work", 0, 1000000, 16600, "instructions between two pages"},
    {0},
};

static uint32_t lru_count_threads(const uint64_t *values)
{
    return (uint32_t) values[LRU_READERS];
}

static uint64_t lru_pages(const uint64_t *values)
{
    uint64_t pages = values[LRU_SCALE] / BASE_PAGE_BYTES * values[LRU_TIMES] /
                     values[LRU_READERS];

    return pages ? pages : 1;
}

/* The reader's own part of one large sparse file: a file of its own. */
static void lru_map(struct workload_thread *thread)
{
    uint64_t bytes = lru_pages(thread->values) * BASE_PAGE_BYTES;

    workload_emit_sys(thread,
                      (struct sys_op){.kind = SYS_MMAP,
                                      .flags = SYS_PROT_READ | SYS_MAP_FILE,
                                      .vaddr = LRU_BASE,
                                      .length_bytes = bytes,
                                      .file_offset = thread->index * bytes,
                                      .name = "sparse"});
}

static bool lru_fork(struct workload_thread *thread)
{
    uint64_t n = thread->index ? 0 : thread->values[LRU_READERS] - 1;

    while (thread->position < n && workload_has_room(thread))
        workload_call(thread, SYS_FORK,
                      workload_tid((uint32_t) ++thread->position));
    return thread->position == n;
}

static bool lru_read(struct workload_thread *thread)
{
    uint64_t n = lru_pages(thread->values);
    uint32_t work = (uint32_t) thread->values[LRU_WORK];

    while (thread->position < n && workload_has_room(thread)) {
        workload_emit(thread, OP_LOAD, 0,
                      workload_page(LRU_BASE, thread->position), 1);
        if (work)
            workload_emit(thread, OP_NOMEM, 0, 0, work);
        thread->position++;
    }
    return thread->position == n;
}

static bool lru_step(struct workload_thread *thread)
{
    bool is_done = true;

    switch ((enum lru_phase) thread->phase) {
    case LRU_FORK:
        is_done = lru_fork(thread);
        break;
    case LRU_MAP:
        lru_map(thread);
        break;
    case LRU_READ:
        is_done = lru_read(thread);
        break;
    case LRU_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case LRU_END:
        return false;
    }
    if (is_done) {
        thread->phase++;
        thread->position = 0;
    }
    return true;
}

static uint64_t lru_count_quiet(const struct workload_thread *thread)
{
    uint64_t left = lru_pages(thread->values) - thread->position;

    return thread->phase == LRU_READ ? left * (1 + thread->values[LRU_WORK])
                                     : 0;
}

static uint64_t lru_count_records(const uint64_t *values, uint32_t thread_index)
{
    uint64_t per_page = values[LRU_WORK] ? 2 : 1;

    return (thread_index ? 0 : values[LRU_READERS] - 1) + 2 +
           per_page * lru_pages(values);
}

extern const struct workload_ops mmusim__workload_lru_read;
const struct workload_ops mmusim__workload_lru_read = {
    .name = "lru-file-mmap-read",
    .help = "processes read mapped files of ten times the memory",
    .params = lru_params,
    .count_threads = lru_count_threads,
    .step = lru_step,
    .count_quiet = lru_count_quiet,
    .count_records = lru_count_records,
};
