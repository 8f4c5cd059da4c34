/* SPDX-License-Identifier: MIT */
/* The target's side of inter-processor calls: see ipi.h. */
#include "coherence/icr.h"
#include "coherence/ipi.h"
#include "coherence/observers.h"
#include "coherence/system.h"
#include "core/check.h"

struct handler_frame {
    struct kframe frame;
    struct cpu_activity interrupted;
    uint64_t remaining_cycles; /* of a BUSY activity */
    bool has_masked;           /* an NMI came where interrupts are masked */
    struct ipi_call *call;     /* being done */
};

enum {
    HANDLER_IDLE_EXIT,
    HANDLER_ENTRY,
    HANDLER_CALL,
    HANDLER_EXIT,
    HANDLER_RETURN
};

static void handler_observe_call(const struct cpu *cpu,
                                 const struct ipi_call *call)
{
    uint64_t sent = call->sent_cycle ? call->sent_cycle : call->queued_cycle;
    const mmusim_ipi_event_t event = {
        .shootdown = call->shootdown,
        .from_cpu = call->sender->id,
        .to_cpu = cpu->id,
        .sent_cycle = sent,
        .delivered_cycle =
            call->delivered_cycle ? call->delivered_cycle : call->begun_cycle,
        .handler_begin_cycle = call->begun_cycle,
        .handler_end_cycle = cpu->now,
    };

    mmusim__observe_ipi(cpu->observed->all, &event);
}

static void handler_finish_call(struct cpu *cpu, struct handler_frame *handler)
{
    struct ipi_call *call = handler->call;

    handler->call = NULL;
    if (cpu->observed)
        handler_observe_call(cpu, call);
    mmusim__event_schedule(
        &cpu->system->queue, &call->ack,
        event_key(cpu->now + mmusim__icr_ack_latency(cpu, call->sender),
                  EVENT_ACK, cpu->id, cpu->event_counts[EVENT_ACK]++));
}

/* Acts on the first queued call; false if there is none. */
static bool handler_do_call(struct cpu *cpu, struct handler_frame *handler)
{
    struct ipi_call *call = cpu->calls_head;
    uint32_t cycles = 0;

    if (!call)
        return false;
    cpu->calls_head = call->next;
    if (!call->next)
        cpu->calls_tail = NULL;
    handler->call = call;
    call->begun_cycle = cpu->now;
    if (call->request->act)
        cycles = call->request->act(cpu, call->request);
    mmusim__cpu_busy(cpu, (uint64_t) cpu->system->ipi.handler_cycles + cycles,
                     BUCKET_IPI_HANDLER);
    return true;
}

static void handler_return(struct cpu *cpu, const struct handler_frame *handler)
{
    cpu->activity = handler->interrupted;
    cpu->is_in_handler = false;
    cpu->masks_interrupts = handler->has_masked;
    if (cpu->activity.mode == CPU_BUSY) {
        cpu->activity.busy_until = cpu->now + handler->remaining_cycles;
    } else if (cpu->activity.mode == CPU_WAITING && cpu->activity.is_woken) {
        cpu->activity.mode = CPU_BUSY;
        cpu->activity.busy_until += cpu->now;
    }
}

/* ---- what it costs ---- */

static uint64_t handler_wake_cycles(const struct system *system)
{
    uint64_t cycles = system->ipi.idle_exit_cycles;

    return system->virt.interrupts == VIRT_NONE
               ? cycles
               : cycles + system->virt.halt_wake_cycles;
}

static uint64_t handler_entry_cycles(const struct system *system)
{
    const struct ipi_config *ipi = &system->ipi;
    uint64_t cycles =
        ipi->delivery == IPI_NMI ? ipi->nmi_entry_cycles : ipi->entry_cycles;

    switch (system->virt.interrupts) {
    case VIRT_NONE:
        break;
    case VIRT_EXITS:
        return cycles + system->virt.inject_cycles;
    case VIRT_POSTED:
    case VIRT_IPIV:
        return cycles + system->virt.posted_cycles;
    }
    return cycles;
}

static uint64_t handler_exit_cycles(const struct system *system)
{
    uint64_t cycles = system->ipi.exit_cycles;

    return system->virt.interrupts == VIRT_EXITS
               ? cycles + system->virt.eoi_exit_cycles
               : cycles;
}

static enum kstep handler_step(struct cpu *cpu, struct kframe *frame)
{
    struct handler_frame *handler = (struct handler_frame *) frame;
    const struct system *system = cpu->system;

    switch (frame->pc) {
    case HANDLER_IDLE_EXIT:
        frame->pc = HANDLER_ENTRY;
        if (cpu->is_idle)
            mmusim__cpu_busy(cpu, handler_wake_cycles(system), BUCKET_IDLE);
        return KSTEP_NEXT;
    case HANDLER_ENTRY:
        frame->pc = HANDLER_CALL;
        mmusim__cpu_busy(cpu, handler_entry_cycles(system), BUCKET_IPI_HANDLER);
        return KSTEP_NEXT;
    case HANDLER_CALL:
        if (handler->call)
            handler_finish_call(cpu, handler);
        if (!handler_do_call(cpu, handler))
            frame->pc = HANDLER_EXIT;
        return KSTEP_NEXT;
    case HANDLER_EXIT:
        frame->pc = HANDLER_RETURN;
        mmusim__cpu_busy(cpu, handler_exit_cycles(system), BUCKET_IPI_HANDLER);
        return KSTEP_NEXT;
    default:
        if (cpu->observed)
            mmusim__observe_leave(cpu);
        handler_return(cpu, handler);
        return KSTEP_DONE;
    }
}

void mmusim__ipi_take(struct cpu *cpu)
{
    struct cpu_activity interrupted = cpu->activity;
    uint64_t taken_cycle = max_u64(cpu->now, cpu->stolen_until);
    struct handler_frame *handler;
    const mmusim_scope_t what = {.kind = MMUSIM_SCOPE_INTERRUPT,
                                 .name = "interrupt"};

    mmusim_assert(!cpu->is_in_handler);
    if (cpu->observed)
        mmusim__observe_enter(cpu, &what);
    handler = mmusim__cpu_push(cpu, handler_step, sizeof(*handler));
    handler->interrupted = interrupted;
    if (interrupted.mode == CPU_BUSY)
        handler->remaining_cycles = interrupted.busy_until - taken_cycle;
    handler->has_masked = cpu->masks_interrupts;
    cpu->has_interrupt = false;
    cpu->is_in_handler = true;
    cpu->masks_interrupts = true;
    cpu->activity.mode = CPU_READY;
    if (taken_cycle > cpu->now) /* hardware has the CPU */
        mmusim__cpu_busy(cpu, taken_cycle - cpu->now, BUCKET_IPI_HANDLER);
}

struct cpu_activity *mmusim__ipi_interrupted(struct cpu *cpu)
{
    return &((struct handler_frame *) cpu->top)->interrupted;
}
