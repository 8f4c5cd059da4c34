/* SPDX-License-Identifier: MIT */
/*
 * Tree pseudo-LRU: a binary tree over the ways, one bit per inner node that
 * points to the half used less recently. A use turns every node on its path
 * away; the victim is where the nodes point.
 *
 * Nodes are numbered as in a heap, root 1, and node n is bit n of the set's
 * word: 1 = the right half. Up to 64 ways fit one word.
 */
#include "tlb/repl_table.h"

enum { PLRU_MAX_WAYS = 64 };

static const char *plru_refuses(uint32_t n_ways)
{
    if (n_ways & (n_ways - 1) || n_ways > PLRU_MAX_WAYS)
        return "plru needs 1, 2, 4, 8, 16, 32 or 64 ways (plru12 takes 12; "
               "lru, nru, srrip, fifo and random any number)";
    return NULL;
}

static uint32_t plru_words_per_set(uint32_t n_ways)
{
    (void) n_ways;
    return 1;
}

static void plru_touch(struct repl_state *state, uint32_t set, uint32_t way)
{
    uint64_t word = state->words[set];
    /* The leaf of a way is node n_ways + way: going up from there, bit 0 of
     * a node says which half of its parent it is. */
    uint32_t node = state->n_ways + way;

    while (node > 1) {
        uint64_t parent = UINT64_C(1) << (node >> 1);

        word = node & 1 ? word & ~parent : word | parent;
        node >>= 1;
    }
    state->words[set] = word;
}

static uint32_t plru_victim(struct repl_state *state, uint32_t set)
{
    uint64_t word = state->words[set];
    uint32_t node = 1;

    while (node < state->n_ways)
        node = node << 1 | (word >> node & 1);
    return node - state->n_ways;
}

const struct repl_ops mmusim__repl_plru = {
    .name = "plru",
    .help = "tree pseudo-LRU; ways must be a power of two up to 64",
    .refuses = plru_refuses,
    .words_per_set = plru_words_per_set,
    .touch = plru_touch,
    .fill = plru_touch,
    .victim = plru_victim,
};
