/* SPDX-License-Identifier: MIT */
/*
 * The batch scripts of a round: one an array, whose tasks each run a chunk,
 * and one that runs when all of them have ended. They hold all that a task
 * needs, so that `sbatch SCRIPT` by hand does the same.
 */
#ifndef MMUSIM_CLI_SLURM_SCRIPT_H
#define MMUSIM_CLI_SLURM_SCRIPT_H

#include "cli/slurm_round.h"

/* What the jobs of a sweep have in common; all borrowed. */
struct slurm_job {
    const char *dir;      /* the store, absolute */
    const char *tool;     /* this mmusim, absolute */
    const char *data_dir; /* $MMUSIM_DATADIR; NULL: not set */
    const char *cwd;
    double chunk_s;             /* chosen duration of a task */
    uint64_t cpus;              /* of a task */
    uint64_t max_running;       /* tasks at a time; 0: as the site likes */
    uint64_t memory_bytes;      /* --memory; 0: no limit */
    uint64_t point_s;           /* --time; 0: no limit */
    const char *const *options; /* --slurm-option, in order */
    size_t n_options;
    const char *format; /* --format; NULL: as merge likes */
    const char *output; /* -o, absolute; NULL: DIR/merged.FORMAT */
};

/* 0, or an exit status after a message: an option that would undo ours, a
 * path that no script can hold. */
int slurm_job_check(const struct slurm_job *job);

/* The scripts; NULL: out of memory. Free them. longest_s: of all chunks. */
char *slurm_script_array(const struct slurm_job *job,
                         const struct slurm_round *round, size_t array,
                         double longest_s);
char *slurm_script_finish(const struct slurm_job *job,
                          const struct slurm_round *round);

/* Minutes that a task is asked for. */
unsigned long slurm_script_minutes(const struct slurm_job *job,
                                   double longest_s);

#endif
