/* SPDX-License-Identifier: MIT */
/*
 * A whole MMU beside the naive one of model/mmu_model.h, with page tables of
 * their own and equal contents: three address spaces and the kernel's.
 */
#ifndef MMUSIM_TESTS_SUPPORT_LOCK_STEP_H
#define MMUSIM_TESTS_SUPPORT_LOCK_STEP_H

#include "model/mmu_model.h"
#include "support/small_system.h"

enum {
    LOCK_STEP_SPACES = 3,                   /* PCIDs 1 ... */
    LOCK_STEP_ROOTS = LOCK_STEP_SPACES + 1, /* and the kernel's */
    LOCK_STEP_PAGES = 96,
    LOCK_STEP_MACHINES = 11,
};

struct lock_step {
    struct small_system *small;
    struct mmu *mmu;
    struct mmu_model model;
    struct rng rng;
    pfn_t roots[LOCK_STEP_ROOTS];
    uint64_t step, seed;
    uint64_t n_hits, n_walks, n_faults, n_poisoned, n_dirty, n_merged;
};

/* On failure, the run can be repeated from what is printed. */
#define AGREE(ls, condition)                                                   \
    do {                                                                       \
        if (!(condition))                                                      \
            fail_msg("line %d: %s; step %llu, MMUSIM_TEST_SEED=%llu",          \
                     __LINE__, #condition, (unsigned long long) (ls)->step,    \
                     (unsigned long long) (ls)->seed);                         \
    } while (0)

/* The levels of a machine, as the model has them. */
extern const enum tlb_level lock_step_levels[MODEL_N_TLBS];

/* Machine 0: every size has its place. 1: large pages in parts in the L1I, 1G
 * pages in parts in the L2. 2: small pages only, one cache of pointers, five
 * levels. 3: as 0, with a level for stores. 4: that, and second levels for
 * fetches and for data. 5 to 7: as 4, a second level that is inclusive,
 * exclusive, of victims; 8 to 10: as 3, a last level, and policies of both. */
void lock_step_init(struct lock_step *ls, uint32_t machine, uint64_t seed);
void lock_step_fini(struct lock_step *ls);
uint32_t lock_step_draw(struct lock_step *ls, uint32_t bound);
/* A page of the space loaded, or of the kernel; most often of a few pages. */
uint64_t lock_step_vaddr(struct lock_step *ls);
/* Changes an entry of some level, in both. */
void lock_step_edit(struct lock_step *ls);
/* What walks wrote, A and D, is the same in both. */
void lock_step_check_tables(struct lock_step *ls);

#endif
