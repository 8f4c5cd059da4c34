/* SPDX-License-Identifier: MIT */
/* The policies, for the table alone (users find them by name, repl.h), and what
 * policies share. */
#ifndef MMUSIM_TLB_REPL_TABLE_H
#define MMUSIM_TLB_REPL_TABLE_H

#include "tlb/repl.h"

extern const struct repl_ops mmusim__repl_lru;
extern const struct repl_ops mmusim__repl_plru;
extern const struct repl_ops mmusim__repl_plru12;
extern const struct repl_ops mmusim__repl_nru;
extern const struct repl_ops mmusim__repl_srrip;
extern const struct repl_ops mmusim__repl_fifo;
extern const struct repl_ops mmusim__repl_random;

/* The way with the lowest stamp. */
static inline uint32_t repl_oldest_way(struct repl_state *state, uint32_t set)
{
    const uint64_t *stamps = &state->words[set * state->n_ways];
    uint64_t oldest_stamp = stamps[0]; /* apart, or each turn waits for a load:
                                          three times the time */
    uint32_t oldest = 0;

    for (uint32_t way = 1; way < state->n_ways; way++) {
        if (stamps[way] < oldest_stamp) {
            oldest_stamp = stamps[way];
            oldest = way;
        }
    }
    return oldest;
}

#endif
