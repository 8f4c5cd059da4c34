/* SPDX-License-Identifier: MIT */
/* Inter-processor calls: see ipi.h. Linux 4.6 kernel/smp.c; costs from the
 * machine's ipi.* keys. */
#include "coherence/ipi.h"

#include "coherence/distance.h"
#include "coherence/icr.h"
#include "coherence/observers.h"
#include "coherence/paravirt.h"
#include "coherence/system.h"
#include "core/arena.h"
#include "core/check.h"

/* ---- sender ---- */

struct ipi_send_frame {
    struct kframe frame;
    struct flush_request request;
    struct cpu_mask targets; /* still to be sent to */
    struct cpu_mask called;
    uint32_t next_target; /* to look at, or to queue at */
    uint32_t n_unacknowledged;
    uint32_t
        n_counted; /* targets reached by an interrupt or a deferred flush */
    uint64_t started_cycle;
    uint64_t shootdown;  /* its number; 0: does not count as one */
    uint64_t wait_cycle; /* the waiting began */
};

enum {
    SEND_LOOK,
    SEND_ENQUEUE,
    SEND_ICR,
    SEND_HERE,
    SEND_HERE_DONE,
    SEND_WAIT,
    SEND_FINISH
};

static void ipi_append(struct cpu *target, struct ipi_call *call)
{
    call->next = NULL;
    if (target->calls_tail)
        target->calls_tail->next = call;
    else
        target->calls_head = call;
    target->calls_tail = call;
}

/* The lines of the call and of the target's queue come from the target. */
static uint32_t ipi_enqueue_cycles(const struct cpu *cpu,
                                   const struct cpu *target)
{
    const struct ipi_config *ipi = &cpu->system->ipi;
    const struct distance_cycles cycles = {
        ipi->enqueue_cycles, ipi->enqueue_cycles, ipi->enqueue_remote_cycles,
        ipi->enqueue_hop_cycles};

    return mmusim__distance(cpu, target, &cycles);
}

/* Puts the call on one target's queue, once the queue's line is free. */
static void ipi_enqueue(struct cpu *cpu, struct ipi_send_frame *send)
{
    struct system *system = cpu->system;
    struct cpu *target = &system->cpus[send->next_target];
    struct ipi_call *call = &cpu->calls[target->id];
    uint32_t cycles = ipi_enqueue_cycles(cpu, target);

    if (target->queue_free_cycle > cpu->now) {
        mmusim__cpu_busy(cpu, target->queue_free_cycle - cpu->now, BUCKET_LOCK);
        return;
    }
    target->queue_free_cycle = cpu->now + cycles;
    call->request = &send->request;
    call->shootdown = send->shootdown;
    call->queued_cycle = cpu->now;
    call->sent_cycle = call->delivered_cycle = call->begun_cycle = 0;
    ipi_append(target, call);
    mmusim__cpu_busy(cpu, cycles, BUCKET_IPI_SEND);
    send->next_target = cpu_mask_next(&send->targets, send->next_target + 1);
}

static void ipi_arrive(struct cpu *target, void *cargo, uint64_t now)
{
    struct cpu *sender = cargo;
    struct ipi_call *call = &sender->calls[target->id];
    uint64_t sent_cycle = now - mmusim__icr_latency(sender, target);

    target->system->shootdowns.ipis_sent++;
    /* else another interrupt has drained the call, this one or an earlier */
    if (sent_cycle >= call->queued_cycle && !call->begun_cycle) {
        call->sent_cycle = sent_cycle;
        call->delivered_cycle = now;
    }
    mmusim__cpu_interrupt(target, now);
}

static bool ipi_has_pv_flush(const struct system *system,
                             const struct flush_request *request)
{
    return system->virt.has_pv_flush && request->mm;
}

static void ipi_count(struct cpu *cpu, struct ipi_send_frame *send,
                      uint32_t n_targets)
{
    struct shootdown_counters *counters = &cpu->system->shootdowns;

    if (!n_targets || !send->request.act)
        return;
    send->n_counted = n_targets;
    send->shootdown = ++counters->count;
    counters->targets += n_targets;
}

/* Is the target to be called? Not if it is preempted and flushes when it comes
 * back, nor if the request does not select it. Adds the time of the look. */
static bool ipi_wants(struct cpu *cpu, struct ipi_send_frame *send,
                      struct cpu *target, uint64_t *cycles)
{
    const struct system *system = cpu->system;
    const struct flush_request *request = &send->request;

    if (ipi_has_pv_flush(system, request)) {
        *cycles += system->virt.pv_check_cycles;
        if (mmusim__paravirt_defer_flush(target)) {
            send->n_counted++;
            return false;
        }
    }
    if (!request->selects)
        return true;
    *cycles += system->ipi.look_cycles;
    return request->selects(target, request);
}

/* Looks at one target. */
static void ipi_look(struct cpu *cpu, struct ipi_send_frame *send)
{
    uint64_t cycles = 0;

    if (!ipi_wants(cpu, send, &cpu->system->cpus[send->next_target], &cycles)) {
        cpu_mask_clear(&send->targets, send->next_target);
        cpu_mask_clear(&send->called, send->next_target);
        send->n_unacknowledged--;
    }
    mmusim__cpu_busy(cpu, cycles, BUCKET_IPI_SEND);
    send->next_target = cpu_mask_next(&send->targets, send->next_target + 1);
    if (send->next_target != MAX_CPUS)
        return;
    ipi_count(cpu, send, send->n_counted + send->n_unacknowledged);
    send->next_target = cpu_mask_next(&send->targets, 0);
    send->frame.pc = send->n_unacknowledged ? SEND_ENQUEUE : SEND_HERE;
}

/* The sender's own part of the call. */
static void ipi_act_here(struct cpu *cpu, const struct ipi_send_frame *send)
{
    uint32_t cycles;

    cpu->masks_interrupts = true;
    cycles = send->request.act(cpu, &send->request);
    mmusim__cpu_busy(cpu, cycles, BUCKET_FLUSH_LOCAL);
}

static void ipi_complete(struct cpu *cpu, const struct ipi_send_frame *send)
{
    struct shootdown_counters *counters = &cpu->system->shootdowns;
    const struct observed_shootdown done = {
        send->shootdown, send->started_cycle, send->n_counted};

    if (!send->n_counted)
        return;
    counters->completed++;
    mmusim__histogram_add(&counters->latency_cycles,
                          cpu->now - send->started_cycle);
    if (cpu->observed)
        mmusim__observe_shootdown(cpu, &done);
}

/*
 * Looks at the calls one by one, in order of CPUs (csd_lock_wait): each look
 * takes the time of the line from its target, and none is over before that
 * target's acknowledgement is there. Returns when the last one is.
 */
static uint64_t ipi_collected_cycle(const struct cpu *cpu,
                                    const struct ipi_send_frame *send)
{
    uint64_t cycle = send->wait_cycle;

    for (uint32_t id = cpu_mask_next(&send->called, 0); id < MAX_CPUS;
         id = cpu_mask_next(&send->called, id + 1)) {
        const struct cpu *target = &cpu->system->cpus[id];

        cycle = max_u64(cycle + mmusim__icr_ack_latency(target, cpu),
                        cpu->calls[id].acknowledged_cycle);
    }
    return cycle;
}

static void ipi_wait(struct cpu *cpu, struct ipi_send_frame *send)
{
    mmusim_assert(!cpu->masks_interrupts);
    send->wait_cycle = cpu->now;
    if (send->n_unacknowledged)
        mmusim__cpu_wait(cpu, BUCKET_IPI_WAIT);
    else
        mmusim__cpu_busy(cpu, ipi_collected_cycle(cpu, send) - cpu->now,
                         BUCKET_IPI_WAIT);
}

static enum kstep ipi_send_step(struct cpu *cpu, struct kframe *frame)
{
    struct ipi_send_frame *send = (struct ipi_send_frame *) frame;
    const struct icr_message interrupt = {ipi_arrive, cpu};

    switch (frame->pc) {
    case SEND_LOOK:
        ipi_look(cpu, send);
        return KSTEP_NEXT;
    case SEND_ENQUEUE:
        ipi_enqueue(cpu, send);
        if (send->next_target == MAX_CPUS)
            frame->pc = SEND_ICR;
        return KSTEP_NEXT;
    case SEND_ICR:
        if (!mmusim__icr_write(cpu, &send->targets, &interrupt))
            frame->pc = SEND_HERE;
        return KSTEP_NEXT;
    case SEND_HERE:
        frame->pc = send->request.runs_here ? SEND_HERE_DONE : SEND_WAIT;
        if (send->request.runs_here)
            ipi_act_here(cpu, send);
        return KSTEP_NEXT;
    case SEND_HERE_DONE:
        cpu->masks_interrupts = false;
        frame->pc = SEND_WAIT;
        return KSTEP_NEXT;
    case SEND_WAIT:
        frame->pc = SEND_FINISH;
        ipi_wait(cpu, send);
        return KSTEP_NEXT;
    default:
        ipi_complete(cpu, send);
        return KSTEP_DONE;
    }
}

void mmusim__ipi_call_many(struct cpu *sender, const struct cpu_mask *targets,
                           const struct flush_request *request)
{
    struct ipi_send_frame *send =
        mmusim__cpu_push(sender, ipi_send_step, sizeof(*send));

    send->request = *request;
    send->targets = *targets;
    cpu_mask_clear(&send->targets, sender->id);
    send->called = send->targets;
    send->next_target = cpu_mask_next(&send->targets, 0);
    send->n_unacknowledged = cpu_mask_count(&send->targets);
    send->started_cycle = sender->now;
    mmusim_assert(send->n_unacknowledged > 0 || request->runs_here);
    if (!send->n_unacknowledged) {
        send->frame.pc = SEND_HERE;
    } else if (!request->selects &&
               !ipi_has_pv_flush(sender->system, request)) {
        send->frame.pc = SEND_ENQUEUE;
        ipi_count(sender, send, send->n_unacknowledged);
    }
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

    call->acknowledged_cycle = event->key.cycle;
    if (--send->n_unacknowledged == 0 && send->frame.pc == SEND_FINISH)
        mmusim__cpu_wake(sender, event->key.cycle,
                         ipi_collected_cycle(sender, send) - event->key.cycle);
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
