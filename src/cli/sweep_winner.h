/* SPDX-License-Identifier: MIT */
/*
 * Which points of a sweep win: the least metric, and every point within 0.1 %
 * of it (the plateau), named as ranges of the swept keys.
 */
#ifndef MMUSIM_CLI_SWEEP_WINNER_H
#define MMUSIM_CLI_SWEEP_WINNER_H

#include "cli/sweep_plan.h"

/* One value a point; points that have not finished take no part. */
struct sweep_curve {
    const uint64_t *metric;
    const bool *is_done;
    size_t n;
};

struct sweep_verdict {
    size_t best; /* the first of the least; n if no point has finished */
    size_t worst;
    size_t n_plateau;
    size_t n_done;
    bool is_flat; /* every finished point is on the plateau */
};

/* Whether value is within 0.1 % of the best. */
bool sweep_is_plateau(uint64_t best, uint64_t value);

struct sweep_verdict sweep_judge(const struct sweep_curve *curve);

/*
 * The plateau in words: "os.flush_ceiling 17..64", or "3, 5..9" where it has
 * gaps; of several axes each has its range if the plateau is their product,
 * else the best point is named and the number of others.
 */
void sweep_name_plateau(const struct sweep_plan *plan,
                        const struct sweep_curve *curve,
                        const struct sweep_verdict *verdict, char *buffer,
                        size_t size_bytes);

/* By how many percent value lies below reference (negative: above). */
double sweep_percent_below(uint64_t value, uint64_t reference);

#endif
