/* SPDX-License-Identifier: MIT */
/* `mmusim sweep --store DIR --engine slurm`: from the plan to the report. */
#include "cli/slurm_cancel.h"
#include "cli/slurm_merge.h"
#include "cli/slurm_tidy.h"
#include "cli/sweep_slurm.h"
#include "cli/sweep_stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The form of the file that a job writes: what can be read again, unless a
 * report was asked for. */
static const char *on_slurm_format(const struct sweep_merge *merge)
{
    switch (merge->format) {
    case MERGE_JSON:
        return "json";
    case MERGE_SQLITE:
        return "sqlite";
    case MERGE_TEXT:
        return merge->output ? "text" : "csv";
    case MERGE_CSV:
        break;
    }
    return "csv";
}

static int on_slurm_report(struct sweep_stored *stored,
                           const struct sweep_store *store,
                           struct store_state *state)
{
    int status = sweep_tell_failed(store, state, &stored->engine.selection);

    if (status)
        return status;
    stored->merge.plan = &store->plan;
    stored->merge.state = state;
    status = slurm_merge_write(&stored->merge);
    if (!status || status == CLI_FOUND) {
        slurm_cancel_finish(store->dir);
        slurm_tidy(store->dir);
    }
    return status;
}

static int on_slurm_run(struct sweep_stored *stored,
                        const struct sweep_store *store,
                        struct store_state *state)
{
    struct sweep_slurm sweep = {
        .store = store,
        .state = state,
        .is_dry = stored->is_dry,
        .waits = stored->waits,
        .is_quiet = stored->engine.is_quiet,
        .site = stored->site,
        .knows_site = stored->knows_site,
    };
    const char *output = stored->merge.output;
    bool is_whole;
    int status =
        slurm_job_init(&sweep.job, &stored->slurm, store->dir,
                       output && strcmp(output, "-") != 0 ? output : NULL);

    sweep.job.format = on_slurm_format(&stored->merge);
    sweep.job.memory_bytes = stored->engine.memory_bytes;
    sweep.job.point_s = stored->engine.time_s;
    if (stored->n_slurm_cpus)
        sweep.job.cpus = stored->n_slurm_cpus;
    if (!status)
        status = sweep_slurm_run(&sweep);
    slurm_job_fini(&sweep.job);
    is_whole = state->n_done + state->n_failed == store->plan.n_points;
    if (status || stored->is_dry || !is_whole)
        return status;
    return on_slurm_report(stored, store, state);
}

int sweep_stored_on_slurm(struct sweep_stored *stored,
                          const struct sweep_store *store)
{
    struct store_state state;
    int status = store_state_init(&state, &store->plan);

    stored->engine.selection = (struct sweep_selection){
        .end = store->plan.n_points,
        .n_shards = 1,
    };
    if (!status && (!stored->is_dry || !access(store->dir, F_OK)))
        status = store_state_add(&state, store->dir);
    if (!status)
        status = on_slurm_run(stored, store, &state);
    store_state_fini(&state);
    return status;
}
