/* SPDX-License-Identifier: MIT */
/* The finished points of a store as one file, in the plan's order. */
#ifndef MMUSIM_CLI_SWEEP_MERGE_H
#define MMUSIM_CLI_SWEEP_MERGE_H

#include "cli/plot.h"
#include "cli/store_state.h"
#include "cli/sweep_rows.h"

enum merge_format { MERGE_TEXT, MERGE_CSV, MERGE_JSON, MERGE_SQLITE };

struct sweep_merge {
    const struct store_plan *plan;
    struct store_state *state;
    enum merge_format format;
    const char *output; /* NULL: standard output */
    const char *metric; /* of text; NULL: the default one */
    enum plot_style style;
    uint64_t *values; /* of the row at hand */
    size_t n_values;
};

/* Writes the file: 0; CLI_FOUND if a point had violations; or an exit status
 * after a message. */
int sweep_merge_write(struct sweep_merge *merge);

/* The rows of a store, for as long as merge lasts. */
struct sweep_rows sweep_merge_rows(struct sweep_merge *merge);

/* The same as an SQLite database; a build without SQLite says so. */
int sweep_merge_sqlite(struct sweep_merge *merge);

#endif
