/* SPDX-License-Identifier: MIT */
/*
 * Virtual CPUs that lose their CPU now and then, and the flush that does
 * without interrupting them.
 *
 * A virtual CPU's preemptions lie at seeded times, preempt_period_cycles apart
 * on the average (half to one and a half times that). One that is busy, or
 * waits for a walk or an acknowledgement, at such a time stands still for
 * preempt_cycles, charged to idle; what arrives meanwhile waits. One that idles
 * or is blocked misses its turn.
 *
 * With virt.pv_flush the sender looks at each target first: a preempted one is
 * flagged instead of interrupted, and flushes everything when it comes back
 * (Linux arch/x86/kernel/kvm.c, kvm_flush_tlb_multi; KVM record_steal_time).
 * Only requests that name an address space go that way.
 *
 * Left out: the hypervisor's scheduler; migration of virtual CPUs.
 */
#ifndef MMUSIM_COHERENCE_PARAVIRT_H
#define MMUSIM_COHERENCE_PARAVIRT_H

#include "coherence/cpu.h"

/* The streams of random numbers are those of the seed. */
void mmusim__paravirt_init(struct cpu *cpu, uint64_t seed);

/* Does the CPU run, or wait for what comes by itself? Only then can it be
 * preempted: a CPU that is blocked may be so until nothing else is left. */
static inline bool paravirt_is_running(const struct cpu *cpu)
{
    const struct cpu_activity *activity = &cpu->activity;

    return activity->mode != CPU_WAITING ||
           activity->bucket == BUCKET_IPI_WAIT ||
           activity->bucket == BUCKET_WALK;
}

/* The CPU is about to run: sees to it that its next preemption is an event. */
void mmusim__paravirt_arm(struct cpu *cpu);
/* It idles, or is blocked. */
void mmusim__paravirt_disarm(struct cpu *cpu);

/* Leaves a flush to a preempted CPU's return; false if it is not preempted. */
bool mmusim__paravirt_defer_flush(struct cpu *cpu);

#endif
