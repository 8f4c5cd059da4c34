/* SPDX-License-Identifier: MIT */
/* Exploring a litmus test: many runs, each of another order, and the outcomes
 * seen. */
#ifndef MMUSIM_LITMUS_LITMUS_RUN_H
#define MMUSIM_LITMUS_LITMUS_RUN_H

#include "litmus/litmus_world.h"

struct litmus_outcome {
    uint64_t values[LITMUS_MAX_OBSERVED]; /* of test->atoms */
    uint64_t count;
    bool holds; /* the proposition of the condition */
};

struct litmus_result {
    struct litmus_outcome *outcomes; /* as first seen; free() */
    uint32_t n_outcomes;
    uint32_t capacity;
    uint64_t n_runs;     /* that ended */
    uint64_t n_positive; /* where the proposition held */
    uint64_t n_filtered; /* the test's filter excludes them */
    uint64_t n_cut;      /* a loop took too many turns */
    uint64_t n_stuck;    /* no step was possible: a fault of this program */
};

struct litmus_plan {
    uint64_t n_schedules;
    uint64_t seed;
    enum litmus_mutation mutation;
    int (*stop)(void *context); /* asked between runs; NULL: never */
    void *stop_context;
};

/* Runs the test; *result must be zeroes before and is the caller's to free. */
mmusim_status_t mmusim__litmus_explore(const struct litmus_test *test,
                                       const struct litmus_plan *plan,
                                       struct litmus_result *result);

#endif
