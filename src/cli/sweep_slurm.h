/* SPDX-License-Identifier: MIT */
/*
 * The Slurm engine of a sweep: has the missing points of a store computed by
 * job arrays, round by round, until there is a result of each.
 *
 * Nothing but the store and Slurm's queue is believed: a round's points count
 * as under way while one of its tasks is in the queue, everything else without
 * a result is submitted again. So it does not matter who died when.
 */
#ifndef MMUSIM_CLI_SWEEP_SLURM_H
#define MMUSIM_CLI_SWEEP_SLURM_H

#include "cli/slurm_script.h"
#include "cli/slurm_site.h"
#include "cli/store_state.h"
#include "cli/sweep_store.h"

struct sweep_slurm {
    const struct sweep_store *store;
    struct store_state *state;
    struct slurm_job job;
    bool is_dry;            /* prints what would be submitted */
    bool waits;             /* until all points have a result */
    bool is_quiet;          /* no progress, nothing about pauses */
    struct slurm_site site; /* once asked, and what sbatch taught us since */
    bool knows_site;
};

/*
 * Submits what is missing and not yet in the queue; with waits, follows it,
 * and again what has been lost. 0: submitted, or all points have a result
 * (the state tells); else an exit status, after a message.
 */
int sweep_slurm_run(struct sweep_slurm *sweep);

/* In the job that runs after a round: submits what is missing, unless that has
 * had no success for some rounds. As above. */
int sweep_slurm_go_on(struct sweep_slurm *sweep);

#endif
