/* SPDX-License-Identifier: MIT */
/* Threads, and the kernel's start and end: see process.h. */
#include "os/process.h"

#include "os/khugepaged.h"
#include "os/ksm.h"
#include "os/mm.h"
#include "os/page_cache.h"
#include "os/page_table.h"
#include "os/reclaim.h"
#include "os/scheduler.h"
#include "os/thread_placement.h"

#include <stdlib.h>

enum { /* first numbers of the CPUs' streams */
       GATHER_RNG_STREAM = 0x50000,
       EXEC_RNG_STREAM = 0x60000,
};

static void thread_wake_fire(void *context, struct event *event)
{
    struct thread *thread = context;
    struct kernel *kernel = thread->kernel;

    kernel->now = event->key.cycle;
    mmusim__sched_wake(kernel, thread);
}

static struct thread *thread_by_tid(struct kernel *kernel, uint32_t tid)
{
    uint32_t low = 0;
    uint32_t high = kernel->n_threads;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (kernel->threads[kernel->thread_order[middle]].tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == kernel->n_threads)
        return NULL;
    return &kernel->threads[kernel->thread_order[low]];
}

struct thread *mmusim__thread_unborn(struct kernel *kernel, uint32_t tid)
{
    struct thread *thread;

    mmusim__threads_update(kernel);
    thread = thread_by_tid(kernel, tid);
    if (!thread || thread->tid != tid || thread->state != THREAD_UNBORN)
        return NULL;
    return thread;
}

void mmusim__thread_start(struct kernel *kernel, struct thread *thread,
                          struct mm *mm, uint64_t now)
{
    thread->mm = mm;
    if (mm)
        mm->n_threads++;
    kernel->n_live++;
    mmusim__sched_enqueue(kernel, thread, now);
}

void mmusim__thread_make_kernel(struct kernel *kernel, struct cpu *cpu,
                                struct thread *thread)
{
    struct mm *mm = thread->mm;

    if (!mm)
        return;
    mmusim__kernel_map_build(kernel);
    thread->mm = NULL;
    cpu->is_kernel_thread = true;
    cpu->system->protocol->enter_lazy(cpu);
    /* As the first line of a thread there is nothing to unmap; later, what is
     * there goes without a flush: no user code runs on the lazy CPUs. */
    if (mmusim__mm_leave(mm))
        mmusim__mm_discard(kernel, mm);
}

/* Insertion sort by tid; ties keep their order (the first is found). Threads
 * before the first are sorted already. */
static void threads_sort(struct kernel *kernel, uint32_t first)
{
    uint32_t *order = kernel->thread_order;

    for (uint32_t i = first; i < kernel->n_threads; i++) {
        uint32_t tid = kernel->threads[i].tid;
        uint32_t at = i;

        while (at > 0 && kernel->threads[order[at - 1]].tid > tid) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

static void thread_init(struct kernel *kernel, struct thread *thread,
                        const struct source_thread *source, uint32_t index)
{
    thread->kernel = kernel;
    thread->tid = source->tid;
    thread->index = index;
    thread->order.last_sync = source->last_sync;
    thread->cpu = mmusim__thread_place(kernel, index);
    event_init(&thread->wake_event, thread_wake_fire, thread);
    kernel->on_thread_begin(thread);
}

void mmusim__threads_update(struct kernel *kernel)
{
    const struct mmusim_source *source = kernel->source;
    uint32_t first = kernel->n_threads;

    if (!source || source->n_threads == first)
        return;
    kernel->n_threads = source->n_threads;
    for (uint32_t i = first; i < source->n_threads; i++)
        thread_init(kernel, &kernel->threads[i], &source->threads[i], i);
    threads_sort(kernel, first);
}

static mmusim_status_t
threads_start_uncreated(struct kernel *kernel,
                        const struct mmusim_source *source)
{
    for (uint32_t i = 0; i < kernel->n_threads; i++) {
        struct mm *mm;

        if (source->threads[i].is_created)
            continue;
        mm = mmusim__mm_create(kernel);
        if (!mm)
            return kernel->system->status;
        mmusim__thread_start(kernel, &kernel->threads[i], mm, 0);
    }
    return MMUSIM_OK;
}

mmusim_status_t mmusim__threads_create(struct kernel *kernel,
                                       const struct mmusim_source *source)
{
    size_t room = (size_t) max_u64(source->n_threads, source->max_threads) + 1;

    kernel->source = source;
    kernel->threads = calloc(room, sizeof(*kernel->threads));
    kernel->thread_order = calloc(room, sizeof(*kernel->thread_order));
    if (!kernel->threads || !kernel->thread_order)
        return MMUSIM_NOMEM;
    mmusim__threads_update(kernel);
    return threads_start_uncreated(kernel, source);
}

struct frame_orders mmusim__kernel_frame_orders(const struct kernel *kernel)
{
    const struct pt_format *format = kernel->format;
    struct frame_orders orders = {0};

    mmusim__frame_orders_add(&orders, format->granule_order);
    for (uint32_t level = 0; level < format->n_levels; level++) {
        mmusim__frame_orders_add(&orders,
                                 mmusim__pt_table_order(format, level));
        if (format->levels[level].has_leaves)
            mmusim__frame_orders_add(&orders, pt_level_order(format, level));
    }
    return orders;
}

static void kernel_init_gathers(struct kernel *kernel)
{
    const struct system *system = kernel->system;
    const struct gather_habitat habitat = {
        .isa = system->isa,
        .page_bytes = kernel_page_bytes(kernel),
        .has_joint_tables = kernel->format->levels[0].joint_log2 > 0,
        .has_pv_flush = system->virt.has_pv_flush,
        .failures_per_million = kernel->config.gather_failures_per_million,
    };

    kernel->gather_shape =
        mmusim__gather_shape(system->protocol->mm_rules, &habitat);
    for (uint32_t i = 0; i < system->n_cpus; i++) {
        struct os_cpu *cpu = &kernel->cpus[i];

        cpu->cpu = &kernel->system->cpus[i];
        cpu->kernel = kernel;
        cpu->numa_tick_cycle = kernel->config.has_numa_balancing
                                   ? kernel->config.numa_scan_period_cycles
                                   : CYCLE_NEVER;
        mmusim__gather_init(&cpu->gather, &kernel->gather_shape,
                            kernel->config.seed, GATHER_RNG_STREAM + i);
        mmusim__rng_init(&cpu->rng, kernel->config.seed, EXEC_RNG_STREAM + i);
    }
}

mmusim_status_t mmusim__kernel_init(struct kernel *kernel)
{
    struct frame_orders orders = mmusim__kernel_frame_orders(kernel);
    uint32_t n_cpus = kernel->system->n_cpus;
    mmusim_status_t status;

    kernel->frames = mmusim__frame_alloc_create_nodes(
        kernel->config.memory_bytes, &orders, kernel->system->n_sockets);
    kernel->page_cache = mmusim__page_cache_create();
    kernel->cpus = calloc(n_cpus, sizeof(*kernel->cpus));
    kernel->faults = calloc(n_cpus, sizeof(*kernel->faults));
    if (!kernel->frames || !kernel->page_cache || !kernel->cpus ||
        !kernel->faults)
        return MMUSIM_NOMEM;
    kernel_init_gathers(kernel);
    status = mmusim__khugepaged_init(kernel);
    if (!status)
        status = mmusim__ksm_init(kernel);
    if (!status)
        status = mmusim__reclaim_init(kernel);
    if (status)
        return status;
    mmusim__frame_alloc_on_free(kernel->frames, mmusim__reclaim_on_free,
                                kernel);
    status = mmusim__frame_get(kernel->frames, kernel->format->granule_order,
                               &kernel->zero_page);
    if (!status)
        status = mmusim__mm_init_kernel(kernel);
    if (!status)
        mmusim__kernel_map_init(kernel);
    return status;
}

static void kernel_free_mms(struct kernel *kernel)
{
    if (kernel->init_mm.areas)
        mmusim__mm_release(kernel, &kernel->init_mm);
    while (kernel->mms) {
        struct mm *mm = kernel->mms;

        kernel->mms = mm->next;
        mmusim__mm_release(kernel, mm);
    }
}

/* Tables that a run cut short had unlinked and not yet freed. */
static void kernel_free_gathered(struct kernel *kernel,
                                 struct mmu_gather *gather)
{
    for (uint32_t i = 0; i < gather->n_tables; i++)
        mmusim__pt_table_free(kernel, gather->tables[i]);
    for (uint32_t i = 0; i < gather->n_pages; i++) {
        if (gather->pages[i].is_table)
            mmusim__pt_table_free(kernel, gather->pages[i].pfn);
    }
    mmusim__gather_fini(gather);
}

void mmusim__kernel_fini(struct kernel *kernel)
{
    if (!kernel->system)
        return;
    kernel_free_mms(kernel);
    for (uint32_t i = 0; kernel->cpus && i < kernel->system->n_cpus; i++) {
        kernel_free_gathered(kernel, &kernel->cpus[i].gather);
        mmusim__unmap_plan_fini(&kernel->cpus[i].plan);
        free(kernel->cpus[i].migration.pages);
    }
    mmusim__reclaim_fini(kernel);
    mmusim__khugepaged_fini(kernel);
    mmusim__ksm_fini(kernel);
    mmusim__frame_alloc_destroy(kernel->frames);
    mmusim__page_cache_destroy(kernel->page_cache);
    free(kernel->cpus);
    free(kernel->faults);
    free(kernel->threads);
    free(kernel->thread_order);
}
