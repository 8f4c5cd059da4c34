/* SPDX-License-Identifier: MIT */
/*
 * Least recently used: each way has the stamp of its last use; the victim has
 * the lowest. Stamps are 64 bits and never wrap. Exact, unlike most hardware.
 *
 * In sets of many ways (fully associative arrays) every LRU_GROUP ways have a
 * lower bound of their stamps beside them. A use only raises a stamp, so bounds
 * stay bounds without being kept up; the victim's search tightens those it
 * looks at, and looks at one or two groups instead of at every way. A victim is
 * filled before the next search (repl.h), so the bound that it leaves behind is
 * the next oldest stamp of its group.
 */
#include "tlb/repl_table.h"

enum {
    LRU_GROUP = 8,
    LRU_GROUPED_WAYS = 24, /* from here on groups are faster than a scan */
};

static uint32_t lru_n_groups(uint32_t n_ways)
{
    return n_ways < LRU_GROUPED_WAYS ? 0 : (n_ways + LRU_GROUP - 1) / LRU_GROUP;
}

/* The stamps of all sets come first, then their bounds. */
static uint32_t lru_words_per_set(uint32_t n_ways)
{
    return n_ways + lru_n_groups(n_ways);
}

static void lru_touch(struct repl_state *state, uint32_t set, uint32_t way)
{
    state->words[set * state->n_ways + way] = ++state->clock;
}

/* The lowest stamp of a group's ways, its way, and the lowest of the others. */
struct lru_oldest {
    uint64_t stamp, next_stamp;
    uint32_t way;
};

static struct lru_oldest lru_group_oldest(const uint64_t *stamps,
                                          uint32_t n_ways, uint32_t group)
{
    uint32_t first = group * LRU_GROUP;
    uint32_t end = first + LRU_GROUP < n_ways ? first + LRU_GROUP : n_ways;
    struct lru_oldest oldest = {stamps[first], UINT64_MAX, first};

    for (uint32_t i = first + 1; i < end; i++) {
        uint64_t stamp = stamps[i];
        bool is_older = stamp < oldest.stamp;
        uint64_t other = is_older ? oldest.stamp : stamp;

        oldest.way = is_older ? i : oldest.way;
        oldest.stamp = is_older ? stamp : oldest.stamp;
        if (other < oldest.next_stamp)
            oldest.next_stamp = other;
    }
    return oldest;
}

static uint32_t lru_lowest_bound(const uint64_t *bounds, uint32_t n_groups)
{
    uint64_t lowest = bounds[0];
    uint32_t group = 0;

    for (uint32_t i = 1; i < n_groups; i++) {
        if (bounds[i] < lowest) {
            lowest = bounds[i];
            group = i;
        }
    }
    return group;
}

static uint32_t lru_victim(struct repl_state *state, uint32_t set)
{
    uint32_t n_groups = lru_n_groups(state->n_ways);
    const uint64_t *stamps = &state->words[set * state->n_ways];
    uint64_t *bounds =
        &state->words[state->n_sets * state->n_ways + set * n_groups];

    if (!n_groups)
        return repl_oldest_way(state, set);
    for (;;) {
        uint32_t group = lru_lowest_bound(bounds, n_groups);
        struct lru_oldest oldest =
            lru_group_oldest(stamps, state->n_ways, group);

        /* Exact already: no other group's bound is lower. */
        if (oldest.stamp == bounds[group]) {
            bounds[group] = oldest.next_stamp <= state->clock
                                ? oldest.next_stamp
                                : state->clock + 1; /* its fill's */
            return oldest.way;
        }
        bounds[group] = oldest.stamp;
    }
}

static uint32_t lru_victim_among(struct repl_state *state,
                                 const uint32_t *slots, uint32_t n_slots)
{
    uint32_t oldest = slots[0];

    for (uint32_t i = 1; i < n_slots; i++) {
        if (state->words[slots[i]] < state->words[oldest])
            oldest = slots[i];
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
    .victim_among = lru_victim_among,
};
