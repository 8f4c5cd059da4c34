/* SPDX-License-Identifier: MIT */
/* The commands on a store: `mmusim sweep status DIR` and its kin. */
#ifndef MMUSIM_CLI_SWEEP_SUBS_H
#define MMUSIM_CLI_SWEEP_SUBS_H

#include <stdbool.h>

/* Runs the command that argv[1] names, or is a slip of the pen for, when the
 * status is an error. False: it is something else, *status is untouched. */
bool sweep_run_sub(int argc, char **argv, int *status);

#endif
