/* SPDX-License-Identifier: MIT */
/* The options of the Slurm engine, which `sweep` and `sweep finish` share. */
#ifndef MMUSIM_CLI_SLURM_OPTIONS_H
#define MMUSIM_CLI_SLURM_OPTIONS_H

#include "cli/cli.h"
#include "cli/slurm_script.h"

enum { SLURM_OPTIONS_MAX = 32 }; /* --slurm-option */

/* As the command line has it; texts are borrowed. */
struct slurm_options {
    const char *options[SLURM_OPTIONS_MAX];
    size_t n_options;
    uint64_t chunk_s; /* 0: the default */
    uint64_t max_running;
};

#define SLURM_OPTION_ROWS                                                      \
    {"chunk-time", 0, "TIME",                                                  \
     "Slurm: what a task should take (default: 10m)"},                         \
        {"slurm-option", 0, "OPTION",                                          \
         "Slurm: handed to sbatch, as in\n"                                    \
         "--slurm-option=--partition=long; may be repeated"},                  \
    {                                                                          \
        "max-running", 0, "N", "Slurm: tasks of an array at a time"            \
    }

/* Takes one of SLURM_OPTION_ROWS: 0, an exit status after a message, or < 0
 * if the option is not one of them. */
int slurm_option(struct slurm_options *options, const struct cli_option *option,
                 const char *value);

/* What jobs of a store have in common. Its own texts live until
 * slurm_job_fini(). 0 or an exit status after a message. */
int slurm_job_init(struct slurm_job *job, const struct slurm_options *options,
                   const char *dir, const char *output);
void slurm_job_fini(struct slurm_job *job);

#endif
