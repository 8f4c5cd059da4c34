/* SPDX-License-Identifier: MIT */
/*
 * The 12 ways of Skylake's second-level TLB: three groups of four ways, tree
 * pseudo-LRU within a group, and the victim always in the group after the one
 * used last: "(MRU+1)%3-PLRU4".
 *
 * Source: Tatar, Trujillo, Giuffrida, Bos, "TLB;DR: Enhancing TLB-based Attacks
 * with TLB Desynchronized Reverse Engineering", USENIX Security 2022, and the
 * permutation vectors that its artefact prints (tests/property/
 * test_permutation_vectors.c).
 *
 * A set's word: the group used last in bits 1:0, the tree of group g in the
 * bits from 4 + 4 g on, node n of it (root 1, then 2 and 3) at bit n: 1 = the
 * right half is the older.
 */
#include "tlb/repl_table.h"

enum {
    PLRU12_WAYS = 12,
    PLRU12_GROUPS = 3,
    PLRU12_GROUP_WAYS = 4,
    PLRU12_GROUP_MASK = 3,
};

static const char *plru12_refuses(uint32_t n_ways)
{
    if (n_ways != PLRU12_WAYS)
        return "plru12 needs 12 ways (plru takes powers of two; lru, nru, "
               "srrip, fifo and random any number)";
    return NULL;
}

static uint32_t plru12_words_per_set(uint32_t n_ways)
{
    (void) n_ways;
    return 1;
}

static uint32_t plru12_tree_shift(uint32_t group)
{
    return 4 + 4 * group;
}

static void plru12_touch(struct repl_state *state, uint32_t set, uint32_t way)
{
    uint32_t group = way / PLRU12_GROUP_WAYS;
    uint32_t half = way >> 1 & 1;
    uint32_t shift = plru12_tree_shift(group);
    uint64_t root = UINT64_C(2) << shift;
    uint64_t leaf_pair = UINT64_C(4) << half << shift;
    uint64_t word = state->words[set];

    word = half ? word & ~root : word | root;
    word = way & 1 ? word & ~leaf_pair : word | leaf_pair;
    state->words[set] = (word & ~(uint64_t) PLRU12_GROUP_MASK) | group;
}

static uint32_t plru12_victim(struct repl_state *state, uint32_t set)
{
    uint64_t word = state->words[set];
    uint32_t group = ((uint32_t) word & PLRU12_GROUP_MASK) == PLRU12_GROUPS - 1
                         ? 0
                         : ((uint32_t) word & PLRU12_GROUP_MASK) + 1;
    uint32_t tree = (uint32_t) (word >> plru12_tree_shift(group));
    uint32_t half = tree >> 1 & 1;

    return group * PLRU12_GROUP_WAYS + 2 * half + (tree >> (2 + half) & 1);
}

const struct repl_ops mmusim__repl_plru12 = {
    .name = "plru12",
    .help = "tree pseudo-LRU of 3 groups of 4 ways, Skylake's L2",
    .refuses = plru12_refuses,
    .words_per_set = plru12_words_per_set,
    .touch = plru12_touch,
    .fill = plru12_touch,
    .victim = plru12_victim,
};
