/* SPDX-License-Identifier: MIT */
/*
 * Greedy: a chunk takes points as long as it stays within its duration. Where
 * that gives too many chunks, the duration grows by steps until it does not.
 */
#include "cli/slurm_chunks.h"

#include <stdlib.h>

static const double chunks_step = 1.25;

/* The number of chunks of at most chunk_s. With chunks not NULL the first
 * n_max are stored there; *n_points_taken is theirs. */
static size_t chunks_cut(const struct slurm_point *points, size_t n_points,
                         double chunk_s, struct slurm_chunks *chunks,
                         size_t n_max)
{
    struct slurm_chunk open = {0};
    size_t n = 0;

    for (size_t i = 0; i < n_points; i++) {
        const struct slurm_point *at = &points[i];

        if (!i || at->group != points[i - 1].group ||
            open.seconds + at->seconds > chunk_s) {
            open = (struct slurm_chunk){.first_point = at->point};
            n++;
        }
        open.last_point = at->point;
        open.seconds += at->seconds;
        if (!chunks || n > n_max)
            continue;
        chunks->chunks[n - 1] = open;
        chunks->n = n;
        chunks->n_points_taken = i + 1;
    }
    return n;
}

bool slurm_chunks_make(const struct slurm_point *points, size_t n_points,
                       double chunk_s, size_t n_max,
                       struct slurm_chunks *chunks)
{
    double most_s = chunk_s * SLURM_CHUNK_GROWTH;
    size_t n = chunks_cut(points, n_points, chunk_s, NULL, 0);

    *chunks = (struct slurm_chunks){0};
    while (n > n_max && chunk_s < most_s) {
        chunk_s *= chunks_step;
        n = chunks_cut(points, n_points, chunk_s, NULL, 0);
    }
    if (n > n_max)
        n = n_max;
    if (!n)
        return true;
    chunks->chunks = calloc(n, sizeof(*chunks->chunks));
    if (!chunks->chunks)
        return false;
    (void) chunks_cut(points, n_points, chunk_s, chunks, n);
    for (size_t i = 0; i < n; i++)
        if (chunks->chunks[i].seconds > chunks->longest_s)
            chunks->longest_s = chunks->chunks[i].seconds;
    return true;
}

void slurm_chunks_fini(struct slurm_chunks *chunks)
{
    free(chunks->chunks);
    *chunks = (struct slurm_chunks){0};
}
