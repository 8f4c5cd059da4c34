/* SPDX-License-Identifier: MIT */
/*
 * Merged pages are copied where they are not to be merged any more:
 * unmerge_ksm_pages() and break_ksm() of Linux mm/ksm.c, which has
 * handle_mm_fault() do for each what a store would: a copy, the entry cleared
 * and flushed, the copy set. What is in the copy is what is in the original.
 */
#include "os/ksm.h"

#include "coherence/flush.h"
#include "os/check_hooks.h"
#include "os/page_contents.h"
#include "os/placement.h"
#include "os/reclaim.h"

struct break_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct mm *mm;
    uint64_t cursor, end;
    bool *is_short;
    struct pte_slot slot;
    pfn_t original, copy;
    uint32_t rights;
    struct lock_waiter waiter;
};

enum {
    BREAK_FIND,
    BREAK_RECLAIM,
    BREAK_COPY,
    BREAK_LOCK,
    BREAK_CLEAR,
    BREAK_INSTALL,
    BREAK_DROP,
    BREAK_END,
};

/* From the cursor to the next merged page, in one table. */
static bool break_scan(struct break_frame *frame, uint64_t *n_scanned)
{
    struct kernel *kernel = frame->kernel;
    struct pte_slot *slot = &frame->slot;
    uint64_t bytes = mmusim__pte_bytes(slot, kernel->format);
    struct pt_entry entry;

    do {
        ++*n_scanned;
        if (!slot->table->level && mmusim__pte_maps(kernel, slot, &entry) &&
            mmusim__ksm_page(kernel, entry.pfn)) {
            frame->original = entry.pfn;
            return true;
        }
        slot->index++;
        frame->cursor += bytes;
    } while (!slot->table->level && slot->index < slot->table->n_words &&
             frame->cursor < frame->end);
    return false;
}

static void break_find(struct cpu *cpu, struct break_frame *frame)
{
    uint64_t n_scanned = 0;

    if (!mmusim__pte_next_table(frame->kernel, frame->mm, frame->cursor,
                                frame->end, &frame->slot, &frame->cursor)) {
        frame->frame.pc = BREAK_END;
        return;
    }
    if (break_scan(frame, &n_scanned))
        frame->frame.pc = BREAK_RECLAIM;
    mmusim__cpu_busy(cpu, n_scanned * cpu->system->cost.pte_scan_cycles,
                     BUCKET_KERNEL);
}

static void break_copy(struct cpu *cpu, struct break_frame *frame)
{
    struct kernel *kernel = frame->kernel;
    const struct cost_config *cost = &cpu->system->cost;
    uint32_t order = kernel->format->granule_order;

    frame->frame.pc = BREAK_LOCK;
    if (mmusim__page_get(kernel, order, frame->cursor, &frame->copy)) {
        frame->frame.pc = BREAK_END;
        if (frame->is_short)
            *frame->is_short = true;
        return;
    }
    if (kernel->system->check)
        mmusim__check_contents_taken(kernel, frame->original);
    mmusim__cpu_busy(cpu,
                     cost->page_alloc_cycles +
                         ((uint64_t) cost->page_copy_cycles << order),
                     BUCKET_KERNEL);
}

static void break_lock(struct cpu *cpu, struct break_frame *frame)
{
    struct klock *lock = mmusim__pte_lock(frame->slot.table);

    frame->frame.pc = BREAK_CLEAR;
    if (lock)
        mmusim__lock_take(cpu, lock, &frame->waiter, LOCK_WRITE, BUCKET_KERNEL);
    else
        system_fail(cpu->system, MMUSIM_NOMEM);
}

/* ptep_clear_flush(), if the entry is still the same. */
static void break_clear(struct cpu *cpu, struct break_frame *frame)
{
    struct kernel *kernel = frame->kernel;
    const struct vm_area *area =
        mmusim__vm_find(frame->mm->areas, frame->cursor);
    struct pt_entry entry;

    frame->frame.pc = BREAK_DROP;
    if (!area || !mmusim__pte_maps(kernel, &frame->slot, &entry) ||
        entry.pfn.v != frame->original.v)
        return;
    frame->rights = entry.rights | TLB_DIRTY;
    if (area->flags & VM_WRITE)
        frame->rights |= TLB_WRITE;
    frame->frame.pc = BREAK_INSTALL;
    mmusim__pte_clear(kernel, &frame->slot);
    mmusim__flush_page(cpu, &frame->mm->space, frame->cursor,
                       kernel->format->granule_order);
}

static void break_install(struct cpu *cpu, struct break_frame *frame)
{
    struct kernel *kernel = frame->kernel;
    mmusim_status_t status =
        mmusim__pte_install(kernel, &frame->slot, frame->copy, frame->rights);

    frame->frame.pc = BREAK_DROP;
    if (status)
        system_fail(cpu->system, status);
    mmusim__contents_copied(kernel, frame->original, frame->copy);
    mmusim__frame_unref(kernel->frames, frame->original);
    frame->copy.v = 0; /* the entry's */
    kernel->vm.cow_ksm++;
    kernel->ksm->counters.unmerged++;
    mmusim__cpu_busy(cpu, cpu->system->cost.pte_set_cycles, BUCKET_KERNEL);
}

static void break_drop(struct cpu *cpu, struct break_frame *frame)
{
    frame->frame.pc = BREAK_FIND;
    frame->cursor += kernel_page_bytes(frame->kernel);
    if (frame->copy.v)
        mmusim__frame_unref(frame->kernel->frames, frame->copy);
    frame->copy.v = 0;
    mmusim__lock_release(cpu, frame->slot.table->lock, LOCK_WRITE);
}

static enum kstep break_step(struct cpu *cpu, struct kframe *kframe)
{
    struct break_frame *frame = (struct break_frame *) kframe;

    frame->kernel->now = cpu->now;
    switch (kframe->pc) {
    case BREAK_FIND:
        break_find(cpu, frame);
        return KSTEP_NEXT;
    case BREAK_RECLAIM:
        kframe->pc = BREAK_COPY;
        mmusim__reclaim_before(cpu, frame->kernel, 1);
        return KSTEP_NEXT;
    case BREAK_COPY:
        break_copy(cpu, frame);
        return KSTEP_NEXT;
    case BREAK_LOCK:
        break_lock(cpu, frame);
        return KSTEP_NEXT;
    case BREAK_CLEAR:
        break_clear(cpu, frame);
        return KSTEP_NEXT;
    case BREAK_INSTALL:
        break_install(cpu, frame);
        return KSTEP_NEXT;
    case BREAK_DROP:
        break_drop(cpu, frame);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

void mmusim__ksm_break(struct cpu *cpu, struct kernel *kernel, struct mm *mm,
                       uint64_t start, uint64_t end, bool *is_short)
{
    struct break_frame *frame;

    if (!kernel->ksm)
        return;
    frame = mmusim__cpu_push(cpu, break_step, sizeof(*frame));
    frame->kernel = kernel;
    frame->mm = mm;
    frame->cursor = start;
    frame->end = end;
    frame->is_short = is_short;
}
