/* SPDX-License-Identifier: MIT */
/*
 * Static re-reference interval prediction with hit priority and two bits per
 * way (SRRIP-HP, M = 2): Jaleel, Theobald, Steely, Emer, ISCA 2010, section
 * 4.1. A fill predicts a long interval (2), a hit a near one (0); the victim
 * is the lowest way with a distant one (3), for which all grow together until
 * there is one.
 *
 * Differs from the paper's data cache: a run of uses of one entry, with no
 * other entry of the array used in between, is one use, and the fill that
 * begins such a run is not followed by a hit. Otherwise each page of a scan
 * would be hit at once by its own next bytes, and no fill would stay long.
 *
 * Two bits of way w at 2 * (w % 32) of the set's word w / 32; clock is the
 * slot used last, plus 1.
 */
#include "tlb/repl_table.h"

enum {
    SRRIP_WORD_WAYS = 32,
    SRRIP_LONG = 2,
    SRRIP_DISTANT = 3,
};

static uint32_t srrip_words_per_set(uint32_t n_ways)
{
    return (n_ways + SRRIP_WORD_WAYS - 1) / SRRIP_WORD_WAYS;
}

static uint64_t *srrip_word(struct repl_state *state, uint32_t set,
                            uint32_t way)
{
    return &state->words[set * srrip_words_per_set(state->n_ways) +
                         way / SRRIP_WORD_WAYS];
}

static void srrip_predict(struct repl_state *state, uint32_t set, uint32_t way,
                          uint64_t interval)
{
    uint64_t *word = srrip_word(state, set, way);
    uint32_t shift = 2 * (way % SRRIP_WORD_WAYS);

    *word = (*word & ~(UINT64_C(3) << shift)) | interval << shift;
    state->clock = (uint64_t) set * state->n_ways + way + 1;
}

static void srrip_touch(struct repl_state *state, uint32_t set, uint32_t way)
{
    if (state->clock != (uint64_t) set * state->n_ways + way + 1)
        srrip_predict(state, set, way, 0);
}

static void srrip_fill(struct repl_state *state, uint32_t set, uint32_t way)
{
    srrip_predict(state, set, way, SRRIP_LONG);
}

static uint64_t srrip_interval(struct repl_state *state, uint32_t set,
                               uint32_t way)
{
    return *srrip_word(state, set, way) >> 2 * (way % SRRIP_WORD_WAYS) & 3;
}

static uint32_t srrip_victim(struct repl_state *state, uint32_t set)
{
    uint64_t farthest = 0;
    uint32_t victim = 0;

    for (uint32_t way = 0; way < state->n_ways; way++) {
        uint64_t interval = srrip_interval(state, set, way);

        if (way && interval <= farthest)
            continue;
        farthest = interval;
        victim = way;
    }
    if (farthest == SRRIP_DISTANT)
        return victim;
    for (uint32_t way = 0; way < state->n_ways; way++)
        *srrip_word(state, set, way) += (SRRIP_DISTANT - farthest)
                                        << 2 * (way % SRRIP_WORD_WAYS);
    return victim;
}

const struct repl_ops mmusim__repl_srrip = {
    .name = "srrip",
    .help = "re-reference interval prediction, 2 bits, hit priority",
    .words_per_set = srrip_words_per_set,
    .touch = srrip_touch,
    .fill = srrip_fill,
    .victim = srrip_victim,
};
