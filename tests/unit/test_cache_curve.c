/* SPDX-License-Identifier: MIT */
/* The closed form of cyclic runs against the caches of the machine itself. */
#include "core/arena.h"
#include "core/rng.h"
#include "tlb/mem_cache.h"
#include "validate/cache_curve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PAGE_LINES = 64, COLOURS = 64, FRAMES = 1 << 20 };

struct sample {
    const char *name;
    struct cache_config config;
};

static const struct sample samples[] = {
    {"bits, lru", {.size_bytes = 256 << 10, .n_ways = 8}},
    {"slices, lru", {1536 << 10, 12, 0, 17, CACHE_LRU, 0}},
    {"slices, random", {2 << 20, 16, 0, 17, CACHE_RANDOM, 0}},
    {"eighths, half kept", {1 << 20, 16, 0, 9, CACHE_RANDOM, 50}},
    {"all hashed, few kept", {512 << 10, 8, 0, 6, CACHE_RANDOM, 75}},
};

static struct cache_shape shape_of(const struct cache_config *config)
{
    return (struct cache_shape){
        .n_sets = config->size_bytes / 64 / config->n_ways,
        .n_ways = config->n_ways,
        .plain_bits = mmusim__mem_cache_plain_bits(config),
        .colour_bits = 12,
        .is_random = config->replacement == CACHE_RANDOM,
        .bypass_percent = config->bypass_percent,
    };
}

/* Frames of the colours of their pages, else at random and all different. */
static uint64_t *make_frames(uint64_t n_pages, struct rng *rng)
{
    uint64_t *frames = calloc(n_pages, sizeof(*frames));
    static unsigned char taken[FRAMES];

    assert_non_null(frames);
    for (uint64_t i = 0; i < FRAMES; i++)
        taken[i] = 0;
    for (uint64_t page = 0; page < n_pages; page++) {
        uint64_t frame;

        do
            frame = mmusim__rng_below(rng, FRAMES / COLOURS) * COLOURS +
                    page % COLOURS;
        while (taken[frame]);
        taken[frame] = 1;
        frames[page] = frame;
    }
    return frames;
}

/* Share of misses in the rounds after the first six. */
static double simulate(const struct cache_config *config, uint64_t n_pages,
                       struct rng *rng)
{
    enum { ROUNDS = 12, COLD = 6 };
    uint64_t *frames = make_frames(n_pages, rng);
    uint64_t n_misses = 0, n = 0;
    struct mem_cache cache;
    struct arena arena;

    mmusim__arena_init(&arena);
    assert_int_equal(mmusim__mem_cache_init(&cache, config, &arena), 0);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint64_t i = 0; i < n_pages * PAGE_LINES; i++) {
            uint64_t line =
                frames[i / PAGE_LINES] * PAGE_LINES + i % PAGE_LINES;
            bool is_hit = mmusim__mem_cache_touch(&cache, line, 0);

            if (!is_hit)
                mmusim__mem_cache_fill(&cache, line, 0);
            n += round >= COLD;
            n_misses += round >= COLD && !is_hit;
        }
    }
    mmusim__arena_fini(&arena);
    free(frames);
    return (double) n_misses / (double) n;
}

static void closed_form_is_what_the_caches_do(void **state)
{
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 11, 0);
    for (size_t s = 0; s < sizeof(samples) / sizeof(samples[0]); s++) {
        const struct cache_config *config = &samples[s].config;
        struct cache_shape shape = shape_of(config);
        struct cache_crowding crowding;

        mmusim__cache_crowding_init(&crowding, &shape);
        for (uint64_t quarters = 2; quarters <= 16; quarters += 2) {
            uint64_t n_pages = config->size_bytes / 4096 * quarters / 4;
            double closed = mmusim__cache_misses(
                &shape, &crowding, (double) (n_pages * PAGE_LINES));
            double simulated = simulate(config, n_pages, &rng);

            /* the closed form takes lines as independent of each other,
             * which 8 ways with few insertions are least */
            if (closed - simulated > 0.05 || simulated - closed > 0.05)
                fail_msg("%s, %g of the size: %.3f, simulated %.3f",
                         samples[s].name, (double) quarters / 4, closed,
                         simulated);
        }
    }
}

static void bits_and_lru_make_a_cliff(void **state)
{
    struct cache_shape shape = shape_of(&samples[0].config);
    struct cache_crowding crowding;

    (void) state;
    mmusim__cache_crowding_init(&crowding, &shape);
    assert_true(mmusim__cache_misses(&shape, &crowding, 4096) <= 0);
    assert_true(mmusim__cache_misses(&shape, &crowding, 4608) >= 1);
}

/* One line more in each of half the sets: those miss, 9 of 17 lines. */
static void sets_that_overflow_by_one_line_miss_alone(void **state)
{
    struct cache_shape shape = shape_of(&samples[0].config);
    struct cache_crowding crowding;
    double misses;

    (void) state;
    mmusim__cache_crowding_init(&crowding, &shape);
    misses = mmusim__cache_misses(&shape, &crowding, 4096 + 256);
    assert_in_range(misses * 10000, 5293, 5295);
}

static void no_cache_misses_always(void **state)
{
    struct cache_shape shape = {.n_ways = 8};
    struct cache_crowding crowding;

    (void) state;
    mmusim__cache_crowding_init(&crowding, &shape);
    assert_true(mmusim__cache_misses(&shape, &crowding, 10) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_form_is_what_the_caches_do),
        cmocka_unit_test(bits_and_lru_make_a_cliff),
        cmocka_unit_test(sets_that_overflow_by_one_line_miss_alone),
        cmocka_unit_test(no_cache_misses_always),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
