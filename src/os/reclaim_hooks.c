/* SPDX-License-Identifier: MIT */
/* What reclaim has to hear of: entries, cached pages, frames that go. See
 * reclaim.h. */
#include "os/reclaim.h"

#include "core/check.h"
#include "os/ksm.h"
#include "os/page_cache.h"
#include "os/writeback.h"

/* The page of a frame that reclaim can know; NULL: memory is short. */
static struct page *hooks_page(struct kernel *kernel, pfn_t pfn)
{
    struct page *page = mmusim__page_make(kernel->reclaim->pages, pfn);

    if (!page)
        system_fail(kernel->system, MMUSIM_NOMEM);
    else
        page->node = (uint16_t) mmusim__frame_node(kernel->frames, pfn);
    return page;
}

static bool hooks_is_new(const struct page *page)
{
    return !(page->flags &
             (PAGE_LRU | PAGE_PENDING | PAGE_ISOLATED | PAGE_UNEVICTABLE));
}

/* lru_cache_add() on the CPU whose step this is. */
static void hooks_list(struct kernel *kernel, struct page *page)
{
    uint32_t cpu = kernel->system->acting_cpu;

    mmusim__lru_defer(&kernel->reclaim->pending[cpu], page, cpu);
}

static void hooks_map(struct kernel *kernel, struct mm *mm, uint64_t vaddr,
                      pfn_t pfn)
{
    struct page *page = hooks_page(kernel, pfn);

    if (!page)
        return;
    if (!mmusim__page_map(kernel->reclaim->pages, page, mm, vaddr)) {
        system_fail(kernel->system, MMUSIM_NOMEM);
        return;
    }
    if (!hooks_is_new(page) || mmusim__frame_order(kernel->frames, pfn) !=
                                   kernel->format->granule_order)
        return;
    /* lru_cache_add_active_or_unevictable() of a new anonymous page */
    page->flags |= PAGE_ACTIVE;
    hooks_list(kernel, page);
}

void mmusim__reclaim_on_entry(struct kernel *kernel, struct mm *mm,
                              uint64_t vaddr, pfn_t old, pfn_t now)
{
    pfn_t none = {0};

    if (!kernel->reclaim || mm == &kernel->init_mm || mm->is_untracked)
        return;
    if (old.v == kernel->zero_page.v)
        old = none;
    if (now.v == kernel->zero_page.v)
        now = none;
    if (old.v == now.v)
        return;
    if (old.v) {
        struct page *page = mmusim__page_find(kernel->reclaim->pages, old);

        mmusim_assert(page);
        if (page)
            mmusim__page_unmap(kernel->reclaim->pages, page, mm, vaddr);
    }
    if (now.v)
        hooks_map(kernel, mm, vaddr, now);
}

void mmusim__reclaim_on_cached(struct kernel *kernel, pfn_t pfn,
                               uint32_t file_id, uint64_t index)
{
    struct page *page = hooks_page(kernel, pfn);

    if (!page)
        return;
    page->file_id = file_id;
    page->index = index;
    if (mmusim__page_cache_is_unnamed(kernel->page_cache, file_id))
        page->flags |= PAGE_UNEVICTABLE; /* shmem: not modelled */
    else if (hooks_is_new(page))
        hooks_list(kernel, page);
}

void mmusim__reclaim_set_dirty(struct kernel *kernel, pfn_t pfn)
{
    struct page *page = mmusim__page_find(kernel->reclaim->pages, pfn);

    if (!page || !page->file_id ||
        (page->flags & (PAGE_DIRTY | PAGE_UNEVICTABLE)))
        return;
    page->flags |= PAGE_DIRTY;
    kernel->vm.nr_dirtied++;
    if (!mmusim__writeback_queue(&kernel->reclaim->dirty, page))
        system_fail(kernel->system, MMUSIM_NOMEM);
    else
        mmusim__writeback_balance(kernel);
}

void mmusim__reclaim_on_free(void *context, pfn_t pfn)
{
    struct reclaim *reclaim = ((struct kernel *) context)->reclaim;
    struct page *page = reclaim ? mmusim__page_find(reclaim->pages, pfn) : NULL;

    if (!page)
        return;
    mmusim_assert(!page_is_mapped(page));
    if (page->flags & PAGE_LRU)
        mmusim__lru_remove(reclaim_lru_of(reclaim, page), page);
    if (page->flags & PAGE_PENDING)
        mmusim__lru_forget(&reclaim->pending[page->pending_cpu], page);
    if (page->file_id && (page->flags & PAGE_DIRTY))
        reclaim->dirty.n_dirty--;
    if (page->flags & PAGE_KSM)
        mmusim__ksm_on_free(context, page);
    page->flags = 0;
    page->file_id = 0;
    page->index = 0;
    page->hint_node = 0;
}

static struct page *hooks_anonymous(struct kernel *kernel, pfn_t pfn)
{
    struct page *page = mmusim__page_find(kernel->reclaim->pages, pfn);

    return page && !page->file_id ? page : NULL;
}

void mmusim__reclaim_set_lazy(struct kernel *kernel, pfn_t pfn)
{
    struct page *page = hooks_anonymous(kernel, pfn);

    /* of a merged page every owner would have to say so */
    if (page && !(page->flags & PAGE_KSM))
        page->flags &= (uint16_t) ~PAGE_DIRTY;
}

void mmusim__reclaim_set_precious(struct kernel *kernel, pfn_t pfn)
{
    struct page *page = hooks_anonymous(kernel, pfn);

    if (page)
        page->flags |= PAGE_DIRTY;
}

bool mmusim__reclaim_holds(const struct kernel *kernel, pfn_t pfn)
{
    const struct page *page = mmusim__page_find(kernel->reclaim->pages, pfn);

    return page && (page->flags & PAGE_ISOLATED);
}

void mmusim__reclaim_deactivate(struct kernel *kernel, pfn_t pfn)
{
    struct page *page = mmusim__page_find(kernel->reclaim->pages, pfn);
    bool was_listed = page && (page->flags & PAGE_LRU);

    if (!page || (page->flags & (PAGE_ISOLATED | PAGE_UNEVICTABLE)))
        return;
    if (was_listed)
        mmusim__lru_remove(reclaim_lru_of(kernel->reclaim, page), page);
    kernel->vm.pgdeactivate += (page->flags & PAGE_ACTIVE) > 0;
    page->flags &= (uint16_t) ~(PAGE_ACTIVE | PAGE_REFERENCED);
    if (was_listed)
        mmusim__lru_add_tail(reclaim_lru_of(kernel->reclaim, page), page);
}

uint32_t mmusim__reclaim_drain_all(struct kernel *kernel, uint32_t node)
{
    struct reclaim *reclaim = kernel->reclaim;
    uint32_t n = 0;

    for (uint32_t i = 0; i < kernel->system->n_cpus; i++)
        n += mmusim__lru_drain(&reclaim->nodes[node].lru, &reclaim->pending[i],
                               reclaim->pending[i].n_pages);
    return n;
}
