/* SPDX-License-Identifier: MIT */
#include "cli/slurm_follow.h"

#include "cli/cli.h"
#include "cli/slurm_view.h"

#include <stdio.h>

enum {
    /* Pauses between looks are a share of the time that has passed, so that
     * the end is seen about that much late. */
    SLURM_FIRST_LOOK_MS = 500,
    SLURM_LONGEST_LOOK_MS = 15000,
    SLURM_LOOK_SHARE = 10,
    /* Looks that must find the queue empty before work counts as lost: a
     * client's view of a directory on NFS may be 60 s old (nfs(5), acdirmax) */
    SLURM_EMPTY_LOOKS = 2,
};

struct slurm_wait {
    uint64_t pause_ms;
    unsigned n_empty; /* looks in a row that found nothing in the queue */
    bool is_deaf;     /* the controller did not answer the last time */
    bool has_told_held;
    size_t n_open; /* at the last look */
    struct cli_progress *progress;
};

static void slurm_wait_tell(struct slurm_wait *wait,
                            const struct sweep_slurm *sweep,
                            const struct slurm_view *view)
{
    const struct slurm_queue *queue = &view->queue;
    const struct store_state *state = sweep->state;
    char text[160];

    if (queue->n_held && !wait->has_told_held) {
        fprintf(stderr,
                "mmusim: %zu tasks are held (%s): nobody but a person starts "
                "them (scontrol release JOB; or mmusim sweep cancel %s)\n",
                queue->n_held, queue->reason, sweep->store->dir);
        wait->has_told_held = true;
    }
    slurm_queue_describe(queue, text, sizeof(text));
    cli_progress_note(wait->progress, text);
    cli_progress_points(wait->progress, state->n_done + state->n_failed,
                        sweep->store->plan.n_points, state->n_failed);
}

/* One look; *is_over: all points have a result. */
static int slurm_wait_look(struct slurm_wait *wait, struct sweep_slurm *sweep,
                           bool *is_over)
{
    struct slurm_view view = {0};
    enum slurm_outcome outcome;
    int status = slurm_look(&view, sweep, &outcome);
    bool is_empty = !view.queue.n_tasks && !view.queue.finish_jobs;

    *is_over = !status && !view.n_open;
    if (outcome == SLURM_UNREACHABLE && !wait->is_deaf && !sweep->is_quiet)
        fprintf(stderr, "mmusim: squeue: the controller does not answer; "
                        "waiting for it\n");
    wait->is_deaf = outcome == SLURM_UNREACHABLE;
    if (view.n_open != wait->n_open || wait->is_deaf)
        wait->n_empty = 0;
    wait->n_open = view.n_open;
    if (!status && !*is_over && !wait->is_deaf)
        slurm_wait_tell(wait, sweep, &view);
    if (!status && !*is_over && !wait->is_deaf && is_empty &&
        ++wait->n_empty >= SLURM_EMPTY_LOOKS) {
        wait->n_empty = 0;
        status = sweep_slurm_go_on(sweep);
    }
    slurm_view_fini(&view);
    return status;
}

int slurm_follow(struct sweep_slurm *sweep)
{
    struct slurm_wait wait = {.pause_ms = SLURM_FIRST_LOOK_MS,
                              .n_open = sweep->store->plan.n_points};
    bool is_over = false;
    int status = 0;

    wait.progress = cli_progress_begin("sweep", sweep->is_quiet);
    while (!status && !is_over) {
        if (!slurm_sleep(wait.pause_ms))
            status = CLI_INTERRUPTED;
        wait.pause_ms += wait.pause_ms / SLURM_LOOK_SHARE;
        if (wait.pause_ms > SLURM_LONGEST_LOOK_MS)
            wait.pause_ms = SLURM_LONGEST_LOOK_MS;
        if (!status)
            status = slurm_wait_look(&wait, sweep, &is_over);
    }
    cli_progress_end(wait.progress);
    if (status == CLI_INTERRUPTED)
        fprintf(stderr,
                "mmusim: the jobs go on without this command (the same one "
                "follows them again; mmusim sweep cancel %s removes them)\n",
                sweep->store->dir);
    return status;
}
