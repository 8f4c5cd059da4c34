/* SPDX-License-Identifier: MIT */
/*
 * What carries a flush to other CPUs, chosen by the key `fabric`: interrupts,
 * a broadcast of the hardware, Intel's remote action. A protocol that calls
 * mmusim__fabric_call() runs over each of them; one that is written for a
 * broadcast uses broadcast.h itself, and asks system.has_broadcast.
 *
 * Over hardware fabrics the request's act() does not run: structures drop what
 * the request names, of every address space (the kernels that use them have
 * one ASID an mm; 4.6 has none), and no software of the target takes notice.
 * One `static const struct fabric_ops` each, one line in fabric_table.c.
 */
#ifndef MMUSIM_COHERENCE_FABRIC_H
#define MMUSIM_COHERENCE_FABRIC_H

#include "coherence/ipi.h"

struct fabric_ops {
    const char *name;
    const char *help;
    bool is_broadcast; /* system.broadcast has its costs */
    /* Pushes the frame that reaches the targets, the sender not among them,
     * and waits for all. The request is copied. */
    void (*call)(struct cpu *sender, const struct cpu_mask *targets,
                 const struct flush_request *request);
};

/* NULL if there is none of that name. */
const struct fabric_ops *mmusim__fabric_find(const char *name);
/* The index-th name, NULL past the end. */
const char *mmusim__fabric_name_at(size_t index);

/* INVLPGB reaches every CPU and has no form that stays on its own: what
 * config does not say follows from that. */
struct broadcast_config
mmusim__fabric_of_invlpgb(const struct broadcast_config *config);

/* Chooses the system's fabric, and how far CPUs may run ahead of each other;
 * its costs have been set. */
void mmusim__fabric_init(struct system *system, const struct fabric_ops *ops);

void mmusim__fabric_call(struct cpu *sender, const struct cpu_mask *targets,
                         const struct flush_request *request);

/* A request as hardware understands it, with the sender's scope. */
struct inval mmusim__fabric_inval(const struct cpu *sender,
                                  const struct flush_request *request);

#endif
