/* SPDX-License-Identifier: MIT */
/* Virtual CPUs: see paravirt.h. */
#include "coherence/paravirt.h"

#include "coherence/system.h"

enum {
    PERIOD_PARTS = 1024,
    RNG_STREAM_PREEMPT = 0x10000, /* first number of the CPUs' streams */
};

/* The cycles to the next preemption: uniform in half to one and a half of the
 * period, at least 1. */
static uint64_t paravirt_draw(struct cpu *cpu)
{
    uint64_t period = cpu->system->virt.preempt_period_cycles;
    uint64_t part = mmusim__rng_below(&cpu->vcpu.rng, PERIOD_PARTS);

    return period / 2 + period / PERIOD_PARTS * part + 1;
}

static void paravirt_schedule(struct cpu *cpu, uint64_t cycle)
{
    struct virtual_cpu *vcpu = &cpu->vcpu;

    vcpu->next_cycle = cycle;
    mmusim__event_schedule(&cpu->system->queue, &vcpu->event,
                           event_key(cycle, EVENT_DELIVERY, cpu->id,
                                     cpu->event_counts[EVENT_DELIVERY]++));
}

void mmusim__paravirt_arm(struct cpu *cpu)
{
    struct virtual_cpu *vcpu = &cpu->vcpu;

    if (event_is_queued(&vcpu->event))
        return;
    while (vcpu->planned_cycle <= cpu->now)
        vcpu->planned_cycle += paravirt_draw(cpu);
    paravirt_schedule(cpu, vcpu->planned_cycle);
}

void mmusim__paravirt_disarm(struct cpu *cpu)
{
    if (cpu->vcpu.is_preempted)
        return; /* the event is its return */
    mmusim__event_cancel(&cpu->system->queue, &cpu->vcpu.event);
    cpu->vcpu.next_cycle = CYCLE_NEVER;
}

/* ---- the flush left behind ---- */

bool mmusim__paravirt_defer_flush(struct cpu *cpu)
{
    if (!cpu->vcpu.is_preempted)
        return false;
    cpu->vcpu.has_flush = true;
    cpu->system->shootdowns.deferred++;
    return true;
}

static void paravirt_flush(struct cpu *cpu, uint64_t now)
{
    struct inval inval = mmusim__mmu_scope(&cpu->mmu);

    inval.hits_globals = true;
    inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ALL;
    cpu->vcpu.has_flush = false;
    cpu->flushes.received_full++;
    mmusim__mmu_invalidate(&cpu->mmu, &inval, MISS_FULL_FLUSH);
    mmusim__cpu_steal(cpu, now, cpu->system->virt.pv_flush_cycles,
                      BUCKET_IPI_HANDLER);
}

/* ---- going and coming back ---- */

static void paravirt_go(struct cpu *cpu, uint64_t now)
{
    if (cpu->stolen_until > now) {
        paravirt_schedule(cpu, cpu->stolen_until);
        return;
    }
    cpu->vcpu.is_preempted = true;
    cpu->vcpu.n_preemptions++;
    paravirt_schedule(cpu, mmusim__cpu_steal(cpu, now,
                                             cpu->system->virt.preempt_cycles,
                                             BUCKET_IDLE));
}

static void paravirt_come_back(struct cpu *cpu, uint64_t now)
{
    cpu->vcpu.is_preempted = false;
    if (cpu->vcpu.has_flush)
        paravirt_flush(cpu, now);
    if (paravirt_is_running(cpu))
        mmusim__paravirt_arm(cpu);
}

static void paravirt_fire(void *context, struct event *event)
{
    struct cpu *cpu = context;

    cpu->vcpu.next_cycle = CYCLE_NEVER;
    cpu_account(cpu, event->key.cycle, cpu->activity.bucket);
    if (cpu->vcpu.is_preempted)
        paravirt_come_back(cpu, event->key.cycle);
    else if (paravirt_is_running(cpu))
        paravirt_go(cpu, event->key.cycle);
}

void mmusim__paravirt_init(struct cpu *cpu, uint64_t seed)
{
    struct virtual_cpu *vcpu = &cpu->vcpu;

    *vcpu = (struct virtual_cpu){.next_cycle = CYCLE_NEVER};
    event_init(&vcpu->event, paravirt_fire, cpu);
    mmusim__rng_init(&vcpu->rng, seed, RNG_STREAM_PREEMPT + cpu->id);
}
