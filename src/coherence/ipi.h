/* SPDX-License-Identifier: MIT */
/*
 * Calls to other CPUs by inter-processor interrupt: the cost model of
 * smp_call_function_many(mask, func, wait = 1).
 *
 * Sender, one event each: with virt.pv_flush, a look at each target
 * (paravirt.h); per target, put the call on the target's call-single
 * queue (the lines come from the target, one target after the other; the
 * queue's serves one sender at a time, and waiting for it is `lock`); then the
 * ICR writes (icr.h); then look at the calls in order of CPUs until each is
 * acknowledged, a cache line a look, taking interrupts meanwhile. 4.6 sends to
 * every CPU of the mask even if a call was already queued there (kernel/smp.c;
 * the cpumask_ipi optimisation came later).
 *
 * Target: the interrupt arrives after a latency by distance; if interrupts are
 * masked it is taken when they are enabled again; an NMI (ipi.delivery) waits
 * for the end of an NMI handler only, one of them at most. Entry, then every
 * queued call in order (act), then exit; the sender sees each call's
 * acknowledgement after a cache-line transfer. A call drained by an earlier
 * interrupt leaves a spurious one behind, which costs entry and exit.
 *
 * A request with selects() makes the sender look at each target first
 * (look_cycles each); if none is left, nothing is sent, and nothing counts as a
 * shootdown.
 */
#ifndef MMUSIM_COHERENCE_IPI_H
#define MMUSIM_COHERENCE_IPI_H

#include "coherence/cpu.h"
#include "core/cpu_mask.h"

#define FLUSH_END_ALL UINT64_MAX

/* What the targets are to do; copied into the sender's call. */
struct flush_request {
    struct address_space *mm; /* NULL: whatever is loaded */
    uint64_t start;
    uint64_t end; /* FLUSH_END_ALL: everything */
    /* Done by the target at `act`; returns the cycles it takes. NULL: an empty
     * call, which flushes nothing and counts in no shootdown. */
    uint32_t (*act)(struct cpu *target, const struct flush_request *request);
    /* NULL: every target is called. Else the sender looks at each before it
     * calls any (smp_cond_func_t), and calls those that it selects. */
    bool (*selects)(const struct cpu *target,
                    const struct flush_request *request);
    /* After the interrupts have been sent, act() here, too, with interrupts
     * masked, while they are on their way (SCF_RUN_LOCAL, Linux 5.13). */
    bool runs_here;
    /* What protocols with generations say besides (flush_tlb_info). */
    bool frees_tables;
    bool trims_mask;
    uint32_t stride_order; /* from one page to the next, 4 KiB units */
    uint32_t initiator;    /* CPU; UINT32_MAX: not among those that act */
    uint64_t new_gen;      /* 0: none */
};

/* One CPU's call to one other CPU (struct call_single_data). */
struct ipi_call {
    struct event ack;
    struct cpu *sender;
    struct ipi_call *next; /* in the target's queue */
    const struct flush_request *request;
    uint64_t acknowledged_cycle; /* the sender could see it from then on */
    /* For observers; 0: has not been. */
    uint64_t shootdown; /* number of the one it belongs to; 0: of none */
    uint64_t queued_cycle, sent_cycle, delivered_cycle, begun_cycle;
};

/* Pushes the frame that calls `targets` and waits for all of them. The request
 * is copied. The latency from now to completion is recorded. There is another
 * CPU among the targets, or the request runs here. */
void mmusim__ipi_call_many(struct cpu *sender, const struct cpu_mask *targets,
                           const struct flush_request *request);

/* Takes the raised interrupt: pushes the handler. */
void mmusim__ipi_take(struct cpu *cpu);
/* The activity that the running handler interrupted. */
struct cpu_activity *mmusim__ipi_interrupted(struct cpu *cpu);

/* Sets up a CPU's calls to every other; memory comes from the arena. */
mmusim_status_t mmusim__ipi_init(struct cpu *cpu, struct arena *arena);

#endif
