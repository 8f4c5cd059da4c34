/* SPDX-License-Identifier: MIT */
/* Taking mappings away: see unmap.h. Step order from Linux 4.6 mm/memory.c,
 * mm/mmap.c (unmap_region, exit_mmap). */
#include "os/unmap.h"

#include "coherence/flush.h"
#include "os/page_table.h"
#include "os/reclaim.h"

struct unmap_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct unmap_range range;
    struct lock_waiter waiter;
    struct pte_slot slot; /* the table being zapped, and where in it */
    uint64_t cursor;      /* address of slot */
    bool must_flush;      /* before the table's lock is dropped */
};

enum {
    UNMAP_FIND,
    UNMAP_ZAP,
    UNMAP_FLUSH_UNDER_LOCK,
    UNMAP_FREE_EARLY,
    UNMAP_UNLOCK,
    UNMAP_LOCK_RMAP,
    UNMAP_TABLES,
    UNMAP_FLUSH_TABLES,
    UNMAP_FREE_TABLES,
    UNMAP_EFFECT,
    UNMAP_FREE,
    UNMAP_DONE,
};

static struct mmu_gather *unmap_gather(struct cpu *cpu,
                                       struct unmap_frame *unmap)
{
    return &kernel_cpu(unmap->kernel, cpu)->gather;
}

/* ---- one entry ---- */

/* True if a flush must come before the lock is dropped. */
static bool unmap_keep_page(struct unmap_frame *unmap,
                            struct mmu_gather *gather,
                            const struct pt_entry *entry)
{
    struct kernel *kernel = unmap->kernel;

    if (entry->pfn.v == kernel->zero_page.v)
        return false;
    switch (mmusim__gather_block(gather, entry->pfn, entry->order)) {
    case GATHER_NOMEM:
        system_fail(kernel->system, MMUSIM_NOMEM);
        return true;
    case GATHER_MUST_FLUSH:
        return true;
    case GATHER_HAS_ROOM:
        break;
    }
    /* A dirty page with other owners (a file page): zap_pte_range() flushes
     * before writeback can take the page for clean. */
    return (entry->rights & TLB_DIRTY) &&
           mmusim__frame_refs_span(kernel->frames, entry->pfn, entry->order) >
               1;
}

/* MADV_FREE: neither Accessed nor Dirty; hidden by PROT_NONE as before. */
static void unmap_make_old(struct unmap_frame *unmap,
                           const struct pt_entry *entry)
{
    const struct pt_format *format = unmap->kernel->format;
    uint32_t level = unmap->slot.table->level;
    uint64_t word = mmusim__pte_word(&unmap->slot);
    uint64_t clean =
        format->make_leaf(format, entry->pfn, level,
                          entry->rights & ~(uint32_t) TLB_DIRTY, false);

    if (format->reveal(word, level) != word)
        clean = format->hide(clean, level);
    mmusim__pte_rewrite(unmap->kernel, &unmap->slot, clean);
    mmusim__reclaim_set_lazy(unmap->kernel, entry->pfn);
}

static bool unmap_entry(struct unmap_frame *unmap, struct mmu_gather *gather,
                        uint64_t bytes)
{
    struct kernel *kernel = unmap->kernel;
    struct pt_entry entry;

    mmusim__pte_maps(kernel, &unmap->slot, &entry);
    mmusim__gather_entry(gather, unmap->cursor, bytes);
    if (unmap->range.mode == UNMAP_MAKE_OLD) {
        unmap_make_old(unmap, &entry);
        return false;
    }
    mmusim__pte_clear(kernel, &unmap->slot);
    if (entry.rights & TLB_DIRTY)
        mmusim__reclaim_set_dirty(kernel, entry.pfn);
    return unmap_keep_page(unmap, gather, &entry);
}

/* free_swap_and_cache(): nothing to flush. MADV_FREE drops it, too. */
static bool unmap_drop_swap(struct unmap_frame *unmap)
{
    uint32_t swap_slot;

    if (!mmusim__pte_is_swap(unmap->kernel, &unmap->slot, &swap_slot))
        return false;
    mmusim__pte_clear(unmap->kernel, &unmap->slot);
    mmusim__swap_unref(&unmap->kernel->reclaim->swap, swap_slot);
    return true;
}

static bool unmap_is_leaf(const struct unmap_frame *unmap)
{
    struct pt_entry entry;

    return mmusim__pte_maps(unmap->kernel, &unmap->slot, &entry);
}

/* Clears the present entries of one table; stops at a full batch. */
static void unmap_zap(struct cpu *cpu, struct unmap_frame *unmap)
{
    const struct cost_config *cost = &cpu->system->cost;
    struct mmu_gather *gather = unmap_gather(cpu, unmap);
    uint32_t level = unmap->slot.table->level;
    uint64_t bytes = mmusim__pte_bytes(&unmap->slot, unmap->kernel->format);
    uint32_t n_words = unmap->slot.table->n_words;
    uint64_t n_scanned = 0;
    uint64_t n_cleared = 0;

    unmap->must_flush = false;
    while (unmap->slot.index < n_words && unmap->cursor < unmap->range.end &&
           gather->n_pages < GATHER_MAX_PAGES) {
        n_scanned++;
        if (unmap->slot.table->n_present == 0 && level == 0) {
            /* Nothing more in this table: skip to its end. */
            n_scanned += n_words - 1 - unmap->slot.index;
            unmap->cursor += (n_words - unmap->slot.index) * bytes;
            unmap->slot.index = n_words;
            break;
        }
        if (unmap_is_leaf(unmap)) {
            n_cleared++;
            unmap->must_flush |= unmap_entry(unmap, gather, bytes);
        } else if (unmap_drop_swap(unmap)) {
            n_cleared++;
        }
        unmap->slot.index++;
        unmap->cursor += bytes;
        if (level && unmap->slot.index < n_words)
            break; /* large leaves: one at a time, tables lie between */
    }
    mmusim__cpu_busy(cpu,
                     n_scanned * cost->pte_scan_cycles +
                         n_cleared * cost->pte_clear_cycles,
                     BUCKET_KERNEL);
}

/* ---- flush and free ---- */

static bool unmap_flush(struct cpu *cpu, struct unmap_frame *unmap)
{
    struct mmu_gather *gather = unmap_gather(cpu, unmap);
    struct flush_span span = flush_span_of(gather->start, gather->end);

    if (!mmusim__gather_needs_flush(gather))
        return false;
    if (gather->is_full_mm)
        span = flush_span_all();
    span.frees_tables = gather->has_tables;
    span.is_full_mm = gather->is_full_mm;
    mmusim__gather_flushed(gather);
    if (&unmap->range.mm->space == cpu->system->init_mm)
        mmusim__flush_kernel_range(cpu, span.start, span.end);
    else
        mmusim__flush_gather(cpu, &unmap->range.mm->space, &span);
    return true;
}

static void unmap_free_pages(struct cpu *cpu, struct unmap_frame *unmap)
{
    const struct cost_config *cost = &cpu->system->cost;
    struct mmu_gather *gather = unmap_gather(cpu, unmap);
    uint64_t cycles = 0;

    for (uint32_t i = 0; i < gather->n_pages; i++) {
        const struct gathered_page *page = &gather->pages[i];

        if (page->is_table) {
            mmusim__pt_table_free(unmap->kernel, page->pfn);
            cycles += cost->table_free_cycles;
        } else {
            mmusim__frame_unref_span(unmap->kernel->frames, page->pfn,
                                     page->order);
            cycles += cost->page_free_cycles;
        }
    }
    gather->n_pages = 0;
    mmusim__cpu_busy(cpu, cycles, BUCKET_KERNEL);
}

/* ---- tables ---- */

struct unmap_tables {
    struct kernel *kernel;
    struct mmu_gather *gather;
    bool is_full; /* stopped for a flush, not by a failure */
};

static bool unmap_take_table(void *context, pfn_t table, uint64_t vaddr)
{
    struct unmap_tables *tables = context;

    mmusim__gather_entry(tables->gather, vaddr, BASE_PAGE_BYTES);
    switch (mmusim__gather_page(tables->gather, table, true)) {
    case GATHER_HAS_ROOM:
        return true;
    case GATHER_MUST_FLUSH:
        tables->is_full = true;
        return false;
    case GATHER_NOMEM:
        break;
    }
    mmusim__pt_table_free(tables->kernel, table);
    return false;
}

/* free_pgtables(): floor and ceiling are the neighbouring areas' ends. False:
 * the batches are full, and it goes on after a flush (tlb_remove_page). */
static bool unmap_free_tables(struct cpu *cpu, struct unmap_frame *unmap)
{
    struct kernel *kernel = unmap->kernel;
    const struct unmap_range *range = &unmap->range;
    struct unmap_tables tables = {kernel, unmap_gather(cpu, unmap), false};
    const struct vm_area *next =
        mmusim__vm_find_from(range->mm->areas, range->start);
    uint64_t ceiling = UINT64_C(1) << pt_half_bits(kernel->format);
    uint64_t floor = mmusim__vm_end_before(range->mm->areas, range->start);

    if (next && range->mode == UNMAP_AREAS)
        ceiling = next->start;
    if (range->mode == UNMAP_FULL_MM)
        floor = 0;
    if (mmusim__pt_unlink_tables(kernel, range->mm, range->start, range->end,
                                 floor, ceiling, unmap_take_table, &tables))
        return true;
    if (!tables.is_full)
        system_fail(kernel->system, MMUSIM_NOMEM);
    return !tables.is_full;
}

static bool unmap_frees_tables(const struct unmap_frame *unmap)
{
    return (unmap->range.mode == UNMAP_AREAS ||
            unmap->range.mode == UNMAP_FULL_MM) &&
           &unmap->range.mm->space != unmap->kernel->system->init_mm;
}

/* unlink_anon_vmas(), unlink_file_vma(): whoever looks at the tables through
 * the reverse map is waited for. Not charged: vma_cycles has it. */
static void unmap_lock_rmap(struct cpu *cpu, struct unmap_frame *unmap)
{
    if (!unmap_frees_tables(unmap)) {
        unmap->frame.pc = UNMAP_EFFECT;
        return;
    }
    unmap->frame.pc = UNMAP_TABLES;
    if (klock_is_idle(&unmap->range.mm->rmap_lock))
        unmap->range.mm->rmap_lock.has_writer = true;
    else
        mmusim__lock_take(cpu, &unmap->range.mm->rmap_lock, &unmap->waiter,
                          LOCK_WRITE, BUCKET_KERNEL);
}

/* ---- the frame ---- */

static void unmap_find(struct cpu *cpu, struct unmap_frame *unmap)
{
    uint64_t entry_vaddr;
    struct klock *lock;

    if (!mmusim__pte_next_table(unmap->kernel, unmap->range.mm, unmap->cursor,
                                unmap->range.end, &unmap->slot, &entry_vaddr)) {
        unmap->frame.pc = UNMAP_LOCK_RMAP;
        return;
    }
    /* A large page that the range only touches is taken as a whole. */
    unmap->cursor = entry_vaddr;
    lock = mmusim__pte_lock(unmap->slot.table);
    if (!lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    unmap->frame.pc = UNMAP_ZAP;
    mmusim__lock_take(cpu, lock, &unmap->waiter, LOCK_WRITE, BUCKET_KERNEL);
}

static enum kstep unmap_step(struct cpu *cpu, struct kframe *frame)
{
    struct unmap_frame *unmap = (struct unmap_frame *) frame;

    switch (frame->pc) {
    case UNMAP_FIND:
        unmap_find(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_ZAP:
        unmap_zap(cpu, unmap);
        frame->pc = unmap->must_flush ? UNMAP_FLUSH_UNDER_LOCK : UNMAP_UNLOCK;
        return KSTEP_NEXT;
    case UNMAP_FLUSH_UNDER_LOCK:
        frame->pc = UNMAP_UNLOCK;
        unmap_flush(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_UNLOCK:
        mmusim__lock_release(cpu, unmap->slot.table->lock, LOCK_WRITE);
        frame->pc = unmap->must_flush ? UNMAP_FREE_EARLY : UNMAP_FIND;
        return KSTEP_NEXT;
    case UNMAP_FREE_EARLY:
        frame->pc = UNMAP_FIND;
        unmap_free_pages(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_LOCK_RMAP:
        unmap_lock_rmap(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_TABLES:
        frame->pc =
            unmap_free_tables(cpu, unmap) ? UNMAP_EFFECT : UNMAP_FLUSH_TABLES;
        mmusim__lock_release(cpu, &unmap->range.mm->rmap_lock, LOCK_WRITE);
        return KSTEP_NEXT;
    case UNMAP_FLUSH_TABLES:
        frame->pc = UNMAP_FREE_TABLES;
        unmap_flush(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_FREE_TABLES:
        frame->pc = UNMAP_LOCK_RMAP;
        unmap_free_pages(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_EFFECT:
        frame->pc = UNMAP_FREE;
        if (unmap->range.on_effect)
            unmap->range.on_effect(cpu, unmap->kernel);
        unmap_flush(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_FREE:
        frame->pc = UNMAP_DONE;
        unmap_free_pages(cpu, unmap);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

void mmusim__unmap(struct cpu *cpu, struct kernel *kernel,
                   const struct unmap_range *range)
{
    struct unmap_frame *unmap =
        mmusim__cpu_push(cpu, unmap_step, sizeof(*unmap));

    unmap->kernel = kernel;
    unmap->range = *range;
    unmap->cursor = range->start;
    mmusim__gather_begin(&kernel_cpu(kernel, cpu)->gather,
                         range->mode == UNMAP_FULL_MM ? GATHER_FULL_MM
                                                      : GATHER_RANGE);
}
