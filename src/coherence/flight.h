/* SPDX-License-Identifier: MIT */
/*
 * A message on its way to a CPU: an interrupt, or one part of a broadcast. Its
 * arrival is an event of class EVENT_DELIVERY; until then it bounds how far
 * the target may run ahead (cpu.next_delivery_cycle).
 */
#ifndef MMUSIM_COHERENCE_FLIGHT_H
#define MMUSIM_COHERENCE_FLIGHT_H

#include "coherence/cpu.h"

struct flight {
    struct event deliver;
    struct cpu *target;
    void *cargo;
    void (*arrive)(struct cpu *target, void *cargo, uint64_t now);
    struct flight *next; /* of the target's, or free */
};

/* Sends from a CPU, to arrive at a cycle; arrive() may send others. False:
 * memory is short, and the system has been told. */
bool mmusim__flight_send(struct cpu *from, struct cpu *target, uint64_t cycle,
                         void (*arrive)(struct cpu *target, void *cargo,
                                        uint64_t now),
                         void *cargo);

#endif
