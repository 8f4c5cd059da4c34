/* SPDX-License-Identifier: MIT */
/*
 * Steps that several generators are made of: each emits records into the piece
 * in hand. Order stamps number the operations of a whole generator from 1; one
 * goes directly before its operation, or stands alone to wait for it.
 */
#ifndef MMUSIM_TRACE_WORKLOAD_STEPS_H
#define MMUSIM_TRACE_WORKLOAD_STEPS_H

#include "trace/workload.h"

/* Both 1 GiB aligned, in the user half. What fits lies below 3 GiB, where
 * 32-bit machines have it, too. */
#define WORKLOAD_LOW_BASE  UINT64_C(0x80000000)
#define WORKLOAD_HIGH_BASE UINT64_C(0x2000000000)

/* Where `pages` pages lie that several threads divide. */
static inline uint64_t workload_base(uint64_t pages)
{
    return pages <= UINT64_C(1) << 18 ? WORKLOAD_LOW_BASE : WORKLOAD_HIGH_BASE;
}

static inline void workload_mark(struct workload_thread *thread,
                                 const char *name)
{
    workload_emit_sys(thread, (struct sys_op){.kind = SYS_MARK, .name = name});
}

/* EXIT, EXEC, KTHREAD; or with a number: CLONE, FORK, ON, IDLE, SYNC. */
static inline void workload_call(struct workload_thread *thread,
                                 enum sys_kind kind, uint64_t number)
{
    workload_emit_sys(thread, (struct sys_op){.kind = kind, .number = number});
}

static inline void workload_map(struct workload_thread *thread, uint64_t vaddr,
                                uint64_t pages, uint32_t flags)
{
    workload_emit_sys(thread,
                      (struct sys_op){.kind = SYS_MMAP,
                                      .flags = flags,
                                      .vaddr = vaddr,
                                      .length_bytes = pages * BASE_PAGE_BYTES});
}

/* Gives pages back: MADV_DONTNEED, or munmap. */
static inline void workload_drop(struct workload_thread *thread,
                                 enum sys_kind kind, uint64_t vaddr,
                                 uint64_t pages)
{
    workload_emit_sys(
        thread,
        (struct sys_op){.kind = kind,
                        .advice = kind == SYS_MADVISE ? MADVICE_DONTNEED : 0,
                        .vaddr = vaddr,
                        .length_bytes = pages * BASE_PAGE_BYTES});
}

/* Page `page` of base, each in another cache line. */
static inline uint64_t workload_page(uint64_t base, uint64_t page)
{
    return base + page * BASE_PAGE_BYTES + workload_stagger(page);
}

/* Accesses pages [position, n) of base; true when all are done. */
static inline bool workload_access(struct workload_thread *thread,
                                   enum op_kind kind, uint64_t base, uint64_t n)
{
    while (thread->position < n && workload_has_room(thread)) {
        workload_emit(thread, kind, 0, workload_page(base, thread->position),
                      1);
        thread->position++;
    }
    return thread->position == n;
}

/* Creates threads 1 to n; true when all are there. */
static inline bool workload_clone(struct workload_thread *thread, uint64_t n)
{
    while (thread->position < n && workload_has_room(thread))
        workload_call(thread, SYS_CLONE,
                      workload_tid((uint32_t) ++thread->position));
    return thread->position == n;
}

/* `n` loads in all, page after page of `pages`, `work` other instructions
 * apart; true when all are done. position counts loads, round is the page. */
static inline bool workload_read_round(struct workload_thread *thread,
                                       uint64_t base, uint64_t pages,
                                       uint64_t n, uint32_t work)
{
    while (thread->position < n && workload_has_room(thread)) {
        if (work)
            workload_emit(thread, OP_NOMEM, 0, 0, work);
        workload_emit(thread, OP_LOAD, 0, workload_page(base, thread->round),
                      1);
        thread->position++;
        if (++thread->round == pages)
            thread->round = 0;
    }
    return thread->position == n;
}

/* No look-ahead: the next operation may come at once. */
static inline uint64_t workload_count_none(const struct workload_thread *thread)
{
    (void) thread;
    return 0;
}

#endif
