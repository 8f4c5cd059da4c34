/* SPDX-License-Identifier: MIT */
/* Source of the format's letters and of the states: squeue(1) of Slurm 22.05.
 */
#include "cli/slurm_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* rounds that are asked for: older ones have ended long ago */
    QUEUE_ROUNDS_MAX = 50,
    QUEUE_LINE_BYTES = 512,
};

/* A line of squeue, taken apart in place. */
struct queue_line {
    char *job;
    char *task;
    char *state;
    char *name;
    char *reason;
};

static bool queue_split(char *text, struct queue_line *line)
{
    char **fields[] = {&line->job, &line->task, &line->state, &line->name};

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char *bar = strchr(text, '|');

        if (!bar)
            return false;
        *bar = '\0';
        *fields[i] = text;
        text = bar + 1;
    }
    line->reason = text;
    return true;
}

/* The round a job's name belongs to, and what follows it; NULL: none. */
static const struct slurm_round *queue_round(const struct slurm_rounds *rounds,
                                             const char *name,
                                             const char **what)
{
    for (size_t i = 0; i < rounds->n; i++) {
        size_t length = strlen(rounds->rounds[i].name);

        if (!strncmp(name, rounds->rounds[i].name, length) &&
            name[length] == '.') {
            *what = name + length + 1;
            return &rounds->rounds[i];
        }
    }
    return NULL;
}

static bool queue_add_task(struct slurm_queue *queue, size_t round,
                           size_t chunk)
{
    struct slurm_task *tasks = queue->tasks;

    if (!(queue->n_tasks & (queue->n_tasks + 1))) /* 0, 1, 3, 7 ... are full */
        tasks = realloc(tasks, (queue->n_tasks * 2 + 2) * sizeof(*tasks));
    if (!tasks)
        return false;
    queue->tasks = tasks;
    tasks[queue->n_tasks++] = (struct slurm_task){round, chunk};
    return true;
}

/* Adds a number to a list, unless it is there. */
static bool queue_add_job(char **list, const char *job)
{
    size_t length = *list ? strlen(*list) : 0;
    size_t size = length + strlen(job) + 2;
    char *jobs;

    for (const char *at = *list; at; at = strchr(at, ':')) {
        at += *at == ':';
        if (strlen(job) == strcspn(at, ":") &&
            !strncmp(at, job, strcspn(at, ":")))
            return true;
    }
    jobs = realloc(*list, size);
    if (!jobs)
        return false;
    snprintf(jobs + length, size - length, "%s%s", length ? ":" : "", job);
    *list = jobs;
    return true;
}

static void queue_count(struct slurm_queue *queue,
                        const struct queue_line *line)
{
    if (strcmp(line->state, "PENDING")) {
        queue->n_running++;
        return;
    }
    queue->n_waiting++;
    /* JobHeldUser, JobHeldAdmin, "launch failed requeued held", ... */
    if (strstr(line->reason, "Held") || strstr(line->reason, "held"))
        queue->n_held++;
    if (!queue->reason[0] || strstr(line->reason, "eld"))
        snprintf(queue->reason, sizeof(queue->reason), "%s", line->reason);
}

static bool queue_take(struct slurm_queue *queue,
                       const struct slurm_rounds *rounds, const char *except,
                       const struct queue_line *line)
{
    const char *what = NULL;
    const struct slurm_round *round = queue_round(rounds, line->name, &what);
    size_t array;
    size_t chunk;

    if (!round || (except && !strcmp(except, line->job)))
        return true;
    if (!strcmp(what, "end"))
        return queue_add_job(&queue->finish_jobs, line->job);
    if (!queue_add_job(&queue->jobs, line->job))
        return false;
    array = strtoul(what, NULL, 10);
    if (array >= round->n_arrays)
        return true;
    queue_count(queue, line);
    if (!queue->latest || round > queue->latest)
        queue->latest = round;
    /* a job that is no array has "N/A", which is 0 */
    chunk = round->arrays[array].first_chunk + strtoul(line->task, NULL, 10);
    return chunk >= round->n_chunks ||
           queue_add_task(queue, (size_t) (round - rounds->rounds), chunk);
}

/* Chunks of a round whose maker is at work are as good as queued. */
static bool queue_take_making(struct slurm_queue *queue,
                              const struct slurm_rounds *rounds)
{
    for (size_t i = 0; i < rounds->n; i++) {
        const struct slurm_round *round = &rounds->rounds[i];

        if (!slurm_round_is_in_the_making(round))
            continue;
        queue->latest = round;
        for (size_t chunk = 0; chunk < round->n_chunks; chunk++)
            if (!queue_add_task(queue, i, chunk))
                return false;
    }
    return true;
}

bool slurm_queue_read(struct slurm_queue *queue,
                      const struct slurm_rounds *rounds, const char *except,
                      const char *text)
{
    char copy[QUEUE_LINE_BYTES];
    struct queue_line line;
    bool is_good = true;

    *queue = (struct slurm_queue){0};
    while (is_good && *text) {
        size_t length = strcspn(text, "\n");

        snprintf(copy, sizeof(copy), "%.*s",
                 (int) (length < sizeof(copy) ? length : sizeof(copy) - 1),
                 text);
        if (queue_split(copy, &line))
            is_good = queue_take(queue, rounds, except, &line);
        text += length + (text[length] == '\n');
    }
    return is_good && queue_take_making(queue, rounds);
}

/* "NAME.0,NAME.1,NAME.end,..." of the latest rounds; NULL: out of memory. */
static char *queue_names(const struct slurm_rounds *rounds)
{
    size_t first =
        rounds->n > QUEUE_ROUNDS_MAX ? rounds->n - QUEUE_ROUNDS_MAX : 0;
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);

    if (!file)
        return NULL;
    fprintf(file, "--name=");
    for (size_t i = first; i < rounds->n; i++) {
        const struct slurm_round *round = &rounds->rounds[i];

        for (size_t array = 0; array < round->n_arrays; array++)
            fprintf(file, "%s.%zu,", round->name, array);
        fprintf(file, "%s.end%s", round->name, i + 1 < rounds->n ? "," : "");
    }
    if (fclose(file)) {
        free(text);
        return NULL;
    }
    return text;
}

enum slurm_outcome slurm_queue_ask(struct slurm_queue *queue,
                                   const struct slurm_rounds *rounds,
                                   const char *except,
                                   struct slurm_answer *answer)
{
    struct slurm_command command;
    enum slurm_outcome outcome;
    char *names = queue_names(rounds);

    *queue = (struct slurm_queue){0};
    *answer = (struct slurm_answer){0};
    if (!rounds->n || !names) {
        free(names);
        answer->text = strdup("");
        return rounds->n ? SLURM_REFUSED : SLURM_DONE;
    }
    slurm_command_init(&command, "squeue");
    slurm_command_add(&command, "--noheader");
    slurm_command_add(&command, "--array"); /* a line a task */
    slurm_command_add(&command, names);
    slurm_command_add(&command, "--format=%F|%K|%T|%j|%r");
    outcome = slurm_command_run(&command, answer);
    free(names);
    if (outcome == SLURM_DONE &&
        !slurm_queue_read(queue, rounds, except, answer->text)) {
        snprintf(answer->error, sizeof(answer->error), "out of memory");
        outcome = SLURM_REFUSED;
    }
    return outcome;
}

void slurm_queue_fini(struct slurm_queue *queue)
{
    free(queue->tasks);
    free(queue->jobs);
    free(queue->finish_jobs);
    *queue = (struct slurm_queue){0};
}

void slurm_queue_mark(const struct slurm_queue *queue,
                      const struct slurm_rounds *rounds, uint64_t plan_id,
                      bool *are_queued, size_t n_points)
{
    for (size_t i = 0; i < queue->n_tasks; i++) {
        const struct slurm_round *round =
            &rounds->rounds[queue->tasks[i].round];
        const struct slurm_chunk *chunk = &round->chunks[queue->tasks[i].chunk];

        if (round->plan_id != plan_id)
            continue;
        for (size_t point = chunk->first_point;
             point <= chunk->last_point && point < n_points; point++)
            are_queued[point] = true;
    }
}

void slurm_queue_describe(const struct slurm_queue *queue, char *text,
                          size_t size_bytes)
{
    const char *reason = queue->reason;

    snprintf(text, size_bytes, "%zu tasks run, %zu wait%s%s%s",
             queue->n_running, queue->n_waiting, reason[0] ? " (" : "", reason,
             reason[0] ? ")" : "");
}
