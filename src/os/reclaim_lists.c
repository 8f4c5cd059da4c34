/* SPDX-License-Identifier: MIT */
/* Pages off the LRU lists and back, for reclaim_shrink.c (Linux 4.6 mm/vmscan.c
 * isolate_lru_pages, putback_inactive_pages, move_active_pages_to_lru). */
#include "os/reclaim_parts.h"

bool mmusim__shrink_isolate(struct kernel *kernel, struct page *page)
{
    if (!(page->flags & PAGE_LRU))
        return false;
    mmusim__lru_remove(reclaim_lru_of(kernel->reclaim, page), page);
    page->flags |= PAGE_ISOLATED;
    mmusim__frame_ref(kernel->frames, page_pfn(page));
    return true;
}

void mmusim__shrink_take(struct cpu *cpu, struct shrink_frame *shrink)
{
    enum lru_kind kind = shrink->request.kind;
    struct lru *lru = shrink_lru(shrink);
    struct lru_list *list = &lru->lists[kind];

    while (shrink->n < shrink->request.n_to_scan && list->tail) {
        struct page *page = list->tail;

        mmusim__shrink_isolate(shrink->kernel, page);
        shrink->pages[shrink->n++] = page;
    }
    lru->n_scanned[lru_is_file(kind)] += shrink->n;
    if (lru_is_active(kind))
        shrink->kernel->vm.pgrefill += shrink->n;
    else if (shrink->request.who == RECLAIM_KSWAPD)
        shrink->kernel->vm.pgscan_kswapd += shrink->n;
    else
        shrink->kernel->vm.pgscan_direct += shrink->n;
    mmusim__cpu_busy(cpu,
                     (uint64_t) shrink->n * cpu->system->cost.lru_move_cycles,
                     BUCKET_KERNEL);
}

/* Gives a page up that the reclaimer has held. */
static void shrink_let_go(struct shrink_frame *shrink, struct page *page)
{
    page->flags &= (uint16_t) ~PAGE_ISOLATED;
    mmusim__frame_unref(shrink->kernel->frames, page_pfn(page));
}

static void shrink_put_back(struct shrink_frame *shrink, struct page *page,
                            enum shrink_verdict verdict)
{
    struct lru *lru = shrink_lru(shrink);
    bool is_file = page->file_id;

    if (verdict == VERDICT_ACTIVATE && !(page->flags & PAGE_ACTIVE))
        shrink->kernel->vm.pgactivate++;
    if (verdict == VERDICT_DEACTIVATE)
        shrink->kernel->vm.pgdeactivate++;
    if (verdict == VERDICT_ACTIVATE)
        page->flags |= PAGE_ACTIVE;
    if (verdict == VERDICT_DEACTIVATE)
        page->flags &= (uint16_t) ~PAGE_ACTIVE;
    if ((page->flags & PAGE_ACTIVE) && !lru_is_active(shrink->request.kind))
        lru->n_rotated[is_file]++;
    /* Somebody else's by now? Then not ours to list. */
    if (mmusim__frame_refs(shrink->kernel->frames, page_pfn(page)) > 1)
        mmusim__lru_add_head(lru, page);
    shrink_let_go(shrink, page);
    if (is_file && (page->flags & PAGE_DIRTY)) /* it could not have it yet */
        mmusim__daemon_wake(shrink->kernel, &shrink_reclaim(shrink)->flusher);
}

/* putback_inactive_pages(), move_active_pages_to_lru(); the lock is held. */
void mmusim__shrink_put(struct cpu *cpu, struct shrink_frame *shrink)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < shrink->n; i++) {
        enum shrink_verdict verdict = (enum shrink_verdict) shrink->verdicts[i];

        if (verdict == VERDICT_FREE)
            continue;
        shrink_put_back(shrink, shrink->pages[i], verdict);
        n++;
    }
    mmusim__cpu_busy(cpu, (uint64_t) n * cpu->system->cost.lru_move_cycles,
                     BUCKET_KERNEL);
}

bool mmusim__shrink_has_kept(const struct shrink_frame *shrink)
{
    for (uint32_t i = 0; i < shrink->n; i++) {
        if (shrink->verdicts[i] != VERDICT_FREE)
            return true;
    }
    return false;
}

void mmusim__shrink_free(struct cpu *cpu, struct shrink_frame *shrink)
{
    struct vm_counters *counters = &shrink->kernel->vm;
    uint32_t n = 0;

    for (uint32_t i = 0; i < shrink->n; i++) {
        if (shrink->verdicts[i] != VERDICT_FREE)
            continue;
        shrink_let_go(shrink, shrink->pages[i]);
        n++;
    }
    if (shrink->request.who == RECLAIM_KSWAPD)
        counters->pgsteal_kswapd += n;
    else
        counters->pgsteal_direct += n;
    *shrink->request.n_reclaimed += n;
    mmusim__cpu_busy(cpu, (uint64_t) n * cpu->system->cost.page_free_cycles,
                     BUCKET_KERNEL);
}
