/* SPDX-License-Identifier: MIT */
/*
 * What skewing is for: Seznec, "A case for two-way skewed-associative caches",
 * ISCA 1993: two skewed ways miss typically as seldom as four ways of sets in
 * an array of the same size. Checked on loops over several matrices, each read
 * at a stride of its own, the pages near the capacity of the array.
 */
#include "core/arena.h"
#include "core/rng.h"
#include "tlb/tlb_array_inline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    N_ENTRIES = 256,
    N_PROGRAMS = 200,
    N_ROUNDS = 8,
    MAX_STREAMS = 6,
};

struct stream {
    uint64_t first, stride;
    uint32_t n_pages;
};

struct program {
    struct stream streams[MAX_STREAMS];
    uint32_t n_streams;
};

static void draw_program(struct rng *rng, struct program *program)
{
    uint32_t n_left = N_ENTRIES * 3 / 4;

    program->n_streams = 2 + mmusim__rng_below(rng, MAX_STREAMS - 1);
    for (uint32_t i = 0; i < program->n_streams; i++) {
        uint32_t n_pages = n_left / (program->n_streams - i);

        program->streams[i] = (struct stream){
            .first = mmusim__rng_next(rng) >> 28,
            .stride = UINT64_C(1) << mmusim__rng_below(rng, 7),
            .n_pages = n_pages,
        };
        n_left -= n_pages;
    }
}

static uint64_t run(struct tlb_array *array, const struct program *program)
{
    struct tlb_removed removed;
    uint64_t n_misses = 0;

    for (uint32_t round = 0; round < N_ROUNDS; round++) {
        for (uint32_t i = 0; i < program->n_streams; i++) {
            const struct stream *stream = &program->streams[i];

            for (uint64_t k = 0; k < stream->n_pages; k++) {
                vpn_t vpn = {stream->first + k * stream->stride};

                if (tlb_array_lookup(array, vpn, 0) != TLB_NO_SLOT)
                    continue;
                n_misses++;
                mmusim__tlb_array_insert(array, tlb_key(vpn, 0, 0, false), 0, 0,
                                         &removed);
            }
        }
    }
    return n_misses;
}

static uint64_t misses(enum tlb_index index, uint32_t n_ways)
{
    struct tlb_array_config config = {.n_entries = N_ENTRIES,
                                      .n_ways = n_ways,
                                      .n_orders = 1,
                                      .replacement = "lru",
                                      .index = index};
    uint64_t n_misses = 0;
    struct rng rng;

    mmusim__rng_init(&rng, 1993, 1);
    for (uint32_t i = 0; i < N_PROGRAMS; i++) {
        struct program program;
        struct tlb_array array;
        struct arena arena;

        mmusim__arena_init(&arena);
        draw_program(&rng, &program);
        assert_int_equal(mmusim__tlb_array_init(&array, &config, NULL, &arena),
                         MMUSIM_OK);
        n_misses += run(&array, &program);
        mmusim__arena_fini(&arena);
    }
    return n_misses;
}

static void two_skewed_ways_miss_no_more_than_four_of_sets(void **state)
{
    uint64_t two = misses(TLB_INDEX_BITS, 2);
    uint64_t four = misses(TLB_INDEX_BITS, 4);
    uint64_t skewed = misses(TLB_INDEX_SKEWED, 2);
    uint64_t full = misses(TLB_INDEX_BITS, N_ENTRIES);

    (void) state;
    print_message(
        "misses: 2 ways %llu, 4 ways %llu, 2 skewed %llu, full %llu\n",
        (unsigned long long) two, (unsigned long long) four,
        (unsigned long long) skewed, (unsigned long long) full);
    assert_true(full < skewed);
    assert_true(skewed <= four);
    assert_true(skewed < two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_skewed_ways_miss_no_more_than_four_of_sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
