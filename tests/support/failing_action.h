/* SPDX-License-Identifier: MIT */
/* An action tried again and again, each time with another allocation failing;
 * for the test executables of failing_malloc.h. */
#ifndef MMUSIM_TESTS_SUPPORT_FAILING_ACTION_H
#define MMUSIM_TESTS_SUPPORT_FAILING_ACTION_H

#include "mmusim/status.h"

/* The action releases all it has taken. */
typedef mmusim_status_t (*failing_action_fn)(void);

/* It must give MMUSIM_NOMEM whichever allocation fails, MMUSIM_OK when none
 * does, and leave no block behind; 1000 allocations are too many. */
void fail_each_allocation(failing_action_fn action);

#endif
