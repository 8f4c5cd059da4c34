/* SPDX-License-Identifier: MIT */
/*
 * Some pages from the tail of a list (Linux 4.6 mm/vmscan.c
 * shrink_inactive_list, shrink_page_list, shrink_active_list,
 * page_check_references; mm/rmap.c page_referenced, try_to_unmap): taken off it
 * under lru_lock, looked at one by one through the reverse map, unmapped, and
 * after the flush freed or put back.
 *
 * Each look at an entry takes the address space's rmap_lock (anon_vma, i_mmap)
 * and the table's lock, so whoever frees tables waits for it.
 *
 * A page that has been isolated is locked for the flusher until it is put back.
 * Linux locks page by page, and lets go of a dirty one of a file before the
 * batch is flushed: what is stored meanwhile through an old entry may be lost
 * if the flusher writes the page just then (no version flushes there; the
 * corpus of bugs has nothing of it, and neither has this).
 *
 * Left out: other page locks, writeback of single pages by kswapd (the flusher
 * does it), congestion waits, mlock.
 */
#include "coherence/flush.h"
#include "core/check.h"
#include "os/check_hooks.h"
#include "os/page_cache.h"
#include "os/reclaim_parts.h"

enum {
    SHRINK_DRAIN,
    SHRINK_LOCK,
    SHRINK_ISOLATE,
    SHRINK_UNLOCK,
    SHRINK_PAGE,
    SHRINK_REF,
    SHRINK_REF_TABLE,
    SHRINK_REF_LOOK,
    SHRINK_REF_UNLOCK,
    SHRINK_DECIDE,
    SHRINK_UNMAP,
    SHRINK_UNMAP_TABLE,
    SHRINK_UNMAP_CLEAR,
    SHRINK_UNMAP_UNLOCK,
    SHRINK_WRITE,
    SHRINK_REMOVE,
    SHRINK_FLUSH,
    SHRINK_FREE,
    SHRINK_PUT_LOCK,
    SHRINK_PUT,
    SHRINK_PUT_UNLOCK,
    SHRINK_END,
};

static struct page *shrink_page(const struct shrink_frame *shrink)
{
    return shrink->pages[shrink->at];
}

static void shrink_give(struct shrink_frame *shrink,
                        enum shrink_verdict verdict)
{
    shrink->verdicts[shrink->at] = (uint8_t) verdict;
    shrink->at++;
    shrink->frame.pc = SHRINK_PAGE;
}

/* ---- one mapping ---- */

/* The index-th mapping of the page in hand; false: there are fewer. */
static bool shrink_find_map(struct shrink_frame *shrink, uint32_t index)
{
    const struct page_map *map = &shrink_page(shrink)->map;

    if (!map->mm)
        return false;
    while (map && index--)
        map = map->next;
    if (!map)
        return false;
    shrink->map = *map;
    return true;
}

/* page_check_address(): does the entry still map the page? */
static bool shrink_maps(struct shrink_frame *shrink, struct pt_entry *entry)
{
    return mmusim__pte_maps(shrink->kernel, &shrink->slot, entry) &&
           entry->pfn.v == shrink_page(shrink)->pfn;
}

/* Under rmap_lock: takes the table's lock; false: no such entry any more. */
static bool shrink_lock_table(struct cpu *cpu, struct shrink_frame *shrink)
{
    struct klock *lock;

    shrink->slot =
        mmusim__pte_slot(shrink->kernel, shrink->map.mm, shrink->map.vaddr);
    if (!shrink->slot.table)
        return false;
    lock = mmusim__pte_lock(shrink->slot.table);
    if (!lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        shrink->slot.table = NULL;
        return false;
    }
    mmusim__lock_take(cpu, lock, &shrink->table_waiter, LOCK_WRITE,
                      BUCKET_KERNEL);
    return true;
}

/* Takes the locks of the mapping in hand, step by step; then pc is `look`. */
static void shrink_begin_map(struct cpu *cpu, struct shrink_frame *shrink,
                             uint32_t table_pc)
{
    shrink->frame.pc = table_pc;
    mmusim__lock_take(cpu, &shrink->map.mm->rmap_lock, &shrink->waiter,
                      LOCK_READ, BUCKET_KERNEL);
}

static void shrink_end_map(struct cpu *cpu, struct shrink_frame *shrink)
{
    if (shrink->slot.table)
        mmusim__lock_release(cpu, shrink->slot.table->lock, LOCK_WRITE);
    mmusim__lock_release(cpu, &shrink->map.mm->rmap_lock, LOCK_READ);
}

/* ---- page_referenced() ---- */

/* The word with another A and D; hidden by PROT_NONE as before. */
static uint64_t shrink_aged(const struct shrink_frame *shrink,
                            const struct pt_entry *entry)
{
    const struct pt_format *format = shrink->kernel->format;
    uint64_t word = mmusim__pte_word(&shrink->slot);
    uint64_t old =
        format->make_leaf(format, entry->pfn, 0, entry->rights, false);

    return format->reveal(word, 0) != word ? format->hide(old, 0) : old;
}

/* ptep_clear_flush_young(): x86 and RISC-V do not flush. */
static bool shrink_young_flushes(const struct cpu *cpu)
{
    return cpu->system->isa == ISA_ARMV7 || cpu->system->isa == ISA_ARMV8;
}

static uint32_t shrink_order(const struct shrink_frame *shrink)
{
    return shrink->kernel->format->granule_order;
}

static void shrink_look(struct cpu *cpu, struct shrink_frame *shrink)
{
    struct pt_entry entry;

    if (shrink_maps(shrink, &entry) && entry.is_accessed) {
        const struct vm_area *area =
            mmusim__vm_find(shrink->map.mm->areas, shrink->map.vaddr);

        mmusim__pte_rewrite(shrink->kernel, &shrink->slot,
                            shrink_aged(shrink, &entry));
        shrink->n_referenced++;
        shrink->is_executable |= area && (area->flags & VM_EXEC);
        if (shrink_young_flushes(cpu)) {
            mmusim__flush_page(cpu, &shrink->map.mm->space, shrink->map.vaddr,
                               shrink_order(shrink));
            return;
        }
    }
    mmusim__cpu_busy(cpu, cpu->system->cost.rmap_walk_cycles, BUCKET_KERNEL);
}

/* ---- what to do with the page ---- */

static void shrink_begin_page(struct cpu *cpu, struct shrink_frame *shrink)
{
    struct page *page;

    if (shrink->at == shrink->n) {
        shrink->frame.pc = SHRINK_FLUSH;
        return;
    }
    page = shrink_page(shrink);
    shrink->map_index = shrink->n_referenced = 0;
    shrink->is_executable = shrink->has_slot = shrink->is_lazy = false;
    shrink->frame.pc = shrink->is_forced ? SHRINK_DECIDE : SHRINK_REF;
    if (page->flags & PAGE_WRITEBACK)
        shrink_give(shrink, VERDICT_KEEP); /* trylock_page() fails */
    else if (mmusim__frame_refs(shrink->kernel->frames, page_pfn(page)) == 1)
        shrink_give(shrink, VERDICT_FREE); /* its owners are gone */
    mmusim__cpu_busy(cpu, cpu->system->cost.reclaim_page_cycles, BUCKET_KERNEL);
}

/* page_check_references() of an inactive page; VERDICT_FREE: go on. */
static enum shrink_verdict shrink_check(const struct shrink_frame *shrink,
                                        struct page *page)
{
    bool was_referenced = page->flags & PAGE_REFERENCED;

    page->flags &= (uint16_t) ~PAGE_REFERENCED;
    if (shrink->n_referenced) {
        if (!page->file_id)
            return VERDICT_ACTIVATE;
        page->flags |= PAGE_REFERENCED;
        return was_referenced || shrink->n_referenced > 1 ||
                       shrink->is_executable
                   ? VERDICT_ACTIVATE
                   : VERDICT_KEEP;
    }
    return VERDICT_FREE;
}

static void shrink_decide(struct shrink_frame *shrink)
{
    struct page *page = shrink_page(shrink);
    enum shrink_verdict verdict = VERDICT_FREE;

    if (lru_is_active(shrink->request.kind) && !shrink->is_forced) {
        bool keeps =
            shrink->n_referenced && shrink->is_executable && page->file_id;

        shrink_lru(shrink)->n_rotated[page->file_id > 0] +=
            shrink->n_referenced > 0;
        shrink_give(shrink, keeps ? VERDICT_ACTIVATE : VERDICT_DEACTIVATE);
        return;
    }
    if (!shrink->is_forced)
        verdict = shrink_check(shrink, page);
    if (verdict != VERDICT_FREE)
        shrink_give(shrink, verdict);
    else
        shrink->frame.pc = SHRINK_UNMAP;
}

/* ---- try_to_unmap() ---- */

/* A slot for an anonymous page, on its first dirty entry. */
static bool shrink_has_swap(struct shrink_frame *shrink)
{
    if (!shrink->has_slot)
        shrink->has_slot =
            mmusim__swap_get(&shrink_reclaim(shrink)->swap, &shrink->swap_slot);
    return shrink->has_slot;
}

/* Clears the entry or makes it name the swap slot. False: there is none. */
static bool shrink_replace(struct shrink_frame *shrink,
                           const struct pt_entry *entry)
{
    struct page *page = shrink_page(shrink);
    bool is_dirty = entry->rights & TLB_DIRTY;
    /* MADV_FREE leaves it clean; nothing else cleans anonymous memory. */
    bool is_lazy = !page->file_id && !(page->flags & PAGE_DIRTY) && !is_dirty;

    if (page->file_id || is_lazy) {
        shrink->is_lazy |= is_lazy;
        mmusim__pte_clear(shrink->kernel, &shrink->slot);
    } else {
        if (!shrink_has_swap(shrink))
            return false;
        mmusim__swap_ref(&shrink_reclaim(shrink)->swap, shrink->swap_slot);
        mmusim__pte_set_swap(shrink->kernel, &shrink->slot, shrink->swap_slot);
    }
    if (is_dirty && page->file_id)
        mmusim__reclaim_set_dirty(shrink->kernel, page_pfn(page));
    else if (is_dirty)
        page->flags |= PAGE_DIRTY;
    return true;
}

/* False: the page cannot go; nothing has been done. */
static bool shrink_clear(struct cpu *cpu, struct shrink_frame *shrink)
{
    struct address_space *space = &shrink->map.mm->space;
    uint64_t cycles = (uint64_t) cpu->system->cost.rmap_walk_cycles +
                      cpu->system->cost.pte_clear_cycles;
    struct pt_entry entry;

    if (!shrink_maps(shrink, &entry)) {
        mmusim__cpu_busy(cpu, cpu->system->cost.rmap_walk_cycles,
                         BUCKET_KERNEL);
        return true;
    }
    if (!shrink_replace(shrink, &entry))
        return false;
    mmusim__frame_unref(shrink->kernel->frames, entry.pfn);
    if (!mmusim__flush_batch_defers(cpu, space)) {
        mmusim__flush_page(cpu, space, shrink->map.vaddr, shrink_order(shrink));
        return true;
    }
    cycles += mmusim__flush_batch_add(cpu, space, shrink->map.vaddr,
                                      shrink_order(shrink));
    shrink->has_batch = true;
    shrink->has_writable |= entry.rights & TLB_DIRTY;
    mmusim__cpu_busy(cpu, cycles, BUCKET_KERNEL);
    return true;
}

static void shrink_unmap_clear(struct cpu *cpu, struct shrink_frame *shrink)
{
    shrink->frame.pc = SHRINK_UNMAP_UNLOCK;
    if (shrink_clear(cpu, shrink))
        return;
    /* No swap left: activate_locked. */
    shrink_end_map(cpu, shrink);
    shrink_give(shrink, VERDICT_ACTIVATE);
}

/* ---- after that ---- */

/* pageout(): an anonymous page goes to swap; a file's is the flusher's. */
static void shrink_write(struct cpu *cpu, struct shrink_frame *shrink)
{
    struct reclaim *reclaim = shrink_reclaim(shrink);
    struct page *page = shrink_page(shrink);

    if (shrink->has_slot) {
        if (shrink->has_writable) {
            /* try_to_unmap_flush_dirty(), then here again */
            shrink->has_writable = shrink->has_batch = false;
            mmusim__flush_batch(cpu);
            return;
        }
        /* The slot is the entries' now. */
        mmusim__swap_unref(&reclaim->swap, shrink->swap_slot);
        shrink->has_slot = false;
        if (cpu->system->check)
            mmusim__check_contents_taken(shrink->kernel, page_pfn(page));
        page->flags &= (uint16_t) ~PAGE_DIRTY;
        shrink->kernel->vm.pswpout++;
        mmusim__cpu_busy(cpu,
                         (uint64_t) cpu->system->cost.swap_out_cycles
                             << shrink_order(shrink),
                         BUCKET_KERNEL);
    } else if (page->file_id && (page->flags & PAGE_DIRTY)) {
        shrink->kernel->vm.nr_vmscan_immediate_reclaim++;
        mmusim__daemon_wake(shrink->kernel, &reclaim->flusher);
        shrink_give(shrink, VERDICT_KEEP);
        return;
    }
    shrink->frame.pc = SHRINK_REMOVE;
}

/* __remove_mapping(): only if nobody has it but the cache and the caller. */
static void shrink_remove(struct cpu *cpu, struct shrink_frame *shrink)
{
    struct kernel *kernel = shrink->kernel;
    struct page *page = shrink_page(shrink);
    uint32_t n_refs = mmusim__frame_refs(kernel->frames, page_pfn(page));
    bool is_file = page->file_id;

    if (page_is_mapped(page) || n_refs != 1U + is_file ||
        (page->flags & PAGE_DIRTY)) {
        shrink_give(shrink, VERDICT_KEEP);
        return;
    }
    shrink->kernel->vm.pglazyfreed += shrink->is_lazy;
    if (is_file) {
        mmusim__page_cache_remove(kernel->page_cache, page->file_id,
                                  page->index);
        mmusim__frame_unref(kernel->frames, page_pfn(page));
        mmusim__cpu_busy(cpu, cpu->system->cost.page_cache_cycles,
                         BUCKET_KERNEL);
    }
    shrink_give(shrink, VERDICT_FREE);
}

/* ---- the frame ---- */

static void shrink_step_map(struct cpu *cpu, struct shrink_frame *shrink)
{
    switch (shrink->frame.pc) {
    case SHRINK_REF:
        if (shrink_find_map(shrink, shrink->map_index++))
            shrink_begin_map(cpu, shrink, SHRINK_REF_TABLE);
        else
            shrink->frame.pc = SHRINK_DECIDE;
        break;
    case SHRINK_REF_TABLE:
        shrink->frame.pc = shrink_lock_table(cpu, shrink) ? SHRINK_REF_LOOK
                                                          : SHRINK_REF_UNLOCK;
        break;
    case SHRINK_REF_LOOK:
        shrink->frame.pc = SHRINK_REF_UNLOCK;
        shrink_look(cpu, shrink);
        break;
    case SHRINK_REF_UNLOCK:
        shrink->frame.pc = SHRINK_REF;
        shrink_end_map(cpu, shrink);
        break;
    case SHRINK_UNMAP:
        if (shrink_find_map(shrink, 0))
            shrink_begin_map(cpu, shrink, SHRINK_UNMAP_TABLE);
        else
            shrink->frame.pc = SHRINK_WRITE;
        break;
    case SHRINK_UNMAP_TABLE:
        shrink->frame.pc = shrink_lock_table(cpu, shrink) ? SHRINK_UNMAP_CLEAR
                                                          : SHRINK_UNMAP_UNLOCK;
        break;
    case SHRINK_UNMAP_CLEAR:
        shrink_unmap_clear(cpu, shrink);
        break;
    default:
        shrink->frame.pc = SHRINK_UNMAP;
        shrink_end_map(cpu, shrink);
        break;
    }
}

static void shrink_step_end(struct cpu *cpu, struct shrink_frame *shrink)
{
    struct lru *lru = shrink_lru(shrink);

    switch (shrink->frame.pc++) {
    case SHRINK_FLUSH: /* try_to_unmap_flush() */
        if (shrink->has_batch)
            mmusim__flush_batch(cpu);
        break;
    case SHRINK_FREE:
        mmusim__shrink_free(cpu, shrink);
        if (!mmusim__shrink_has_kept(shrink))
            shrink->frame.pc = SHRINK_END;
        break;
    case SHRINK_PUT_LOCK:
        mmusim__lru_lock(cpu, lru, &shrink->waiter);
        break;
    case SHRINK_PUT:
        mmusim__shrink_put(cpu, shrink);
        break;
    default:
        mmusim__lru_unlock(cpu, lru);
        break;
    }
}

static enum kstep shrink_step(struct cpu *cpu, struct kframe *frame)
{
    struct shrink_frame *shrink = (struct shrink_frame *) frame;
    struct lru *lru = shrink_lru(shrink);

    shrink->kernel->now = cpu->now;
    switch (frame->pc) {
    case SHRINK_DRAIN:
        frame->pc = SHRINK_LOCK;
        mmusim__reclaim_drain_cpu(cpu, shrink->kernel);
        break;
    case SHRINK_LOCK:
        frame->pc = SHRINK_ISOLATE;
        mmusim__lru_lock(cpu, lru, &shrink->waiter);
        break;
    case SHRINK_ISOLATE:
        frame->pc = SHRINK_UNLOCK;
        mmusim__shrink_take(cpu, shrink);
        break;
    case SHRINK_UNLOCK:
        frame->pc = shrink->n ? SHRINK_PAGE : SHRINK_END;
        mmusim__lru_unlock(cpu, lru);
        break;
    case SHRINK_PAGE:
        shrink_begin_page(cpu, shrink);
        break;
    case SHRINK_DECIDE:
        shrink_decide(shrink);
        break;
    case SHRINK_WRITE:
        shrink_write(cpu, shrink);
        break;
    case SHRINK_REMOVE:
        shrink_remove(cpu, shrink);
        break;
    case SHRINK_FLUSH:
    case SHRINK_FREE:
    case SHRINK_PUT_LOCK:
    case SHRINK_PUT:
    case SHRINK_PUT_UNLOCK:
        shrink_step_end(cpu, shrink);
        break;
    case SHRINK_END:
        return KSTEP_DONE;
    default:
        shrink_step_map(cpu, shrink);
        break;
    }
    return KSTEP_NEXT;
}

void mmusim__shrink_list(struct cpu *cpu, struct kernel *kernel,
                         const struct shrink_request *request)
{
    struct shrink_frame *shrink =
        mmusim__cpu_push(cpu, shrink_step, sizeof(*shrink));

    mmusim_assert(request->n_to_scan <= RECLAIM_CLUSTER);
    shrink->kernel = kernel;
    shrink->request = *request;
}

void mmusim__shrink_pages(struct cpu *cpu, struct kernel *kernel,
                          struct page *const *pages, uint32_t n,
                          uint32_t *n_reclaimed)
{
    struct shrink_frame *shrink =
        mmusim__cpu_push(cpu, shrink_step, sizeof(*shrink));

    mmusim_assert(n > 0 && n <= RECLAIM_CLUSTER);
    shrink->kernel = kernel;
    shrink->request = (struct shrink_request){
        .node = pages[0]->node,
        .who = RECLAIM_DIRECT,
        .n_reclaimed = n_reclaimed,
    };
    shrink->is_forced = true;
    for (uint32_t i = 0; i < n; i++)
        shrink->pages[i] = pages[i];
    shrink->n = n;
    shrink->frame.pc = SHRINK_PAGE;
}
