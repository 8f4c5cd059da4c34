/* SPDX-License-Identifier: MIT */
/* mmap, munmap and brk (Linux 4.6 mm/mmap.c). */
#include "os/page_cache.h"
#include "os/syscall.h"
#include "os/unmap.h"

static bool sys_fail(struct kernel *kernel, mmusim_status_t status)
{
    if (status == MMUSIM_NOMEM)
        system_fail(kernel->system, status);
    return status != MMUSIM_OK;
}

static uint64_t sys_vma_cycles(const struct sys_frame *sys)
{
    /* The find itself counts as one. */
    return (uint64_t) (sys->n_touched + 1) *
           sys->kernel->system->cost.vma_cycles;
}

/* Takes the areas of a range away and begins to unmap it; false: Linux would
 * refuse it (inside a huge page). */
static bool sys_remove_range(struct cpu *cpu, struct sys_frame *sys,
                             uint64_t start, uint64_t end)
{
    struct kernel *kernel = sys->kernel;
    struct unmap_range range = {.mm = sys->mm, .start = start, .end = end};
    const struct vm_area *area = mmusim__vm_find_from(sys->mm->areas, start);
    bool is_empty = !area || area->start >= end;
    bool is_kernel = sys->mm == &kernel->init_mm;

    if (sys_fail(kernel, mmusim__vm_remove(sys->mm->areas, start, end,
                                           &sys->n_touched)))
        return false;
    if (is_empty)
        return true;
    range.mode = is_kernel ? UNMAP_ENTRIES : UNMAP_AREAS;
    range.on_effect = sys->op.kind == SYS_MMAP ? NULL : mmusim__sys_effect;
    mmusim__unmap(cpu, kernel, &range);
    return true;
}

/* No first touch there any more, until something is mapped again. */
static void sys_note_unmapped(struct sys_frame *sys, uint64_t start,
                              uint64_t end)
{
    struct vm_area hole = {.start = start, .end = end};
    struct vm_set *set = sys->mm->unmapped;

    if (sys_fail(sys->kernel, mmusim__vm_remove(set, start, end, NULL)))
        return;
    sys_fail(sys->kernel, mmusim__vm_insert(set, &hole, NULL));
}

static void sys_insert_area(struct sys_frame *sys, const struct vm_area *area)
{
    if (sys_fail(sys->kernel, mmusim__vm_remove(sys->mm->unmapped, area->start,
                                                area->end, NULL)))
        return;
    sys_fail(sys->kernel,
             mmusim__vm_insert(sys->mm->areas, area, &sys->n_touched));
}

static uint32_t sys_area_flags(const struct sys_op *op)
{
    uint32_t flags = 0;

    if (op->flags & SYS_PROT_READ)
        flags |= VM_READ;
    if (op->flags & SYS_PROT_WRITE)
        flags |= VM_WRITE;
    if (op->flags & SYS_PROT_EXEC)
        flags |= VM_EXEC;
    if (op->flags & SYS_MAP_SHARED)
        flags |= VM_SHARED;
    if (op->huge_order)
        flags |= VM_HUGETLB;
    return flags;
}

enum { STEP_ENTER, STEP_LOCK, STEP_EDIT, STEP_INSERT, STEP_CHARGE, STEP_EXIT };

static void mmap_insert(struct sys_frame *sys)
{
    struct vm_area area = {
        .start = sys->start,
        .end = sys->end,
        .flags = sys_area_flags(&sys->op),
        .huge_order = sys->op.huge_order,
        .file_id = sys->file_id,
        .file_offset = sys->op.file_offset,
    };

    sys_insert_area(sys, &area);
}

static enum kstep mmap_step(struct cpu *cpu, struct kframe *frame)
{
    struct sys_frame *sys = (struct sys_frame *) frame;

    switch (frame->pc++) {
    case STEP_ENTER:
        mmusim__sys_enter(cpu);
        return KSTEP_NEXT;
    case STEP_LOCK:
        mmusim__sys_lock_mm(cpu, sys, LOCK_WRITE);
        return KSTEP_NEXT;
    case STEP_EDIT:
        sys->has_changed =
            mmusim__sys_range_is_sound(sys, sys->start, sys->end) &&
            sys_remove_range(cpu, sys, sys->start, sys->end);
        return KSTEP_NEXT;
    case STEP_INSERT:
        if (sys->has_changed)
            mmap_insert(sys);
        mmusim__sys_effect(cpu, sys->kernel);
        mmusim__cpu_busy(cpu, sys_vma_cycles(sys), BUCKET_KERNEL);
        return KSTEP_NEXT;
    case STEP_CHARGE:
        mmusim__lock_release(cpu, &sys->mm->mmap_lock, LOCK_WRITE);
        mmusim__sys_exit(cpu, sys);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

static enum kstep munmap_step(struct cpu *cpu, struct kframe *frame)
{
    struct sys_frame *sys = (struct sys_frame *) frame;

    switch (frame->pc++) {
    case STEP_ENTER:
        mmusim__sys_enter(cpu);
        return KSTEP_NEXT;
    case STEP_LOCK:
        mmusim__sys_lock_mm(cpu, sys, LOCK_WRITE);
        return KSTEP_NEXT;
    case STEP_EDIT:
        if (mmusim__sys_range_is_sound(sys, sys->start, sys->end) &&
            sys_remove_range(cpu, sys, sys->start, sys->end))
            sys_note_unmapped(sys, sys->start, sys->end);
        return KSTEP_NEXT;
    case STEP_INSERT:
        mmusim__cpu_busy(cpu, sys_vma_cycles(sys), BUCKET_KERNEL);
        return KSTEP_NEXT;
    case STEP_CHARGE:
        mmusim__lock_release(cpu, &sys->mm->mmap_lock, LOCK_WRITE);
        mmusim__sys_exit(cpu, sys);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

/* The first brk of a trace only says where the heap ends: what lies below
 * was set up before the trace began. Growing unmaps what lies there, as
 * do_brk() does. False: nothing more to map. */
static bool brk_edit(struct cpu *cpu, struct sys_frame *sys)
{
    uint64_t old = align_up(sys->mm->brk, BASE_PAGE_BYTES);
    uint64_t new = align_up(sys->op.vaddr, BASE_PAGE_BYTES);
    bool is_known = sys->mm->brk;

    if (sys->mm == &sys->kernel->init_mm || new < sys->op.vaddr ||
        (new && !mmusim__sys_range_is_sound(sys, 0, new)))
        return false;
    sys->mm->brk = sys->op.vaddr;
    sys->start = old;
    sys->end = new;
    if (is_known && new < old && sys_remove_range(cpu, sys, new, old))
        sys_note_unmapped(sys, new, old);
    return is_known && new > old &&sys_remove_range(cpu, sys, old, new);
}

static void brk_insert(struct sys_frame *sys)
{
    const struct vm_area heap = {
        sys->start, sys->end, VM_READ | VM_WRITE | VM_HEAP, 0, 0, 0};

    sys_insert_area(sys, &heap);
}

static enum kstep brk_step(struct cpu *cpu, struct kframe *frame)
{
    struct sys_frame *sys = (struct sys_frame *) frame;

    switch (frame->pc++) {
    case STEP_ENTER:
        mmusim__sys_enter(cpu);
        return KSTEP_NEXT;
    case STEP_LOCK:
        mmusim__sys_lock_mm(cpu, sys, LOCK_WRITE);
        return KSTEP_NEXT;
    case STEP_EDIT:
        sys->has_changed = brk_edit(cpu, sys);
        return KSTEP_NEXT;
    case STEP_INSERT:
        if (sys->has_changed)
            brk_insert(sys);
        mmusim__sys_effect(cpu, sys->kernel);
        mmusim__cpu_busy(cpu, sys_vma_cycles(sys), BUCKET_KERNEL);
        return KSTEP_NEXT;
    case STEP_CHARGE:
        mmusim__lock_release(cpu, &sys->mm->mmap_lock, LOCK_WRITE);
        mmusim__sys_exit(cpu, sys);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

const struct sys_call mmusim__sys_mmap = {
    mmap_step,
    sizeof(struct sys_frame),
};
const struct sys_call mmusim__sys_munmap = {
    munmap_step,
    sizeof(struct sys_frame),
};
const struct sys_call mmusim__sys_brk = {
    brk_step,
    sizeof(struct sys_frame),
};
