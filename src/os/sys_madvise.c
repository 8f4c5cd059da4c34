/* SPDX-License-Identifier: MIT */
/*
 * madvise (Linux 4.6 mm/madvise.c): DONTNEED and FREE gather and flush area by
 * area under mmap_lock for reading. The other kinds change no entry here:
 * 4.6 does not know COLD and PAGEOUT, and THP is not modelled.
 */
#include "os/syscall.h"
#include "os/unmap.h"

enum { STEP_ENTER, STEP_LOCK, STEP_AREA, STEP_UNLOCK, STEP_EXIT };

static bool madvise_drops(const struct sys_frame *sys)
{
    return sys->op.advice == MADVICE_DONTNEED || sys->op.advice == MADVICE_FREE;
}

/* MADV_FREE is for private anonymous memory, DONTNEED not for hugetlb. */
static bool madvise_takes(const struct sys_frame *sys,
                          const struct vm_area *area)
{
    if (area->flags & VM_HUGETLB)
        return false;
    return sys->op.advice == MADVICE_DONTNEED || !area->file_id;
}

/* The next area that has a part in the range; NULL: there is none left. */
static const struct vm_area *madvise_find_area(const struct sys_frame *sys)
{
    const struct vm_area *area;

    if (sys->cursor >= sys->end)
        return NULL;
    area = mmusim__vm_find_from(sys->mm->areas, sys->cursor);
    return area && area->start < sys->end ? area : NULL;
}

/* Begins the next area of the range; false: there is none left. */
static bool madvise_next_area(struct cpu *cpu, struct sys_frame *sys)
{
    struct unmap_range range = {
        .mm = sys->mm,
        .mode = sys->op.advice == MADVICE_FREE ? UNMAP_MAKE_OLD : UNMAP_ENTRIES,
    };
    const struct vm_area *area;

    for (;;) {
        area = madvise_find_area(sys);
        if (!area)
            return false;
        range.start = max_u64(area->start, sys->cursor);
        range.end = min_u64(area->end, sys->end);
        sys->cursor = range.end;
        sys->n_touched++;
        if (madvise_takes(sys, area))
            break;
    }
    if (!madvise_find_area(sys))
        range.on_effect = mmusim__sys_effect; /* the last one */
    mmusim__unmap(cpu, sys->kernel, &range);
    return true;
}

static enum kstep madvise_step(struct cpu *cpu, struct kframe *frame)
{
    struct sys_frame *sys = (struct sys_frame *) frame;

    switch (frame->pc) {
    case STEP_ENTER:
        frame->pc = STEP_LOCK;
        mmusim__sys_enter(cpu);
        return KSTEP_NEXT;
    case STEP_LOCK:
        frame->pc = STEP_AREA;
        mmusim__sys_lock_mm(cpu, sys, LOCK_READ);
        return KSTEP_NEXT;
    case STEP_AREA:
        if (!madvise_drops(sys) || !madvise_next_area(cpu, sys))
            frame->pc = STEP_UNLOCK;
        return KSTEP_NEXT;
    case STEP_UNLOCK:
        frame->pc = STEP_EXIT;
        mmusim__lock_release(cpu, &sys->mm->mmap_lock, LOCK_READ);
        mmusim__cpu_busy(
            cpu, (uint64_t) (sys->n_touched + 1) * cpu->system->cost.vma_cycles,
            BUCKET_KERNEL);
        return KSTEP_NEXT;
    case STEP_EXIT:
        frame->pc++;
        mmusim__sys_exit(cpu, sys);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

const struct sys_call mmusim__sys_madvise = {
    madvise_step,
    sizeof(struct sys_frame),
};
