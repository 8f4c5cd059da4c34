/* SPDX-License-Identifier: MIT */
/* A run under way, and the steps it may take next. */
#ifndef MMUSIM_LITMUS_LITMUS_EXPLORER_H
#define MMUSIM_LITMUS_LITMUS_EXPLORER_H

#include "litmus/litmus_pe.h"
#include "litmus/litmus_run.h"

enum run_step_kind {
    STEP_TRANSLATE,
    STEP_WALK,
    STEP_ABANDON, /* a walk that may not set the dirty state */
    STEP_PERFORM,
    STEP_CERTAIN, /* of a fault */
    STEP_FAULT,
    STEP_TLBI,
    STEP_DELIVER,  /* of pe's TLBI, at PE `to` */
    STEP_REPLAY,   /* of what keeps a PE from answering */
    STEP_PREFETCH, /* a walk that nobody asked for */
    STEP_EVICT,    /* a PE's TLBs lose a page */
};

struct run_step {
    uint8_t kind;
    uint8_t pe;
    uint8_t to;
    uint16_t at; /* instruction, walker or location */
};

enum { LITMUS_MAX_STEPS = 512 };

enum run_policy { POLICY_UNIFORM, POLICY_RANKS, POLICY_MIXED };

struct litmus_explorer {
    struct litmus_run run;
    struct rng rng;
    struct run_step steps[LITMUS_MAX_STEPS];
    uint32_t n_steps;
    uint64_t rank_seed;
    enum run_policy policy;
    uint32_t n_prefetches; /* still permitted in this run */
    uint32_t n_evictions;
    bool forgets[LITMUS_MAX_THREADS]; /* its TLBs keep nothing for later */
    bool refills[LITMUS_MAX_THREADS]; /* what is invalidated is fetched anew */
};

/* Settles every PE and lists what may come next. True: the run is over. */
bool mmusim__litmus_list(struct litmus_explorer *explorer);

/* Who among those that wait for the walk may have the dirty state set: the
 * instructions, as bits from the PE's n_done on. */
uint64_t mmusim__litmus_updaters(const struct litmus_explorer *explorer,
                                 uint32_t pe, uint32_t walker);

#endif
