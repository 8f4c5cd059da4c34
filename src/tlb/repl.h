/* SPDX-License-Identifier: MIT */
/*
 * Replacement policies of a set-associative array: one `static const struct
 * repl_ops` per file plus one line in repl_table.c.
 *
 * The array owns the state words and always offers an invalid way first
 * (lowest index), so victim() is called for full sets only.
 */
#ifndef MMUSIM_TLB_REPL_H
#define MMUSIM_TLB_REPL_H

#include "core/types.h"

struct rng;

/* State of one array's policy: n_sets * words_per_set words, zero at start. */
struct repl_state {
    uint64_t *words;
    uint64_t clock; /* LRU: last stamp given */
    struct rng *rng;
    uint32_t n_ways;
    uint32_t n_sets;
};

struct repl_ops {
    const char *name;
    const char *help;
    /* True where stamps[set * ways + way] = ++clock is the whole of touch():
     * the look-up path then does it inline. */
    bool is_stamped;
    /* NULL if any number of ways will do, else a check that says why not. */
    const char *(*refuses)(uint32_t n_ways);
    uint32_t (*words_per_set)(uint32_t n_ways);
    void (*touch)(struct repl_state *state, uint32_t set, uint32_t way);
    void (*fill)(struct repl_state *state, uint32_t set, uint32_t way);
    /* The way to be filled next: fill() of it must follow. */
    uint32_t (*victim)(struct repl_state *state, uint32_t set);
    /* The victim of n >= 1 valid slots, in order of their ways; a slot is
     * set * n_ways + way. For arrays where a page's slots are no whole set;
     * NULL: the policy's state only has a meaning for whole sets. */
    uint32_t (*victim_among)(struct repl_state *state, const uint32_t *slots,
                             uint32_t n_slots);
};

/* NULL if there is no policy of that name. */
const struct repl_ops *mmusim__repl_find(const char *name);
/* The index-th policy, NULL past the end: for listings and messages. */
const struct repl_ops *mmusim__repl_at(size_t index);

#endif
