/* SPDX-License-Identifier: MIT */
/*
 * Intel Remote Action Request, experimental: no silicon's timing is published.
 *
 * The initiator takes a slot of the table of payloads (waits for one if all
 * are taken: lock), writes its payload, sets each target's action byte, and
 * kicks the targets by ICR writes. At the target microcode does the work,
 * whatever runs there and whether or not interrupts are masked: the activity is
 * prolonged (ipi_handler), requests that meet queue up. It acts when it
 * arrives. The initiator spins on the action bytes (ipi_wait).
 *
 * Left out: one kick that finds several requests pending does them together.
 * Sources: Intel white paper 341431, Remote Action Request; RFC patches for
 * Linux by R. van Riel, 2025 (64 payload slots, a byte of action per CPU).
 */
#include "coherence/fabric_list.h"
#include "coherence/icr.h"
#include "coherence/observers.h"
#include "coherence/system.h"
#include "core/check.h"

struct rar_frame {
    struct kframe frame;
    struct cpu *sender;
    struct inval inval;
    struct cpu_mask targets;
    uint32_t next_target;
    uint32_t n_undone;       /* targets that have not acted */
    uint64_t answered_cycle; /* all that have are seen to have */
    uint64_t started_cycle;
    uint64_t shootdown; /* its number */
    uint32_t n_targets;
    struct event complete;
};

enum { RAR_SLOT, RAR_PAYLOAD, RAR_ACTION, RAR_KICK, RAR_WAIT, RAR_FINISH };

/* ---- target ---- */

static uint64_t rar_handler_cycles(const struct rar_config *rar,
                                   const struct inval *inval)
{
    return rar->handler_cycles + (inval->has_range
                                      ? inval->n_pages * rar->page_cycles
                                      : rar->full_cycles);
}

static void rar_observe(const struct rar_frame *call, const struct cpu *target,
                        uint64_t now, uint64_t done)
{
    const mmusim_ipi_event_t event = {
        .shootdown = call->shootdown,
        .from_cpu = call->sender->id,
        .to_cpu = target->id,
        .sent_cycle = now - mmusim__icr_latency(call->sender, target),
        .delivered_cycle = now,
        .handler_begin_cycle =
            done - rar_handler_cycles(&target->system->rar, &call->inval),
        .handler_end_cycle = done,
    };

    mmusim__observe_ipi(target->observed->all, &event);
}

static void rar_arrive(struct cpu *target, void *cargo, uint64_t now)
{
    struct rar_frame *call = cargo;
    struct system *system = target->system;
    struct cpu *sender = call->sender;
    const struct inval *inval = &call->inval;
    uint64_t cycles = rar_handler_cycles(&system->rar, inval);
    uint64_t done =
        target->vcpu.is_preempted
            ? now + cycles
            : mmusim__cpu_steal(target, now, cycles, BUCKET_IPI_HANDLER);

    mmusim__mmu_invalidate(&target->mmu, inval,
                           inval->has_range ? MISS_PAGE_FLUSH
                                            : MISS_FULL_FLUSH);
    if (inval->has_range)
        target->flushes.received_pages += inval->n_pages;
    else
        target->flushes.received_full++;
    if (target->observed)
        rar_observe(call, target, now, done);
    done += mmusim__icr_ack_latency(target, sender);
    call->answered_cycle = max_u64(call->answered_cycle, done);
    if (--call->n_undone)
        return;
    mmusim__event_schedule(&system->queue, &call->complete,
                           event_key(call->answered_cycle, EVENT_ACK,
                                     sender->id,
                                     sender->event_counts[EVENT_ACK]++));
}

/* ---- initiator ---- */

static void rar_complete_fire(void *context, struct event *event)
{
    const struct rar_frame *call = context;

    if (call->frame.pc == RAR_FINISH)
        mmusim__cpu_wake(call->sender, event->key.cycle, 0);
}

/* Takes a slot, or waits for one. */
static void rar_take_slot(struct cpu *cpu)
{
    struct system *system = cpu->system;

    if (system->free_rar_slots) {
        system->free_rar_slots--;
        return;
    }
    cpu->next_rar_waiter = NULL;
    if (system->last_rar_waiter)
        system->last_rar_waiter->next_rar_waiter = cpu;
    else
        system->first_rar_waiter = cpu;
    system->last_rar_waiter = cpu;
    mmusim__cpu_wait(cpu, BUCKET_LOCK);
}

/* The slot goes to who has waited longest, else it is free. */
static void rar_give_slot(struct cpu *cpu)
{
    struct system *system = cpu->system;
    struct cpu *next = system->first_rar_waiter;

    if (!next) {
        system->free_rar_slots++;
        return;
    }
    system->first_rar_waiter = next->next_rar_waiter;
    if (!system->first_rar_waiter)
        system->last_rar_waiter = NULL;
    mmusim__cpu_wake(next, cpu->now, mmusim__icr_ack_latency(cpu, next));
}

static void rar_set_action(struct cpu *cpu, struct rar_frame *call)
{
    call->next_target = cpu_mask_next(&call->targets, call->next_target + 1);
    mmusim__cpu_busy(cpu, cpu->system->rar.action_cycles, BUCKET_IPI_SEND);
    if (call->next_target == MAX_CPUS)
        call->frame.pc = RAR_KICK;
}

static void rar_finish(struct cpu *cpu, const struct rar_frame *call)
{
    struct shootdown_counters *counters = &cpu->system->shootdowns;
    const struct observed_shootdown done = {
        call->shootdown, call->started_cycle, call->n_targets};

    rar_give_slot(cpu);
    counters->completed++;
    mmusim__histogram_add(&counters->latency_cycles,
                          cpu->now - call->started_cycle);
    if (cpu->observed)
        mmusim__observe_shootdown(cpu, &done);
}

static enum kstep rar_step(struct cpu *cpu, struct kframe *frame)
{
    struct rar_frame *call = (struct rar_frame *) frame;
    const struct icr_message kick = {rar_arrive, call};

    switch (frame->pc) {
    case RAR_SLOT:
        frame->pc = RAR_PAYLOAD;
        rar_take_slot(cpu);
        return KSTEP_NEXT;
    case RAR_PAYLOAD:
        frame->pc = RAR_ACTION;
        mmusim__cpu_busy(cpu, cpu->system->rar.payload_cycles, BUCKET_IPI_SEND);
        return KSTEP_NEXT;
    case RAR_ACTION:
        rar_set_action(cpu, call);
        return KSTEP_NEXT;
    case RAR_KICK:
        if (!mmusim__icr_write(cpu, &call->targets, &kick))
            frame->pc = RAR_WAIT;
        return KSTEP_NEXT;
    case RAR_WAIT:
        frame->pc = RAR_FINISH;
        if (call->n_undone || event_is_queued(&call->complete))
            mmusim__cpu_wait(cpu, BUCKET_IPI_WAIT);
        return KSTEP_NEXT;
    default:
        rar_finish(cpu, call);
        return KSTEP_DONE;
    }
}

static void rar_call(struct cpu *sender, const struct cpu_mask *targets,
                     const struct flush_request *request)
{
    struct shootdown_counters *counters = &sender->system->shootdowns;
    struct rar_frame *call = mmusim__cpu_push(sender, rar_step, sizeof(*call));

    call->sender = sender;
    call->inval = mmusim__fabric_inval(sender, request);
    if (call->inval.n_pages > sender->system->rar.max_pages)
        call->inval.has_range = false;
    call->targets = *targets;
    cpu_mask_clear(&call->targets, sender->id);
    call->next_target = cpu_mask_next(&call->targets, 0);
    call->n_undone = cpu_mask_count(&call->targets);
    call->started_cycle = sender->now;
    event_init(&call->complete, rar_complete_fire, call);
    mmusim_assert(call->n_undone > 0);
    call->shootdown = ++counters->count;
    call->n_targets = call->n_undone;
    counters->targets += call->n_undone;
}

const struct fabric_ops mmusim__fabric_rar = {
    .name = "rar",
    .help = "Intel: Remote Action Request (experimental)",
    .call = rar_call,
};
