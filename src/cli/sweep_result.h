/* SPDX-License-Identifier: MIT */
/*
 * What a sweep keeps of each finished point: the values of its statistics and
 * its metric. Points with the same statistics share one list of names.
 *
 * Not locked: sweep_run.c calls from one thread at a time.
 */
#ifndef MMUSIM_CLI_SWEEP_RESULT_H
#define MMUSIM_CLI_SWEEP_RESULT_H

#include "mmusim/stats.h"

#include <stdio.h>

struct sweep_schema {
    struct sweep_schema *next;
    char **names;
    bool *is_milli;
    size_t *column_of; /* in the table being written; else NULL */
    size_t n;
};

struct sweep_row {
    struct sweep_schema *schema; /* NULL: not finished */
    uint64_t *values;            /* schema->n of them */
};

struct sweep_result {
    const char *metric_name; /* NULL: the default metric */
    mmusim_stats_detail_t detail;
    size_t n;
    struct sweep_row *rows;
    uint64_t *metric; /* thousandths if is_metric_milli */
    bool *is_done;
    bool is_metric_milli;
    struct sweep_schema *schemas;
};

/* False: out of memory. */
bool sweep_result_init(struct sweep_result *result, size_t n,
                       const char *metric_name, mmusim_stats_detail_t detail);
void sweep_result_fini(struct sweep_result *result);

/* Keeps what is needed of a point's statistics, which stay the caller's.
 * Errors: MMUSIM_USAGE (no such metric), MMUSIM_NOMEM; in diag. */
mmusim_status_t sweep_result_take(struct sweep_result *result, size_t point,
                                  const mmusim_stats_t *stats,
                                  mmusim_diag_t *diag);

/* Takes a finished point's row: its values are copied, its schema stays the
 * caller's. Errors as above. */
mmusim_status_t sweep_result_put(struct sweep_result *result, size_t point,
                                 const struct sweep_row *row,
                                 mmusim_diag_t *diag);

/* A value of a finished point; false if it has no such statistic. */
bool sweep_result_find(const struct sweep_result *result, size_t point,
                       const char *name, mmusim_stat_t *stat);

#endif
