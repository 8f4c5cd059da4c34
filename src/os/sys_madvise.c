/* SPDX-License-Identifier: MIT */
/*
 * madvise (Linux 4.6 mm/madvise.c): DONTNEED and FREE gather and flush area by
 * area under mmap_lock for reading. HUGEPAGE and NOHUGEPAGE change the areas'
 * flags under it for writing, and no entry (hugepage_madvise): a huge page that
 * is there stays, unless the areas now end within it (split_vma). COLD (5.4)
 * clears Accessed and makes the pages the next ones that reclaim looks at;
 * PAGEOUT is in sys_reclaim.c. Older kernels know neither. MERGEABLE and
 * UNMERGEABLE (ksm_madvise) change the flags of private areas; the latter
 * copies what is merged first.
 */
#include "coherence/mm_rules.h"
#include "os/huge_page.h"
#include "os/ksm.h"
#include "os/syscall.h"
#include "os/unmap.h"

static bool madvise_drops(const struct sys_frame *sys)
{
    return sys->op.advice == MADVICE_DONTNEED ||
           sys->op.advice == MADVICE_FREE ||
           (sys->op.advice == MADVICE_COLD &&
            sys->kernel->system->protocol->mm_rules->knows_cold);
}

static enum unmap_mode madvise_mode(const struct sys_frame *sys)
{
    if (sys->op.advice == MADVICE_FREE)
        return UNMAP_MAKE_OLD;
    return sys->op.advice == MADVICE_COLD ? UNMAP_MAKE_COLD : UNMAP_ENTRIES;
}

/* MADV_FREE is for private anonymous memory, DONTNEED not for hugetlb. */
static bool madvise_takes(const struct sys_frame *sys,
                          const struct vm_area *area)
{
    if (area->flags & VM_HUGETLB)
        return false;
    return sys->op.advice != MADVICE_FREE || !area->file_id;
}

/* Begins the next area of the range; false: there is none left. */
static bool madvise_next_area(struct cpu *cpu, struct sys_frame *sys)
{
    struct unmap_range range = {
        .mm = sys->mm,
        .mode = madvise_mode(sys),
    };
    const struct vm_area *area;

    for (;;) {
        area = mmusim__sys_next_area(sys);
        if (!area)
            return false;
        range.start = max_u64(area->start, sys->cursor);
        range.end = min_u64(area->end, sys->end);
        sys->cursor = range.end;
        sys->n_touched++;
        if (madvise_takes(sys, area))
            break;
        sys->is_refused = true;
    }
    if (!mmusim__sys_next_area(sys)) {
        range.on_effect = mmusim__sys_effect; /* the last one */
        /* A first touch meanwhile makes an area under the same lock. */
        sys->cursor = sys->end;
    }
    mmusim__unmap(cpu, sys->kernel, &range);
    return true;
}

static enum sys_body madvise_body(struct cpu *cpu, struct sys_frame *sys)
{
    if (madvise_drops(sys) && madvise_next_area(cpu, sys))
        return SYS_AGAIN;
    return SYS_LEAVE;
}

const struct sys_call mmusim__sys_madvise = {
    SYS_LOCK_READ,
    madvise_body,
    sizeof(struct sys_frame),
};

/* ---- flags of areas ---- */

/* What the advice makes of an area's flags. */
static struct vm_flag_change madvise_flags(uint32_t advice)
{
    if (advice == MADVICE_MERGEABLE)
        return (struct vm_flag_change){0, VM_MERGEABLE};
    if (advice == MADVICE_UNMERGEABLE)
        return (struct vm_flag_change){VM_MERGEABLE, 0};
    if (advice == MADVICE_HUGEPAGE)
        return (struct vm_flag_change){VM_NOHUGEPAGE, VM_HUGEPAGE};
    return (struct vm_flag_change){VM_HUGEPAGE, VM_NOHUGEPAGE};
}

/* Where the advice ends: at a hole or hugetlb Linux stops with an error,
 * hugepage_madvise(), VM_NO_KHUGEPAGED. */
static uint64_t madvise_flags_end(const struct sys_frame *sys)
{
    uint64_t cursor = sys->start;
    const struct vm_area *area = mmusim__vm_find(sys->mm->areas, cursor);

    while (area && cursor < sys->end && !(area->flags & VM_HUGETLB)) {
        cursor = area->end;
        area = mmusim__vm_find(sys->mm->areas, cursor);
    }
    return min_u64(cursor, sys->end);
}

/* vma_adjust_trans_huge(): an area that is to be divided at vaddr takes a huge
 * page there along. */
static void madvise_split_at(struct cpu *cpu, const struct sys_frame *sys,
                             uint64_t vaddr)
{
    struct vm_flag_change change = madvise_flags(sys->op.advice);
    const struct vm_area *area = mmusim__vm_find(sys->mm->areas, vaddr);
    struct pt_entry entry;
    struct pte_slot slot;

    if (!area || area->start == vaddr ||
        area->flags == ((area->flags & ~change.cleared) | change.set))
        return;
    slot = mmusim__pte_deepest(sys->kernel, sys->mm, vaddr, &entry);
    if (thp_is_possible(sys->kernel->format) &&
        slot.table->level == THP_LEVEL &&
        mmusim__thp_is_cut(sys->kernel, &slot, area, vaddr, area->end))
        mmusim__thp_split(cpu, sys->kernel, sys->mm, vaddr);
}

enum { MADVISE_SPLIT_START, MADVISE_SPLIT_END, MADVISE_FLAGS };

static enum sys_body madvise_flags_body(struct cpu *cpu, struct sys_frame *sys)
{
    uint64_t end = madvise_flags_end(sys);

    switch (sys->step++) {
    case MADVISE_SPLIT_START:
        madvise_split_at(cpu, sys, sys->start);
        return SYS_AGAIN;
    case MADVISE_SPLIT_END:
        madvise_split_at(cpu, sys, end);
        return SYS_AGAIN;
    default:
        break;
    }
    if (end > sys->start)
        mmusim__sys_fails(
            sys, mmusim__vm_change_flags(sys->mm->areas, sys->start, end,
                                         madvise_flags(sys->op.advice),
                                         &sys->n_touched));
    mmusim__sys_effect(cpu, sys->kernel);
    return SYS_LEAVE;
}

const struct sys_call mmusim__sys_madvise_flags = {
    SYS_LOCK_WRITE,
    madvise_flags_body,
    sizeof(struct sys_frame),
};

/* ---- merging ---- */

struct merge_advice_frame {
    struct sys_frame sys;
    struct vm_area piece; /* of an area, whose flags are to change */
    bool is_short;        /* what is merged could not be copied */
};

enum { ADVISE_AREA, ADVISE_SPLIT_START, ADVISE_SPLIT_END, ADVISE_FLAGS };

/* ksm_madvise(): others are skipped, without an error. */
static bool advise_takes(const struct sys_frame *sys,
                         const struct vm_area *area)
{
    if (sys->op.advice == MADVICE_UNMERGEABLE)
        return area->flags & VM_MERGEABLE;
    return !(area->flags & (VM_MERGEABLE | VM_SHARED | VM_PFNMAP | VM_HUGETLB));
}

/* The next piece to change; false: there is none left. */
static bool advise_next(struct merge_advice_frame *advise)
{
    struct sys_frame *sys = &advise->sys;
    const struct vm_area *area;

    do {
        area = mmusim__sys_next_area(sys);
        if (!area)
            return false;
        advise->piece = *area;
        advise->piece.start = max_u64(area->start, sys->cursor);
        advise->piece.end = min_u64(area->end, sys->end);
        sys->cursor = area->end;
        sys->n_touched++;
    } while (!advise_takes(sys, area));
    return true;
}

static void advise_change(struct merge_advice_frame *advise)
{
    struct sys_frame *sys = &advise->sys;

    if (advise->is_short) { /* ENOMEM */
        sys->is_refused = true;
        return;
    }
    sys->mm->is_mergeable = true; /* __ksm_enter() */
    mmusim__sys_fails(sys, mmusim__vm_change_flags(
                               sys->mm->areas, advise->piece.start,
                               advise->piece.end, madvise_flags(sys->op.advice),
                               &sys->n_touched));
}

static enum sys_body advise_merging(struct cpu *cpu, struct sys_frame *sys)
{
    struct merge_advice_frame *advise = (struct merge_advice_frame *) sys;

    switch (sys->step++) {
    case ADVISE_AREA:
        if (sys->mm == &sys->kernel->init_mm || !advise_next(advise)) {
            mmusim__sys_effect(cpu, sys->kernel);
            return SYS_LEAVE;
        }
        if (sys->op.advice == MADVICE_UNMERGEABLE)
            mmusim__ksm_break(cpu, sys->kernel, sys->mm, advise->piece.start,
                              advise->piece.end, &advise->is_short);
        return SYS_AGAIN;
    case ADVISE_SPLIT_START:
        madvise_split_at(cpu, sys, advise->piece.start);
        return SYS_AGAIN;
    case ADVISE_SPLIT_END:
        madvise_split_at(cpu, sys, advise->piece.end);
        return SYS_AGAIN;
    default:
        sys->step = ADVISE_AREA;
        advise_change(advise);
        return SYS_AGAIN;
    }
}

const struct sys_call mmusim__sys_madvise_merging = {
    SYS_LOCK_WRITE,
    advise_merging,
    sizeof(struct merge_advice_frame),
};
