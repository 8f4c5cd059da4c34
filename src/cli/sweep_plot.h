/* SPDX-License-Identifier: MIT */
/*
 * The figure of a sweep: `sweep --plot`. One key: the metric along it, with the
 * plateau, the best point and the default. Two keys: a heat map.
 */
#ifndef MMUSIM_CLI_SWEEP_PLOT_H
#define MMUSIM_CLI_SWEEP_PLOT_H

#include "cli/sweep_report.h"

enum { SWEEP_PLOT_POINTS_MAX = 10000 }; /* guess: more is no figure */

/* Whether the grid can be drawn: 0, or an exit status after a message. */
int sweep_plot_check(const struct sweep_plan *plan, const char *path);

/* path tells the format; some point has finished. 0, or an exit status after a
 * message. */
int sweep_plot_write(const struct sweep_report *report, const char *path,
                     FILE *file);

#endif
