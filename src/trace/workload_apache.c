/* SPDX-License-Identifier: MIT */
/*
 * apache-like: worker threads of one process each map a small file, read it,
 * work, and unmap it, request after request, as Apache with EnableMMAP serves a
 * static page: every request is a shootdown of all workers' CPUs. (LATR, ASPLOS
 * 2018, section 6: pages of 10 KB.)
 */
#include "trace/workload_steps.h"

enum { SERVE_THREADS, SERVE_PAGES, SERVE_REQUESTS, SERVE_WORK };

enum serve_phase {
    SERVE_CLONE, /* thread 0 */
    SERVE_START, /* thread 0 */
    SERVE_MAP,
    SERVE_READ,
    SERVE_ANSWER,
    SERVE_UNMAP,
    SERVE_STOP, /* thread 0 */
    SERVE_EXIT,
    SERVE_END
};

static const struct workload_param serve_params[] = {
    {"threads", 1, 256, 4, "worker threads"},
    {"pages", 1, 65536, 3, "pages of the file"},
    {"requests", 1, UINT64_C(1) << 32, 200, "requests of each worker"},
    {"work", 0, 100000000, 20000, "instructions of a request besides"},
    {0},
};

static uint32_t serve_count_threads(const uint64_t *values)
{
    return (uint32_t) values[SERVE_THREADS];
}

/* Each worker maps at a place of its own. */
static uint64_t serve_place(const struct workload_thread *thread)
{
    const uint64_t *values = thread->values;

    return workload_base(values[SERVE_THREADS] * values[SERVE_PAGES]) +
           thread->index * values[SERVE_PAGES] * BASE_PAGE_BYTES;
}

static void serve_map(struct workload_thread *thread)
{
    workload_emit_sys(
        thread,
        (struct sys_op){.kind = SYS_MMAP,
                        .flags = SYS_PROT_READ | SYS_MAP_SHARED | SYS_MAP_FILE,
                        .vaddr = serve_place(thread),
                        .length_bytes =
                            thread->values[SERVE_PAGES] * BASE_PAGE_BYTES,
                        .name = "index.html"});
}

static uint32_t serve_next_phase(struct workload_thread *thread)
{
    thread->position = 0;
    if (thread->phase != SERVE_UNMAP)
        return thread->phase + 1;
    if (++thread->round < thread->values[SERVE_REQUESTS])
        return SERVE_MAP;
    return thread->index ? SERVE_EXIT : SERVE_STOP;
}

static bool serve_step(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    bool is_done = true;

    if (thread->index && thread->phase < SERVE_MAP)
        thread->phase = SERVE_MAP;
    switch ((enum serve_phase) thread->phase) {
    case SERVE_CLONE:
        is_done = workload_clone(thread, values[SERVE_THREADS] - 1);
        break;
    case SERVE_START:
        workload_mark(thread, "start");
        break;
    case SERVE_MAP:
        serve_map(thread);
        break;
    case SERVE_READ:
        is_done = workload_access(thread, OP_LOAD, serve_place(thread),
                                  values[SERVE_PAGES]);
        break;
    case SERVE_ANSWER:
        if (values[SERVE_WORK])
            workload_emit(thread, OP_NOMEM, 0, 0,
                          (uint32_t) values[SERVE_WORK]);
        break;
    case SERVE_UNMAP:
        workload_drop(thread, SYS_MUNMAP, serve_place(thread),
                      values[SERVE_PAGES]);
        break;
    case SERVE_STOP:
        workload_mark(thread, "end");
        break;
    case SERVE_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case SERVE_END:
        return false;
    }
    if (is_done)
        thread->phase = serve_next_phase(thread);
    return true;
}

static uint64_t serve_count_records(const uint64_t *values,
                                    uint32_t thread_index)
{
    uint64_t own = thread_index ? 0 : values[SERVE_THREADS] - 1 + 2;
    uint64_t request = 2 + values[SERVE_PAGES] + (values[SERVE_WORK] ? 1U : 0);

    return own + 1 + values[SERVE_REQUESTS] * request;
}

extern const struct workload_ops mmusim__workload_apache;
const struct workload_ops mmusim__workload_apache = {
    .name = "apache-like",
    .help = "workers map, read and unmap a file for every request",
    .params = serve_params,
    .count_threads = serve_count_threads,
    .step = serve_step,
    .count_quiet = workload_count_none,
    .count_records = serve_count_records,
};
