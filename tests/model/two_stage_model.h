/* SPDX-License-Identifier: MIT */
/*
 * A naive walk of an x86-64 guest, written from Intel SDM vol. 3C 28.2 and 28.3
 * and AMD APM vol. 2 15.25: every table of the guest, and the page at last, is
 * at a guest-physical address that a walk of the second stage translates from
 * its root. Nothing is cached. It shares nothing with src/tlb but the memory.
 */
#ifndef MMUSIM_TESTS_MODEL_TWO_STAGE_MODEL_H
#define MMUSIM_TESTS_MODEL_TWO_STAGE_MODEL_H

#include "model/walk_model.h"

struct two_stage_world {
    const struct pt_memory *guest; /* by guest-physical address */
    const struct pt_memory *host;  /* of the second stage */
    unsigned guest_levels, host_levels;
    bool is_npt; /* else EPT with A and D */
    uint64_t guest_root, host_root;
};

enum two_stage_outcome {
    TWO_STAGE_MAPPED,
    TWO_STAGE_GUEST,   /* the guest's entry is absent or has a reserved bit */
    TWO_STAGE_NESTED,  /* the second stage maps no such address */
    TWO_STAGE_REFUSED, /* it does, but not for writing, which walks need */
};

enum { TWO_STAGE_MAX_USED = 6 };

struct two_stage_walk {
    enum two_stage_outcome outcome;
    unsigned n_reads, n_nested_reads; /* of all, of the second stage */
    uint64_t gpaddr; /* of the byte; of what the second stage failed at */
    uint64_t paddr;  /* of the byte */
    unsigned guest_log2, host_log2; /* bytes of the pages */
    bool can_write, can_execute, is_user;
    /* Guest-physical addresses translated, in order. */
    uint64_t used[TWO_STAGE_MAX_USED];
    unsigned n_used;
};

struct two_stage_walk two_stage_model_walk(const struct two_stage_world *world,
                                           uint64_t vaddr);
/* One guest-physical address. */
struct walk_model two_stage_model_nested(const struct two_stage_world *world,
                                         uint64_t gpaddr);

#endif
