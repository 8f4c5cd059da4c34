/* SPDX-License-Identifier: MIT */
/* What a CPU is doing, and how interrupts cut in: see cpu.h. */
#include "coherence/cpu.h"

#include "coherence/ipi.h"
#include "coherence/paravirt.h"
#include "coherence/pti.h"
#include "coherence/system.h"
#include "core/check.h"

#include <string.h>

enum { FRAME_ALIGN = 16 };

void mmusim__cpu_busy(struct cpu *cpu, uint64_t cycles, enum bucket bucket)
{
    cpu->activity.mode = CPU_BUSY;
    cpu->activity.bucket = bucket;
    cpu->activity.busy_until = cpu->now + cycles;
}

void mmusim__cpu_wait(struct cpu *cpu, enum bucket bucket)
{
    cpu->activity.mode = CPU_WAITING;
    cpu->activity.bucket = bucket;
    cpu->activity.is_woken = false;
}

void *mmusim__cpu_push(struct cpu *cpu,
                       enum kstep (*step)(struct cpu *cpu,
                                          struct kframe *frame),
                       size_t size_bytes)
{
    size_t size = (size_bytes + FRAME_ALIGN - 1) / FRAME_ALIGN * FRAME_ALIGN;
    struct kframe *frame = (void *) (cpu->stack + cpu->stack_used_bytes);

    if (!cpu->top && cpu->system->swaps_cr3)
        mmusim__pti_enter(cpu);
    mmusim_assert(cpu->stack_used_bytes + size <= CPU_STACK_BYTES);
    memset(frame, 0, size);
    frame->step = step;
    frame->below = cpu->top;
    frame->size_bytes = (uint32_t) size;
    cpu->stack_used_bytes += (uint32_t) size;
    cpu->top = frame;
    return frame;
}

static void cpu_pop(struct cpu *cpu)
{
    cpu->stack_used_bytes -= cpu->top->size_bytes;
    cpu->top = cpu->top->below;
}

bool mmusim__cpu_goes_first(struct cpu *cpu, uint64_t cycle,
                            enum event_class class)
{
    struct event_key key =
        event_key(cycle, class, cpu->id, cpu->event_counts[class]);

    if (cpu->system->is_reference ||
        !event_queue_is_first(&cpu->system->queue, key))
        return false;
    cpu->event_counts[class]++;
    return true;
}

static void cpu_schedule(struct cpu *cpu, uint64_t cycle,
                         enum event_class class)
{
    mmusim__event_schedule(
        &cpu->system->queue, &cpu->run_event,
        event_key(cycle, class, cpu->id, cpu->event_counts[class]++));
}

static void cpu_begin_turn(const struct cpu *cpu, uint64_t cycle,
                           enum event_class class)
{
    struct system *system = cpu->system;

    if (class != EVENT_ACCESS)
        return;
    if (system->access_cycle != cycle || system->access_cpu < cpu->id)
        system->access_cpu = cpu->id;
    system->access_cycle = cycle;
}

/* Takes the CPU's turn at `cycle` now if it is the first of all, else queues
 * it. True: it is its turn. */
static bool cpu_turn(struct cpu *cpu, uint64_t cycle, enum event_class class)
{
    if (mmusim__cpu_goes_first(cpu, cycle, class)) {
        cpu_begin_turn(cpu, cycle, class);
        return true;
    }
    cpu_schedule(cpu, cycle, class);
    return false;
}

static enum event_class cpu_class(const struct cpu *cpu)
{
    return cpu->top ? EVENT_OS : EVENT_ACCESS;
}

/* May an interrupt be taken? An NMI only waits for another to end. */
static bool cpu_takes_interrupts(const struct cpu *cpu)
{
    if (cpu->system->ipi.delivery == IPI_NMI)
        return !cpu->is_in_handler;
    return !cpu->masks_interrupts;
}

/* The kernel has just been entered, and that takes time. */
static void cpu_spend_entry(struct cpu *cpu)
{
    mmusim__cpu_busy(cpu, cpu->entry_cycles,
                     cpu->is_in_handler ? BUCKET_IPI_HANDLER : BUCKET_KERNEL);
    cpu->entry_cycles = 0;
}

static void cpu_step_frame(struct cpu *cpu)
{
    struct kframe *frame = cpu->top;

    if (frame->step(cpu, frame) == KSTEP_DONE) {
        mmusim_assert(cpu->top == frame);
        cpu_pop(cpu);
    }
}

/* A virtual CPU: its next preemption is an event while it runs. */
static void cpu_plan_preemption(struct cpu *cpu)
{
    if (paravirt_is_running(cpu))
        mmusim__paravirt_arm(cpu);
    else
        mmusim__paravirt_disarm(cpu);
}

/* Goes on from a READY activity until the CPU has to let others go first. */
static void cpu_continue(struct cpu *cpu)
{
    for (;;) {
        if (cpu->has_interrupt && cpu_takes_interrupts(cpu))
            mmusim__ipi_take(cpu);
        if (cpu->system->virt.preempt_period_cycles)
            cpu_plan_preemption(cpu);
        if (cpu->activity.mode == CPU_WAITING)
            return;
        if (cpu->activity.mode == CPU_BUSY) {
            uint64_t until = cpu->activity.busy_until;

            if (!cpu_turn(cpu, until, cpu_class(cpu)))
                return;
            cpu_account(cpu, until, cpu->activity.bucket);
            cpu->activity.mode = CPU_READY;
        }
        if (cpu->system->has_stopped)
            return;
        mmusim_assert(cpu->now >= cpu->stolen_until);
        cpu->system->acting_cpu = cpu->id;
        if (cpu->entry_cycles)
            cpu_spend_entry(cpu);
        else if (cpu->top)
            cpu_step_frame(cpu);
        else
            cpu->run_user(cpu);
    }
}

static void cpu_fire(void *context, struct event *event)
{
    struct cpu *cpu = context;

    cpu_begin_turn(cpu, event->key.cycle, event_key_class(event->key));
    cpu_account(cpu, event->key.cycle, cpu->activity.bucket);
    cpu->activity.mode = CPU_READY;
    cpu_continue(cpu);
}

void mmusim__cpu_wake(struct cpu *cpu, uint64_t now, uint64_t delay_cycles)
{
    struct cpu_activity *activity = &cpu->activity;

    if (cpu->is_in_handler)
        activity = mmusim__ipi_interrupted(cpu);
    if (activity->mode != CPU_WAITING || activity->is_woken)
        return;
    activity->is_woken = true;
    activity->busy_until = delay_cycles;
    if (cpu->is_in_handler)
        return;
    cpu_account(cpu, now, activity->bucket);
    activity->mode = CPU_BUSY;
    activity->busy_until = max_u64(now, cpu->stolen_until) + delay_cycles;
    cpu_schedule(cpu, activity->busy_until, cpu_class(cpu));
}

void mmusim__cpu_interrupt(struct cpu *cpu, uint64_t now)
{
    cpu->has_interrupt = true;
    if (!cpu_takes_interrupts(cpu))
        return;
    mmusim__event_cancel(&cpu->system->queue, &cpu->run_event);
    cpu_account(cpu, now, cpu->activity.bucket);
    mmusim__ipi_take(cpu);
    cpu_continue(cpu);
}

uint64_t mmusim__cpu_steal(struct cpu *cpu, uint64_t now, uint64_t cycles,
                           enum bucket bucket)
{
    struct cpu_activity *activity = &cpu->activity;

    cpu_account(cpu, now, activity->bucket);
    cpu->stolen_until = max_u64(now, cpu->stolen_until) + cycles;
    cpu->stolen_bucket = bucket;
    if (activity->mode != CPU_BUSY)
        return cpu->stolen_until;
    activity->busy_until += cycles;
    mmusim__event_cancel(&cpu->system->queue, &cpu->run_event);
    cpu_schedule(cpu, activity->busy_until, cpu_class(cpu));
    return cpu->stolen_until;
}

/* The least power of two that is not below n. */
static uint32_t cpu_round_up(uint32_t n)
{
    uint32_t power = 1;

    while (power < n)
        power *= 2;
    return power;
}

void mmusim__cpu_place(struct cpu *cpu, const struct cpu_layout *layout)
{
    uint32_t n_cores = layout->n_sockets * layout->cores_per_socket;
    uint32_t threads = cpu_round_up(layout->threads_per_core);
    uint32_t in_socket = cpu->id % n_cores % layout->cores_per_socket;

    cpu->core = cpu->id % n_cores;
    cpu->socket = cpu->core / layout->cores_per_socket;
    /* Intel SDM vol. 3A 9.9.1: the fields of an initial APIC ID. */
    cpu->apic_id =
        (cpu->socket * cpu_round_up(layout->cores_per_socket) + in_socket) *
            threads +
        cpu->id / n_cores;
}

void mmusim__cpu_start(struct cpu *cpu)
{
    event_init(&cpu->run_event, cpu_fire, cpu);
    mmusim__cpu_busy(cpu, 0, BUCKET_IDLE);
    cpu_schedule(cpu, 0, EVENT_ACCESS);
}
