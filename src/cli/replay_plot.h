/* SPDX-License-Identifier: MIT */
/* The figure of one run: `replay --plot`, the cycle stack of each CPU. */
#ifndef MMUSIM_CLI_REPLAY_PLOT_H
#define MMUSIM_CLI_REPLAY_PLOT_H

#include "mmusim/stats.h"

#include <stdio.h>

/* path tells the format. 0, or an exit status after a message. */
int replay_plot_write(const mmusim_stats_t *stats, const char *machine,
                      const char *source, const char *path, FILE *file);

#endif
