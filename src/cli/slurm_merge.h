/* SPDX-License-Identifier: MIT */
/* Merging where others may do the same at the same moment. */
#ifndef MMUSIM_CLI_SLURM_MERGE_H
#define MMUSIM_CLI_SLURM_MERGE_H

#include "cli/sweep_merge.h"

/*
 * As sweep_merge_write(), but a regular output is written under a name of
 * this process's own and then renamed: the merging job, the command that
 * waits, and another one that waits, too, write the same bytes, in any order.
 */
int slurm_merge_write(struct sweep_merge *merge);

#endif
