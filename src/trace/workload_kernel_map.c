/* SPDX-License-Identifier: MIT */
/*
 * kernel-map: kernel threads, one to a CPU. The first maps P pages of kernel
 * addresses and writes them (vmalloc), all the others read them, then it unmaps
 * them (vfree): a kernel-range flush, which goes to every CPU whether or not
 * any has the pages.
 *
 * Stamp 2r + 1 is the mapping of round r, 2r + 2 its end, as in mmap-micro.
 */
#include "trace/workload_steps.h"

enum { VMALLOC_THREADS, VMALLOC_PAGES, VMALLOC_ROUNDS };

enum vmalloc_phase {
    VMALLOC_BEGIN,
    VMALLOC_START,
    VMALLOC_MAP,
    VMALLOC_WRITE,
    VMALLOC_FREE,
    VMALLOC_STOP,
    VMALLOC_EXIT,
    VMALLOC_END
};

enum vmalloc_reader_phase {
    VREADER_BEGIN,
    VREADER_WAIT,
    VREADER_READ,
    VREADER_LAST,
    VREADER_EXIT,
    VREADER_END
};

/* Linux 4.6, Documentation/x86/x86_64/mm.txt: the vmalloc/ioremap space. */
#define VMALLOC_BASE UINT64_C(0xffffc90000000000)

static const struct workload_param vmalloc_params[] = {
    {"threads", 0, 255, 3, "other kernel threads, which read the pages"},
    {"pages", 1, UINT64_C(1) << 20, 16, "pages mapped and unmapped a round"},
    {"rounds", 1, UINT64_C(1) << 32, 100, "times they are mapped"},
    {0},
};

/* Addresses go up from round to round, a guard page behind each area, as those
 * of alloc_vmap_area() do until a purge; for a TiB. */
static uint64_t vmalloc_base(const struct workload_thread *thread)
{
    uint64_t area_pages = thread->values[VMALLOC_PAGES] + 1;
    uint64_t n_areas = (UINT64_C(1) << 28) / area_pages;

    return VMALLOC_BASE +
           thread->round % n_areas * area_pages * BASE_PAGE_BYTES;
}

static uint32_t vmalloc_count_threads(const uint64_t *values)
{
    return (uint32_t) values[VMALLOC_THREADS] + 1;
}

static uint32_t vmalloc_next_phase(struct workload_thread *thread)
{
    thread->position = 0;
    if (thread->phase == VMALLOC_FREE &&
        ++thread->round < thread->values[VMALLOC_ROUNDS])
        return VMALLOC_MAP;
    return thread->phase + 1;
}

static bool vmalloc_step_owner(struct workload_thread *thread)
{
    uint64_t pages = thread->values[VMALLOC_PAGES];
    bool is_done = true;

    switch ((enum vmalloc_phase) thread->phase) {
    case VMALLOC_BEGIN:
        workload_call(thread, SYS_KTHREAD, 0);
        break;
    case VMALLOC_START:
        workload_mark(thread, "start");
        break;
    case VMALLOC_MAP:
        workload_call(thread, SYS_SYNC, 2 * thread->round + 1);
        workload_map(thread, vmalloc_base(thread), pages,
                     SYS_PROT_READ | SYS_PROT_WRITE);
        break;
    case VMALLOC_WRITE:
        is_done =
            workload_access(thread, OP_STORE, vmalloc_base(thread), pages);
        break;
    case VMALLOC_FREE:
        workload_call(thread, SYS_SYNC, 2 * thread->round + 2);
        workload_drop(thread, SYS_MUNMAP, vmalloc_base(thread), pages);
        break;
    case VMALLOC_STOP:
        workload_mark(thread, "end");
        break;
    case VMALLOC_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case VMALLOC_END:
        return false;
    }
    if (is_done)
        thread->phase = vmalloc_next_phase(thread);
    return true;
}

static uint32_t vmalloc_next_reader_phase(struct workload_thread *thread)
{
    thread->position = 0;
    if (thread->phase == VREADER_READ &&
        ++thread->round < thread->values[VMALLOC_ROUNDS])
        return VREADER_WAIT;
    return thread->phase + 1;
}

static bool vmalloc_step_reader(struct workload_thread *thread)
{
    bool is_done = true;

    switch ((enum vmalloc_reader_phase) thread->phase) {
    case VREADER_BEGIN:
        workload_call(thread, SYS_KTHREAD, 0);
        break;
    case VREADER_WAIT:
        workload_call(thread, SYS_SYNC, 2 * thread->round + 1);
        break;
    case VREADER_READ:
        is_done = workload_access(thread, OP_LOAD, vmalloc_base(thread),
                                  thread->values[VMALLOC_PAGES]);
        break;
    case VREADER_LAST: /* the stamp must not number the exit */
        workload_call(thread, SYS_SYNC, 2 * thread->round);
        workload_emit(thread, OP_NOMEM, 0, 0, 1);
        break;
    case VREADER_EXIT:
        workload_call(thread, SYS_EXIT, 0);
        break;
    case VREADER_END:
        return false;
    }
    if (is_done)
        thread->phase = vmalloc_next_reader_phase(thread);
    return true;
}

static bool vmalloc_step(struct workload_thread *thread)
{
    return thread->index ? vmalloc_step_reader(thread)
                         : vmalloc_step_owner(thread);
}

static uint64_t vmalloc_count_records(const uint64_t *values,
                                      uint32_t thread_index)
{
    uint64_t pages = values[VMALLOC_PAGES];

    if (!thread_index)
        return 4 + values[VMALLOC_ROUNDS] * (4 + pages);
    return 4 + values[VMALLOC_ROUNDS] * (1 + pages);
}

static uint64_t vmalloc_last_stamp(const uint64_t *values,
                                   uint32_t thread_index)
{
    (void) thread_index;
    return 2 * values[VMALLOC_ROUNDS];
}

extern const struct workload_ops mmusim__workload_kernel_map;
const struct workload_ops mmusim__workload_kernel_map = {
    .name = "kernel-map",
    .help = "a kernel thread maps and unmaps pages that others read",
    .params = vmalloc_params,
    .are_independent = true,
    .count_threads = vmalloc_count_threads,
    .step = vmalloc_step,
    .count_quiet = workload_count_none,
    .last_stamp = vmalloc_last_stamp,
    .count_records = vmalloc_count_records,
};
