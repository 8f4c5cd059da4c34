/* SPDX-License-Identifier: MIT */
/* The table of regions in the text report (--attach-marks). */
#ifndef MMUSIM_CLI_REGION_REPORT_H
#define MMUSIM_CLI_REGION_REPORT_H

#include "mmusim/stats.h"

#include <stdio.h>

/* One row a name, summed over its regions, in the order of first marks; prints
 * nothing if there are no regions. */
void region_report_print(FILE *file, const mmusim_stats_t *stats);

#endif
