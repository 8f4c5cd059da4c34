/* SPDX-License-Identifier: MIT */
/* The table of OS operations, and the steps they share: see syscall.h. */
#include "os/syscall.h"

#include "coherence/mm_rules.h"
#include "coherence/observers.h"
#include "os/check_hooks.h"
#include "os/order.h"
#include "os/page_cache.h"
#include "os/scheduler.h"

#include <stdlib.h>
#include <string.h>

/* A system call that changes no mapping. */
static enum sys_body sys_nothing(struct cpu *cpu, struct sys_frame *sys)
{
    (void) cpu;
    (void) sys;
    return SYS_LEAVE;
}

static const struct sys_call sys_call_nothing = {
    SYS_LOCK_NONE,
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
    [SYS_RECLAIM] = &mmusim__sys_pageout,
    [SYS_FORK] = &mmusim__sys_fork,
    [SYS_CLONE] = &mmusim__sys_clone,
    [SYS_EXEC] = &mmusim__sys_exec,
    [SYS_EXIT] = &mmusim__sys_exit_thread,
    [SYS_MIGRATE] = &mmusim__sys_migrate,
    [SYS_SYSCALL] = &sys_call_nothing,
    [SYS_DMA] = &mmusim__sys_dma,
    [SYS_CLEARREFS] = &mmusim__sys_clear_refs,
};

void mmusim__sys_effect(struct cpu *cpu, struct kernel *kernel)
{
    struct thread *thread = kernel_cpu(kernel, cpu)->current;

    kernel->now = cpu->now;
    if (kernel->system->check)
        mmusim__check_sys_effect(cpu, kernel);
    mmusim__order_effect(kernel, thread);
    mmusim__order_wake_all(kernel, mmusim__sched_wake);
}

/* ---- what all operations share ---- */

static void sys_observe_begin(struct cpu *cpu, const struct sys_op *op)
{
    static const char *const words[] = {
#define SYS_KIND_WORD(name, word) word,
        SYS_KIND_MAP(SYS_KIND_WORD)
#undef SYS_KIND_WORD
    };
    const mmusim_scope_t what = {
        .kind = MMUSIM_SCOPE_OPERATION,
        .name = words[op->kind],
        .vaddr = op->vaddr,
        .length_bytes = op->length_bytes,
    };
    struct observed_scope *entered = mmusim__observe_enter(cpu, &what);
    size_t size;

    if (!entered || !(op->flags & SYS_MAP_FILE))
        return;
    size = strlen(op->name) + 1;
    entered->text = malloc(size);
    if (entered->text)
        memcpy(entered->text, op->name, size);
    else
        system_fail(cpu->system, MMUSIM_NOMEM);
}

static void sys_observe_end(struct cpu *cpu, const struct sys_frame *sys)
{
    static const char *const advices[] = {
#define MADVICE_WORD(name, word) word,
        MADVICE_MAP(MADVICE_WORD)
#undef MADVICE_WORD
    };
    const struct sys_op *op = &sys->op;
    bool has_child = op->kind == SYS_FORK || op->kind == SYS_CLONE;
    mmusim_operation_event_t event = {
        .vaddr = op->vaddr,
        .length_bytes = op->length_bytes,
        .new_vaddr = op->new_vaddr,
        .new_length_bytes = op->new_length_bytes,
        .file_offset = op->file_offset,
        .advice = op->kind == SYS_MADVISE ? advices[op->advice] : NULL,
        .child_tid = has_child ? (uint32_t) op->number : 0,
        .is_readable = op->flags & SYS_PROT_READ,
        .is_writable = op->flags & SYS_PROT_WRITE,
        .is_executable = op->flags & SYS_PROT_EXEC,
        .is_shared = op->flags & SYS_MAP_SHARED,
        .is_refused = sys->is_refused,
    };

    if (cpu->observed)
        mmusim__observe_operation_end(cpu, &event);
}

enum { CALL_ENTER, CALL_LOCK, CALL_BODY, CALL_CHARGE, CALL_EXIT, CALL_END };

static enum lock_mode sys_lock_mode(const struct sys_call *call)
{
    return call->lock == SYS_LOCK_READ ? LOCK_READ : LOCK_WRITE;
}

static enum kstep sys_do_body(struct cpu *cpu, struct sys_frame *sys)
{
    switch (sys->call->body(cpu, sys)) {
    case SYS_AGAIN:
        return KSTEP_NEXT;
    case SYS_LEAVE:
        sys->frame.pc = CALL_CHARGE;
        return KSTEP_NEXT;
    case SYS_GONE:
        break;
    }
    sys_observe_end(cpu, sys);
    return KSTEP_DONE;
}

/* The areas found, split, linked and unlinked; finding counts as one. */
static uint64_t sys_area_cycles(const struct cpu *cpu,
                                const struct sys_frame *sys)
{
    if (sys->call->lock == SYS_LOCK_NONE)
        return 0;
    return (uint64_t) (sys->n_touched + 1) * cpu->system->cost.vma_cycles;
}

static enum kstep sys_step(struct cpu *cpu, struct kframe *frame)
{
    struct sys_frame *sys = (struct sys_frame *) frame;
    const struct cost_config *cost = &cpu->system->cost;
    bool has_lock = sys->call->lock != SYS_LOCK_NONE;

    switch (frame->pc) {
    case CALL_ENTER:
        frame->pc = CALL_LOCK;
        if (cpu->system->check)
            mmusim__check_sys_enter(cpu, sys->kernel);
        mmusim__cpu_busy(cpu, cost->syscall_entry_cycles, BUCKET_KERNEL);
        return KSTEP_NEXT;
    case CALL_LOCK:
        frame->pc = CALL_BODY;
        if (has_lock)
            mmusim__lock_take(cpu, &sys->mm->mmap_lock, &sys->waiter,
                              sys_lock_mode(sys->call), BUCKET_KERNEL);
        return KSTEP_NEXT;
    case CALL_BODY:
        return sys_do_body(cpu, sys);
    case CALL_CHARGE:
        frame->pc = CALL_EXIT;
        mmusim__cpu_busy(cpu, sys_area_cycles(cpu, sys), BUCKET_KERNEL);
        return KSTEP_NEXT;
    case CALL_EXIT:
        frame->pc = CALL_END;
        if (has_lock)
            mmusim__lock_release(cpu, &sys->mm->mmap_lock,
                                 sys_lock_mode(sys->call));
        mmusim__sys_effect(cpu, sys->kernel);
        mmusim__cpu_busy(cpu, cost->syscall_exit_cycles, BUCKET_KERNEL);
        return KSTEP_NEXT;
    default:
        if (cpu->system->check)
            mmusim__check_sys_return(cpu, sys);
        sys_observe_end(cpu, sys);
        return KSTEP_DONE;
    }
}

bool mmusim__sys_range_is_sound(const struct sys_frame *sys, uint64_t start,
                                uint64_t end)
{
    bool is_kernel = sys->mm == &sys->kernel->init_mm;

    return end > start && start >> 63 == is_kernel &&
           (end - 1) >> 63 == is_kernel &&
           kernel_is_canonical(sys->kernel, start) &&
           kernel_is_canonical(sys->kernel, end - 1) &&
           !(is_kernel && mmusim__kernel_map_owns(sys->kernel, start, end));
}

bool mmusim__sys_fails(struct sys_frame *sys, mmusim_status_t status)
{
    if (status == MMUSIM_NOMEM)
        system_fail(sys->kernel->system, status);
    sys->is_refused |= status != MMUSIM_OK;
    return status != MMUSIM_OK;
}

uint32_t mmusim__sys_vm_rights(const struct sys_op *op)
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

const struct vm_area *mmusim__sys_next_area(const struct sys_frame *sys)
{
    const struct vm_area *area;

    if (sys->cursor >= sys->end)
        return NULL;
    area = mmusim__vm_find_from(sys->mm->areas, sys->cursor);
    return area && area->start < sys->end ? area : NULL;
}

void mmusim__sys_note_unmapped(struct sys_frame *sys, uint64_t start,
                               uint64_t end)
{
    struct vm_area hole = {.start = start, .end = end};
    struct vm_set *set = sys->mm->unmapped;

    if (!mmusim__sys_fails(sys, mmusim__vm_remove(set, start, end, NULL)))
        mmusim__sys_fails(sys, mmusim__vm_insert(set, &hole, NULL));
}

void mmusim__sys_insert_area(struct sys_frame *sys, const struct vm_area *area)
{
    if (!mmusim__sys_fails(
            sys,
            mmusim__vm_remove(sys->mm->unmapped, area->start, area->end, NULL)))
        mmusim__sys_fails(
            sys, mmusim__vm_insert(sys->mm->areas, area, &sys->n_touched));
}

/* ---- beginning ---- */

/* What the version makes of it; madvise_need_mmap_write(). */
static const struct sys_call *sys_call_of(const struct kernel *kernel,
                                          const struct sys_op *op)
{
    if (op->kind == SYS_CLEARREFS &&
        kernel->system->protocol->mm_rules->clear_refs_excludes)
        return &mmusim__sys_clear_refs_alone;
    if (op->kind != SYS_MADVISE)
        return sys_calls[op->kind];
    switch ((enum madvice) op->advice) {
    case MADVICE_HUGEPAGE:
    case MADVICE_NOHUGEPAGE:
        return &mmusim__sys_madvise_flags;
    case MADVICE_MERGEABLE:
    case MADVICE_UNMERGEABLE:
        return &mmusim__sys_madvise_merging;
    case MADVICE_PAGEOUT:
        if (kernel->system->protocol->mm_rules->knows_cold)
            return &mmusim__sys_pageout;
        break;
    case MADVICE_DONTNEED:
    case MADVICE_FREE:
    case MADVICE_COLD:
    case MADVICE_WILLNEED:
    case MADVICE_COUNT:
        break;
    }
    return sys_calls[op->kind];
}

/* Pushes the frame of an operation with the common part filled in. */
static struct sys_frame *sys_push(struct cpu *cpu, struct kernel *kernel,
                                  const struct sys_op *op)
{
    const struct sys_call *call = sys_call_of(kernel, op);
    struct sys_frame *sys = mmusim__cpu_push(cpu, sys_step, call->frame_bytes);
    uint64_t page = max_u64(UINT64_C(1) << (BASE_PAGE_SHIFT + op->huge_order),
                            kernel_page_bytes(kernel));

    sys->call = call;
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

/* A device's memory, which has no struct page; not what only lies in /dev. */
static bool sys_is_device(const char *name)
{
    return !strncmp(name, "/dev/", 5) && strcmp(name, "/dev/zero") != 0 &&
           strncmp(name, "/dev/shm/", 9) != 0 &&
           strncmp(name, "/dev/hugepages", 14) != 0;
}

/* A number for what the mapping shares: a file, or shared memory. */
static bool sys_resolve_file(struct kernel *kernel, const struct sys_op *op,
                             struct sys_frame *sys)
{
    if (op->kind != SYS_MMAP)
        return true;
    sys->is_device = op->flags & SYS_MAP_FILE && sys_is_device(op->name);
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
    if (cpu->observed)
        sys_observe_begin(cpu, op);
    if (!sys_resolve_file(kernel, op, sys))
        system_fail(kernel->system, MMUSIM_NOMEM);
    return true;
}
