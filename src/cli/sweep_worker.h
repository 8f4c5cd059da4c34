/* SPDX-License-Identifier: MIT */
/*
 * A worker process: computes the points it is told, one after the other, and
 * tells their statistics. It touches no file but the traces; a crash, a kill
 * or a lack of memory hits the point it is at and nothing else.
 *
 * It reads numbers of points, a line each, and writes lines:
 *
 *     begin POINT            its source is open
 *     names LIST             of what follows, if it differs from the last
 *     done POINT US VALUES
 *     failed POINT US REASON
 *     spent POINT US REASON  the same, and the worker ends
 *     again POINT 0          no memory, but perhaps there is in a new process
 *     refused POINT TEXT     no point of this source can be computed
 */
#ifndef MMUSIM_CLI_SWEEP_WORKER_H
#define MMUSIM_CLI_SWEEP_WORKER_H

#include "cli/store_plan.h"

#include <sys/types.h>

struct worker_limits {
    uint64_t memory_bytes; /* 0: none */
    uint64_t cache_bytes;  /* for decoded pieces */
};

/* Runs in a process of its own until in ends; an exit status. */
int sweep_worker_main(const struct store_plan *plan,
                      const struct worker_limits *limits, int in, int out);

#endif
