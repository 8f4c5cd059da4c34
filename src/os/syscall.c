/* SPDX-License-Identifier: MIT */
/* The table of OS operations, and the steps they share: see syscall.h. */
#include "os/syscall.h"

#include "os/order.h"
#include "os/page_cache.h"
#include "os/scheduler.h"

/* A system call that changes no mapping. */
static enum kstep sys_nothing(struct cpu *cpu, struct kframe *frame)
{
    switch (frame->pc++) {
    case 0:
        mmusim__sys_enter(cpu);
        return KSTEP_NEXT;
    case 1:
        mmusim__sys_exit(cpu, (struct sys_frame *) frame);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

static const struct sys_call sys_call_nothing = {
    sys_nothing,
    sizeof(struct sys_frame),
};

static const struct sys_call *const sys_calls[SYS_KIND_COUNT] = {
    [SYS_MMAP] = &mmusim__sys_mmap,
    [SYS_MUNMAP] = &mmusim__sys_munmap,
    [SYS_MPROTECT] = &mmusim__sys_mprotect,
    [SYS_MREMAP] = &mmusim__sys_mremap,
    [SYS_BRK] = &mmusim__sys_brk,
    [SYS_MADVISE] = &mmusim__sys_madvise,
    [SYS_FORK] = &mmusim__sys_fork,
    [SYS_CLONE] = &mmusim__sys_clone,
    [SYS_EXEC] = &mmusim__sys_exec,
    [SYS_EXIT] = &mmusim__sys_exit_thread,
    [SYS_SYSCALL] = &sys_call_nothing,
};

void mmusim__sys_enter(struct cpu *cpu)
{
    mmusim__cpu_busy(cpu, cpu->system->cost.syscall_entry_cycles,
                     BUCKET_KERNEL);
}

void mmusim__sys_effect(struct cpu *cpu, struct kernel *kernel)
{
    struct thread *thread = kernel_cpu(kernel, cpu)->current;

    kernel->now = cpu->now;
    mmusim__order_effect(kernel, thread);
    mmusim__order_wake_all(kernel, mmusim__sched_wake);
}

void mmusim__sys_exit(struct cpu *cpu, struct sys_frame *sys)
{
    mmusim__sys_effect(cpu, sys->kernel);
    mmusim__cpu_busy(cpu, cpu->system->cost.syscall_exit_cycles, BUCKET_KERNEL);
}

void mmusim__sys_lock_mm(struct cpu *cpu, struct sys_frame *sys,
                         enum lock_mode mode)
{
    mmusim__lock_take(cpu, &sys->mm->mmap_lock, &sys->waiter, mode,
                      BUCKET_KERNEL);
}

bool mmusim__sys_range_is_sound(const struct sys_frame *sys, uint64_t start,
                                uint64_t end)
{
    bool is_kernel = sys->mm == &sys->kernel->init_mm;

    return end > start && start >> 63 == is_kernel &&
           (end - 1) >> 63 == is_kernel &&
           kernel_is_canonical(sys->kernel, start) &&
           kernel_is_canonical(sys->kernel, end - 1);
}

/* Pushes the frame of an operation with the common part filled in. */
static struct sys_frame *sys_push(struct cpu *cpu, struct kernel *kernel,
                                  const struct sys_op *op)
{
    const struct sys_call *call = sys_calls[op->kind];
    struct sys_frame *sys =
        mmusim__cpu_push(cpu, call->step, call->frame_bytes);
    uint64_t page = UINT64_C(1) << (BASE_PAGE_SHIFT + op->huge_order);

    sys->kernel = kernel;
    sys->thread = kernel_cpu(kernel, cpu)->current;
    sys->mm = sys->thread->mm ? sys->thread->mm : &kernel->init_mm;
    sys->op = *op;
    sys->op.name = NULL;
    sys->start = align_down(op->vaddr, page);
    sys->end = align_up(op->vaddr + op->length_bytes, page);
    sys->cursor = sys->start;
    return sys;
}

/* A number for what the mapping shares: a file, or shared memory. */
static bool sys_resolve_file(struct kernel *kernel, const struct sys_op *op,
                             struct sys_frame *sys)
{
    if (op->kind != SYS_MMAP)
        return true;
    if (op->flags & SYS_MAP_FILE)
        sys->file_id = mmusim__page_cache_file(kernel->page_cache, op->name,
                                               op->huge_order);
    else if (op->flags & SYS_MAP_SHARED)
        sys->file_id = mmusim__page_cache_unnamed(kernel->page_cache);
    else
        return true;
    return sys->file_id;
}

bool mmusim__syscall(struct cpu *cpu, struct kernel *kernel,
                     const struct sys_op *op)
{
    struct sys_frame *sys;

    if (!sys_calls[op->kind])
        return false;
    sys = sys_push(cpu, kernel, op);
    if (!sys_resolve_file(kernel, op, sys))
        system_fail(kernel->system, MMUSIM_NOMEM);
    return true;
}
