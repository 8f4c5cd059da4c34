/* SPDX-License-Identifier: MIT */
/*
 * The grid of a sweep: axes of one key and its values each; the points are
 * their product, the last axis running fastest.
 *
 * Invariant: n_points is the product of all n_values, at most
 * SWEEP_POINTS_MAX; no two axes have the same key.
 */
#ifndef MMUSIM_CLI_SWEEP_PLAN_H
#define MMUSIM_CLI_SWEEP_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SWEEP_POINTS_MAX = 1000000, /* guess: more is a mistyped range */
    SWEEP_AXES_MAX = 16,
    SWEEP_ERROR_BYTES = 256,
};

struct sweep_axis {
    char *key;
    char **values;
    size_t n_values;
    size_t max_values;
    bool is_numeric; /* every value is a whole number */
};

struct sweep_plan {
    struct sweep_axis axes[SWEEP_AXES_MAX];
    size_t n_axes;
    size_t n_points; /* 1 while there is no axis */
};

void sweep_plan_init(struct sweep_plan *plan);
void sweep_plan_fini(struct sweep_plan *plan);

/*
 * Adds "KEY=VALUES", VALUES being items between commas: a word, A..B,
 * A..B/STEP or A..B*FACTOR; numbers may end in K, M or G. False: error says
 * what is wrong and what would be right; the plan is unchanged.
 */
bool sweep_plan_add(struct sweep_plan *plan, const char *text,
                    char error[SWEEP_ERROR_BYTES]);

/* Index into an axis's values at a point. */
size_t sweep_plan_index(const struct sweep_plan *plan, size_t point,
                        size_t axis);
const char *sweep_plan_value(const struct sweep_plan *plan, size_t point,
                             size_t axis);
/* "KEY=VALUE KEY=VALUE" into buffer, cut where it does not fit. */
void sweep_plan_describe(const struct sweep_plan *plan, size_t point,
                         char *buffer, size_t size_bytes);

/* The point whose values are these texts, one an axis; n_points if none is.
 * Whole numbers are compared as numbers. */
size_t sweep_plan_find(const struct sweep_plan *plan,
                       const char *const *values);

#endif
