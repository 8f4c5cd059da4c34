/* SPDX-License-Identifier: MIT */
/*
 * Address-carrying broadcast invalidations: Arm's DVM and AMD's INVLPGB, one
 * engine (system.broadcast has the costs of the machine's).
 *
 * An operation is one `struct inval`, copied, with the sender's scope in it.
 * It acts here at once; the CPU is busy for issue_cycles, then one message
 * goes to every other CPU in reach. A message arrives after a latency by
 * distance (event); there it acts at once on every structure and on walks in
 * flight, takes slot_cycles from whatever the CPU does (messages that meet
 * queue up), whether or not interrupts are masked, and answers. When the last
 * answer is back (event) the operation is complete. A CPU has at most
 * max_outstanding operations on their way; the next one waits.
 *
 * sync (DSB, TLBSYNC) waits until the operations that this CPU, and no other,
 * has issued before are complete. What lies between the first operation after
 * a sync and the end of the next sync counts as one shootdown. What the issuer
 * drops of its own is the protocol's to count (cpu.flushes.local_*).
 *
 * Left out: messages do not compete for the interconnect; nXS forms have no
 * shorter wait, as there are no XS accesses to wait for.
 *
 * Sources: Arm AMBA 5 CHI, DVM transactions; Arm ARM D8 (completion by DSB);
 * AMD APM vol. 3, INVLPGB and TLBSYNC. docs/fabrics.md.
 */
#ifndef MMUSIM_COHERENCE_BROADCAST_H
#define MMUSIM_COHERENCE_BROADCAST_H

#include "coherence/cpu.h"
#include "coherence/inval_reach.h"
#include "core/cpu_mask.h"

struct inval_request;

/* n_ops operations: the first as inval says, each next one step_pages further
 * on (0: n_pages of inval); the last is cut at n_pages_total (0: not cut).
 * Without a range, n_ops is 1. */
struct broadcast_request {
    struct inval inval;
    bool has_other; /* each operation has a second part: nested forms */
    struct inval other;
    enum miss_cause cause;
    enum broadcast_reach reach;
    uint64_t n_ops;
    uint64_t step_pages; /* 4 KiB pages */
    uint64_t n_pages_total;
};

/* Pushes the frame that issues the operations, one after another; the caller
 * returns KSTEP_NEXT and is stepped again when all have left the CPU. */
void mmusim__broadcast_issue(struct cpu *cpu,
                             const struct broadcast_request *request);

/* One operation of an inval, or as many of at most max_pages as it takes. */
void mmusim__broadcast_inval(struct cpu *cpu, const struct inval *inval,
                             enum broadcast_reach reach, enum miss_cause cause);

/* One operation: what an instruction has been decoded to (a legal one). */
void mmusim__broadcast_instruction(struct cpu *cpu,
                                   const struct inval_request *request,
                                   enum miss_cause cause);

/* A flawed core's sync may end too early (early_syncs_per_million): it waits
 * only for operations that an earlier one has let pass, which is why kernels
 * repeat the operation and the barrier.
 *
 * Pushes the frame that waits until everything this CPU has issued so far, and
 * that reaches no farther, is complete: DSB ISH, OSH and SY, TLBSYNC
 * (REACH_ALL); with REACH_SELF DSB NSH, which waits for nothing but takes
 * sync_local_cycles. */
void mmusim__broadcast_sync(struct cpu *cpu, enum broadcast_reach reach);

/* Seeds what is drawn for a flawed CPU. */
void mmusim__broadcast_init(struct cpu *cpu, uint64_t seed);

/* The next shootdown's latency counts from now, not from its first operation:
 * for a caller with other work to do before. */
void mmusim__broadcast_begin(struct cpu *cpu);

/* The CPUs, without cpu, that a reach has from cpu. */
void mmusim__broadcast_targets(const struct cpu *cpu,
                               enum broadcast_reach reach,
                               struct cpu_mask *targets);

/* Operations of this CPU that are not complete. */
static inline uint32_t broadcast_n_outstanding(const struct cpu *cpu)
{
    return cpu->broadcast.n_outstanding;
}

struct system;

/* The least cycles from a step of any CPU to a message of its arriving. */
uint32_t mmusim__broadcast_min_delivery_cycles(const struct system *system);

#endif
