/* SPDX-License-Identifier: MIT */
/*
 * Not recently used: one bit per way, set by a use. The victim is the lowest
 * way whose bit is clear; when all are set, all are cleared first.
 *
 * Source: Jaleel, Theobald, Steely, Emer, "High Performance Cache Replacement
 * Using Re-Reference Interval Prediction", ISCA 2010, section 2 (where the bit
 * has the other sense). Bit way % 64 of a set's word way / 64. Where the slots
 * of a page are no set (Seznec's skewed arrays), the same over those slots.
 */
#include "tlb/repl_table.h"

enum { NRU_WORD_BITS = 64 };

static uint32_t nru_words_per_set(uint32_t n_ways)
{
    return (n_ways + NRU_WORD_BITS - 1) / NRU_WORD_BITS;
}

static uint64_t *nru_word(struct repl_state *state, uint32_t set, uint32_t way)
{
    return &state->words[set * nru_words_per_set(state->n_ways) +
                         way / NRU_WORD_BITS];
}

static void nru_touch(struct repl_state *state, uint32_t set, uint32_t way)
{
    *nru_word(state, set, way) |= UINT64_C(1) << way % NRU_WORD_BITS;
}

static uint32_t nru_victim(struct repl_state *state, uint32_t set)
{
    uint32_t n_words = nru_words_per_set(state->n_ways);
    uint64_t *words = nru_word(state, set, 0);

    for (uint32_t i = 0; i < n_words; i++) {
        uint32_t way = i * NRU_WORD_BITS;

        if (!~words[i])
            continue;
        way += (uint32_t) __builtin_ctzll(~words[i]);
        if (way < state->n_ways)
            return way;
    }
    for (uint32_t i = 0; i < n_words; i++)
        words[i] = 0;
    return 0;
}

static bool nru_is_used(struct repl_state *state, uint32_t slot)
{
    uint32_t way = slot % state->n_ways;

    return *nru_word(state, slot / state->n_ways, way) >> way % NRU_WORD_BITS &
           1;
}

static uint32_t nru_victim_among(struct repl_state *state,
                                 const uint32_t *slots, uint32_t n_slots)
{
    for (uint32_t i = 0; i < n_slots; i++) {
        if (!nru_is_used(state, slots[i]))
            return slots[i];
    }
    for (uint32_t i = 0; i < n_slots; i++) {
        uint32_t way = slots[i] % state->n_ways;

        *nru_word(state, slots[i] / state->n_ways, way) &=
            ~(UINT64_C(1) << way % NRU_WORD_BITS);
    }
    return slots[0];
}

const struct repl_ops mmusim__repl_nru = {
    .name = "nru",
    .help = "not recently used: one bit per entry",
    .words_per_set = nru_words_per_set,
    .touch = nru_touch,
    .fill = nru_touch,
    .victim = nru_victim,
    .victim_among = nru_victim_among,
};
