/* SPDX-License-Identifier: MIT */
/* Random replacement: any way of a full set, drawn from the unit's stream. */
#include "core/rng.h"
#include "tlb/repl_table.h"

static uint32_t random_words_per_set(uint32_t n_ways)
{
    (void) n_ways;
    return 0;
}

static void random_touch(struct repl_state *state, uint32_t set, uint32_t way)
{
    (void) state;
    (void) set;
    (void) way;
}

static uint32_t random_victim(struct repl_state *state, uint32_t set)
{
    (void) set;
    return mmusim__rng_below(state->rng, state->n_ways);
}

static uint32_t random_victim_among(struct repl_state *state,
                                    const uint32_t *slots, uint32_t n_slots)
{
    return slots[mmusim__rng_below(state->rng, n_slots)];
}

const struct repl_ops mmusim__repl_random = {
    .name = "random",
    .help = "any way, by the seeded generator",
    .words_per_set = random_words_per_set,
    .touch = random_touch,
    .fill = random_touch,
    .victim = random_victim,
    .victim_among = random_victim_among,
};
