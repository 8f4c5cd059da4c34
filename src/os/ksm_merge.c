/* SPDX-License-Identifier: MIT */
/*
 * One entry's part of a merge: try_to_merge_with_ksm_page() of Linux mm/ksm.c,
 * under mmap_lock for reading.
 *
 * write_protect_page(), under the table's lock: an entry that permits stores or
 * is dirty is cleared and flushed (ptep_clear_flush), then set read-only and
 * clean, or as it was if somebody else has the page in hand. From 4.13 on so is
 * an entry that is read-only and clean while a flush of the address space is
 * pending: others may have just made it so, and a CPU still have the old one
 * (B08 without that). The pages are compared; then replace_page(), under the
 * lock again: if the entry is still the same it is cleared, flushed, and set to
 * the merged page.
 *
 * In place of the page lock: who has a page isolated (PAGE_ISOLATED) or holds a
 * reference beyond those of its entries has it in hand.
 */
#include "os/ksm.h"

#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "coherence/mmu_gather.h"
#include "os/check_hooks.h"
#include "os/page_contents.h"
#include "os/reclaim.h"

struct merge_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct ksm_merge merge;
    struct pte_slot slot;
    struct pt_entry entry; /* before */
    uint64_t word;         /* write-protected */
    struct lock_waiter waiter, table_waiter;
};

enum {
    MERGE_LOCK,
    MERGE_FIND,
    MERGE_PROTECT,
    MERGE_PROTECTED,
    MERGE_PROTECT_UNLOCK,
    MERGE_COMPARE,
    MERGE_RELOCK,
    MERGE_REPLACE,
    MERGE_INSTALL,
    MERGE_DROP, /* the table's lock */
    MERGE_UNLOCK,
    MERGE_END,
};

static const struct mm_rules *merge_rules(const struct merge_frame *frame)
{
    return frame->kernel->system->protocol->mm_rules;
}

static struct page *merge_page(const struct merge_frame *frame, pfn_t pfn)
{
    return mmusim__page_find(frame->kernel->reclaim->pages, pfn);
}

/* trylock_page(), PageAnon(). */
static bool merge_may_have(const struct merge_frame *frame, pfn_t pfn)
{
    const struct page *page = merge_page(frame, pfn);

    return page && !page->file_id &&
           !(page->flags & (PAGE_ISOLATED | PAGE_UNEVICTABLE));
}

/* Gives up: not counted are pages that are not there any more. */
static void merge_refuse(struct merge_frame *frame, uint32_t pc)
{
    frame->kernel->ksm->counters.refused++;
    frame->frame.pc = pc;
}

/* The entry of the page; false: it maps it no more. */
static bool merge_finds(struct merge_frame *frame, struct pt_entry *entry)
{
    const struct kernel *kernel = frame->kernel;
    uint64_t word;

    frame->slot =
        mmusim__pte_slot(frame->kernel, frame->merge.mm, frame->merge.vaddr);
    if (!frame->slot.table || !mmusim__pte_maps(kernel, &frame->slot, entry) ||
        entry->pfn.v != frame->merge.page.v)
        return false;
    word = mmusim__pte_word(&frame->slot);
    return kernel->format->reveal(word, 0) == word;
}

static void merge_lock_table(struct cpu *cpu, struct merge_frame *frame)
{
    struct klock *lock = mmusim__pte_lock(frame->slot.table);

    if (!lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    mmusim__lock_take(cpu, lock, &frame->table_waiter, LOCK_WRITE,
                      BUCKET_KERNEL);
}

/* find_mergeable_vma() */
static void merge_find(struct cpu *cpu, struct merge_frame *frame)
{
    const struct ksm_merge *merge = &frame->merge;
    const struct vm_area *area =
        mmusim__vm_find(merge->mm->areas, merge->vaddr);

    frame->frame.pc = MERGE_UNLOCK;
    if (!area || !(area->flags & VM_MERGEABLE) ||
        !merge_finds(frame, &frame->entry))
        return;
    if (merge->page.v == merge->kpage.v) { /* a merged page, forked */
        *merge->is_done = true;
        return;
    }
    if (!merge_may_have(frame, merge->page)) {
        merge_refuse(frame, MERGE_UNLOCK);
        return;
    }
    frame->frame.pc = MERGE_PROTECT;
    merge_lock_table(cpu, frame);
}

/* ---- write_protect_page() ---- */

/* References beyond those of its entries, of which `n_cleared` are not there,
 * and the caller's. */
static bool merge_is_in_use(const struct merge_frame *frame, uint32_t n_cleared)
{
    pfn_t pfn = frame->merge.page;
    const struct page *page = merge_page(frame, pfn);

    return mmusim__frame_refs(frame->kernel->frames, pfn) !=
           mmusim__page_count_maps(page) + n_cleared + 1;
}

static bool merge_must_flush(const struct merge_frame *frame)
{
    const struct mm_rules *rules = merge_rules(frame);
    const struct page *page = merge_page(frame, frame->merge.page);

    return (frame->entry.rights & (TLB_WRITE | TLB_DIRTY)) ||
           (rules->merge_flushes_exclusive && !page->map.next) ||
           (rules->merge_knows_pending &&
            flush_is_pending(&frame->merge.mm->space));
}

/* While the page cannot be given to anybody else: set_page_stable_node(). */
static void merge_mark(struct merge_frame *frame)
{
    struct kernel *kernel = frame->kernel;
    struct page *page = merge_page(frame, frame->merge.page);

    if (frame->merge.kpage.v)
        return;
    page->flags |= PAGE_KSM;
    mmusim__reclaim_set_precious(kernel, frame->merge.page);
    if (kernel->system->check) /* what is in it is now relied on */
        mmusim__check_contents_taken(kernel, frame->merge.page);
}

static void merge_protect(struct cpu *cpu, struct merge_frame *frame)
{
    struct kernel *kernel = frame->kernel;

    frame->frame.pc = MERGE_DROP;
    if (!merge_finds(frame, &frame->entry) ||
        !merge_may_have(frame, frame->merge.page)) {
        merge_refuse(frame, MERGE_DROP);
        return;
    }
    if (merge_must_flush(frame)) {
        frame->frame.pc = MERGE_PROTECTED;
        mmusim__pte_clear(kernel, &frame->slot);
        mmusim__flush_page(cpu, &frame->merge.mm->space, frame->merge.vaddr,
                           kernel->format->granule_order);
        return;
    }
    kernel->ksm->counters.unflushed++;
    frame->word = mmusim__pte_word(&frame->slot);
    frame->frame.pc = MERGE_PROTECT_UNLOCK;
    merge_mark(frame);
}

/* Sets the entry again, with less or as it was. */
static void merge_protected(struct cpu *cpu, struct merge_frame *frame)
{
    struct kernel *kernel = frame->kernel;
    bool is_refused =
        merge_is_in_use(frame, 1) || !merge_may_have(frame, frame->merge.page);
    uint32_t rights = frame->entry.rights;
    mmusim_status_t status;

    if (!is_refused)
        rights &= ~(uint32_t) (TLB_WRITE | TLB_DIRTY);
    status =
        mmusim__pte_install(kernel, &frame->slot, frame->merge.page, rights);
    if (status)
        system_fail(cpu->system, status);
    frame->word = mmusim__pte_word(&frame->slot);
    mmusim__cpu_busy(cpu, cpu->system->cost.pte_set_cycles, BUCKET_KERNEL);
    if (is_refused) {
        merge_refuse(frame, MERGE_DROP);
        return;
    }
    if (frame->entry.rights & TLB_DIRTY)
        mmusim__reclaim_set_precious(kernel, frame->merge.page);
    kernel->ksm->counters.write_protected++;
    frame->frame.pc = MERGE_PROTECT_UNLOCK;
    merge_mark(frame);
}

/* ---- replace_page() ---- */

/* pages_identical() */
static void merge_compare(struct cpu *cpu, struct merge_frame *frame)
{
    struct kernel *kernel = frame->kernel;
    const struct page *kpage = merge_page(frame, frame->merge.kpage);
    uint64_t contents =
        mmusim__contents_of(kernel, merge_page(frame, frame->merge.page),
                            frame->merge.mm, frame->merge.vaddr);

    frame->frame.pc = MERGE_RELOCK;
    if (kernel->system->check)
        mmusim__check_contents_taken(kernel, frame->merge.page);
    if (contents != kpage->index)
        merge_refuse(frame, MERGE_UNLOCK);
    mmusim__cpu_busy(cpu,
                     (uint64_t) cpu->system->cost.page_compare_cycles
                         << kernel->format->granule_order,
                     BUCKET_KERNEL);
}

/* pte_same(), and the merged page is still one. */
static void merge_replace(struct cpu *cpu, struct merge_frame *frame)
{
    struct kernel *kernel = frame->kernel;
    struct pt_entry entry;

    if (!merge_finds(frame, &entry) ||
        mmusim__pte_word(&frame->slot) != frame->word ||
        !mmusim__ksm_page(kernel, frame->merge.kpage) ||
        !merge_may_have(frame, frame->merge.kpage)) {
        merge_refuse(frame, MERGE_DROP);
        return;
    }
    frame->frame.pc = MERGE_INSTALL;
    mmusim__pte_clear(kernel, &frame->slot);
    mmusim__flush_page(cpu, &frame->merge.mm->space, frame->merge.vaddr,
                       kernel->format->granule_order);
}

static void merge_install(struct cpu *cpu, struct merge_frame *frame)
{
    struct kernel *kernel = frame->kernel;
    const struct cost_config *cost = &cpu->system->cost;
    mmusim_status_t status;

    frame->frame.pc = MERGE_DROP;
    mmusim__frame_ref(kernel->frames, frame->merge.kpage);
    status = mmusim__pte_install(kernel, &frame->slot, frame->merge.kpage,
                                 frame->entry.rights &
                                     ~(uint32_t) (TLB_WRITE | TLB_DIRTY));
    if (status)
        system_fail(cpu->system, status);
    mmusim__reclaim_set_precious(kernel, frame->merge.kpage);
    mmusim__frame_unref(kernel->frames, frame->merge.page);
    kernel->ksm->counters.merged++;
    *frame->merge.is_done = true;
    mmusim__cpu_busy(cpu,
                     (uint64_t) cost->pte_set_cycles + cost->page_free_cycles,
                     BUCKET_KERNEL);
}

/* ---- the frame ---- */

static void merge_protect_unlock(struct cpu *cpu, struct merge_frame *frame)
{
    frame->frame.pc = MERGE_COMPARE;
    mmusim__lock_release(cpu, frame->slot.table->lock, LOCK_WRITE);
    if (frame->merge.kpage.v)
        return;
    *frame->merge.is_done = true;
    frame->frame.pc = MERGE_UNLOCK;
}

static enum kstep merge_step(struct cpu *cpu, struct kframe *kframe)
{
    struct merge_frame *frame = (struct merge_frame *) kframe;

    frame->kernel->now = cpu->now;
    switch (kframe->pc) {
    case MERGE_LOCK:
        kframe->pc = MERGE_FIND;
        mmusim__lock_take(cpu, &frame->merge.mm->mmap_lock, &frame->waiter,
                          LOCK_READ, BUCKET_KERNEL);
        return KSTEP_NEXT;
    case MERGE_FIND:
        merge_find(cpu, frame);
        return KSTEP_NEXT;
    case MERGE_PROTECT:
        merge_protect(cpu, frame);
        return KSTEP_NEXT;
    case MERGE_PROTECTED:
        merge_protected(cpu, frame);
        return KSTEP_NEXT;
    case MERGE_PROTECT_UNLOCK:
        merge_protect_unlock(cpu, frame);
        return KSTEP_NEXT;
    case MERGE_COMPARE:
        merge_compare(cpu, frame);
        return KSTEP_NEXT;
    case MERGE_RELOCK:
        kframe->pc = MERGE_REPLACE;
        merge_lock_table(cpu, frame);
        return KSTEP_NEXT;
    case MERGE_REPLACE:
        merge_replace(cpu, frame);
        return KSTEP_NEXT;
    case MERGE_INSTALL:
        merge_install(cpu, frame);
        return KSTEP_NEXT;
    case MERGE_DROP:
        kframe->pc = MERGE_UNLOCK;
        mmusim__lock_release(cpu, frame->slot.table->lock, LOCK_WRITE);
        return KSTEP_NEXT;
    case MERGE_UNLOCK:
        kframe->pc = MERGE_END;
        mmusim__lock_release(cpu, &frame->merge.mm->mmap_lock, LOCK_READ);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

void mmusim__ksm_merge(struct cpu *cpu, struct kernel *kernel,
                       const struct ksm_merge *merge)
{
    struct merge_frame *frame =
        mmusim__cpu_push(cpu, merge_step, sizeof(*frame));

    frame->kernel = kernel;
    frame->merge = *merge;
}
