/* SPDX-License-Identifier: MIT */
/* Two plans beside each other: what differs, and what they are together. */
#ifndef MMUSIM_CLI_STORE_EXTEND_H
#define MMUSIM_CLI_STORE_EXTEND_H

#include "cli/store_plan.h"

/* Tells each difference in a line; returns how many there are. */
size_t store_tell_differences(const char *dir, const struct store_plan *old,
                              const struct store_plan *now);

/*
 * Makes now contain old, too: what only old has comes first in each list that
 * lacks something. False: error says why that cannot be.
 */
bool store_plan_extend(struct store_plan *now, const struct store_plan *old,
                       char error[SWEEP_ERROR_BYTES]);

#endif
