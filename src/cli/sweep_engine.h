/* SPDX-License-Identifier: MIT */
/*
 * The local engine: worker processes compute the open points of a selection;
 * this process claims blocks, hands out points, and writes results.
 */
#ifndef MMUSIM_CLI_SWEEP_ENGINE_H
#define MMUSIM_CLI_SWEEP_ENGINE_H

#include "cli/sweep_claims.h"

struct sweep_engine_options {
    size_t n_workers;
    uint64_t memory_bytes; /* of one worker; 0: no limit */
    uint64_t time_s;       /* of one point; 0: no limit */
    uint64_t cache_bytes;  /* of all workers */
    uint64_t patience_s;   /* with a disk that takes no results */
    int is_quiet;
    const char *lease; /* of the whole run, to be renewed; NULL: none */
    struct sweep_selection selection;
};

enum { SWEEP_PATIENCE_S = 30 /* by default; guess */ };

/*
 * Sees to it that every selected point is done or failed, by this process or
 * by others. 0; CLI_INTERRUPTED, when what was finished is kept; or an exit
 * status after a message. Failed points are no error here: state counts them.
 */
int sweep_engine_run(const struct sweep_store *store, struct store_state *state,
                     const struct sweep_engine_options *options);

#endif
