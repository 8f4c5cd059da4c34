/* SPDX-License-Identifier: MIT */
/*
 * Reclaim of a range: madvise(PAGEOUT) of Linux 5.4 and later (mm/madvise.c
 * madvise_cold_or_pageout_pte_range, mm/vmscan.c reclaim_pages) under mmap_lock
 * for reading, and the record `reclaim`: the kernel does the same for the
 * thread's address space, shared pages included. Pages go whether referenced or
 * not, as far as reclaim can take them: file pages that are clean, anonymous
 * ones where there is swap.
 *
 * The pages that wait in the pagevecs of all CPUs come to their lists first
 * (lru_add_drain_all), so that a page just touched can go. A cluster is of one
 * node's pages (reclaim_pages) and ends where another's begin.
 */
#include "os/page_table.h"
#include "os/reclaim.h"
#include "os/syscall.h"

struct pageout_frame {
    struct sys_frame sys;
    struct lock_waiter list_waiter;
    struct page *pages[RECLAIM_CLUSTER];
    struct lru *locked;
    uint32_t node; /* whose lists to take from next */
    uint32_t n;
    uint32_t n_reclaimed;
};

enum { PAGEOUT_MAX_SCAN = 512 }; /* entries, with the lists locked */
enum { PAGEOUT_LOCK, PAGEOUT_ISOLATE, PAGEOUT_SHRINK };

/* MADV_PAGEOUT leaves pages alone that others map, too. */
static bool pageout_takes(const struct pageout_frame *pageout,
                          const struct page *page)
{
    return pageout->sys.op.kind == SYS_RECLAIM || !page->map.next;
}

/* False: it is another node's, for the next cluster. */
static bool pageout_take(struct pageout_frame *pageout,
                         const struct pte_slot *slot)
{
    struct kernel *kernel = pageout->sys.kernel;
    struct pt_entry entry;
    struct page *page;

    if (slot->table->level || !mmusim__pte_maps(kernel, slot, &entry))
        return true;
    page = mmusim__page_find(kernel->reclaim->pages, entry.pfn);
    if (!page || !pageout_takes(pageout, page))
        return true;
    if (page->node != pageout->node) {
        pageout->node = page->node;
        return false;
    }
    if (mmusim__shrink_isolate(kernel, page))
        pageout->pages[pageout->n++] = page;
    return true;
}

/* A cluster of the range, under lru_lock. */
static void pageout_isolate(struct cpu *cpu, struct pageout_frame *pageout)
{
    struct sys_frame *sys = &pageout->sys;
    const struct cost_config *cost = &cpu->system->cost;
    uint64_t n_moved = mmusim__reclaim_drain_all(sys->kernel, pageout->node);
    uint64_t n_scanned = 0;
    struct pte_slot slot;

    pageout->n = 0;
    while (pageout->n < RECLAIM_CLUSTER && n_scanned < PAGEOUT_MAX_SCAN) {
        if (!mmusim__pte_next_table(sys->kernel, sys->mm, sys->cursor, sys->end,
                                    &slot, &sys->cursor)) {
            sys->cursor = sys->end;
            break;
        }
        if (!pageout_take(pageout, &slot))
            break;
        sys->cursor += mmusim__pte_bytes(&slot, sys->kernel->format);
        n_scanned++;
    }
    mmusim__cpu_busy(cpu,
                     (n_moved + pageout->n) * cost->lru_move_cycles +
                         n_scanned * cost->pte_scan_cycles,
                     BUCKET_KERNEL);
}

static bool pageout_is_done(const struct sys_frame *sys)
{
    return sys->cursor >= sys->end || sys->mm == &sys->kernel->init_mm ||
           !mmusim__sys_range_is_sound(sys, sys->start, sys->end);
}

static enum sys_body pageout_body(struct cpu *cpu, struct sys_frame *sys)
{
    struct pageout_frame *pageout = (struct pageout_frame *) sys;
    struct reclaim *reclaim = sys->kernel->reclaim;

    switch (sys->step) {
    case PAGEOUT_LOCK:
        if (pageout_is_done(sys)) {
            mmusim__sys_effect(cpu, sys->kernel);
            return SYS_LEAVE;
        }
        sys->step = PAGEOUT_ISOLATE;
        pageout->locked = &reclaim->nodes[pageout->node].lru;
        mmusim__lru_lock(cpu, pageout->locked, &pageout->list_waiter);
        return SYS_AGAIN;
    case PAGEOUT_ISOLATE:
        sys->step = PAGEOUT_SHRINK;
        pageout_isolate(cpu, pageout);
        return SYS_AGAIN;
    default:
        sys->step = PAGEOUT_LOCK;
        mmusim__lru_unlock(cpu, pageout->locked);
        if (pageout->n)
            mmusim__shrink_pages(cpu, sys->kernel, pageout->pages, pageout->n,
                                 &pageout->n_reclaimed);
        return SYS_AGAIN;
    }
}

const struct sys_call mmusim__sys_pageout = {
    SYS_LOCK_READ,
    pageout_body,
    sizeof(struct pageout_frame),
};
