/* SPDX-License-Identifier: MIT */
/* Following a sweep's jobs, for --wait. */
#ifndef MMUSIM_CLI_SLURM_FOLLOW_H
#define MMUSIM_CLI_SLURM_FOLLOW_H

#include "cli/sweep_slurm.h"

/* Looks at the store and, gently, at the queue until all points have a result;
 * submits again what has been lost. 0 or an exit status after a message. */
int slurm_follow(struct sweep_slurm *sweep);

#endif
