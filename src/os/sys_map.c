/* SPDX-License-Identifier: MIT */
/* mmap, munmap and brk (Linux 4.6 mm/mmap.c). */
#include "os/page_cache.h"
#include "os/syscall.h"
#include "os/unmap.h"

/* Takes the areas of a range away and begins to unmap it; false: Linux would
 * refuse it (inside a huge page). */
static bool sys_remove_range(struct cpu *cpu, struct sys_frame *sys,
                             uint64_t start, uint64_t end)
{
    struct kernel *kernel = sys->kernel;
    struct unmap_range range = {.mm = sys->mm, .start = start, .end = end};
    bool is_kernel = sys->mm == &kernel->init_mm;

    range.mode = is_kernel ? UNMAP_ENTRIES : UNMAP_AREAS;
    range.on_effect = sys->op.kind == SYS_MMAP ? NULL : mmusim__sys_effect;
    return !mmusim__sys_fails(
        sys, mmusim__unmap_areas(cpu, kernel, &range, &sys->n_touched));
}

static uint32_t sys_area_flags(const struct sys_op *op)
{
    uint32_t flags = mmusim__sys_vm_rights(op);

    if (op->flags & SYS_MAP_SHARED)
        flags |= VM_SHARED;
    if (op->huge_order)
        flags |= VM_HUGETLB;
    return flags;
}

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

    if (sys->is_device)
        area.flags |= VM_PFNMAP;
    mmusim__sys_insert_area(sys, &area);
}

static enum sys_body mmap_body(struct cpu *cpu, struct sys_frame *sys)
{
    if (sys->step++ == 0) {
        sys->has_changed =
            mmusim__sys_range_is_sound(sys, sys->start, sys->end) &&
            sys_remove_range(cpu, sys, sys->start, sys->end);
        return SYS_AGAIN;
    }
    if (sys->has_changed && sys->mm == &sys->kernel->init_mm &&
        mmusim__vmap_wanted(cpu, sys->kernel, sys->start, sys->end))
        return SYS_AGAIN;
    if (sys->has_changed)
        mmap_insert(sys);
    mmusim__sys_effect(cpu, sys->kernel);
    return SYS_LEAVE;
}

static enum sys_body munmap_body(struct cpu *cpu, struct sys_frame *sys)
{
    if (mmusim__sys_range_is_sound(sys, sys->start, sys->end) &&
        sys_remove_range(cpu, sys, sys->start, sys->end))
        mmusim__sys_note_unmapped(sys, sys->start, sys->end);
    return SYS_LEAVE;
}

/* The first brk of a trace only says where the heap ends: what lies below
 * was set up before the trace began. Growing unmaps what lies there, as
 * do_brk() does. False: nothing more to map. */
static bool brk_edit(struct cpu *cpu, struct sys_frame *sys)
{
    uint64_t old = align_up(sys->mm->brk, kernel_page_bytes(sys->kernel));
    uint64_t new = align_up(sys->op.vaddr, kernel_page_bytes(sys->kernel));
    bool is_known = sys->mm->brk;

    if (sys->mm == &sys->kernel->init_mm || new < sys->op.vaddr ||
        (new && !mmusim__sys_range_is_sound(sys, 0, new)))
        return false;
    sys->mm->brk = sys->op.vaddr;
    sys->start = old;
    sys->end = new;
    if (is_known && new < old && sys_remove_range(cpu, sys, new, old))
        mmusim__sys_note_unmapped(sys, new, old);
    return is_known && new > old &&sys_remove_range(cpu, sys, old, new);
}

static void brk_insert(struct sys_frame *sys)
{
    const struct vm_area heap = {
        sys->start, sys->end, VM_READ | VM_WRITE | VM_HEAP, 0, 0, 0};

    mmusim__sys_insert_area(sys, &heap);
}

static enum sys_body brk_body(struct cpu *cpu, struct sys_frame *sys)
{
    if (sys->step++ == 0) {
        sys->has_changed = brk_edit(cpu, sys);
        return SYS_AGAIN;
    }
    if (sys->has_changed)
        brk_insert(sys);
    mmusim__sys_effect(cpu, sys->kernel);
    return SYS_LEAVE;
}

const struct sys_call mmusim__sys_mmap = {
    SYS_LOCK_WRITE,
    mmap_body,
    sizeof(struct sys_frame),
};

const struct sys_call mmusim__sys_munmap = {
    SYS_LOCK_WRITE,
    munmap_body,
    sizeof(struct sys_frame),
};

const struct sys_call mmusim__sys_brk = {
    SYS_LOCK_WRITE,
    brk_body,
    sizeof(struct sys_frame),
};
