/* SPDX-License-Identifier: MIT */
/* Knees of latency curves: see knee.h. */
#include "validate/knee.h"

enum { KNEE_POINTS_MAX = 256 };

#define KNEE_BETTER 0.8 /* guess: of a deviation, what is clearly less */

static double knee_abs(double x)
{
    return x < 0 ? -x : x;
}

/* The lower median of the residues of unmasked points; false: there is none.
 * Few points: by counting those below each. */
static bool knee_median(const struct knee_point *points, size_t from,
                        size_t end, double *median)
{
    size_t n = 0;

    for (size_t i = from; i < end; i++)
        n += !points[i].is_masked;
    for (size_t i = from; i < end; i++) {
        size_t n_below = 0, n_equal = 0;

        if (points[i].is_masked)
            continue;
        for (size_t k = from; k < end; k++) {
            if (points[k].is_masked)
                continue;
            n_below += points[k].residue < points[i].residue;
            n_equal += points[k].residue <= points[i].residue &&
                       points[k].residue >= points[i].residue;
        }
        if (2 * n_below < n + 1 && 2 * (n_below + n_equal) >= n) {
            *median = points[i].residue;
            return true;
        }
    }
    return false;
}

static double knee_deviation(const struct knee_point *points, size_t from,
                             size_t end, double median)
{
    double sum = 0;

    for (size_t i = from; i < end; i++)
        sum += points[i].is_masked ? 0 : knee_abs(points[i].residue - median);
    return sum;
}

/* (from, to]: to the nearest unmasked points on both sides of a split. */
static void knee_put(const struct knee_point *points, size_t from, size_t end,
                     size_t split, mmusim_latency_knee_t *knee)
{
    size_t left = split - 1;
    size_t right = split;

    while (left > from && points[left].is_masked)
        left--;
    while (right + 1 < end && points[right].is_masked)
        right++;
    knee->measured_from = points[left].pages;
    knee->measured_to = points[right].pages;
}

/* How badly a step at the split explains the residues; false: there is none
 * of that size. */
static bool knee_try(const struct knee_point *points, size_t from, size_t end,
                     size_t split, double least_cycles, double *deviation)
{
    double low, high;

    if (!knee_median(points, from, split, &low) ||
        !knee_median(points, split, end, &high) || high - low < least_cycles)
        return false;
    *deviation = knee_deviation(points, from, split, low) +
                 knee_deviation(points, split, end, high);
    return true;
}

bool mmusim__knee_measured(const struct knee_point *points, size_t from,
                           size_t end, double least_cycles,
                           mmusim_latency_knee_t *knee)
{
    double best = 0, deviation;
    bool is_found = false;

    if (end > from + KNEE_POINTS_MAX)
        end = from + KNEE_POINTS_MAX;
    for (size_t split = from + 1; split < end; split++) {
        if (!knee_try(points, from, end, split, least_cycles, &deviation) ||
            (is_found && deviation >= best))
            continue;
        best = deviation;
        is_found = true;
        knee_put(points, from, end, split, knee);
    }
    for (size_t split = from + 1; is_found && split < end; split++) {
        if (points[split].pages == knee->simulated_to &&
            knee_try(points, from, end, split, least_cycles, &deviation) &&
            best >= KNEE_BETTER * deviation)
            knee_put(points, from, end, split, knee);
    }
    return is_found;
}

bool mmusim__knee_simulated(const struct knee_point *points, size_t n,
                            mmusim_latency_knee_t *knee)
{
    for (size_t i = 1; i < n; i++) {
        if (points[i].misses < 0.5)
            continue;
        knee->simulated_from = points[i - 1].pages;
        knee->simulated_to = points[i].pages;
        return true;
    }
    return false;
}

void mmusim__knee_judge(bool is_measured, bool is_simulated,
                        mmusim_latency_knee_t *knee)
{
    knee->verdict = MMUSIM_KNEE_UNSEEN;
    if (!is_measured || !is_simulated)
        return;
    knee->verdict = knee->measured_from < knee->simulated_to &&
                            knee->simulated_from < knee->measured_to
                        ? MMUSIM_KNEE_RIGHT
                        : MMUSIM_KNEE_WRONG;
}
