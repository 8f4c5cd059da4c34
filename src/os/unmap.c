/* SPDX-License-Identifier: MIT */
/* Taking mappings away: see unmap.h. Step order from mm/memory.c, mm/mmap.c
 * (unmap_region, exit_mmap) and mm/madvise.c. */
#include "os/unmap.h"

#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "coherence/table_sync.h"
#include "os/huge_page.h"
#include "os/page_table.h"
#include "os/reclaim.h"
#include "os/tlb_gather.h"

struct unmap_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct unmap_range range;
    struct lock_waiter waiter;
    struct pte_slot slot; /* the table being zapped, and where in it */
    uint64_t cursor;      /* address of slot */
    uint32_t area_index;  /* of the plan */
    bool is_full;         /* the gather has no slot left */
    bool must_flush;      /* before the table's lock is dropped */
    bool has_split;       /* a huge page: its lock was dropped for that */
};

enum {
    UNMAP_AREA,
    UNMAP_FIND,
    UNMAP_BATCHED,
    UNMAP_ZAP,
    UNMAP_FLUSH_UNDER_LOCK,
    UNMAP_UNLOCK,
    UNMAP_FLUSH_UNLOCKED,
    UNMAP_FREE_EARLY,
    UNMAP_END_AREA,
    UNMAP_LOCK_RMAP,
    UNMAP_TABLES,
    UNMAP_TABLES_FREE_ALL,
    UNMAP_TABLES_SYNC,
    UNMAP_TABLES_FREE,
    UNMAP_EFFECT,
    UNMAP_DONE,
};

static const struct mm_rules *unmap_rules(const struct unmap_frame *unmap)
{
    return unmap->kernel->gather_shape.rules;
}

static const struct vm_area *unmap_area(const struct cpu *cpu,
                                        const struct unmap_frame *unmap)
{
    const struct unmap_plan *plan = &kernel_cpu(unmap->kernel, cpu)->plan;

    return unmap->area_index < plan->n_areas ? &plan->areas[unmap->area_index]
                                             : NULL;
}

static bool unmap_is_kernel(const struct unmap_frame *unmap)
{
    return unmap->range.mm == &unmap->kernel->init_mm;
}

/* ---- one entry ---- */

/* The frame waits for the flush, or in the oldest version for nothing. */
static void unmap_keep_page(struct unmap_frame *unmap,
                            struct mmu_gather *gather,
                            const struct pt_entry *entry, bool delays_rmap)
{
    struct kernel *kernel = unmap->kernel;

    if (kernel_is_zero_page(kernel, entry->pfn))
        return;
    if (!unmap_rules(unmap)->frees_pages_late) {
        mmusim__frame_unref_span(kernel->frames, entry->pfn, entry->order);
        return;
    }
    switch (delays_rmap
                ? mmusim__gather_delayed(gather, entry->pfn, unmap->cursor)
                : mmusim__gather_block(gather, entry->pfn, entry->order)) {
    case GATHER_MUST_FLUSH:
        unmap->is_full = true;
        break;
    case GATHER_NOMEM:
        system_fail(kernel->system, MMUSIM_NOMEM);
        unmap->is_full = true;
        break;
    case GATHER_HAS_ROOM:
    case GATHER_TABLE_FLUSH:
    case GATHER_TABLE_SYNC:
    case GATHER_TABLE_NOW:
        break;
    }
}

/* MADV_FREE: neither Accessed nor Dirty; MADV_COLD: not Accessed. Hidden by
 * PROT_NONE as before. */
static void unmap_make_old(struct unmap_frame *unmap,
                           const struct pt_entry *entry)
{
    const struct pt_format *format = unmap->kernel->format;
    uint32_t level = unmap->slot.table->level;
    uint64_t word = mmusim__pte_word(&unmap->slot);
    bool is_cold = unmap->range.mode == UNMAP_MAKE_COLD;
    uint32_t dropped = is_cold ? 0 : TLB_DIRTY;
    uint64_t clean = format->make_leaf(format, entry->pfn, level,
                                       entry->rights & ~dropped, false);

    if (format->reveal(word, level) != word)
        clean = format->hide(clean, level);
    mmusim__pte_rewrite(unmap->kernel, &unmap->slot, clean);
    if (is_cold)
        mmusim__reclaim_deactivate(unmap->kernel, entry->pfn);
    else
        mmusim__reclaim_set_lazy(unmap->kernel, entry->pfn);
}

/* A dirty file page: zap_pte_range() flushes before writeback can take the
 * page for clean. Private areas have no dirty file pages. */
static bool unmap_is_dirty_file(const struct vm_area *area,
                                const struct pte_slot *slot,
                                const struct pt_entry *entry)
{
    return (entry->rights & TLB_DIRTY) && (area->flags & VM_SHARED) &&
           !(area->flags & VM_PFNMAP) && slot->table->level == 0;
}

/* The entries stay, with other flags. */
static bool unmap_keeps(const struct unmap_frame *unmap)
{
    return unmap->range.mode == UNMAP_MAKE_OLD ||
           unmap->range.mode == UNMAP_MAKE_COLD;
}

static void unmap_entry(struct unmap_frame *unmap, struct mmu_gather *gather,
                        const struct vm_area *area,
                        const struct pt_entry *entry)
{
    struct kernel *kernel = unmap->kernel;
    uint64_t bytes = mmusim__pte_bytes(&unmap->slot, kernel->format);
    bool is_marked = entry->is_accessed || (entry->rights & TLB_DIRTY);
    bool is_dirty_file = unmap_is_dirty_file(area, &unmap->slot, entry);
    bool delays_rmap = is_dirty_file && unmap_rules(unmap)->delays_rmap;

    if (unmap_keeps(unmap) && !is_marked)
        return;
    mmusim__gather_entry(gather, unmap->cursor, bytes,
                         unmap->slot.table->level);
    if (unmap_keeps(unmap)) {
        unmap_make_old(unmap, entry);
        return;
    }
    unmap->must_flush |=
        is_dirty_file && unmap_rules(unmap)->flushes_dirty_early;
    if (delays_rmap)
        mmusim__pte_clear_mapped(kernel, &unmap->slot);
    else
        mmusim__pte_clear(kernel, &unmap->slot);
    if (entry->rights & TLB_DIRTY)
        mmusim__reclaim_set_dirty(kernel, entry->pfn);
    unmap_keep_page(unmap, gather, entry, delays_rmap);
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

/* ---- one table ---- */

/* Of the present one, from the cursor on, in the area. */
static uint64_t unmap_words_left(const struct unmap_frame *unmap,
                                 const struct vm_area *area)
{
    uint64_t bytes = mmusim__pte_bytes(&unmap->slot, unmap->kernel->format);
    uint64_t in_area = (area->end - unmap->cursor + bytes - 1) / bytes;

    return min_u64(in_area, unmap->slot.table->n_words - unmap->slot.index);
}

/* Clears the present entries of one table; stops at a full gather. */
static void unmap_zap(struct cpu *cpu, struct unmap_frame *unmap)
{
    const struct cost_config *cost = &cpu->system->cost;
    const struct vm_area *area = unmap_area(cpu, unmap);
    struct mmu_gather *gather = kernel_gather(unmap->kernel, cpu);
    uint32_t level = unmap->slot.table->level;
    uint64_t bytes = mmusim__pte_bytes(&unmap->slot, unmap->kernel->format);
    uint64_t n_left = unmap_words_left(unmap, area);
    uint64_t n_scanned = 0;
    uint64_t n_cleared = 0;

    /* Large leaves: one at a time, tables lie between. */
    n_left = level ? 1 : n_left;
    while (n_left && !unmap->is_full) {
        struct pt_entry entry;
        uint64_t n = 1;

        if (unmap->slot.table->n_present == 0 && level == 0)
            n = n_left; /* nothing more in this table */
        else if (mmusim__pte_maps(unmap->kernel, &unmap->slot, &entry)) {
            n_cleared++;
            unmap_entry(unmap, gather, area, &entry);
        } else if (unmap_drop_swap(unmap)) {
            n_cleared++;
        }
        n_left -= n;
        n_scanned += n;
        unmap->slot.index += (uint32_t) n;
        unmap->cursor += n * bytes;
    }
    mmusim__cpu_busy(cpu,
                     n_scanned * cost->pte_scan_cycles +
                         n_cleared * cost->pte_clear_cycles,
                     BUCKET_KERNEL);
}

/* Has the large page become a table before its lock was ours? */
static bool unmap_has_moved_on(const struct unmap_frame *unmap)
{
    struct pt_entry entry;
    struct pte_slot slot = mmusim__pte_deepest(unmap->kernel, unmap->range.mm,
                                               unmap->cursor, &entry);

    return unmap->slot.table->level && slot.table != unmap->slot.table;
}

static void unmap_find(struct cpu *cpu, struct unmap_frame *unmap)
{
    const struct vm_area *area = unmap_area(cpu, unmap);
    uint64_t entry_vaddr;
    struct klock *lock;

    if (!mmusim__pte_next_table(unmap->kernel, unmap->range.mm, unmap->cursor,
                                area->end, &unmap->slot, &entry_vaddr)) {
        unmap->frame.pc = UNMAP_END_AREA;
        return;
    }
    if (mmusim__thp_is_cut(unmap->kernel, &unmap->slot, area, area->start,
                           area->end)) {
        /* found again as a table: zap_pmd_range(), vma_adjust_trans_huge() */
        unmap->has_split = true;
        mmusim__thp_split(cpu, unmap->kernel, unmap->range.mm, entry_vaddr);
        return;
    }
    /* A large page that the range only touches is taken as a whole. */
    unmap->cursor = entry_vaddr;
    lock = mmusim__pte_lock(unmap->slot.table);
    if (!lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    unmap->is_full = false;
    unmap->must_flush = false;
    unmap->frame.pc = UNMAP_BATCHED;
    mmusim__lock_take(cpu, lock, &unmap->waiter, LOCK_WRITE, BUCKET_KERNEL);
}

/* flush_tlb_batched_pending(). madvise_free_pte_range() that had to drop the
 * lock to split a huge page did not look again up to 6.15 (B04). */
static void unmap_batched(struct cpu *cpu, struct unmap_frame *unmap)
{
    bool looks = unmap_rules(unmap)->rechecks_batched || !unmap->has_split ||
                 unmap->range.mode != UNMAP_MAKE_OLD;

    unmap->has_split = false;
    if (looks)
        mmusim__batched_pending(cpu, &unmap->range.mm->space);
}

static void unmap_flush_early(struct cpu *cpu, struct unmap_frame *unmap)
{
    unmap->kernel->gathers.early += mmusim__tlb_flush(cpu, unmap->kernel);
}

/* Where the flush of a full gather, or of dirty file pages, belongs. */
static void unmap_after_zap(struct unmap_frame *unmap)
{
    bool is_early = unmap_rules(unmap)->flushes_dirty_early;

    unmap->must_flush |= unmap->is_full;
    unmap->frame.pc =
        unmap->must_flush && is_early ? UNMAP_FLUSH_UNDER_LOCK : UNMAP_UNLOCK;
}

static void unmap_unlock(struct cpu *cpu, struct unmap_frame *unmap)
{
    bool is_early = unmap_rules(unmap)->flushes_dirty_early;

    mmusim__tlb_flush_rmaps(cpu, unmap->kernel, unmap->range.mm);
    mmusim__lock_release(cpu, unmap->slot.table->lock, LOCK_WRITE);
    unmap->frame.pc = UNMAP_FIND;
    if (unmap->must_flush)
        unmap->frame.pc = is_early ? UNMAP_FREE_EARLY : UNMAP_FLUSH_UNLOCKED;
}

/* ---- areas ---- */

/* tlb_free_vmas(): whoever looks for mappings of a device's memory does not
 * find an area that has been unlinked, and takes the memory for unmapped; from
 * 6.0 on the flush comes before that (B13). */
static void unmap_flush_devices(struct cpu *cpu, struct unmap_frame *unmap)
{
    if (kernel_cpu(unmap->kernel, cpu)->plan.has_device &&
        unmap->range.mode == UNMAP_AREAS &&
        unmap_rules(unmap)->flushes_before_unlink)
        unmap->kernel->gathers.early += mmusim__tlb_flush(cpu, unmap->kernel);
}

static void unmap_begin_area(struct cpu *cpu, struct unmap_frame *unmap)
{
    const struct vm_area *area = unmap_area(cpu, unmap);

    if (!area) {
        unmap->frame.pc = UNMAP_LOCK_RMAP;
        unmap_flush_devices(cpu, unmap);
        return;
    }
    kernel_gather(unmap->kernel, cpu)->has_area = true;
    unmap->cursor = area->start;
    unmap->frame.pc = UNMAP_FIND;
}

/* tlb_end_vma() */
static void unmap_end_area(struct cpu *cpu, struct unmap_frame *unmap)
{
    unmap->area_index++;
    unmap->frame.pc = UNMAP_AREA;
    if (unmap->kernel->gather_shape.flushes_areas && !unmap_is_kernel(unmap) &&
        unmap->range.mode != UNMAP_FULL_MM)
        unmap->kernel->gathers.areas += mmusim__tlb_flush(cpu, unmap->kernel);
}

/* ---- tables ---- */

static bool unmap_frees_tables(const struct unmap_frame *unmap)
{
    return (unmap->range.mode == UNMAP_AREAS ||
            unmap->range.mode == UNMAP_FULL_MM) &&
           !unmap_is_kernel(unmap);
}

static struct table_range unmap_table_range(const struct unmap_frame *unmap)
{
    const struct unmap_range *range = &unmap->range;
    const struct vm_area *next =
        mmusim__vm_find_from(range->mm->areas, range->start);
    struct table_range tables = {
        .mm = range->mm,
        .start = range->start,
        .end = range->end,
        .ceiling = UINT64_C(1) << pt_half_bits(unmap->kernel->format),
    };

    if (range->mode == UNMAP_FULL_MM)
        return tables;
    tables.floor = mmusim__vm_end_before(range->mm->areas, range->start);
    if (next)
        tables.ceiling = next->start;
    return tables;
}

/* unlink_anon_vmas(), unlink_file_vma(): whoever looks at the tables through
 * the reverse map is waited for. Not charged: vma_cycles has it. */
static void unmap_lock_rmap(struct cpu *cpu, struct unmap_frame *unmap)
{
    struct klock *lock = &unmap->range.mm->rmap_lock;

    if (!unmap_frees_tables(unmap)) {
        unmap->frame.pc = UNMAP_EFFECT;
        return;
    }
    unmap->frame.pc = UNMAP_TABLES;
    if (klock_is_idle(lock))
        lock->has_writer = true;
    else
        mmusim__lock_take(cpu, lock, &unmap->waiter, LOCK_WRITE, BUCKET_KERNEL);
}

static void unmap_tables(struct cpu *cpu, struct unmap_frame *unmap)
{
    const struct table_range range = unmap_table_range(unmap);
    const struct mm_rules *rules = unmap_rules(unmap);

    enum free_tables what =
        mmusim__tlb_free_pgtables(cpu, unmap->kernel, &range);

    mmusim__lock_release(cpu, &range.mm->rmap_lock, LOCK_WRITE);
    unmap->frame.pc = UNMAP_EFFECT;
    switch (what) {
    case FREE_TABLES_DONE:
        return;
    case FREE_TABLES_FLUSH_ALL:
        unmap->frame.pc = UNMAP_TABLES_FREE_ALL;
        mmusim__tlb_flush(cpu, unmap->kernel);
        return;
    case FREE_TABLES_FLUSH:
        unmap->frame.pc = UNMAP_TABLES_FREE;
        mmusim__tlb_flush(cpu, unmap->kernel);
        return;
    case FREE_TABLES_SYNC:
        unmap->frame.pc =
            rules->table_waits_for_rcu ? UNMAP_TABLES_FREE : UNMAP_TABLES_SYNC;
        if (rules->frees_tables_late)
            mmusim__tlb_flush(cpu, unmap->kernel);
        return;
    case FREE_TABLES_FREE:
        unmap->frame.pc = UNMAP_TABLES_FREE;
        return;
    }
}

/* ---- the frame ---- */

static void unmap_effect(struct cpu *cpu, struct unmap_frame *unmap)
{
    if (unmap->range.on_effect)
        unmap->range.on_effect(cpu, unmap->kernel);
    mmusim__tlb_finish(cpu, unmap->kernel);
}

static enum kstep unmap_step(struct cpu *cpu, struct kframe *frame)
{
    struct unmap_frame *unmap = (struct unmap_frame *) frame;

    switch (frame->pc) {
    case UNMAP_AREA:
        unmap_begin_area(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_FIND:
        unmap_find(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_BATCHED:
        frame->pc = UNMAP_ZAP;
        unmap_batched(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_ZAP:
        frame->pc = UNMAP_UNLOCK;
        unmap->must_flush = false;
        if (unmap_has_moved_on(unmap))
            return KSTEP_NEXT;
        unmap_zap(cpu, unmap);
        unmap_after_zap(unmap);
        return KSTEP_NEXT;
    case UNMAP_FLUSH_UNDER_LOCK:
        frame->pc = UNMAP_UNLOCK;
        unmap_flush_early(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_UNLOCK:
        unmap_unlock(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_FLUSH_UNLOCKED:
        frame->pc = UNMAP_FREE_EARLY;
        unmap_flush_early(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_FREE_EARLY:
        frame->pc = UNMAP_FIND;
        mmusim__tlb_free(cpu, unmap->kernel);
        return KSTEP_NEXT;
    case UNMAP_END_AREA:
        unmap_end_area(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_LOCK_RMAP:
        unmap_lock_rmap(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_TABLES:
        unmap_tables(cpu, unmap);
        return KSTEP_NEXT;
    case UNMAP_TABLES_FREE_ALL:
        frame->pc = UNMAP_LOCK_RMAP;
        mmusim__tlb_free(cpu, unmap->kernel);
        return KSTEP_NEXT;
    case UNMAP_TABLES_SYNC:
        frame->pc = UNMAP_TABLES_FREE;
        mmusim__table_sync_one(cpu);
        return KSTEP_NEXT;
    case UNMAP_TABLES_FREE:
        frame->pc = UNMAP_LOCK_RMAP;
        mmusim__tlb_free_tables(cpu, unmap->kernel);
        return KSTEP_NEXT;
    case UNMAP_EFFECT:
        frame->pc = UNMAP_DONE;
        unmap_effect(cpu, unmap);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

/* ---- beginning ---- */

static void unmap_push(struct cpu *cpu, struct kernel *kernel,
                       const struct unmap_range *range)
{
    bool is_full_mm = range->mode == UNMAP_FULL_MM;
    struct unmap_frame *unmap =
        mmusim__cpu_push(cpu, unmap_step, sizeof(*unmap));

    unmap->kernel = kernel;
    unmap->range = *range;
    mmusim__gather_begin(kernel_gather(kernel, cpu), &range->mm->space,
                         is_full_mm ? GATHER_FULL_MM : GATHER_RANGE,
                         range->start, range->end);
}

void mmusim__unmap(struct cpu *cpu, struct kernel *kernel,
                   const struct unmap_range *range)
{
    if (!mmusim__unmap_plan(&kernel_cpu(kernel, cpu)->plan, range->mm->areas,
                            range->start, range->end))
        system_fail(kernel->system, MMUSIM_NOMEM);
    unmap_push(cpu, kernel, range);
}

mmusim_status_t mmusim__unmap_areas(struct cpu *cpu, struct kernel *kernel,
                                    const struct unmap_range *range,
                                    uint32_t *n_touched)
{
    struct unmap_plan *plan = &kernel_cpu(kernel, cpu)->plan;
    mmusim_status_t status = MMUSIM_NOMEM;

    if (mmusim__unmap_plan(plan, range->mm->areas, range->start, range->end))
        status = mmusim__vm_remove(range->mm->areas, range->start, range->end,
                                   n_touched);
    if (!status && plan->n_areas)
        unmap_push(cpu, kernel, range);
    return status;
}
