/* SPDX-License-Identifier: MIT */
/*
 * Where a measured curve has a step that its data caches do not explain, and
 * where a simulated TLB begins to miss.
 */
#ifndef MMUSIM_VALIDATE_KNEE_H
#define MMUSIM_VALIDATE_KNEE_H

#include "mmusim/validate.h"

struct knee_point {
    uint64_t pages;
    double residue; /* measured less what the data caches take */
    bool is_masked; /* the data caches change here: the residue says little */
    double misses;  /* simulated, of this TLB level: share of the loads */
};

/*
 * The step of least_cycles or more that splits points[from .. end) into two
 * levels with the least sum of |deviation from the level's median|. Where the
 * knee's simulated interval is such a step, and the best one is not better by
 * a fifth of that sum, the two are not told apart, and it is that one. Fills
 * the measured interval; false: there is no such step.
 */
bool mmusim__knee_measured(const struct knee_point *points, size_t from,
                           size_t end, double least_cycles,
                           mmusim_latency_knee_t *knee);
/* The first point of which half the loads miss. */
bool mmusim__knee_simulated(const struct knee_point *points, size_t n,
                            mmusim_latency_knee_t *knee);
/* Right if the intervals meet. */
void mmusim__knee_judge(bool is_measured, bool is_simulated,
                        mmusim_latency_knee_t *knee);

#endif
