/* SPDX-License-Identifier: MIT */
/* What a finished sweep on Slurm leaves. */
#ifndef MMUSIM_CLI_SLURM_TIDY_H
#define MMUSIM_CLI_SLURM_TIDY_H

/* Removes the logs of tasks that said nothing: thousands of empty files. Says
 * nothing whatever happens. */
void slurm_tidy(const char *dir);

#endif
