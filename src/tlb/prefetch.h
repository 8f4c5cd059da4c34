/* SPDX-License-Identifier: MIT */
/*
 * TLB prefetching: a predictor that sees the data misses of the second level,
 * and a buffer of the translations walked for ahead of time. The buffer is
 * looked up beside the second level; a hit moves the entry into the TLBs.
 *
 * A prefetch walk uses a free walker or none, never faults, and sets no A: it
 * gives up at an entry without it (Intel SDM vol. 3A 4.10.2.3: only entries
 * with A = 1 may be cached by a prefetch). An invalidation drops buffered
 * entries and poisons walks in flight; a demand for the page of such a walk
 * joins it, and it goes on as a demand walk.
 *
 * A predictor by name is prefetch_<name>.c and a line in prefetch_table.c.
 * Left out: predictors by program counter (traces have none of loads), so
 * `stride` is one stream; misses of fetches.
 */
#ifndef MMUSIM_TLB_PREFETCH_H
#define MMUSIM_TLB_PREFETCH_H

#include "tlb/prefetch_config.h"
#include "tlb/tlb_array.h"

struct arena;
struct mmu;
struct mmu_fill;

enum {
    PREFETCH_MAX = 2, /* pages predicted by one miss */
    /* Kandiraju and Sivasubramaniam, ISCA 2002: 256 rows of 2 distances are
     * their largest table. */
    PREFETCH_ROWS = 256,
};

struct prefetch_row {
    int64_t distance;           /* the row's own */
    int64_t next[PREFETCH_MAX]; /* that followed it, last first; 0: none */
};

struct prefetch_state {
    bool has_last;
    uint64_t last_vpn;
    int64_t last_distance;
    struct prefetch_row *rows; /* of predictors with has_rows */
};

struct prefetch_ops {
    const char *name;
    const char *help;
    bool has_rows;
    /* A miss of a page: what will be missed next, at most PREFETCH_MAX. */
    uint32_t (*predict)(struct prefetch_state *state, uint64_t vpn,
                        uint64_t *vpns);
};

extern const struct prefetch_ops mmusim__prefetch_none;
extern const struct prefetch_ops mmusim__prefetch_next_page;
extern const struct prefetch_ops mmusim__prefetch_stride;
extern const struct prefetch_ops mmusim__prefetch_distance;

/* NULL if there is no predictor of that name. */
const struct prefetch_ops *mmusim__prefetch_find(const char *name);
/* The index-th predictor, NULL past the end. */
const struct prefetch_ops *mmusim__prefetch_at(size_t index);

/* Of one logical CPU. */
struct prefetcher {
    const struct prefetch_ops *ops; /* NULL: off, and no buffer */
    struct prefetch_state state;
    struct tlb_array buffer;
    uint32_t hit_cycles;
    uint64_t issued, hits, unused; /* unused: left the buffer without a hit */
    uint64_t speculative;          /* walks of mmusim__speculate() */
};

mmusim_status_t mmusim__prefetch_init(struct mmu *mmu,
                                      const struct prefetch_config *config,
                                      struct rng *rng, struct arena *arena);

/* After a data miss of the second level. True: the page was in the buffer and
 * is in the TLBs now; that took prefetcher.hit_cycles. */
bool mmusim__prefetch_look_up(struct mmu *mmu, uint64_t vaddr, bool is_store);
/* The same miss, when what it needs is under way: learns from it, and walks for
 * what is predicted. */
void mmusim__prefetch_train(struct mmu *mmu, uint64_t vaddr, uint64_t now);

/* A prefetch walk has ended well: its result goes to the buffer. */
void mmusim__prefetch_fill(struct mmu *mmu, const struct mmu_fill *fill);

void mmusim__prefetch_invalidate(struct mmu *mmu, const struct inval *inval);

/* The CPU walks, on a path that it will give up, for a page: the translation
 * goes to the TLBs. False: it is there, or no walker is free. */
bool mmusim__speculate(struct mmu *mmu, uint64_t vaddr, uint64_t now);

#endif
