/* SPDX-License-Identifier: MIT */
/* Runs the points of a plan on several host threads. */
#ifndef MMUSIM_CLI_ADVISE_RUN_H
#define MMUSIM_CLI_ADVISE_RUN_H

#include "cli/advise_plan.h"
#include "cli/run_setup.h"

struct advice_job {
    struct advice_plan *plan;
    const struct run_input *input;
    size_t first; /* point to begin with; the others have been run */
    size_t n_jobs;
    int is_quiet;
};

/* Fills in the points. A point that fails keeps its reason; only the base's is
 * the run's. 0, CLI_INTERRUPTED with some points done, or an exit status after
 * a message. */
int advice_run(const struct advice_job *job);

#endif
