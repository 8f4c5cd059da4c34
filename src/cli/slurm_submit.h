/* SPDX-License-Identifier: MIT */
/* Submitting a round: its folder, then its jobs. */
#ifndef MMUSIM_CLI_SLURM_SUBMIT_H
#define MMUSIM_CLI_SLURM_SUBMIT_H

#include "cli/slurm_queue.h"
#include "cli/slurm_script.h"

struct slurm_submit {
    const struct slurm_job *job;
    const struct slurm_rounds *rounds; /* that there are */
    const struct slurm_queue *queue;   /* whose jobs are waited for, too */
    uint64_t plan_id;
    size_t n_open;
    uint64_t max_array_tasks;
    uint64_t patience_s; /* with a controller that does not answer */
    bool is_quiet;
    bool is_dry; /* prints all to standard output, does nothing */
};

enum slurm_submitted {
    SUBMIT_DONE,       /* all of it, or as much as the site would take */
    SUBMIT_OVERTAKEN,  /* somebody else has made this round: look again */
    SUBMIT_OVER_LIMIT, /* not even the first array: try a smaller one */
    SUBMIT_FAILED,     /* told; status is set */
};

/* Takes the chunks. *round, to be finished, is what was submitted. */
enum slurm_submitted slurm_submit_round(const struct slurm_submit *submit,
                                        struct slurm_chunks *chunks,
                                        struct slurm_round *round, int *status);

#endif
