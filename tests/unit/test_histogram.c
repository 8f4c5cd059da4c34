/* SPDX-License-Identifier: MIT */
/* Exact percentiles and means, against sorted samples. */
#include "core/histogram.h"
#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
    static struct histogram histogram;

    mmusim__histogram_init(&histogram);
    *state = &histogram;
    return 0;
}

static int teardown(void **state)
{
    mmusim__histogram_fini(*state);
    return 0;
}

static uint64_t percentile(const struct histogram *histogram, uint32_t percent)
{
    uint64_t value = 0;

    assert_true(mmusim__histogram_percentiles(histogram, &percent, 1, &value));
    return value;
}

static void without_samples_everything_is_zero(void **state)
{
    assert_int_equal(percentile(*state, 99), 0);
    assert_int_equal(mmusim__histogram_mean_milli(*state), 0);
}

static void percentiles_are_nearest_rank(void **state)
{
    struct histogram *histogram = *state;
    const uint64_t samples[] = {15, 20, 35, 40, 50};

    for (int i = 0; i < 5; i++)
        mmusim__histogram_add(histogram, samples[i]);
    assert_int_equal(percentile(histogram, 1), 15);
    assert_int_equal(percentile(histogram, 20), 15);
    assert_int_equal(percentile(histogram, 21), 20);
    assert_int_equal(percentile(histogram, 40), 20);
    assert_int_equal(percentile(histogram, 50), 35);
    assert_int_equal(percentile(histogram, 81), 50);
    assert_int_equal(percentile(histogram, 100), 50);
}

static void the_mean_is_rounded_half_up(void **state)
{
    struct histogram *histogram = *state;

    /* 1/16 = 0.0625: half a thousandth goes up. */
    mmusim__histogram_add(histogram, 1);
    for (int i = 0; i < 15; i++)
        mmusim__histogram_add(histogram, 0);
    assert_int_equal(mmusim__histogram_mean_milli(histogram), 63);
    /* 7/17 = 0.41176 */
    mmusim__histogram_add(histogram, 6);
    assert_int_equal(mmusim__histogram_mean_milli(histogram), 412);
}

static void the_sum_saturates(void **state)
{
    struct histogram *histogram = *state;

    mmusim__histogram_add(histogram, UINT64_MAX - 1);
    mmusim__histogram_add(histogram, 2);
    assert_true(histogram->sum == UINT64_MAX);
    assert_true(histogram->max == UINT64_MAX - 1);
    assert_true(mmusim__histogram_mean_milli(histogram) == UINT64_MAX);
    assert_int_equal(histogram->n_samples, 2);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *) a;
    uint64_t right = *(const uint64_t *) b;

    return (left > right) - (left < right);
}

static void percentiles_equal_those_of_the_sorted_samples(void **state)
{
    enum { N = 20011 };
    static uint64_t samples[N];
    struct histogram *histogram = *state;
    uint32_t percents[100];
    uint64_t found[100];
    struct rng rng;

    mmusim__rng_init(&rng, 5, 0);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t shift = mmusim__rng_below(&rng, 64);

        samples[i] = mmusim__rng_next(&rng) >> shift;
        mmusim__histogram_add(histogram, samples[i]);
    }
    qsort(samples, N, sizeof(samples[0]), compare_u64);
    for (uint32_t i = 0; i < 100; i++)
        percents[i] = i + 1;
    assert_true(mmusim__histogram_percentiles(histogram, percents, 100, found));
    for (uint32_t i = 0; i < 100; i++)
        assert_true(found[i] == samples[(N * (i + 1) + 99) / 100 - 1]);
    assert_true(histogram->max == samples[N - 1]);
}

static void memory_grows_with_distinct_values_only(void **state)
{
    struct histogram *histogram = *state;

    for (uint32_t i = 0; i < 1000000; i++)
        mmusim__histogram_add(histogram, i % 40);
    assert_int_equal(histogram->n_samples, 1000000);
    assert_int_equal(histogram->n_distinct, 40);
    assert_true(histogram->capacity <= 64);
}

struct visited {
    uint64_t values[8];
    uint64_t counts[8];
    size_t n;
};

static void note_visit(void *context, uint64_t value, uint64_t n)
{
    struct visited *visited = context;

    visited->values[visited->n] = value;
    visited->counts[visited->n++] = n;
}

static void values_are_visited_in_rising_order_with_their_counts(void **state)
{
    static const uint64_t samples[] = {7, 3, UINT64_MAX, 7, 0, 7};
    static const uint64_t values[] = {0, 3, 7, UINT64_MAX};
    static const uint64_t counts[] = {1, 1, 3, 1};
    struct visited visited = {.n = 0};
    struct histogram *histogram = *state;

    assert_true(mmusim__histogram_visit(histogram, note_visit, &visited));
    assert_int_equal(visited.n, 0);
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        mmusim__histogram_add(histogram, samples[i]);
    assert_true(mmusim__histogram_visit(histogram, note_visit, &visited));
    assert_int_equal(visited.n, 4);
    assert_memory_equal(visited.values, values, sizeof(values));
    assert_memory_equal(visited.counts, counts, sizeof(counts));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_samples_everything_is_zero),
        TEST(percentiles_are_nearest_rank),
        TEST(the_mean_is_rounded_half_up),
        TEST(the_sum_saturates),
        TEST(percentiles_equal_those_of_the_sorted_samples),
        TEST(memory_grows_with_distinct_values_only),
        TEST(values_are_visited_in_rising_order_with_their_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
