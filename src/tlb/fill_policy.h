/* SPDX-License-Identifier: MIT */
/*
 * What a lower TLB level holds in relation to the levels above it. A policy by
 * name: fill_<name>.c, a line in fill_table.c. Of all policies, a hit here
 * fills the level above (the first, and the second if walks fill that).
 *
 * An entry that comes down must be of a size that the level holds; else it is
 * lost. One that only goes up in parts, for want of the size there, stays.
 */
#ifndef MMUSIM_TLB_FILL_POLICY_H
#define MMUSIM_TLB_FILL_POLICY_H

#include <stdbool.h>
#include <stddef.h>

struct tlb_fill_ops {
    const char *name;
    const char *help;
    bool is_filled_by_walks;
    bool takes_victims;        /* of the level above */
    bool is_left_by_hits;      /* the entry moves up */
    bool is_back_invalidating; /* what goes here goes above, too */
};

extern const struct tlb_fill_ops mmusim__fill_intel;
extern const struct tlb_fill_ops mmusim__fill_inclusive;
extern const struct tlb_fill_ops mmusim__fill_exclusive;
extern const struct tlb_fill_ops mmusim__fill_victim;

/* NULL if there is no policy of that name. */
const struct tlb_fill_ops *mmusim__fill_find(const char *name);
/* The index-th policy, NULL past the end. */
const struct tlb_fill_ops *mmusim__fill_at(size_t index);

#endif
