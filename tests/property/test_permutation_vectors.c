/* SPDX-License-Identifier: MIT */
/*
 * Replacement policies against measured hardware: the permutation vectors that
 * the artefact of "TLB;DR" (Tatar, Trujillo, Giuffrida, Bos, USENIX Security
 * 2022; github.com/vusec/tlbdr, TLB/README.md, sample output 13 to 15) printed
 * for the second-level, data and instruction TLBs of a Skylake-family part.
 *
 * A permutation policy orders a full set's entries; position 0 is the entry
 * filled last if all recent accesses were misses. A hit at position i puts
 * entry order[vector i [j]] at position j; a miss replaces the last entry and
 * puts the new one first, the others moving up (Abel and Reineke, RTAS 2013).
 */
#include "core/arena.h"
#include "core/rng.h"
#include "tlb/tlb_array_inline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_WAYS = 12, N_STEPS = 200000 };

struct vectors {
    const char *replacement;
    uint32_t n_ways;
    uint8_t hit[MAX_WAYS][MAX_WAYS];
};

static const struct vectors stlb = {
    .replacement = "plru12",
    .n_ways = 12,
    .hit = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
            {1, 2, 0, 4, 5, 3, 7, 8, 6, 10, 11, 9},
            {2, 0, 1, 5, 3, 4, 8, 6, 7, 11, 9, 10},
            {3, 1, 2, 0, 4, 5, 9, 7, 8, 6, 10, 11},
            {4, 2, 0, 1, 5, 3, 10, 8, 6, 7, 11, 9},
            {5, 0, 1, 2, 3, 4, 11, 6, 7, 8, 9, 10},
            {6, 1, 2, 3, 4, 5, 0, 7, 8, 9, 10, 11},
            {7, 2, 0, 4, 5, 3, 1, 8, 6, 10, 11, 9},
            {8, 0, 1, 5, 3, 4, 2, 6, 7, 11, 9, 10},
            {9, 1, 2, 0, 4, 5, 3, 7, 8, 6, 10, 11},
            {10, 2, 0, 1, 5, 3, 4, 8, 6, 7, 11, 9},
            {11, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
};

static const struct vectors dtlb = {
    .replacement = "plru",
    .n_ways = 4,
    .hit = {{0, 1, 2, 3}, {1, 0, 3, 2}, {2, 1, 0, 3}, {3, 0, 1, 2}},
};

static const struct vectors itlb = {
    .replacement = "plru",
    .n_ways = 8,
    .hit = {{0, 1, 2, 3, 4, 5, 6, 7},
            {1, 0, 3, 2, 5, 4, 7, 6},
            {2, 1, 0, 3, 6, 5, 4, 7},
            {3, 0, 1, 2, 7, 4, 5, 6},
            {4, 1, 2, 3, 0, 5, 6, 7},
            {5, 0, 3, 2, 1, 4, 7, 6},
            {6, 1, 0, 3, 2, 5, 4, 7},
            {7, 0, 1, 2, 3, 4, 5, 6}},
};

/* One set, by its vectors. */
struct order {
    const struct vectors *vectors;
    uint64_t pages[MAX_WAYS];
};

static void order_hit(struct order *order, uint32_t position)
{
    const uint8_t *vector = order->vectors->hit[position];
    uint64_t old[MAX_WAYS];

    memcpy(old, order->pages, sizeof(old));
    for (uint32_t i = 0; i < order->vectors->n_ways; i++)
        order->pages[i] = old[vector[i]];
}

/* Returns the page that makes room. */
static uint64_t order_miss(struct order *order, uint64_t page)
{
    uint32_t last = order->vectors->n_ways - 1;
    uint64_t victim = order->pages[last];

    memmove(&order->pages[1], order->pages, last * sizeof(order->pages[0]));
    order->pages[0] = page;
    return victim;
}

static uint64_t array_miss(struct tlb_array *array, uint64_t page)
{
    struct tlb_removed removed;

    mmusim__tlb_array_insert(array, tlb_key((vpn_t){page}, 0, 1, false), 0, 1,
                             &removed);
    return removed.key ? tlb_key_vpn(removed.key) : 0;
}

/* Enough misses bring any set into the order of its fills. */
static void begin(struct order *order, struct tlb_array *array,
                  uint64_t *next_page)
{
    for (uint32_t i = 0; i < 3 * order->vectors->n_ways; i++) {
        order_miss(order, *next_page);
        array_miss(array, (*next_page)++);
    }
}

static void compare(const struct vectors *vectors)
{
    struct order order = {.vectors = vectors};
    struct tlb_array_config config = {
        .n_entries = vectors->n_ways, .n_ways = vectors->n_ways, .n_orders = 1};
    struct tlb_array array;
    struct arena arena;
    struct rng rng;
    uint64_t next_page = 1;

    snprintf(config.replacement, sizeof(config.replacement), "%s",
             vectors->replacement);
    mmusim__arena_init(&arena);
    mmusim__rng_init(&rng, 1, 1);
    assert_int_equal(mmusim__tlb_array_init(&array, &config, NULL, &arena),
                     MMUSIM_OK);
    begin(&order, &array, &next_page);
    for (uint32_t step = 0; step < N_STEPS; step++) {
        uint32_t position = mmusim__rng_below(&rng, vectors->n_ways + 4);

        if (position >= vectors->n_ways) {
            assert_int_equal(array_miss(&array, next_page),
                             order_miss(&order, next_page));
            next_page++;
            continue;
        }
        assert_int_not_equal(
            tlb_array_lookup(&array, (vpn_t){order.pages[position]}, 1),
            TLB_NO_SLOT);
        order_hit(&order, position);
    }
    mmusim__arena_fini(&arena);
}

static void plru12_is_the_measured_second_level_of_skylake(void **state)
{
    (void) state;
    compare(&stlb);
}

static void plru_is_the_measured_data_tlb_of_skylake(void **state)
{
    (void) state;
    compare(&dtlb);
}

static void plru_is_the_measured_instruction_tlb_of_skylake(void **state)
{
    (void) state;
    compare(&itlb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plru12_is_the_measured_second_level_of_skylake),
        cmocka_unit_test(plru_is_the_measured_data_tlb_of_skylake),
        cmocka_unit_test(plru_is_the_measured_instruction_tlb_of_skylake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
