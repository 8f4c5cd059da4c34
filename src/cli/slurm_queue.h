/* SPDX-License-Identifier: MIT */
/* What of a store's rounds is in Slurm's queue. */
#ifndef MMUSIM_CLI_SLURM_QUEUE_H
#define MMUSIM_CLI_SLURM_QUEUE_H

#include "cli/slurm_command.h"
#include "cli/slurm_round.h"

enum { SLURM_REASON_BYTES = 64 };

/* A task that is waiting or running (or a chunk that is being submitted). */
struct slurm_task {
    size_t round; /* index into the rounds */
    size_t chunk; /* of the round */
};

struct slurm_queue {
    struct slurm_task *tasks;
    size_t n_tasks;
    size_t n_running;
    size_t n_waiting;
    size_t n_held; /* of those: nobody but a person will start them */
    char
        reason[SLURM_REASON_BYTES]; /* why the first one waits; "": none does */
    /* Numbers of the jobs in the queue, each once, with ':' between; NULL:
     * none. */
    char *jobs;        /* arrays, and jobs of one task */
    char *finish_jobs; /* that merge when the others have ended */
    const struct slurm_round *latest; /* that has a task here; NULL: none */
};

/* Asks for the jobs of all rounds, in one call. except: a job that does not
 * count (this one); NULL: none. */
enum slurm_outcome slurm_queue_ask(struct slurm_queue *queue,
                                   const struct slurm_rounds *rounds,
                                   const char *except,
                                   struct slurm_answer *answer);
/*
 * Reads lines "ARRAY-OR-JOB|TASK|STATE|NAME|REASON"; others are skipped (squeue
 * heads lines of several clusters). False: out of memory.
 */
bool slurm_queue_read(struct slurm_queue *queue,
                      const struct slurm_rounds *rounds, const char *except,
                      const char *text);
void slurm_queue_fini(struct slurm_queue *queue);

/* Sets are_queued[point] for each point below n_points that a task in the queue
 * has, of those of the plan with this id. */
void slurm_queue_mark(const struct slurm_queue *queue,
                      const struct slurm_rounds *rounds, uint64_t plan_id,
                      bool *are_queued, size_t n_points);

/* "12 tasks run, 3 wait (Priority)". */
void slurm_queue_describe(const struct slurm_queue *queue, char *text,
                          size_t size_bytes);

#endif
