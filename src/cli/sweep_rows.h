/* SPDX-License-Identifier: MIT */
/*
 * Finished points as a table, wherever they are kept: each point has the
 * values of its grid and a row of statistics. Rows are asked for one after
 * the other, in order, so that they need not all be in memory.
 */
#ifndef MMUSIM_CLI_SWEEP_ROWS_H
#define MMUSIM_CLI_SWEEP_ROWS_H

#include "cli/sweep_plan.h"
#include "cli/sweep_result.h"

enum { SWEEP_HEADS_MAX = 2 };

struct sweep_rows {
    const struct sweep_plan *plan; /* of the keys */
    size_t n;                      /* points */
    /* Columns before the keys: "machine", "source"; none where there is only
     * one. */
    const char *heads[SWEEP_HEADS_MAX];
    size_t n_heads;
    void *context;
    const char *(*head)(void *context, size_t point, size_t i);
    /* The list of a point's statistics; NULL: it is not finished. */
    struct sweep_schema *(*schema)(void *context, size_t point);
    /* All lists that there are. */
    struct sweep_schema *(*schemas)(void *context);
    /* Its row, valid until the next call. 0 or an exit status after a
     * message. */
    int (*row)(void *context, size_t point, struct sweep_row *row);
};

struct sweep_columns;

/* The columns that the rows need. 0 or an exit status after a message;
 * sweep_columns_fini() in any case. */
int sweep_rows_columns(const struct sweep_rows *rows,
                       struct sweep_columns *columns);

/* 0 or an exit status after a message. Failed writes show in ferror(file). */
int sweep_rows_csv(const struct sweep_rows *rows, FILE *file);
/* The list of points: "[...]". */
int sweep_rows_json(const struct sweep_rows *rows, FILE *file);

#endif
