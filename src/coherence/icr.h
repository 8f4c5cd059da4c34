/* SPDX-License-Identifier: MIT */
/*
 * The interrupt command register: how a message leaves a CPU, one write after
 * another (ipi.mode), and the exits those writes take in a virtual machine.
 *
 * x2APIC cluster mode: one write reaches the targets of one cluster, which are
 * CPUs whose APIC IDs agree in all but the low bits (Intel SDM vol. 3A
 * 10.12.10; cpu.apic_id). Shorthand: all but self in one write when those are
 * the targets (10.6.1; Linux uses it from 5.4 on). xAPIC: Linux sends to one
 * target at a time, and waits for the delivery status first
 * (arch/x86/kernel/apic/ipi.c).
 */
#ifndef MMUSIM_COHERENCE_ICR_H
#define MMUSIM_COHERENCE_ICR_H

#include "coherence/cpu.h"
#include "core/cpu_mask.h"

/* What arrives, and with what: see flight.h. */
struct icr_message {
    void (*arrive)(struct cpu *target, void *cargo, uint64_t now);
    void *cargo;
};

/* One write, for the first target and those it reaches along with it: they are
 * sent to and leave the mask, and the CPU is busy with it. False: none is left
 * then. */
bool mmusim__icr_write(struct cpu *cpu, struct cpu_mask *targets,
                       const struct icr_message *message);

/* How long a message to the target takes. */
uint32_t mmusim__icr_latency(const struct cpu *from, const struct cpu *to);
/* How long until the sender sees the target's acknowledgement. */
uint32_t mmusim__icr_ack_latency(const struct cpu *from, const struct cpu *to);

struct system;

/* The least cycles from a step of any CPU to a message of its arriving. */
uint32_t mmusim__icr_min_delivery_cycles(const struct system *system);

#endif
