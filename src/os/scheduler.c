/* SPDX-License-Identifier: MIT */
/* Threads on CPUs: see scheduler.h. */
#include "os/scheduler.h"

#include "coherence/check_cpus.h"
#include "coherence/flush.h"
#include "core/check.h"
#include "os/khugepaged.h"
#include "os/ksm.h"
#include "os/mm.h"
#include "os/numa_balance.h"
#include "os/order.h"

static void sched_append(struct os_cpu *os, struct thread *thread)
{
    thread->state = THREAD_RUNNABLE;
    thread->next_runnable = NULL;
    if (os->queue_tail)
        os->queue_tail->next_runnable = thread;
    else
        os->queue_head = thread;
    os->queue_tail = thread;
}

static struct thread *sched_take(struct os_cpu *os)
{
    struct thread *thread = os->queue_head;

    if (!thread)
        return NULL;
    os->queue_head = thread->next_runnable;
    if (!os->queue_head)
        os->queue_tail = NULL;
    return thread;
}

void mmusim__sched_enqueue(struct kernel *kernel, struct thread *thread,
                           uint64_t now)
{
    struct os_cpu *os = kernel_cpu(kernel, thread->cpu);
    bool can_take = !os->current || os->current->order.is_waiting;

    sched_append(os, thread);
    if (can_take && !thread->cpu->top)
        mmusim__cpu_wake(thread->cpu, now, 0);
    else if (can_take && thread->cpu->is_in_handler)
        mmusim__cpu_wake(thread->cpu, now, 0);
}

/* ---- switching ---- */

struct switch_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct thread *next; /* NULL: the idle thread */
};

enum { SWITCH_MM, SWITCH_STACK, SWITCH_DONE };

static void switch_address_space(struct cpu *cpu,
                                 const struct switch_frame *change)
{
    const struct thread *next = change->next;

    cpu->is_kernel_thread = !next || !next->mm;
    cpu->is_idle = !next;
    cpu->task_id = next ? next->tid : 0;
    if (cpu->is_kernel_thread)
        cpu->system->protocol->enter_lazy(cpu);
    else
        mmusim__flush_switch_mm(cpu, &next->mm->space, BUCKET_SWITCH);
}

static enum kstep switch_step(struct cpu *cpu, struct kframe *frame)
{
    struct switch_frame *change = (struct switch_frame *) frame;
    struct os_cpu *os = kernel_cpu(change->kernel, cpu);

    switch (frame->pc++) {
    case SWITCH_MM:
        cpu->masks_interrupts = true;
        switch_address_space(cpu, change);
        return KSTEP_NEXT;
    case SWITCH_STACK:
        if (cpu->system->check)
            mmusim__check_switched(cpu->system->check, cpu);
        if (!cpu->is_kernel_thread)
            mmusim__mm_reap(change->kernel);
        mmusim__cpu_busy(cpu, cpu->system->cost.context_switch_cycles,
                         BUCKET_SWITCH);
        return KSTEP_NEXT;
    default:
        cpu->masks_interrupts = false;
        os->slice_end_cycle =
            cycle_add(cpu->now, change->kernel->config.timeslice_cycles);
        return KSTEP_DONE;
    }
}

static void sched_switch_to(struct kernel *kernel, struct cpu *cpu,
                            struct thread *next)
{
    struct switch_frame *change =
        mmusim__cpu_push(cpu, switch_step, sizeof(*change));

    change->kernel = kernel;
    change->next = next;
    kernel_cpu(kernel, cpu)->current = next;
    if (next)
        next->state = THREAD_RUNNING;
}

void mmusim__sched_leave(struct kernel *kernel, struct cpu *cpu,
                         enum thread_state state)
{
    struct os_cpu *os = kernel_cpu(kernel, cpu);

    os->current->state = state;
    os->current = NULL;
}

/* The current thread waits for its stamp and somebody else could run. */
static void sched_yield_waiting(struct kernel *kernel, struct cpu *cpu)
{
    kernel_cpu(kernel, cpu)->n_order_waiting++;
    mmusim__sched_leave(kernel, cpu, THREAD_SLEEPING);
}

static bool sched_slice_goes_on(struct kernel *kernel, struct cpu *cpu)
{
    struct os_cpu *os = kernel_cpu(kernel, cpu);

    if (cpu->now < os->slice_end_cycle)
        return true;
    if (!os->queue_head) {
        os->slice_end_cycle =
            cycle_add(cpu->now, kernel->config.timeslice_cycles);
        return true;
    }
    sched_append(os, os->current);
    os->current = NULL;
    return false;
}

bool mmusim__sched_pick(struct kernel *kernel, struct cpu *cpu)
{
    struct os_cpu *os = kernel_cpu(kernel, cpu);

    if (os->current && os->current->order.is_waiting) {
        if (!os->queue_head) {
            mmusim__cpu_wait(cpu, BUCKET_ORDER);
            return false;
        }
        sched_yield_waiting(kernel, cpu);
    }
    if (os->current && sched_slice_goes_on(kernel, cpu)) {
        mmusim__khugepaged_tick(kernel, cpu);
        mmusim__ksm_tick(kernel, cpu);
        return !mmusim__numa_tick(kernel, cpu);
    }
    if (os->queue_head)
        sched_switch_to(kernel, cpu, sched_take(os));
    else if (!cpu->is_idle)
        sched_switch_to(kernel, cpu, NULL);
    else
        mmusim__cpu_wait(cpu, os->n_order_waiting ? BUCKET_ORDER : BUCKET_IDLE);
    return false;
}

/* ---- sleeping and waking ---- */

void mmusim__sched_wake(struct kernel *kernel, struct thread *thread)
{
    struct os_cpu *os = kernel_cpu(kernel, thread->cpu);

    if (thread->state == THREAD_RUNNING) {
        if (!thread->cpu->top || thread->cpu->is_in_handler)
            mmusim__cpu_wake(thread->cpu, kernel->now, 0);
        return;
    }
    if (thread->state != THREAD_SLEEPING ||
        event_is_queued(&thread->wake_event) || thread->order.is_waiting)
        return;
    if (!thread->is_asleep)
        os->n_order_waiting--;
    thread->is_asleep = false;
    mmusim__sched_enqueue(kernel, thread, kernel->now);
}

void mmusim__sched_wake_at(struct kernel *kernel, struct thread *thread,
                           uint64_t cycle)
{
    struct cpu *cpu = thread->cpu;

    mmusim__event_schedule(
        &kernel->system->queue, &thread->wake_event,
        event_key(cycle, EVENT_OS, cpu->id, cpu->event_counts[EVENT_OS]++));
}

void mmusim__sched_sleep(struct kernel *kernel, struct cpu *cpu,
                         uint64_t cycles)
{
    struct thread *thread = kernel_cpu(kernel, cpu)->current;

    thread->is_asleep = true;
    mmusim__sched_leave(kernel, cpu, THREAD_SLEEPING);
    if (cycles || !thread->order.is_waiting) /* else the stamp wakes it */
        mmusim__sched_wake_at(kernel, thread, cycle_add(cpu->now, cycles));
}

void mmusim__sched_move(struct kernel *kernel, struct cpu *cpu, uint32_t target)
{
    struct thread *thread = kernel_cpu(kernel, cpu)->current;

    if (target == cpu->id)
        return;
    mmusim__sched_leave(kernel, cpu, THREAD_RUNNABLE);
    thread->cpu = &kernel->system->cpus[target];
    mmusim__sched_enqueue(kernel, thread, cpu->now);
}
