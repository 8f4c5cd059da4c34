/* SPDX-License-Identifier: MIT */
/*
 * mprotect (Linux 4.6 mm/mprotect.c): area by area under mmap_lock for writing,
 * the entries of each table under its lock; then flush_tlb_range over the
 * area's part if any entry was there. Areas whose rights stay the same are
 * skipped. Private areas lose write permission in their entries, whatever is
 * granted: the next store takes a fault that gives it back.
 */
#include "coherence/ipi.h"
#include "os/page_cache.h"
#include "os/page_table.h"
#include "os/syscall.h"

struct mprotect_frame {
    struct sys_frame sys;
    struct lock_waiter table_waiter;
    struct vm_area piece; /* being changed: bounds and new flags */
    struct pte_slot slot;
};

enum {
    STEP_ENTER,
    STEP_LOCK,
    STEP_AREA,
    STEP_TABLE,
    STEP_ENTRIES,
    STEP_UNLOCK_TABLE,
    STEP_FLUSH,
    STEP_UNLOCK,
    STEP_EXIT,
};

enum { PROT_FLAGS = VM_READ | VM_WRITE | VM_EXEC };

static uint32_t mprotect_flags(const struct sys_op *op)
{
    uint32_t flags = 0;

    if (op->flags & SYS_PROT_READ)
        flags |= VM_READ;
    if (op->flags & SYS_PROT_WRITE)
        flags |= VM_WRITE;
    if (op->flags & SYS_PROT_EXEC)
        flags |= VM_EXEC;
    return flags;
}

/* The next area that has a part in the range; NULL: there is none left. */
static const struct vm_area *mprotect_find_area(const struct sys_frame *sys)
{
    const struct vm_area *area;

    if (sys->cursor >= sys->end)
        return NULL;
    area = mmusim__vm_find_from(sys->mm->areas, sys->cursor);
    return area && area->start < sys->end ? area : NULL;
}

/* Finds the next area whose rights change, and changes it; false: none. */
static bool mprotect_next_area(struct mprotect_frame *mprotect)
{
    struct sys_frame *sys = &mprotect->sys;
    uint32_t flags = mprotect_flags(&sys->op);

    for (;;) {
        const struct vm_area *area = mprotect_find_area(sys);

        if (!area)
            return false;
        mprotect->piece = *area;
        mprotect->piece.start = max_u64(area->start, sys->cursor);
        mprotect->piece.end = min_u64(area->end, sys->end);
        mprotect->piece.flags = (area->flags & ~(uint32_t) PROT_FLAGS) | flags;
        sys->cursor = mprotect->piece.end;
        sys->n_touched++;
        if (mprotect->piece.flags != area->flags)
            break;
    }
    /* Refused inside a huge page; then nothing changes. */
    if (mmusim__vm_protect(sys->mm->areas, mprotect->piece.start,
                           mprotect->piece.end, flags, &sys->n_touched))
        return false;
    sys->cursor = mprotect->piece.start;
    sys->has_changed = false;
    return true;
}

static uint64_t mprotect_word(const struct mprotect_frame *mprotect,
                              const struct pt_entry *old)
{
    const struct kernel *kernel = mprotect->sys.kernel;
    const struct pt_format *format = kernel->format;
    const struct vm_area *piece = &mprotect->piece;
    uint32_t rights = old->rights & (TLB_USER | TLB_GLOBAL | TLB_DIRTY);
    bool keeps_write =
        (piece->flags & VM_SHARED) &&
        mmusim__page_cache_is_unnamed(kernel->page_cache, piece->file_id);
    uint64_t word;

    if (piece->flags & PROT_FLAGS)
        rights |= TLB_READ;
    if ((piece->flags & VM_WRITE) && keeps_write)
        rights |= TLB_WRITE;
    if (piece->flags & VM_EXEC)
        rights |= TLB_EXEC;
    word = format->make_leaf(old->pfn, mprotect->slot.table->level, rights,
                             old->is_accessed);
    return piece->flags & PROT_FLAGS ? word : format->hide(word);
}

/* All entries of one table that lie in the piece. */
static void mprotect_entries(struct cpu *cpu, struct mprotect_frame *mprotect)
{
    struct sys_frame *sys = &mprotect->sys;
    const struct cost_config *cost = &cpu->system->cost;
    struct pte_slot *slot = &mprotect->slot;
    uint64_t bytes = UINT64_C(1)
                     << (BASE_PAGE_SHIFT + pt_level_order(slot->table->level));
    uint64_t n_scanned = 0;
    uint64_t n_changed = 0;

    do {
        struct pt_entry entry;

        if (mmusim__pte_maps(sys->kernel, slot, &entry)) {
            mmusim__pte_rewrite(sys->kernel, slot,
                                mprotect_word(mprotect, &entry));
            n_changed++;
        }
        n_scanned++;
        slot->index++;
        sys->cursor += bytes;
    } while (slot->table->level == 0 && slot->index < PT_WORDS &&
             sys->cursor < mprotect->piece.end);
    sys->has_changed |= n_changed > 0;
    mmusim__cpu_busy(cpu,
                     n_scanned * cost->pte_scan_cycles +
                         n_changed * cost->pte_set_cycles,
                     BUCKET_KERNEL);
}

static void mprotect_lock_table(struct cpu *cpu,
                                struct mprotect_frame *mprotect)
{
    struct sys_frame *sys = &mprotect->sys;
    struct klock *lock;

    if (!mmusim__pte_next_table(sys->kernel, sys->mm, sys->cursor,
                                mprotect->piece.end, &mprotect->slot,
                                &sys->cursor)) {
        sys->frame.pc = STEP_FLUSH;
        return;
    }
    lock = mmusim__pte_lock(mprotect->slot.table);
    if (!lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    sys->frame.pc = STEP_ENTRIES;
    mmusim__lock_take(cpu, lock, &mprotect->table_waiter, LOCK_WRITE,
                      BUCKET_KERNEL);
}

static void mprotect_flush(struct cpu *cpu, struct mprotect_frame *mprotect)
{
    struct sys_frame *sys = &mprotect->sys;
    const struct vm_area *piece = &mprotect->piece;

    sys->cursor = piece->end;
    if (!mprotect_find_area(sys))
        mmusim__sys_effect(cpu, sys->kernel);
    if (sys->has_changed && sys->mm == &sys->kernel->init_mm)
        cpu->system->protocol->flush_kernel_range(cpu, piece->start,
                                                  piece->end);
    else if (sys->has_changed)
        cpu->system->protocol->flush_mm_range(
            cpu, &sys->mm->space, piece->start, piece->end,
            piece->flags & VM_HUGETLB ? FLUSH_HUGETLB : FLUSH_NORMAL);
}

static enum kstep mprotect_leave(struct cpu *cpu, struct sys_frame *sys)
{
    mmusim__lock_release(cpu, &sys->mm->mmap_lock, LOCK_WRITE);
    mmusim__cpu_busy(
        cpu, (uint64_t) (sys->n_touched + 1) * cpu->system->cost.vma_cycles,
        BUCKET_KERNEL);
    return KSTEP_NEXT;
}

static enum kstep mprotect_step(struct cpu *cpu, struct kframe *frame)
{
    struct mprotect_frame *mprotect = (struct mprotect_frame *) frame;
    struct sys_frame *sys = &mprotect->sys;

    switch (frame->pc) {
    case STEP_ENTER:
        frame->pc = STEP_LOCK;
        mmusim__sys_enter(cpu);
        return KSTEP_NEXT;
    case STEP_LOCK:
        frame->pc = STEP_AREA;
        mmusim__sys_lock_mm(cpu, sys, LOCK_WRITE);
        return KSTEP_NEXT;
    case STEP_AREA:
        frame->pc = mprotect_next_area(mprotect) ? STEP_TABLE : STEP_UNLOCK;
        return KSTEP_NEXT;
    case STEP_TABLE:
        mprotect_lock_table(cpu, mprotect);
        return KSTEP_NEXT;
    case STEP_ENTRIES:
        frame->pc = STEP_UNLOCK_TABLE;
        mprotect_entries(cpu, mprotect);
        return KSTEP_NEXT;
    case STEP_UNLOCK_TABLE:
        frame->pc = STEP_TABLE;
        mmusim__lock_release(cpu, mprotect->slot.table->lock, LOCK_WRITE);
        return KSTEP_NEXT;
    case STEP_FLUSH:
        frame->pc = STEP_AREA;
        mprotect_flush(cpu, mprotect);
        return KSTEP_NEXT;
    case STEP_UNLOCK:
        frame->pc = STEP_EXIT;
        return mprotect_leave(cpu, sys);
    case STEP_EXIT:
        frame->pc++;
        mmusim__sys_exit(cpu, sys);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

const struct sys_call mmusim__sys_mprotect = {
    mprotect_step,
    sizeof(struct mprotect_frame),
};
