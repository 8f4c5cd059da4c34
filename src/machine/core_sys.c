/* SPDX-License-Identifier: MIT */
/* SYS records: order stamps, sleep, placement and marks are handled here, what
 * is a system call goes to os/. */
#include "machine/core_unit.h"

#include "coherence/observers.h"
#include "coherence/system.h"
#include "core/diag.h"
#include "core/page_size.h"
#include "machine/marks.h"
#include "machine/regions.h"
#include "os/order.h"
#include "os/process.h"
#include "os/scheduler.h"
#include "os/syscall.h"
#include "os/thread_placement.h"

/* Is the record in hand an operation that a stamp before it numbers? */
static bool core_sys_is_numbered(const struct sys_op *op)
{
    switch (op->kind) {
    case SYS_SYNC:
    case SYS_MARK:
    case SYS_IDLE:
    case SYS_ON:
    case SYS_KTHREAD:
    case SYS_IMAGE:
    case SYS_SITE:
    case SYS_KIND_COUNT:
        return false;
    case SYS_MMAP:
    case SYS_MUNMAP:
    case SYS_MPROTECT:
    case SYS_MREMAP:
    case SYS_BRK:
    case SYS_MADVISE:
    case SYS_FORK:
    case SYS_CLONE:
    case SYS_EXEC:
    case SYS_EXIT:
    case SYS_MIGRATE:
    case SYS_RECLAIM:
    case SYS_SYSCALL:
    case SYS_DMA:
    case SYS_CLEARREFS:
        return true;
    }
    return false;
}

/* The operation after the record in hand, which is skipped; NULL: none. */
static const struct sys_op *core_sys_next(struct core_unit *core,
                                          struct thread_stream *stream)
{
    struct system *system = core->cpu->system;
    uint32_t n_records = stream->piece.n_records;
    mmusim_status_t status;

    mmusim__stream_skip(stream);
    if (stream_has_record(stream))
        return mmusim__stream_sys(stream);
    status = mmusim__stream_fill(stream, &system->diag);
    core->on_records(core->records_context, n_records);
    if (status)
        system_fail(system, status);
    /* A stamp whose operation is not there yet numbers nothing. */
    core->kernel->order_broken += stream->piece.is_late;
    return mmusim__stream_sys(stream);
}

/* `sync n` at cycle now: is_blocking if it ends an `idle`, which holds in any
 * order. */
static void core_sync(struct core_unit *core, struct thread *thread,
                      struct thread_stream *stream, uint64_t now,
                      bool is_blocking)
{
    struct kernel *kernel = core->kernel;
    uint64_t n = mmusim__stream_sys(stream)->number;
    const struct sys_op *next = core_sys_next(core, stream);
    bool is_own = next && core_sys_is_numbered(next);

    kernel->now = now;
    if (!mmusim__order_arrive(kernel, thread, n, is_own) &&
        !kernel->is_order_recorded && !is_blocking)
        thread->order.is_waiting = false;
    mmusim__order_wake_all(kernel, mmusim__sched_wake);
}

static uint64_t core_ns_to_cycles(const struct core_unit *core, uint64_t ns)
{
    uint64_t khz = core->clock_khz;

    /* Rounded half up; sleeps beyond 2^63 cycles do not end. */
    if (ns > (UINT64_MAX - 500000) / khz)
        return UINT64_MAX >> 1;
    return (ns * khz + 500000) / 1000000;
}

static void core_idle(struct core_unit *core, struct thread *thread,
                      struct thread_stream *stream)
{
    uint64_t ns = mmusim__stream_sys(stream)->number;
    const struct sys_op *next = core_sys_next(core, stream);

    if (next && next->kind == SYS_SYNC)
        core_sync(core, thread, stream, core->cpu->now, true);
    mmusim__sched_sleep(core->kernel, core->cpu, core_ns_to_cycles(core, ns));
}

void mmusim__core_slept(struct core_unit *core, struct thread *thread,
                        struct thread_stream *stream)
{
    struct kernel *kernel = core->kernel;
    uint64_t now = kernel->now;
    uint64_t cycles =
        core_ns_to_cycles(core, mmusim__stream_sys(stream)->number);
    const struct sys_op *next = core_sys_next(core, stream);

    if (next && next->kind == SYS_SYNC)
        core_sync(core, thread, stream, now, true);
    if (cycles || !thread->order.is_waiting)
        mmusim__sched_wake_at(
            kernel, thread,
            max_u64(now, cycle_add(stream->away_cycle, cycles)));
}

/* A mapping with pages of a size that the machine has none of. */
static bool core_lacks_page_size(struct core_unit *core,
                                 const struct thread *thread,
                                 const struct thread_stream *stream,
                                 const struct sys_op *op)
{
    const struct pt_format *format = core->kernel->format;
    struct system *system = core->cpu->system;
    char name[PAGE_SIZE_TEXT_BYTES];

    if (op->kind != SYS_MMAP || !op->huge_order ||
        pt_leaf_level(format, op->huge_order) != PT_MAX_LEVELS)
        return false;
    mmusim__page_size_print(op->huge_order, name);
    mmusim__diag_set(
        &system->diag, MMUSIM_UNSUPPORTED,
        "thread %u, record %llu: huge=%s, but the machine's page tables (%s) "
        "have no such page",
        (unsigned) thread->tid,
        (unsigned long long) (stream->piece.first_record + stream->next), name,
        format->name);
    system_fail(system, MMUSIM_UNSUPPORTED);
    return true;
}

/* A device's access on a machine without devices. */
static bool core_lacks_device(struct core_unit *core,
                              const struct thread *thread,
                              const struct thread_stream *stream,
                              const struct sys_op *op)
{
    struct system *system = core->cpu->system;

    if (op->kind != SYS_DMA || system->iommu)
        return false;
    mmusim__diag_set(
        &system->diag, MMUSIM_UNSUPPORTED,
        "thread %u, record %llu: dma, but the machine has no device "
        "(iommu.devices=0; at least 1)",
        (unsigned) thread->tid,
        (unsigned long long) (stream->piece.first_record + stream->next));
    system_fail(system, MMUSIM_UNSUPPORTED);
    return true;
}

static void core_system_call(struct core_unit *core, struct thread *thread,
                             struct thread_stream *stream,
                             const struct sys_op *op)
{
    struct system *system = core->cpu->system;

    if (core_lacks_page_size(core, thread, stream, op) ||
        core_lacks_device(core, thread, stream, op))
        return;
    if (core->cpu->observed)
        core->cpu->observed->pc = mmusim__stream_pc(stream);
    if (!mmusim__syscall(core->cpu, core->kernel, op)) {
        static const char *const words[] = {
#define SYS_KIND_WORD(name, word) word,
            SYS_KIND_MAP(SYS_KIND_WORD)
#undef SYS_KIND_WORD
        };

        mmusim__diag_set(
            &system->diag, MMUSIM_UNSUPPORTED,
            "thread %u, record %llu: `%s` is not modelled in "
            "this version",
            (unsigned) thread->tid,
            (unsigned long long) (stream->piece.first_record + stream->next),
            words[op->kind]);
        system_fail(system, MMUSIM_UNSUPPORTED);
    }
    mmusim__stream_skip(stream);
}

void mmusim__core_sys(struct core_unit *core, struct thread *thread,
                      struct thread_stream *stream)
{
    const struct sys_op *op = mmusim__stream_sys(stream);
    uint64_t number = op->number;

    if (core_sys_is_numbered(op)) {
        core_system_call(core, thread, stream, op);
    } else if (op->kind == SYS_SYNC) {
        core_sync(core, thread, stream, core->cpu->now, false);
    } else if (op->kind == SYS_IDLE) {
        core_idle(core, thread, stream);
    } else if (op->kind == SYS_ON) {
        mmusim__stream_skip(stream);
        mmusim__sched_move(core->kernel, core->cpu,
                           mmusim__thread_place(core->kernel, number)->id);
    } else if (op->kind == SYS_KTHREAD) {
        mmusim__stream_skip(stream);
        mmusim__thread_make_kernel(core->kernel, core->cpu, thread);
    } else if (op->kind == SYS_IMAGE || op->kind == SYS_SITE) {
        if (core->cpu->observed && op->kind == SYS_IMAGE)
            mmusim__observe_image(core->cpu, op);
        else if (core->cpu->observed)
            mmusim__observe_site(core->cpu, op->vaddr);
        mmusim__stream_skip(stream);
    } else {
        if (!mmusim__marks_add(core->marks, op->name, core->cpu->id,
                               core->cpu->now))
            system_fail(core->cpu->system, MMUSIM_NOMEM);
        else if (core->marks->regions)
            mmusim__regions_mark(core->marks->regions, core->cpu, op->name);
        if (core->cpu->observed)
            mmusim__observe_mark(core->cpu, op->name,
                                 mmusim__marks_last_index(core->marks));
        mmusim__stream_skip(stream);
    }
}

void mmusim__core_end_thread(struct core_unit *core)
{
    const struct sys_op op = {.kind = SYS_EXIT};

    mmusim__syscall(core->cpu, core->kernel, &op);
}
