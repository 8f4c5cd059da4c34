/* SPDX-License-Identifier: MIT */
/*
 * Least recently used: each way has the stamp of its last use; the victim has
 * the lowest. Stamps are 64 bits and never wrap. Exact, unlike most hardware.
 */
#include "tlb/repl_table.h"

static uint32_t lru_words_per_set(uint32_t n_ways)
{
    return n_ways;
}

static void lru_touch(struct repl_state *state, uint32_t set, uint32_t way)
{
    state->words[set * state->n_ways + way] = ++state->clock;
}

const struct repl_ops mmusim__repl_lru = {
    .name = "lru",
    .help = "least recently used",
    .is_stamped = true,
    .words_per_set = lru_words_per_set,
    .touch = lru_touch,
    .fill = lru_touch,
    .victim = repl_oldest_way,
};
