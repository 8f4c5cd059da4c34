/* SPDX-License-Identifier: MIT */
#include "cli/slurm_cancel.h"

#include "cli/cli.h"
#include "cli/slurm_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANCEL_PATIENCE_S = 60 }; /* guess: a person is waiting */

/* Removes the jobs of a list, in calls of some each. */
static enum slurm_outcome cancel_jobs(char *list, struct slurm_answer *answer)
{
    enum slurm_outcome outcome = SLURM_DONE;
    char *job = list ? strtok_r(list, ":", &list) : NULL;

    while (job && outcome == SLURM_DONE) {
        struct slurm_command command;

        slurm_command_init(&command, "scancel");
        slurm_command_add(&command, "--quiet");
        while (job && command.n_arguments < SLURM_ARGUMENTS_MAX) {
            slurm_command_add(&command, job);
            job = strtok_r(NULL, ":", &list);
        }
        slurm_answer_fini(answer);
        outcome =
            slurm_command_retry(&command, CANCEL_PATIENCE_S, true, answer);
    }
    return outcome;
}

static enum slurm_outcome cancel_look(const char *dir,
                                      struct slurm_rounds *rounds,
                                      struct slurm_queue *queue,
                                      struct slurm_answer *answer, int *status)
{
    *queue = (struct slurm_queue){0};
    *status = slurm_rounds_load(dir, rounds);
    return *status ? SLURM_REFUSED
                   : slurm_queue_ask(queue, rounds, NULL, answer);
}

int slurm_cancel_all(const char *dir, size_t *n_tasks)
{
    struct slurm_rounds rounds;
    struct slurm_queue queue;
    struct slurm_answer answer = {0};
    const char *command = "squeue";
    int status;
    enum slurm_outcome outcome =
        cancel_look(dir, &rounds, &queue, &answer, &status);

    *n_tasks = queue.n_tasks;
    if (outcome == SLURM_DONE) {
        command = "scancel";
        /* the last ones first: they would submit what is then missing */
        outcome = cancel_jobs(queue.finish_jobs, &answer);
    }
    if (outcome == SLURM_DONE)
        outcome = cancel_jobs(queue.jobs, &answer);
    if (!status)
        status = slurm_tell(outcome, command, &answer);
    slurm_answer_fini(&answer);
    slurm_queue_fini(&queue);
    slurm_rounds_fini(&rounds);
    return status;
}

void slurm_cancel_finish(const char *dir)
{
    struct slurm_rounds rounds;
    struct slurm_queue queue;
    struct slurm_answer answer = {0};
    int status;

    if (cancel_look(dir, &rounds, &queue, &answer, &status) == SLURM_DONE)
        (void) cancel_jobs(queue.finish_jobs, &answer);
    slurm_answer_fini(&answer);
    slurm_queue_fini(&queue);
    slurm_rounds_fini(&rounds);
}

void slurm_describe(const char *dir, char *text, size_t size_bytes)
{
    struct slurm_rounds rounds;
    struct slurm_queue queue;
    struct slurm_answer answer = {0};
    int status;
    enum slurm_outcome outcome =
        cancel_look(dir, &rounds, &queue, &answer, &status);

    text[0] = '\0';
    if (rounds.n && outcome == SLURM_DONE)
        slurm_queue_describe(&queue, text, size_bytes);
    else if (rounds.n && outcome != SLURM_MISSING)
        snprintf(text, size_bytes, "the queue is unknown: %s", answer.error);
    slurm_answer_fini(&answer);
    slurm_queue_fini(&queue);
    slurm_rounds_fini(&rounds);
}
