/* SPDX-License-Identifier: MIT */
/* Inter-processor calls: see ipi.h. Linux 4.6 kernel/smp.c; costs from the
 * machine's ipi.* keys. */
#include "coherence/ipi.h"

#include "coherence/distance.h"
#include "coherence/flight.h"
#include "core/arena.h"
#include "core/check.h"

static uint32_t ipi_latency(const struct cpu *from, const struct cpu *to)
{
    const struct ipi_config *ipi = &from->system->ipi;
    const struct distance_cycles latency = {
        ipi->latency_core_cycles, ipi->latency_socket_cycles,
        ipi->latency_remote_cycles, ipi->hop_cycles};

    return mmusim__distance(from, to, &latency);
}

static uint32_t ipi_ack_latency(const struct cpu *from, const struct cpu *to)
{
    const struct ipi_config *ipi = &from->system->ipi;
    const struct distance_cycles latency = {
        ipi->ack_core_cycles, ipi->ack_socket_cycles, ipi->ack_remote_cycles,
        ipi->ack_hop_cycles};

    return mmusim__distance(from, to, &latency);
}

/* ---- sender ---- */

struct ipi_send_frame {
    struct kframe frame;
    struct flush_request request;
    struct cpu_mask targets;
    uint32_t next_target;
    uint32_t n_unacknowledged;
    uint64_t started_cycle;
};

enum { SEND_ENQUEUE, SEND_ICR, SEND_WAIT, SEND_FINISH };

static void ipi_append(struct cpu *target, struct ipi_call *call)
{
    call->next = NULL;
    if (target->calls_tail)
        target->calls_tail->next = call;
    else
        target->calls_head = call;
    target->calls_tail = call;
}

/* Puts the call on one target's queue, once the queue's line is free. */
static void ipi_enqueue(struct cpu *cpu, struct ipi_send_frame *send)
{
    struct system *system = cpu->system;
    struct cpu *target = &system->cpus[send->next_target];
    struct ipi_call *call = &cpu->calls[target->id];

    if (target->queue_free_cycle > cpu->now) {
        mmusim__cpu_busy(cpu, target->queue_free_cycle - cpu->now, BUCKET_LOCK);
        return;
    }
    target->queue_free_cycle = cpu->now + system->ipi.enqueue_cycles;
    call->request = &send->request;
    ipi_append(target, call);
    mmusim__cpu_busy(cpu, system->ipi.enqueue_cycles, BUCKET_IPI_SEND);
    send->next_target = cpu_mask_next(&send->targets, send->next_target + 1);
}

static void ipi_arrive(struct cpu *target, void *cargo, uint64_t now)
{
    (void) cargo;
    mmusim__cpu_interrupt(target, now);
}

static void ipi_send_to(struct cpu *cpu, struct cpu *target,
                        uint64_t sent_cycle)
{
    if (mmusim__flight_send(cpu, target, sent_cycle + ipi_latency(cpu, target),
                            ipi_arrive, NULL))
        cpu->system->shootdowns.ipis_sent++;
}

/* One ICR write: the next target, and the others of its cluster. */
static void ipi_write_icr(struct cpu *cpu, struct ipi_send_frame *send)
{
    const struct ipi_config *ipi = &cpu->system->ipi;
    uint32_t first = send->next_target;
    uint32_t cluster = first / ipi->cluster_cpus;
    uint32_t id = first;

    while (id < MAX_CPUS && id / ipi->cluster_cpus == cluster) {
        ipi_send_to(cpu, &cpu->system->cpus[id], cpu->now + ipi->send_cycles);
        id = cpu_mask_next(&send->targets, id + 1);
    }
    send->next_target = id;
    mmusim__cpu_busy(cpu, ipi->send_cycles, BUCKET_IPI_SEND);
}

static enum kstep ipi_send_step(struct cpu *cpu, struct kframe *frame)
{
    struct ipi_send_frame *send = (struct ipi_send_frame *) frame;
    struct shootdown_counters *counters = &cpu->system->shootdowns;

    switch (frame->pc) {
    case SEND_ENQUEUE:
        ipi_enqueue(cpu, send);
        if (send->next_target == MAX_CPUS) {
            send->next_target = cpu_mask_next(&send->targets, 0);
            frame->pc = SEND_ICR;
        }
        return KSTEP_NEXT;
    case SEND_ICR:
        ipi_write_icr(cpu, send);
        if (send->next_target == MAX_CPUS)
            frame->pc = SEND_WAIT;
        return KSTEP_NEXT;
    case SEND_WAIT:
        frame->pc = SEND_FINISH;
        mmusim_assert(!cpu->masks_interrupts);
        if (send->n_unacknowledged)
            mmusim__cpu_wait(cpu, BUCKET_IPI_WAIT);
        return KSTEP_NEXT;
    default:
        counters->completed++;
        mmusim__histogram_add(&counters->latency_cycles,
                              cpu->now - send->started_cycle);
        return KSTEP_DONE;
    }
}

void mmusim__ipi_call_many(struct cpu *sender, const struct cpu_mask *targets,
                           const struct flush_request *request)
{
    struct shootdown_counters *counters = &sender->system->shootdowns;
    struct ipi_send_frame *send =
        mmusim__cpu_push(sender, ipi_send_step, sizeof(*send));

    send->request = *request;
    send->targets = *targets;
    cpu_mask_clear(&send->targets, sender->id);
    send->next_target = cpu_mask_next(&send->targets, 0);
    send->n_unacknowledged = cpu_mask_count(&send->targets);
    send->started_cycle = sender->now;
    mmusim_assert(send->n_unacknowledged > 0);
    counters->count++;
    counters->targets += send->n_unacknowledged;
}

/* The frame of the call in progress lies under a handler, if one runs. */
static struct ipi_send_frame *ipi_send_frame_of(struct cpu *cpu)
{
    struct kframe *frame = cpu->top;

    while (frame->step != ipi_send_step)
        frame = frame->below;
    return (struct ipi_send_frame *) frame;
}

static void ipi_ack_fire(void *context, struct event *event)
{
    struct ipi_call *call = context;
    struct cpu *sender = call->sender;
    struct ipi_send_frame *send = ipi_send_frame_of(sender);

    if (--send->n_unacknowledged == 0 && send->frame.pc == SEND_FINISH)
        mmusim__cpu_wake(sender, event->key.cycle, 0);
}

/* ---- target ---- */

struct ipi_handler_frame {
    struct kframe frame;
    struct cpu_activity interrupted;
    uint64_t remaining_cycles; /* of a BUSY activity */
    struct ipi_call *call;     /* being done */
};

enum {
    HANDLER_IDLE_EXIT,
    HANDLER_ENTRY,
    HANDLER_CALL,
    HANDLER_EXIT,
    HANDLER_RETURN
};

static void ipi_finish_call(struct cpu *cpu, struct ipi_handler_frame *handler)
{
    struct ipi_call *call = handler->call;

    handler->call = NULL;
    mmusim__event_schedule(
        &cpu->system->queue, &call->ack,
        event_key(cpu->now + ipi_ack_latency(cpu, call->sender), EVENT_ACK,
                  cpu->id, cpu->event_counts[EVENT_ACK]++));
}

/* Acts on the first queued call; false if there is none. */
static bool ipi_do_call(struct cpu *cpu, struct ipi_handler_frame *handler)
{
    struct ipi_call *call = cpu->calls_head;
    uint32_t cycles;

    if (!call)
        return false;
    cpu->calls_head = call->next;
    if (!call->next)
        cpu->calls_tail = NULL;
    handler->call = call;
    cycles = call->request->act(cpu, call->request);
    mmusim__cpu_busy(cpu, (uint64_t) cpu->system->ipi.handler_cycles + cycles,
                     BUCKET_IPI_HANDLER);
    return true;
}

static void ipi_return(struct cpu *cpu, const struct ipi_handler_frame *handler)
{
    cpu->activity = handler->interrupted;
    cpu->is_in_handler = false;
    cpu->masks_interrupts = false;
    if (cpu->activity.mode == CPU_BUSY) {
        cpu->activity.busy_until = cpu->now + handler->remaining_cycles;
    } else if (cpu->activity.mode == CPU_WAITING && cpu->activity.is_woken) {
        cpu->activity.mode = CPU_BUSY;
        cpu->activity.busy_until += cpu->now;
    }
}

static enum kstep ipi_handler_step(struct cpu *cpu, struct kframe *frame)
{
    struct ipi_handler_frame *handler = (struct ipi_handler_frame *) frame;
    const struct ipi_config *ipi = &cpu->system->ipi;

    switch (frame->pc) {
    case HANDLER_IDLE_EXIT:
        frame->pc = HANDLER_ENTRY;
        if (cpu->is_idle)
            mmusim__cpu_busy(cpu, ipi->idle_exit_cycles, BUCKET_IDLE);
        return KSTEP_NEXT;
    case HANDLER_ENTRY:
        frame->pc = HANDLER_CALL;
        mmusim__cpu_busy(cpu, ipi->entry_cycles, BUCKET_IPI_HANDLER);
        return KSTEP_NEXT;
    case HANDLER_CALL:
        if (handler->call)
            ipi_finish_call(cpu, handler);
        if (!ipi_do_call(cpu, handler))
            frame->pc = HANDLER_EXIT;
        return KSTEP_NEXT;
    case HANDLER_EXIT:
        frame->pc = HANDLER_RETURN;
        mmusim__cpu_busy(cpu, ipi->exit_cycles, BUCKET_IPI_HANDLER);
        return KSTEP_NEXT;
    default:
        ipi_return(cpu, handler);
        return KSTEP_DONE;
    }
}

void mmusim__ipi_take(struct cpu *cpu)
{
    struct cpu_activity interrupted = cpu->activity;
    uint64_t taken_cycle = max_u64(cpu->now, cpu->stolen_until);
    struct ipi_handler_frame *handler;

    mmusim_assert(!cpu->is_in_handler);
    handler = mmusim__cpu_push(cpu, ipi_handler_step, sizeof(*handler));
    handler->interrupted = interrupted;
    if (interrupted.mode == CPU_BUSY)
        handler->remaining_cycles = interrupted.busy_until - taken_cycle;
    cpu->has_interrupt = false;
    cpu->is_in_handler = true;
    cpu->masks_interrupts = true;
    cpu->activity.mode = CPU_READY;
    if (taken_cycle > cpu->now) /* hardware has the CPU */
        mmusim__cpu_busy(cpu, taken_cycle - cpu->now, BUCKET_IPI_HANDLER);
}

struct cpu_activity *mmusim__ipi_interrupted(struct cpu *cpu)
{
    return &((struct ipi_handler_frame *) cpu->top)->interrupted;
}

mmusim_status_t mmusim__ipi_init(struct cpu *cpu, struct arena *arena)
{
    uint32_t n_cpus = cpu->system->n_cpus;

    cpu->calls = mmusim__arena_alloc(arena, n_cpus, sizeof(*cpu->calls));
    if (!cpu->calls)
        return MMUSIM_NOMEM;
    cpu->next_delivery_cycle = CYCLE_NEVER;
    for (uint32_t i = 0; i < n_cpus; i++) {
        event_init(&cpu->calls[i].ack, ipi_ack_fire, &cpu->calls[i]);
        cpu->calls[i].sender = cpu;
    }
    return MMUSIM_OK;
}

uint32_t mmusim__ipi_min_delivery_cycles(const struct system *system)
{
    const struct ipi_config *ipi = &system->ipi;
    const struct distance_cycles latency = {
        ipi->latency_core_cycles, ipi->latency_socket_cycles,
        ipi->latency_remote_cycles, ipi->hop_cycles};

    return ipi->send_cycles + distance_least(&latency);
}
