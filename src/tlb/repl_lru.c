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

static uint32_t lru_victim(struct repl_state *state, uint32_t set)
{
    const uint64_t *stamps = &state->words[set * state->n_ways];
    uint64_t oldest_stamp = stamps[0];
    uint32_t oldest = 0;

    for (uint32_t way = 1; way < state->n_ways; way++) {
        if (stamps[way] < oldest_stamp) {
            oldest_stamp = stamps[way];
            oldest = way;
        }
    }
    return oldest;
}

const struct repl_ops mmusim__repl_lru = {
    .name = "lru",
    .help = "least recently used",
    .is_stamped = true,
    .words_per_set = lru_words_per_set,
    .touch = lru_touch,
    .fill = lru_touch,
    .victim = lru_victim,
};
