/* SPDX-License-Identifier: MIT */
/* A finished sweep as text (table, plot, verdict), CSV or JSON. */
#ifndef MMUSIM_CLI_SWEEP_REPORT_H
#define MMUSIM_CLI_SWEEP_REPORT_H

#include "cli/plot.h"
#include "cli/sweep_plan.h"
#include "cli/sweep_result.h"
#include "mmusim/config.h"

#include <stdio.h>

enum { SWEEP_DEFAULT_BYTES = 512 };

struct sweep_report {
    const struct sweep_plan *plan;
    struct sweep_result *result;
    mmusim_stats_run_t run; /* of the configuration as it is */
    /* The row that stands for the configuration as it is; n: none. */
    size_t default_row;
    const char *default_text; /* what its swept keys are */
    enum plot_style style;
};

/* The point that is the configuration as it is, or the grid's n_points; in
 * text what its swept keys are, "KEY=VALUE KEY=VALUE". */
size_t sweep_find_default(const struct sweep_plan *plan,
                          const mmusim_config_t *config, char *text,
                          size_t size_bytes);

void sweep_print_text(const struct sweep_report *report, FILE *file);

/* False: out of memory, after a message. Failed writes show in ferror(file). */
bool sweep_print_csv(const struct sweep_report *report, FILE *file);
bool sweep_print_json(const struct sweep_report *report, FILE *file);

#endif
