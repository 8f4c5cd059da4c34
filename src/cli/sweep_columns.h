/* SPDX-License-Identifier: MIT */
/*
 * The columns of a sweep's table: every statistic that any point has, in the
 * order in which the points' statistics first name them.
 */
#ifndef MMUSIM_CLI_SWEEP_COLUMNS_H
#define MMUSIM_CLI_SWEEP_COLUMNS_H

#include "cli/sweep_result.h"

struct sweep_column {
    const char *name; /* the result's */
    size_t index;
};

struct sweep_columns {
    struct sweep_column *columns; /* in order */
    struct sweep_column *sorted;  /* the same, by name */
    size_t n;
    size_t *cell; /* of one row: place in its values, or SIZE_MAX */
};

/* Of the first n_points rows of the result, which must outlive it. False: out
 * of memory; fini in any case. */
bool sweep_columns_init(struct sweep_columns *columns,
                        struct sweep_result *result, size_t n_points);
/* The same list by list, in the order of the points; a list may come again.
 * False: out of memory. */
void sweep_columns_begin(struct sweep_columns *columns);
bool sweep_columns_add(struct sweep_columns *columns,
                       struct sweep_schema *schema);
bool sweep_columns_end(struct sweep_columns *columns);
/* schemas: all lists that were added, or more. */
void sweep_columns_fini(struct sweep_columns *columns,
                        struct sweep_schema *schemas);
/* Fills cell[] for a finished row. */
void sweep_columns_place(struct sweep_columns *columns,
                         const struct sweep_row *row);
/* The value at a place of a row, as a number. */
mmusim_stat_t sweep_row_stat(const struct sweep_row *row, size_t place);

#endif
