/* SPDX-License-Identifier: MIT */
/*
 * One PE of a litmus run: a window of instructions in program order, of which
 * any may take its next step when the architecture lets it. What is modelled
 * and why: docs/litmus.md; the ordering rules are litmus_order.c's.
 *
 * An access goes through these states; a squash takes it (and all behind it)
 * back to the fetch, an invalidation of its page from translated to not:
 *
 *   address known -> (walk in flight) -> translated -> performed
 *                                     -> bound to a fault -> certain of it
 *                                        -> taken (is_dead)
 *
 * Instructions are fetched past branches that are not resolved yet, by a
 * guess. What others can see of a PE is committed: stores, TLBIs, descriptors
 * written by its walks, faults. It is never taken back.
 */
#ifndef MMUSIM_LITMUS_LITMUS_PE_H
#define MMUSIM_LITMUS_LITMUS_PE_H

#include "core/rng.h"
#include "litmus/litmus_tlbi.h"
#include "litmus/litmus_world.h"

enum {
    LITMUS_MAX_WINDOW = 96, /* instructions of a thread in one run */
    LITMUS_END = 0xffff,    /* the pc behind the last instruction */
    LITMUS_UNKNOWN = 0xfffe,
    LITMUS_MAX_FAULTS = 16, /* of a thread */
    LITMUS_NO_SOURCE = -1,  /* the register's initial value */
};

struct litmus_inst {
    const struct litmus_instr *instr;
    uint16_t pc;
    uint16_t next_pc; /* as fetched: of a branch perhaps a guess */
    uint32_t serial;  /* of the fetch; never 0 */
    int16_t sources[LITMUS_MAX_SOURCES]; /* instructions that make rn, rm, rs
                                            and the fourth */
    bool is_executed;    /* result and nzcv are there; a branch is resolved */
    bool guesses, guess; /* CSEL: goes ahead of its flags, by this choice */
    bool is_unsure;      /* and they are not there yet */
    bool has_address;
    bool is_walking;
    bool is_translated; /* paddr or fault is there */
    bool is_performed;  /* access; TLBI: sent */
    bool is_complete;   /* DMB, DSB, ISB, TLBI: all that they wait for */
    bool is_dead;       /* its fault was taken */
    bool is_committed;
    bool waits_for_earlier; /* a fault that FEAT_ETS2 wants to see again */
    bool has_stored;        /* STXR, CAS: it did */
    bool is_certain; /* its fault: will be taken if nothing earlier prevents */
    bool is_stale;   /* a load: by a translation that has been invalidated */
    enum litmus_fault fault;
    uint64_t vaddr, paddr;
    uint64_t result, nzcv;
    uint32_t version;  /* of what a load has read; of what a store wrote */
    int16_t forwarder; /* store it was read from; LITMUS_NO_SOURCE */
    struct inval_request tlbi;
    uint8_t pending; /* PEs it has not reached */
    uint8_t waiting; /* PEs it has reached that have not answered */
};

struct litmus_fault_record {
    uint16_t pc;
    int16_t location;
    enum litmus_fault fault;
};

struct litmus_pe {
    const struct litmus_thread *thread;
    uint32_t index;
    struct litmus_inst window[LITMUS_MAX_WINDOW];
    uint32_t n;
    uint32_t n_done; /* of these at the front nothing can change */
    struct litmus_fault_record faults[LITMUS_MAX_FAULTS];
    uint32_t n_faults;
    bool is_cut; /* the window is too small for this run */
};

/* What lies before an instruction in its window. */
struct litmus_before {
    bool has_open_branch;
    bool has_open_access; /* not translated, or bound to a fault */
    bool has_isb;         /* not complete; likewise below */
    bool has_dsb, has_dmb_full, has_dmb_loads, has_dmb_stores;
    bool has_acquire;         /* a load-acquire not performed */
    bool has_release;         /* a store-release not performed */
    bool has_load, has_store; /* not performed */
    bool has_tlbi;            /* not complete */
    /* A load that is performed in front of an earlier one of the same place,
     * which is not: it may have to be taken back. */
    bool has_hazard;
};

struct litmus_run {
    const struct litmus_test *test;
    struct litmus_world *world;
    struct litmus_pe pes[LITMUS_MAX_THREADS];
    struct rng *rng;
    uint32_t n_serials;
    /* The thread that alone has TLBIs; < 0: several have, or none. */
    int only_invalidator;
};

void mmusim__litmus_pe_reset(struct litmus_run *run, uint32_t pe);

/* Does all that nobody can see: fetches, computes, resolves branches, lets
 * barriers complete. */
void mmusim__litmus_settle(struct litmus_run *run, uint32_t pe);
bool mmusim__litmus_is_finished(const struct litmus_pe *pe);

/* Takes back the instructions from one on. */
void mmusim__litmus_squash(struct litmus_pe *pe, uint32_t from);

/* An instruction's source; false: not there yet. slot: 0 rn, 1 rm, 2 rs, 3 the
 * fourth (flags, or the old value CAS compares with). */
bool mmusim__litmus_source(const struct litmus_pe *pe,
                           const struct litmus_inst *inst, uint32_t slot,
                           uint64_t *value);

/* The value of a register at the end. */
uint64_t mmusim__litmus_register_value(const struct litmus_pe *pe, uint8_t reg);

/* Takes `before` past an instruction. */
void mmusim__litmus_pass(const struct litmus_pe *pe, uint32_t at,
                         struct litmus_before *before);

static inline uint32_t litmus_bytes(const struct litmus_inst *inst)
{
    return inst->instr->is_word ? 4 : 8;
}

static inline bool litmus_overlap(const struct litmus_inst *a,
                                  const struct litmus_inst *b)
{
    return a->paddr < b->paddr + litmus_bytes(b) &&
           b->paddr < a->paddr + litmus_bytes(a);
}

/* An access with a place in memory. */
static inline bool litmus_has_place(const struct litmus_inst *inst)
{
    return litmus_is_access(inst->instr) && inst->is_translated &&
           !inst->fault && !inst->is_dead;
}

/* ---- litmus_order.c: may it take its next step now? ---- */

bool mmusim__litmus_may_translate(const struct litmus_run *run,
                                  const struct litmus_inst *inst,
                                  const struct litmus_before *before);
/* May a walk for it write the descriptor? */
bool mmusim__litmus_may_update(const struct litmus_run *run, uint32_t pe,
                               const struct litmus_inst *inst,
                               const struct litmus_before *before);
bool mmusim__litmus_may_perform(const struct litmus_pe *pe, uint32_t at,
                                const struct litmus_before *before);
bool mmusim__litmus_may_be_certain(const struct litmus_inst *inst,
                                   const struct litmus_before *before);
bool mmusim__litmus_may_fault(const struct litmus_inst *inst,
                              const struct litmus_before *before);
bool mmusim__litmus_may_invalidate(const struct litmus_pe *pe,
                                   const struct litmus_inst *inst,
                                   const struct litmus_before *before);
/* May an invalidation act on a PE now? Not while an access under way would
 * lose its translation that cannot be taken back. */
bool mmusim__litmus_may_deliver(const struct litmus_pe *pe,
                                const struct inval_request *tlbi);
/* May this PE's own invalidation act on it? */
bool mmusim__litmus_may_deliver_here(const struct litmus_pe *pe);
/* A load of a stale translation behind an access that has none yet; < 0: none.
 * The invalidation is not answered while there is one. */
int mmusim__litmus_stale_ahead(const struct litmus_pe *pe);
/* The store that a load takes its value from before memory has it;
 * LITMUS_NO_SOURCE: none; < that: it must wait. */
int mmusim__litmus_forwarder(const struct litmus_pe *pe, uint32_t at);

/* ---- litmus_step.c: the steps ---- */

/* Binds an access to an entry of the TLB, or starts a walk. */
void mmusim__litmus_translate(struct litmus_run *run, uint32_t pe, uint32_t at);
void mmusim__litmus_answer(struct litmus_run *run, uint32_t pe, uint32_t serial,
                           const struct litmus_answer *answer);
void mmusim__litmus_perform(struct litmus_run *run, uint32_t pe, uint32_t at);
void mmusim__litmus_take_fault(struct litmus_run *run, uint32_t pe,
                               uint32_t at);
void mmusim__litmus_send_tlbi(struct litmus_run *run, uint32_t pe, uint32_t at);
/* The TLBI at `at` of PE from arrives at PE to. */
void mmusim__litmus_deliver(struct litmus_run *run, uint32_t from, uint32_t at,
                            uint32_t to);
/* Invalidations that a PE could not answer before. */
void mmusim__litmus_answer_tlbi(struct litmus_run *run,
                                struct litmus_inst *inst);

#endif
