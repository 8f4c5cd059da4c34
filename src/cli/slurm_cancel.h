/* SPDX-License-Identifier: MIT */
/* Removing a store's jobs from Slurm's queue, and telling of them. */
#ifndef MMUSIM_CLI_SLURM_CANCEL_H
#define MMUSIM_CLI_SLURM_CANCEL_H

#include <stddef.h>

/* Removes all; *n_tasks had not ended. 0 or an exit status after a message. */
int slurm_cancel_all(const char *dir, size_t *n_tasks);
/* Removes those that would only merge, and says nothing whatever happens. */
void slurm_cancel_finish(const char *dir);

/* "12 tasks run, 3 wait (Priority)" for `sweep status`; "" if the store has no
 * rounds. */
void slurm_describe(const char *dir, char *text, size_t size_bytes);

#endif
