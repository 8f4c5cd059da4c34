/* SPDX-License-Identifier: MIT */
/* `mmusim sweep --store DIR`: plan, compute, report. */
#ifndef MMUSIM_CLI_SWEEP_STORED_H
#define MMUSIM_CLI_SWEEP_STORED_H

#include "cli/run_setup.h"
#include "cli/slurm_options.h"
#include "cli/slurm_site.h"
#include "cli/sweep_engine.h"
#include "cli/sweep_merge.h"

struct sweep_stored {
    /* options of its own; dir NULL: no store */
    const char *dir;
    const char **machines;
    size_t n_machines;
    int extends;
    int waits;
    int only_plans;
    const char *shard;
    struct sweep_engine_options engine;
    int is_on_slurm; /* --engine slurm */
    int is_dry;
    struct slurm_options slurm;
    uint64_t n_slurm_cpus;  /* -j; 0: not given */
    struct slurm_site site; /* asked before there is a store */
    bool knows_site;
    /* filled in by the command before sweep_stored_run() */
    const struct run_setup *setup;
    struct sweep_plan *grid;
    const char *axis_texts[SWEEP_AXES_MAX];
    const char *const *sources;
    size_t n_sources;
    int is_per_core;
    struct sweep_merge merge; /* what to print at the end */
};

/* Takes an option: 0, an exit status after a message, or < 0 if it is not one
 * of --store's. */
int sweep_stored_option(struct sweep_stored *stored,
                        const struct cli_option *option, const char *value);
int sweep_stored_machine(struct sweep_stored *stored, const char *name);
/* An error if there are options that only a store has a use for. */
int sweep_stored_unused(const struct sweep_stored *stored);

int sweep_stored_run(struct sweep_stored *stored);
/* Its part for --engine slurm, once there is a plan. */
int sweep_stored_on_slurm(struct sweep_stored *stored,
                          const struct sweep_store *store);

/* "K/N", 1 <= K <= N, into a selection. 0 or an exit status. */
int sweep_parse_shard(const char *text, struct sweep_selection *selection);
/* Limits of workers and of patience; < 0: another option. */
int sweep_limit_option(struct sweep_engine_options *engine,
                       const struct cli_option *option, const char *value);

/* 0, or CLI_SYSTEM after a message if selected points have failed. */
int sweep_tell_failed(const struct sweep_store *store,
                      const struct store_state *state,
                      const struct sweep_selection *selection);
/* How many processors there are to work on. */
size_t sweep_host_cpus(void);

#endif
