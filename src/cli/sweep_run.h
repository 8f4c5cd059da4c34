/* SPDX-License-Identifier: MIT */
/*
 * Running the points of a sweep on several host threads. Each point has its
 * own configuration, machine and source; the trace is shared and read-only.
 */
#ifndef MMUSIM_CLI_SWEEP_RUN_H
#define MMUSIM_CLI_SWEEP_RUN_H

#include "cli/run_setup.h"
#include "cli/sweep_plan.h"
#include "cli/sweep_result.h"

struct sweep_job {
    const struct sweep_plan *plan;
    const mmusim_config_t *config;
    const struct run_input *input;
    /* One row a point, and perhaps one more: the configuration as it is. */
    struct sweep_result *result;
    size_t n_jobs;
    int is_quiet;
};

/*
 * Runs every row of the result. 0; CLI_INTERRUPTED, with the rows finished
 * until then; or the exit status of a failed point, after its message.
 */
int sweep_run(const struct sweep_job *job);

#endif
