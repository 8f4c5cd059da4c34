/* SPDX-License-Identifier: MIT */
/*
 * Virtual CPUs that lose their CPU now and then, and the flush that does
 * without interrupting them.
 *
 * A virtual CPU's preemptions lie at seeded times, preempt_period_cycles apart
 * on the average (half to one and a half times that). One that is busy, or
 * waits for an acknowledgement, at such a time stands still for preempt_cycles,
 * charged to idle; what arrives meanwhile waits. One that idles or is blocked
 * misses its turn.
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

/* The CPU is about to run: sees to it that its next preemption is an event. */
void mmusim__paravirt_arm(struct cpu *cpu);
/* It idles, or is blocked. */
void mmusim__paravirt_disarm(struct cpu *cpu);

/* Leaves a flush to a preempted CPU's return; false if it is not preempted. */
bool mmusim__paravirt_defer_flush(struct cpu *cpu);

#endif
