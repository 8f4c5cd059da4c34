/* SPDX-License-Identifier: MIT */
/*
 * fork, clone, exec, exit (Linux 4.6 kernel/fork.c dup_mmap and exit_mm,
 * mm/memory.c copy_page_range, fs/exec.c exec_mmap).
 *
 * fork copies the entries of private areas, write-protects them in the parent
 * and flushes the parent's address space; shared areas fault again. A fork
 * whose child has no thread in the trace does the parent's part and lets the
 * child's copy go at once.
 */
#include "coherence/flush.h"
#include "coherence/notifier.h"
#include "os/exec_stack.h"
#include "os/mm.h"
#include "os/order.h"
#include "os/page_table.h"
#include "os/process.h"
#include "os/reclaim.h"
#include "os/scheduler.h"
#include "os/syscall.h"
#include "os/unmap.h"

/* ---- clone ---- */

static void clone_start_child(struct cpu *cpu, struct sys_frame *sys)
{
    struct thread *thread =
        mmusim__thread_unborn(sys->kernel, (uint32_t) sys->op.number);

    mmusim__sys_effect(cpu, sys->kernel);
    if (thread)
        mmusim__thread_start(sys->kernel, thread, sys->thread->mm, cpu->now);
}

static enum sys_body clone_body(struct cpu *cpu, struct sys_frame *sys)
{
    if (sys->step++ == 0) {
        mmusim__cpu_busy(cpu, cpu->system->cost.clone_cycles, BUCKET_KERNEL);
        return SYS_AGAIN;
    }
    clone_start_child(cpu, sys);
    return SYS_LEAVE;
}

const struct sys_call mmusim__sys_clone = {
    SYS_LOCK_NONE,
    clone_body,
    sizeof(struct sys_frame),
};

/* ---- fork ---- */

struct fork_frame {
    struct sys_frame sys;
    struct mm *child;
    struct vm_area area; /* being copied */
    bool has_area;
};

enum { FORK_FRAMES = 8 }; /* of tables, one round */
enum { FORK_BEGIN, FORK_AREAS, FORK_COPY, FORK_FLUSH, FORK_START_CHILD };

static bool fork_next_area(struct fork_frame *fork)
{
    struct sys_frame *sys = &fork->sys;

    for (;;) {
        const struct vm_area *area =
            mmusim__vm_find_from(sys->mm->areas, sys->cursor);

        if (!area)
            return false;
        fork->area = *area;
        sys->n_touched++;
        sys->cursor = area->flags & VM_SHARED ? area->end : area->start;
        if (!(area->flags & VM_SHARED))
            return true;
    }
}

static void fork_copy_entry(struct fork_frame *fork,
                            const struct pte_slot *from,
                            const struct pt_entry *entry, uint32_t *n_tables)
{
    struct kernel *kernel = fork->sys.kernel;
    uint32_t rights = entry->rights & ~(uint32_t) TLB_WRITE;
    const struct pt_format *format = kernel->format;
    uint32_t level = from->table->level;
    struct pte_slot to;
    uint64_t word;
    mmusim_status_t status =
        mmusim__pte_make(kernel, fork->child, fork->sys.cursor,
                         from->table->level, &to, n_tables);

    if (!status)
        status = mmusim__pte_install(kernel, &to, entry->pfn, rights);
    if (status) {
        system_fail(kernel->system, status);
        return;
    }
    if (!kernel_is_zero_page(kernel, entry->pfn))
        mmusim__frame_ref_span(kernel->frames, entry->pfn, entry->order);
    word = format->make_leaf(format, entry->pfn, level, rights, true);
    if (!(fork->area.flags & (VM_READ | VM_WRITE | VM_EXEC)))
        word = format->hide(word, level); /* PROT_NONE stays so in both */
    mmusim__pte_rewrite(kernel, from, word);
    mmusim__pte_rewrite(kernel, &to, word);
}

/* swap_duplicate(): both entries name the slot. */
static bool fork_copy_swap(struct fork_frame *fork, const struct pte_slot *from,
                           uint32_t *n_tables)
{
    struct kernel *kernel = fork->sys.kernel;
    mmusim_status_t status;
    struct pte_slot to;
    uint32_t swap_slot;

    if (!mmusim__pte_is_swap(kernel, from, &swap_slot))
        return false;
    status = mmusim__pte_make(kernel, fork->child, fork->sys.cursor, 0, &to,
                              n_tables);
    if (status) {
        system_fail(kernel->system, status);
        return false;
    }
    mmusim__swap_ref(&kernel->reclaim->swap, swap_slot);
    mmusim__pte_set_swap(kernel, &to, swap_slot);
    return true;
}

/* One table of the area; sets pc when the area is through. */
static void fork_copy_table(struct cpu *cpu, struct fork_frame *fork)
{
    struct sys_frame *sys = &fork->sys;
    const struct cost_config *cost = &cpu->system->cost;
    struct pte_slot from;
    uint64_t cycles = 0;
    uint32_t n_tables = 0;
    uint64_t bytes;

    if (!mmusim__pte_next_table(sys->kernel, sys->mm, sys->cursor,
                                fork->area.end, &from, &sys->cursor)) {
        sys->cursor = fork->area.end;
        sys->step = FORK_AREAS;
        return;
    }
    bytes = mmusim__pte_bytes(&from, sys->kernel->format);
    do {
        struct pt_entry entry;

        cycles += cost->pte_scan_cycles;
        if (mmusim__pte_maps(sys->kernel, &from, &entry)) {
            fork_copy_entry(fork, &from, &entry, &n_tables);
            cycles += 2 * (uint64_t) cost->pte_set_cycles;
        } else if (fork_copy_swap(fork, &from, &n_tables)) {
            cycles += cost->pte_set_cycles;
        }
        from.index++;
        sys->cursor += bytes;
    } while (from.table->level == 0 && from.index < from.table->n_words &&
             sys->cursor < fork->area.end && !cpu->system->has_stopped);
    cycles += (uint64_t) n_tables * cost->table_alloc_cycles;
    mmusim__cpu_busy(cpu, cycles, BUCKET_KERNEL);
}

static void fork_begin_child(struct cpu *cpu, struct fork_frame *fork)
{
    struct kernel *kernel = fork->sys.kernel;
    struct vm_set *areas;
    struct vm_set *unmapped;

    fork->child = mmusim__mm_create(kernel);
    if (!fork->child)
        return;
    /* A copy that goes at once is not worth a reverse map. */
    fork->child->is_untracked =
        !mmusim__thread_unborn(kernel, (uint32_t) fork->sys.op.number);
    areas = mmusim__vm_set_copy(fork->sys.mm->areas);
    unmapped = mmusim__vm_set_copy(fork->sys.mm->unmapped);
    if (!areas || !unmapped) {
        mmusim__vm_set_destroy(areas);
        mmusim__vm_set_destroy(unmapped);
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    mmusim__vm_set_destroy(fork->child->areas);
    mmusim__vm_set_destroy(fork->child->unmapped);
    fork->child->areas = areas;
    fork->child->unmapped = unmapped;
    fork->child->brk = fork->sys.mm->brk;
    fork->child->is_mergeable = fork->sys.mm->is_mergeable; /* ksm_fork() */
    mmusim__cpu_busy(cpu, cpu->system->cost.fork_cycles, BUCKET_KERNEL);
}

static void fork_start_child(struct cpu *cpu, struct fork_frame *fork)
{
    struct sys_frame *sys = &fork->sys;
    struct thread *thread =
        mmusim__thread_unborn(sys->kernel, (uint32_t) sys->op.number);

    mmusim__sys_effect(cpu, sys->kernel);
    if (thread)
        mmusim__thread_start(sys->kernel, thread, fork->child, cpu->now);
    else
        mmusim__mm_discard(sys->kernel, fork->child);
}

static enum sys_body fork_body(struct cpu *cpu, struct sys_frame *sys)
{
    struct fork_frame *fork = (struct fork_frame *) sys;

    if (!sys->thread->mm) /* kernel_thread(): nothing to copy */
        return clone_body(cpu, sys);
    switch (sys->step) {
    case FORK_BEGIN:
        sys->step = FORK_AREAS;
        sys->cursor = 0;
        fork_begin_child(cpu, fork);
        return SYS_AGAIN;
    case FORK_AREAS:
        sys->step = fork_next_area(fork) ? FORK_COPY : FORK_FLUSH;
        return SYS_AGAIN;
    case FORK_COPY:
        if (!mmusim__reclaim_before(cpu, sys->kernel, FORK_FRAMES))
            fork_copy_table(cpu, fork);
        return SYS_AGAIN;
    case FORK_FLUSH:
        sys->step = FORK_START_CHILD;
        mmusim__flush_mm(cpu, &sys->mm->space);
        return SYS_AGAIN;
    default:
        fork_start_child(cpu, fork);
        return SYS_LEAVE;
    }
}

const struct sys_call mmusim__sys_fork = {
    SYS_LOCK_WRITE,
    fork_body,
    sizeof(struct fork_frame),
};

/* ---- exec and exit ---- */

/* exit_mmap() of an address space that no thread has any more. */
void mmusim__process_unmap_all(struct cpu *cpu, struct kernel *kernel,
                               struct mm *mm)
{
    const struct unmap_range all = {
        .mm = mm,
        .end = UINT64_C(1) << pt_half_bits(kernel->format),
        .mode = UNMAP_FULL_MM,
    };

    mmusim__unmap(cpu, kernel, &all);
    mmusim__notifier_release(cpu, &mm->space); /* before that */
}

struct exec_frame {
    struct sys_frame sys;
    struct mm *mm; /* the new one; NULL: a kernel thread, or no memory */
};

enum { EXEC_CREATE, EXEC_SWITCH, EXEC_SWITCHED, EXEC_UNMAP, EXEC_STACK };

static void exec_create(struct cpu *cpu, struct exec_frame *exec)
{
    struct kernel *kernel = exec->sys.kernel;

    if (exec->sys.mm == &kernel->init_mm)
        return;
    exec->mm = mmusim__mm_create(kernel);
    if (exec->mm)
        mmusim__cpu_busy(cpu, mmusim__exec_put_arguments(cpu, kernel, exec->mm),
                         BUCKET_KERNEL);
}

/* exec_mmap(): the new address space is loaded, interrupts masked, then the old
 * one given up. */
static void exec_switch(struct cpu *cpu, struct exec_frame *exec)
{
    exec->mm->n_threads = 1;
    exec->sys.thread->mm = exec->mm;
    cpu->masks_interrupts = true;
    mmusim__flush_switch_mm(cpu, &exec->mm->space, BUCKET_KERNEL);
}

static void exec_switched(struct cpu *cpu)
{
    cpu->masks_interrupts = false;
    mmusim__cpu_busy(cpu, cpu->system->cost.exec_cycles, BUCKET_KERNEL);
}

static enum sys_body exec_body(struct cpu *cpu, struct sys_frame *sys)
{
    struct exec_frame *exec = (struct exec_frame *) sys;

    switch (sys->step++) {
    case EXEC_CREATE:
        exec_create(cpu, exec);
        return SYS_AGAIN;
    case EXEC_SWITCH:
        if (exec->mm)
            exec_switch(cpu, exec);
        return SYS_AGAIN;
    case EXEC_SWITCHED:
        if (exec->mm)
            exec_switched(cpu);
        return SYS_AGAIN;
    case EXEC_UNMAP:
        if (exec->mm && mmusim__mm_leave(sys->mm)) {
            sys->has_changed = true;
            mmusim__process_unmap_all(cpu, sys->kernel, sys->mm);
        }
        return SYS_AGAIN;
    case EXEC_STACK:
        if (sys->has_changed)
            mmusim__mm_died(sys->mm);
        mmusim__mm_reap(sys->kernel);
        if (exec->mm)
            mmusim__exec_shift_arguments(cpu, sys->kernel, exec->mm);
        return SYS_AGAIN;
    default:
        return SYS_LEAVE;
    }
}

const struct sys_call mmusim__sys_exec = {
    SYS_LOCK_NONE,
    exec_body,
    sizeof(struct exec_frame),
};

/* exit_mm(): the task becomes a lazy borrower before the mm is given up. */
static void exit_leave_mm(struct cpu *cpu, struct sys_frame *sys)
{
    if (sys->mm == &sys->kernel->init_mm)
        return;
    sys->thread->mm = NULL;
    cpu->is_kernel_thread = true;
    cpu->system->protocol->enter_lazy(cpu);
    if (!mmusim__mm_leave(sys->mm))
        return;
    sys->has_changed = true;
    mmusim__process_unmap_all(cpu, sys->kernel, sys->mm);
}

static void exit_die(struct cpu *cpu, struct sys_frame *sys)
{
    struct kernel *kernel = sys->kernel;

    if (sys->has_changed)
        mmusim__mm_died(sys->mm);
    mmusim__sys_effect(cpu, kernel);
    kernel->on_thread_end(sys->thread);
    mmusim__sched_leave(kernel, cpu, THREAD_EXITED);
    kernel->n_live--;
    kernel->now = cpu->now;
    mmusim__order_wake_all(kernel, mmusim__sched_wake);
}

static enum sys_body exit_body(struct cpu *cpu, struct sys_frame *sys)
{
    if (sys->step++ == 0) {
        exit_leave_mm(cpu, sys);
        return SYS_AGAIN;
    }
    exit_die(cpu, sys);
    return SYS_GONE;
}

const struct sys_call mmusim__sys_exit_thread = {
    SYS_LOCK_NONE,
    exit_body,
    sizeof(struct sys_frame),
};
