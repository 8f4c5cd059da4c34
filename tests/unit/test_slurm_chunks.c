/* SPDX-License-Identifier: MIT */
/* Points cut into chunks for Slurm: random points against the invariants, and
 * the sizes one would choose by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/slurm_chunks.h"

#include <stdio.h>
#include <stdlib.h>

enum { N = 400, SEEDS = 300 };

static void make_points(struct slurm_point *points, size_t n, double seconds)
{
    for (size_t i = 0; i < n; i++)
        points[i] = (struct slurm_point){i, 0, seconds};
}

static void chunks_have_the_chosen_duration(void **state)
{
    struct slurm_point points[N];
    struct slurm_chunks chunks;

    (void) state;
    make_points(points, N, 30);
    assert_true(slurm_chunks_make(points, N, 600, 1000, &chunks));
    assert_int_equal(chunks.n, N * 30 / 600);
    assert_int_equal(chunks.n_points_taken, N);
    for (size_t i = 0; i < chunks.n; i++) {
        assert_int_equal(chunks.chunks[i].first_point, i * 20);
        assert_int_equal(chunks.chunks[i].last_point, i * 20 + 19);
    }
    slurm_chunks_fini(&chunks);
}

static void a_point_longer_than_a_chunk_is_one(void **state)
{
    struct slurm_point points[3];
    struct slurm_chunks chunks;

    (void) state;
    make_points(points, 3, 5000);
    assert_true(slurm_chunks_make(points, 3, 600, 10, &chunks));
    assert_int_equal(chunks.n, 3);
    slurm_chunks_fini(&chunks);
}

static void too_many_chunks_grow_and_the_rest_waits(void **state)
{
    struct slurm_point points[N];
    struct slurm_chunks chunks;

    (void) state;
    make_points(points, N, 600);
    assert_true(slurm_chunks_make(points, N, 600, N / 2, &chunks));
    assert_int_equal(chunks.n_points_taken, N);
    assert_in_range(chunks.n, 1, N / 2);
    slurm_chunks_fini(&chunks);
    assert_true(slurm_chunks_make(points, N, 600, 10, &chunks));
    assert_int_equal(chunks.n, 10);
    assert_int_equal(chunks.n_points_taken, 10 * SLURM_CHUNK_GROWTH);
    slurm_chunks_fini(&chunks);
}

static void nothing_to_do_is_no_chunk(void **state)
{
    struct slurm_chunks chunks;

    (void) state;
    assert_true(slurm_chunks_make(NULL, 0, 600, 10, &chunks));
    assert_int_equal(chunks.n, 0);
    slurm_chunks_fini(&chunks);
}

static size_t random_points(struct slurm_point *points)
{
    size_t n = (size_t) rand() % N;
    size_t point = 0, group = 0;

    for (size_t i = 0; i < n; i++) {
        point += 1 + (size_t) (rand() % 4 == 0 ? rand() % 9 : 0);
        group += rand() % 20 == 0;
        points[i] = (struct slurm_point){point, group, 1 + rand() % 100};
    }
    return n;
}

/* Walks points and chunks side by side. */
static void check_chunks(const struct slurm_point *points, size_t n,
                         double most_s, const struct slurm_chunks *chunks)
{
    size_t at = 0;

    for (size_t i = 0; i < chunks->n; i++) {
        const struct slurm_chunk *chunk = &chunks->chunks[i];
        size_t first = at;
        double seconds = 0;

        assert_int_equal(points[at].point, chunk->first_point);
        for (; at < n && points[at].point <= chunk->last_point; at++) {
            assert_int_equal(points[at].group, points[first].group);
            seconds += points[at].seconds;
        }
        assert_int_equal(points[at - 1].point, chunk->last_point);
        assert_true(seconds <= most_s || at == first + 1);
        assert_true(seconds <= chunks->longest_s);
    }
    assert_int_equal(at, chunks->n_points_taken);
}

static void random_points_are_each_in_one_chunk(void **state)
{
    struct slurm_point points[N];
    struct slurm_chunks chunks;

    (void) state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        srand(seed);
        size_t n = random_points(points);
        size_t n_max = 1 + (size_t) rand() % 100;
        double chunk_s = 50 + rand() % 1000;

        assert_true(slurm_chunks_make(points, n, chunk_s, n_max, &chunks));
        assert_true(chunks.n <= n_max);
        assert_true(chunks.n == n_max || chunks.n_points_taken == n);
        check_chunks(points, n, chunk_s * SLURM_CHUNK_GROWTH * 1.25, &chunks);
        slurm_chunks_fini(&chunks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_have_the_chosen_duration),
        cmocka_unit_test(a_point_longer_than_a_chunk_is_one),
        cmocka_unit_test(too_many_chunks_grow_and_the_rest_waits),
        cmocka_unit_test(nothing_to_do_is_no_chunk),
        cmocka_unit_test(random_points_are_each_in_one_chunk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
