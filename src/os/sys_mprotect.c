/* SPDX-License-Identifier: MIT */
/*
 * mprotect (mm/mprotect.c): area by area under mmap_lock for writing, the
 * entries of each table under its lock. Up to 5.18 a flush_tlb_range() over the
 * area's part if any entry was there, the change being announced meanwhile
 * (tlb_flush_pending); from 5.19 on an mmu_gather of the entries that need it
 * (pte_needs_flush()). Areas whose rights stay the same are skipped. Private
 * areas lose write permission in their entries, whatever is granted: the next
 * store takes a fault that gives it back.
 */
#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "os/huge_page.h"
#include "os/page_cache.h"
#include "os/page_table.h"
#include "os/syscall.h"
#include "os/tlb_gather.h"

struct mprotect_frame {
    struct sys_frame sys;
    struct lock_waiter table_waiter;
    struct vm_area piece; /* being changed: bounds and new flags */
    struct pte_slot slot;
    bool is_gathering;
};

enum {
    MPROTECT_BEGIN,
    MPROTECT_AREA,
    MPROTECT_TABLE,
    MPROTECT_BATCHED,
    MPROTECT_ENTRIES,
    MPROTECT_UNLOCK_TABLE,
    MPROTECT_FLUSH,
    MPROTECT_FLUSHED,
    MPROTECT_LEAVE,
};

enum { PROT_FLAGS = VM_READ | VM_WRITE | VM_EXEC };

/* Finds the next area whose rights change, and changes it; false: none. */
static bool mprotect_next_area(struct mprotect_frame *mprotect)
{
    struct sys_frame *sys = &mprotect->sys;
    uint32_t flags = mmusim__sys_vm_rights(&sys->op);

    for (;;) {
        const struct vm_area *area = mmusim__sys_next_area(sys);

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
    uint32_t level = mprotect->slot.table->level;
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
    word = format->make_leaf(format, old->pfn, level, rights, old->is_accessed);
    return piece->flags & PROT_FLAGS ? word : format->hide(word, level);
}

/* pte_needs_flush(): x86 ignores Accessed and what becomes dirty (arch/x86
 * asm/tlbflush.h), arm64 only software's bits; the others flush always. */
static bool mprotect_needs_flush(const struct kernel *kernel, uint32_t level,
                                 uint64_t old_word, uint64_t new_word)
{
    const struct pt_format *format = kernel->format;
    const struct pt_entry from = format->decode(format, old_word, level);
    const struct pt_entry to = format->decode(format, new_word, level);
    uint32_t changed = from.rights ^ to.rights;
    enum isa isa = kernel->system->isa;

    if (isa != ISA_X86_64 && isa != ISA_I386 && isa != ISA_ARMV8)
        return true;
    if (!from.is_present)
        return false;
    if (!to.is_present)
        return true;
    if (isa == ISA_ARMV8)
        return changed || from.is_accessed != to.is_accessed;
    return (changed & ~(uint32_t) TLB_DIRTY) ||
           (from.rights & ~to.rights & TLB_DIRTY);
}

static void mprotect_entry(struct cpu *cpu, struct mprotect_frame *mprotect,
                           const struct pt_entry *entry, uint64_t bytes)
{
    struct kernel *kernel = mprotect->sys.kernel;
    const struct pte_slot *slot = &mprotect->slot;
    uint32_t level = slot->table->level;
    uint64_t word = mprotect_word(mprotect, entry);

    if (mprotect->is_gathering &&
        mprotect_needs_flush(kernel, level, mmusim__pte_word(slot), word))
        mmusim__gather_entry(kernel_gather(kernel, cpu), mprotect->sys.cursor,
                             bytes, level);
    mmusim__pte_rewrite(kernel, slot, word);
}

/* All entries of one table that lie in the piece. */
static void mprotect_entries(struct cpu *cpu, struct mprotect_frame *mprotect)
{
    struct sys_frame *sys = &mprotect->sys;
    const struct cost_config *cost = &cpu->system->cost;
    struct pte_slot *slot = &mprotect->slot;
    uint64_t bytes = mmusim__pte_bytes(slot, sys->kernel->format);
    uint64_t n_scanned = 0;
    uint64_t n_changed = 0;

    do {
        struct pt_entry entry;

        if (mmusim__pte_maps(sys->kernel, slot, &entry)) {
            mprotect_entry(cpu, mprotect, &entry, bytes);
            n_changed++;
        }
        n_scanned++;
        slot->index++;
        sys->cursor += bytes;
    } while (slot->table->level == 0 && slot->index < slot->table->n_words &&
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
        sys->step = MPROTECT_FLUSH;
        return;
    }
    if (mmusim__thp_is_cut(sys->kernel, &mprotect->slot, &mprotect->piece,
                           mprotect->piece.start, mprotect->piece.end)) {
        sys->cursor = mprotect->slot.vaddr; /* found again as a table */
        mmusim__thp_split(cpu, sys->kernel, sys->mm, sys->cursor);
        return;
    }
    lock = mmusim__pte_lock(mprotect->slot.table);
    if (!lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    sys->step = MPROTECT_BATCHED;
    mmusim__lock_take(cpu, lock, &mprotect->table_waiter, LOCK_WRITE,
                      BUCKET_KERNEL);
}

static const struct mm_rules *mprotect_rules(const struct sys_frame *sys)
{
    return sys->kernel->gather_shape.rules;
}

static void mprotect_begin(struct cpu *cpu, struct mprotect_frame *mprotect)
{
    struct sys_frame *sys = &mprotect->sys;

    mprotect->is_gathering = mprotect_rules(sys)->protect_gathers &&
                             sys->mm != &sys->kernel->init_mm;
    if (mprotect->is_gathering)
        mmusim__gather_begin(kernel_gather(sys->kernel, cpu), &sys->mm->space,
                             GATHER_RANGE, sys->start, sys->end);
}

static void mprotect_area(struct cpu *cpu, struct mprotect_frame *mprotect)
{
    struct sys_frame *sys = &mprotect->sys;

    if (!mmusim__sys_range_is_sound(sys, sys->start, sys->end) ||
        !mprotect_next_area(mprotect)) {
        sys->step = MPROTECT_LEAVE;
        if (mprotect->is_gathering)
            mmusim__tlb_finish(cpu, sys->kernel);
        return;
    }
    sys->step = MPROTECT_TABLE;
    if (mprotect->is_gathering)
        kernel_gather(sys->kernel, cpu)->has_area = true;
    else
        mmusim__flush_pending_begin(mprotect_rules(sys), &sys->mm->space,
                                    PENDING_BY_PROTECT);
}

static void mprotect_flush(struct cpu *cpu, struct mprotect_frame *mprotect)
{
    struct sys_frame *sys = &mprotect->sys;
    struct kernel *kernel = sys->kernel;
    const struct vm_area *piece = &mprotect->piece;
    struct flush_span span = flush_span_of(piece->start, piece->end);

    span.is_hugetlb = piece->flags & VM_HUGETLB;
    sys->cursor = piece->end;
    if (!mmusim__sys_next_area(sys))
        mmusim__sys_effect(cpu, kernel);
    if (mprotect->is_gathering) {
        if (kernel->gather_shape.flushes_areas)
            kernel->gathers.areas += mmusim__tlb_flush(cpu, kernel);
    } else if (sys->has_changed && sys->mm == &kernel->init_mm) {
        mmusim__flush_kernel_range(cpu, span.start, span.end);
    } else if (sys->has_changed) {
        mmusim__flush_range(cpu, &sys->mm->space, &span);
    }
}

static enum sys_body mprotect_body(struct cpu *cpu, struct sys_frame *sys)
{
    struct mprotect_frame *mprotect = (struct mprotect_frame *) sys;

    switch (sys->step) {
    case MPROTECT_BEGIN:
        sys->step = MPROTECT_AREA;
        mprotect_begin(cpu, mprotect);
        return SYS_AGAIN;
    case MPROTECT_AREA:
        mprotect_area(cpu, mprotect);
        return SYS_AGAIN;
    case MPROTECT_TABLE:
        mprotect_lock_table(cpu, mprotect);
        return SYS_AGAIN;
    case MPROTECT_BATCHED:
        sys->step = MPROTECT_ENTRIES;
        mmusim__batched_pending(cpu, &sys->mm->space);
        return SYS_AGAIN;
    case MPROTECT_ENTRIES:
        sys->step = MPROTECT_UNLOCK_TABLE;
        mprotect_entries(cpu, mprotect);
        return SYS_AGAIN;
    case MPROTECT_UNLOCK_TABLE:
        sys->step = MPROTECT_TABLE;
        mmusim__lock_release(cpu, mprotect->slot.table->lock, LOCK_WRITE);
        return SYS_AGAIN;
    case MPROTECT_FLUSH:
        sys->step = MPROTECT_FLUSHED;
        mprotect_flush(cpu, mprotect);
        return SYS_AGAIN;
    case MPROTECT_FLUSHED:
        sys->step = MPROTECT_AREA;
        if (!mprotect->is_gathering)
            mmusim__flush_pending_end(mprotect_rules(sys), &sys->mm->space,
                                      PENDING_BY_PROTECT);
        return SYS_AGAIN;
    default:
        return SYS_LEAVE;
    }
}

const struct sys_call mmusim__sys_mprotect = {
    SYS_LOCK_WRITE,
    mprotect_body,
    sizeof(struct mprotect_frame),
};
