/* SPDX-License-Identifier: MIT */
/*
 * Cuts the points that are still to be run into chunks, one a task of a Slurm
 * job array: of about a chosen duration, in the order of the plan.
 *
 * Invariants: a chunk is the range from its first to its last point and has
 * points of one group only; chunks ascend, and together have the first
 * n_points_taken of the points given, each in exactly one.
 */
#ifndef MMUSIM_CLI_SLURM_CHUNKS_H
#define MMUSIM_CLI_SLURM_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>

enum { SLURM_CHUNK_GROWTH = 4 /* guess */ };

/* A point to be run. Points of a group may share a task: they have one source,
 * and no point between them is another task's. */
struct slurm_point {
    size_t point;
    size_t group;   /* ascending */
    double seconds; /* estimated; > 0 */
};

struct slurm_chunk {
    size_t first_point;
    size_t last_point; /* included */
    double seconds;
};

struct slurm_chunks {
    struct slurm_chunk *chunks;
    size_t n;
    size_t n_points_taken;
    double longest_s;
};

/*
 * Points ascend. Chunks last about chunk_s; if there would be more than n_max,
 * up to SLURM_CHUNK_GROWTH times as long; the points of still more chunks are
 * left for later. False: out of memory.
 */
bool slurm_chunks_make(const struct slurm_point *points, size_t n_points,
                       double chunk_s, size_t n_max,
                       struct slurm_chunks *chunks);
void slurm_chunks_fini(struct slurm_chunks *chunks);

#endif
