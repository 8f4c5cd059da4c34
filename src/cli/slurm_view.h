/* SPDX-License-Identifier: MIT */
/* A store and Slurm's queue beside each other. */
#ifndef MMUSIM_CLI_SLURM_VIEW_H
#define MMUSIM_CLI_SLURM_VIEW_H

#include "cli/slurm_queue.h"
#include "cli/sweep_slurm.h"

enum { SLURM_PATIENCE_S = 600 /* guess: a controller restarts in that time */ };

/* What there is at one moment. The queue is asked before the store is read: a
 * task that has left the queue has left its results. */
struct slurm_view {
    struct slurm_rounds rounds;
    struct slurm_queue queue;
    bool *are_queued; /* of each point */
    size_t n_open;    /* without a result */
    size_t n_missing; /* of those, not in the queue */
};

/*
 * Looks into a view that has been finished or is all zero. *outcome is that of
 * asking the queue, told unless it is SLURM_UNREACHABLE. 0 or an exit status
 * after a message.
 */
int slurm_look(struct slurm_view *view, struct sweep_slurm *sweep,
               enum slurm_outcome *outcome);
/* The same, waiting for a controller that does not answer. */
int slurm_look_patiently(struct slurm_view *view, struct sweep_slurm *sweep);
void slurm_view_fini(struct slurm_view *view);

#endif
