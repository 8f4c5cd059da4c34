/* SPDX-License-Identifier: MIT */
#include "cli/slurm_view.h"

#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

void slurm_view_fini(struct slurm_view *view)
{
    slurm_queue_fini(&view->queue);
    slurm_rounds_fini(&view->rounds);
    free(view->are_queued);
    *view = (struct slurm_view){0};
}

static int slurm_view_count(struct slurm_view *view,
                            const struct sweep_slurm *sweep)
{
    const struct store_plan *plan = &sweep->store->plan;

    view->are_queued =
        calloc(plan->n_points ? plan->n_points : 1, sizeof(*view->are_queued));
    if (!view->are_queued)
        return cli_error(CLI_SYSTEM, "out of memory");
    slurm_queue_mark(&view->queue, &view->rounds, plan->id, view->are_queued,
                     plan->n_points);
    for (size_t i = 0; i < plan->n_points; i++) {
        if (sweep->state->status[i] != STORE_OPEN)
            continue;
        view->n_open++;
        view->n_missing += !view->are_queued[i];
    }
    return 0;
}

int slurm_look(struct slurm_view *view, struct sweep_slurm *sweep,
               enum slurm_outcome *outcome)
{
    struct slurm_answer answer = {0};
    int status = slurm_rounds_load(sweep->store->dir, &view->rounds);

    *outcome = SLURM_DONE;
    if (!status) {
        *outcome = slurm_queue_ask(&view->queue, &view->rounds,
                                   getenv("SLURM_JOB_ID"), &answer);
        if (*outcome == SLURM_MISSING && sweep->is_dry)
            *outcome = SLURM_DONE; /* scripts can be shown without a Slurm */
        if (*outcome != SLURM_UNREACHABLE)
            status = slurm_tell(*outcome, "squeue", &answer);
    }
    slurm_answer_fini(&answer);
    if (!status)
        status = store_state_refresh(sweep->state);
    return status ? status : slurm_view_count(view, sweep);
}

int slurm_look_patiently(struct slurm_view *view, struct sweep_slurm *sweep)
{
    enum slurm_outcome outcome;
    uint64_t pause_s = 0;
    uint64_t waited_s = 0;
    int status;

    for (;;) {
        *view = (struct slurm_view){0};
        status = slurm_look(view, sweep, &outcome);
        if (status || outcome != SLURM_UNREACHABLE)
            return status;
        slurm_view_fini(view);
        if (!pause_s && !sweep->is_quiet)
            fprintf(stderr, "mmusim: squeue: the controller does not answer; "
                            "trying again\n");
        pause_s = slurm_next_pause_s(pause_s);
        waited_s += pause_s;
        if (waited_s > SLURM_PATIENCE_S)
            return cli_error(CLI_SYSTEM,
                             "squeue: no answer from Slurm's "
                             "controller for %d s (`scontrol "
                             "ping`; the same command goes on)",
                             SLURM_PATIENCE_S);
        if (!slurm_sleep(pause_s * 1000))
            return CLI_INTERRUPTED;
    }
}
