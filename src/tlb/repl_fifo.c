/* SPDX-License-Identifier: MIT */
/*
 * First in, first out: each way has the stamp of its fill; the victim has the
 * lowest. A refill in place keeps its turn. Where nothing is invalidated this
 * is the round-robin pointer of hardware; after an invalidation the refilled
 * way is the youngest.
 */
#include "tlb/repl_table.h"

static uint32_t fifo_words_per_set(uint32_t n_ways)
{
    return n_ways;
}

static void fifo_touch(struct repl_state *state, uint32_t set, uint32_t way)
{
    (void) state;
    (void) set;
    (void) way;
}

static void fifo_fill(struct repl_state *state, uint32_t set, uint32_t way)
{
    state->words[set * state->n_ways + way] = ++state->clock;
}

const struct repl_ops mmusim__repl_fifo = {
    .name = "fifo",
    .help = "first in, first out",
    .words_per_set = fifo_words_per_set,
    .touch = fifo_touch,
    .fill = fifo_fill,
    .victim = repl_oldest_way,
};
