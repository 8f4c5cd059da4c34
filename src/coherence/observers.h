/* SPDX-License-Identifier: MIT */
/*
 * Tells observers (mmusim/observe.h) what a CPU does. cpu->observed is NULL
 * where nobody observes: every caller asks first, and calls nothing then.
 *
 * A CPU's scopes are a stack beside that of its frames; entering or leaving one
 * ends the span that is being gathered. Nothing here takes simulated time or
 * changes what is simulated.
 */
#ifndef MMUSIM_COHERENCE_OBSERVERS_H
#define MMUSIM_COHERENCE_OBSERVERS_H

#include "coherence/cpu.h"
#include "core/op.h"
#include "mmusim/observe.h"
#include "tlb/walker.h"

struct ipi_call;
struct observers;

/* Deeper ones are not told of; the kernel nests no deeper than its stack. */
enum { OBSERVED_MAX_DEPTH = 24 };

struct observed_scope {
    mmusim_scope_t scope; /* its cycle: the beginning */
    uint64_t pc;
    uint64_t space;
    char *text; /* owned; of the operation, told at its end; or NULL */
};

/* What is known of one CPU. */
struct observed_cpu {
    struct observers *all;
    uint64_t pc; /* of the instruction that begins what comes next */
    /* The span being gathered; empty: none. */
    uint64_t span_begin, span_end;
    enum bucket span_bucket;
    uint32_t span_tid;
    uint32_t depth;
    struct observed_scope scopes[OBSERVED_MAX_DEPTH];
};

struct observers {
    mmusim_observer_t *list;
    uint32_t n;
    uint32_t n_cpus;
    struct observed_cpu *cpus;
    struct mmu_observer mmu; /* hangs in mmu_shared */
    struct system *system;
    bool has_failed; /* memory was short: the run must stop */
};

/* Nobody observes yet. NULL: memory is short. */
struct observers *mmusim__observers_create(struct system *system);
void mmusim__observers_destroy(struct observers *observers);
/* False: memory is short. */
bool mmusim__observers_add(struct observers *observers,
                           const mmusim_observer_t *observer);
/* The run is over: tells what is still open. */
void mmusim__observers_end(struct observers *observers);

/* mmusim__observe_span() is declared in cpu.h: time of the CPU, in order, has
 * gone to a bucket. */

/* The CPU enters a scope now: what, name, vaddr and length_bytes are the
 * caller's; an operation or fault is asked for at observed->pc. The entry is
 * the caller's to complete. */
struct observed_scope *mmusim__observe_enter(struct cpu *cpu,
                                             const mmusim_scope_t *what);
/* The innermost scope; NULL: it was too deep to be told of. */
struct observed_scope *mmusim__observe_innermost(struct cpu *cpu);
void mmusim__observe_leave(struct cpu *cpu);

/* Leaves the innermost scope, a flush, and tells of it. */
void mmusim__observe_flush_end(struct cpu *cpu);
/* The innermost scope is a fault or operation; the event's place and time come
 * from it. Then leaves it. */
void mmusim__observe_fault_end(struct cpu *cpu, enum access_kind access,
                               const char *kind);
void mmusim__observe_operation_end(struct cpu *cpu,
                                   mmusim_operation_event_t *event);

/* A shootdown of the CPU is complete now. */
struct observed_shootdown {
    uint64_t id;
    uint64_t begin_cycle;
    uint32_t n_targets;
};
void mmusim__observe_shootdown(struct cpu *cpu,
                               const struct observed_shootdown *shootdown);

void mmusim__observe_ipi(const struct observers *observers,
                         const mmusim_ipi_event_t *event);
void mmusim__observe_mark(struct cpu *cpu, const char *name, uint32_t index);
/* op: an IMAGE */
void mmusim__observe_image(struct cpu *cpu, const struct sys_op *op);
void mmusim__observe_site(struct cpu *cpu, uint64_t vaddr);

#endif
