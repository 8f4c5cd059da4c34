/* SPDX-License-Identifier: MIT */
/* The worker processes of an engine: started, spoken to, ended. */
#ifndef MMUSIM_CLI_SWEEP_PROCESS_H
#define MMUSIM_CLI_SWEEP_PROCESS_H

#include "cli/sweep_worker.h"

#include <stddef.h>

enum { PROCESS_QUEUE_MAX = 16 };

struct sweep_process {
    pid_t pid; /* 0: none */
    int to;
    int from;
    char *buffer; /* what it said, not yet a whole line */
    size_t length;
    size_t size;
    char *names; /* its statistics', as told last */
    /* Points given to it, in order: it is at the first. */
    size_t queue[PROCESS_QUEUE_MAX];
    size_t n_queued;
    size_t source;       /* of the last point given; SIZE_MAX: none */
    double begun_s;      /* the first one; 0: not yet */
    const char *verdict; /* why it was killed; NULL: it was not */
};

/* Seconds of a clock that only goes forward. */
double sweep_now_s(void);

/* Starts process i of n. 0 or errno. */
int sweep_process_start(struct sweep_process *processes, size_t n, size_t i,
                        const struct store_plan *plan,
                        const struct worker_limits *limits);
/* Gives it a point. False: it does not listen. */
bool sweep_process_give(struct sweep_process *process, size_t point,
                        size_t source);
/* Reads what there is; takes line by line through next_line. False: it has
 * closed its side. */
bool sweep_process_read(struct sweep_process *process);
/* A whole line, ended, valid until the next read; NULL: none. *at starts with
 * 0. */
char *sweep_process_line(struct sweep_process *process, size_t *at);
/* Ends it, at once; returns what waitpid() tells. */
int sweep_process_end(struct sweep_process *process, bool is_killed);

#endif
