/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "cli/sweep_slurm.h"

#include "cli/cli.h"
#include "cli/slurm_follow.h"
#include "cli/slurm_submit.h"
#include "cli/slurm_view.h"
#include "cli/sweep_claims.h"
#include "cli/sweep_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* guess: after so many rounds without a new result people must look */
    SLURM_STALLS_MAX = 3,
    SLURM_LOG_BYTES = 512,
    SLURM_UNKNOWN_POINT_S = 10, /* guess: a trace of 100 M accesses */
};

/* ---- submitting ---- */

/* Seconds that a segment's point takes, before any was measured by a guess:
 * that is put right by the next round. */
static double slurm_estimate_s(const struct sweep_slurm *sweep, size_t segment)
{
    double us = store_estimate_us(sweep->state, segment);

    return us > 0 ? us * 1e-6 : SLURM_UNKNOWN_POINT_S;
}

/* The points that are neither computed nor queued, for cutting. A group ends
 * where the source does, and where another task has points. */
static struct slurm_point *slurm_missing(const struct sweep_slurm *sweep,
                                         const struct slurm_view *view,
                                         size_t *n)
{
    const struct store_plan *plan = &sweep->store->plan;
    struct slurm_point *points =
        calloc(view->n_missing ? view->n_missing : 1, sizeof(*points));
    size_t group = 0;
    size_t last_segment = 0;

    *n = 0;
    for (size_t i = 0; points && i < plan->n_points; i++) {
        size_t segment = store_plan_place(plan, i).segment;

        if (segment != last_segment || view->are_queued[i])
            group++;
        last_segment = segment;
        if (sweep->state->status[i] == STORE_OPEN && !view->are_queued[i])
            points[(*n)++] = (struct slurm_point){
                i, group, slurm_estimate_s(sweep, segment)};
    }
    return points;
}

/* What the user is told when something has been submitted. */
static void slurm_tell_submitted(const struct sweep_slurm *sweep,
                                 const struct slurm_round *round,
                                 size_t n_points)
{
    size_t n_tasks = 0;
    const char *before = ": jobs ";

    for (size_t i = 0; i < round->n_arrays; i++)
        if (sweep->is_dry || round->arrays[i].job[0])
            n_tasks += round->arrays[i].n_chunks;
    printf("%s %zu of %zu points in %zu tasks",
           sweep->is_dry ? "# would submit" : "submitted", n_points,
           sweep->store->plan.n_points, n_tasks);
    for (size_t i = 0; !sweep->is_dry && i < round->n_arrays; i++) {
        if (!round->arrays[i].job[0])
            continue;
        printf("%s%s", before, round->arrays[i].job);
        before = ", ";
    }
    if (round->finish_job[0] && !sweep->is_dry)
        printf(", then %s to merge", round->finish_job);
    printf("\n");
    (void) fflush(stdout);
}

/* Tasks that the site would take now. */
static size_t slurm_room(const struct sweep_slurm *sweep,
                         const struct slurm_view *view)
{
    size_t queued = view->queue.n_tasks;

    return sweep->site.max_tasks > queued
               ? (size_t) sweep->site.max_tasks - queued
               : 1;
}

/* The site takes less than it says. */
static void slurm_learn_limit(struct sweep_slurm *sweep,
                              const struct slurm_view *view,
                              const struct slurm_round *round)
{
    size_t half = round->arrays[0].n_chunks / 2; /* > 0 after this outcome */

    sweep->site.max_array_tasks = half;
    sweep->site.max_tasks = view->queue.n_tasks + half;
}

static enum slurm_submitted slurm_submit_chunks(struct sweep_slurm *sweep,
                                                const struct slurm_view *view,
                                                struct slurm_chunks *chunks,
                                                int *status)
{
    struct slurm_submit submit = {
        .job = &sweep->job,
        .rounds = &view->rounds,
        .queue = &view->queue,
        .plan_id = sweep->store->plan.id,
        .n_open = view->n_open,
        .max_array_tasks = sweep->site.max_array_tasks,
        .patience_s = SLURM_PATIENCE_S,
        .is_quiet = sweep->is_quiet,
        .is_dry = sweep->is_dry,
    };
    struct slurm_round round = {0};
    size_t n_points = chunks->n_points_taken;
    enum slurm_submitted submitted =
        slurm_submit_round(&submit, chunks, &round, status);

    if (submitted == SUBMIT_DONE && (!sweep->waits || sweep->is_dry))
        slurm_tell_submitted(sweep, &round, n_points);
    if (submitted == SUBMIT_OVER_LIMIT)
        slurm_learn_limit(sweep, view, &round);
    slurm_round_fini(&round);
    return submitted;
}

/* Submits what is missing. SUBMIT_OVERTAKEN and SUBMIT_OVER_LIMIT: look again
 * and try again. */
static enum slurm_submitted slurm_submit(struct sweep_slurm *sweep,
                                         const struct slurm_view *view,
                                         int *status)
{
    enum slurm_submitted submitted = SUBMIT_FAILED;
    struct slurm_chunks chunks = {0};
    struct slurm_point *points;
    size_t n = 0;

    if (!sweep->knows_site)
        *status = slurm_site_ask(
            &sweep->site, SLURM_PATIENCE_S, sweep->is_quiet,
            sweep->is_dry ? SLURM_MAY_BE_ABSENT : SLURM_MUST_BE_THERE);
    if (*status)
        return SUBMIT_FAILED;
    sweep->knows_site = true;
    points = slurm_missing(sweep, view, &n);
    if (points && slurm_chunks_make(
                      points, n, sweep->job.chunk_s * (double) sweep->job.cpus,
                      slurm_room(sweep, view), &chunks))
        submitted = slurm_submit_chunks(sweep, view, &chunks, status);
    else
        *status = cli_error(CLI_SYSTEM, "out of memory");
    slurm_chunks_fini(&chunks);
    free(points);
    return submitted;
}

/* ---- the user's command ---- */

static void slurm_tell_queued(const struct sweep_slurm *sweep,
                              const struct slurm_view *view)
{
    const struct slurm_queue *queue = &view->queue;
    const struct slurm_round *round = queue->latest;
    FILE *to = sweep->waits ? stderr : stdout; /* which has the result then */
    char text[160];

    slurm_queue_describe(queue, text, sizeof(text));
    fprintf(to, "all %zu points without a result are in the queue: %s",
            view->n_open, text);
    if (queue->jobs)
        fprintf(to, ", jobs %s", queue->jobs);
    if (round)
        fprintf(to, ", submitted by %s on %s (process %ld)", round->user,
                round->host, round->pid);
    fprintf(to, "; nothing to submit%s\n",
            sweep->waits ? "" : " (--wait follows them)");
    (void) fflush(stdout);
}

/* Looks, and submits until nothing is missing. *view is what there was before
 * the last submission. */
static int slurm_submit_missing(struct sweep_slurm *sweep,
                                struct slurm_view *view)
{
    enum slurm_submitted submitted;
    int status;

    do {
        slurm_view_fini(view);
        status = slurm_look_patiently(view, sweep);
        if (status || !view->n_missing)
            return status;
        submitted = slurm_submit(sweep, view, &status);
    } while (submitted == SUBMIT_OVERTAKEN || submitted == SUBMIT_OVER_LIMIT);
    return status;
}

/* Have the last rounds brought nothing? */
static bool slurm_is_stalled(const struct sweep_slurm *sweep,
                             const struct slurm_view *view)
{
    const struct slurm_rounds *rounds = &view->rounds;
    size_t n = 0;

    for (size_t i = rounds->n; i-- > 0; n++)
        if (rounds->rounds[i].plan_id != sweep->store->plan.id ||
            rounds->rounds[i].n_open != view->n_open)
            break;
    return n >= SLURM_STALLS_MAX;
}

static int slurm_is_log(const struct dirent *entry)
{
    return !strncmp(entry->d_name, "task-", 5);
}

/* The last line of a file, "" if there is none. */
static void slurm_last_line(const char *path, char *line, size_t size_bytes)
{
    char text[SLURM_LOG_BYTES];
    FILE *file = fopen(path, "re");
    size_t n = 0;
    size_t begin;

    line[0] = '\0';
    if (!file)
        return;
    if (fseek(file, -(long) sizeof(text), SEEK_END))
        rewind(file); /* shorter than that */
    n = fread(text, 1, sizeof(text), file);
    (void) fclose(file);
    while (n && text[n - 1] == '\n')
        n--;
    for (begin = n; begin && text[begin - 1] != '\n'; begin--)
        ;
    snprintf(line, size_bytes, "%.*s", (int) (n - begin), text + begin);
}

/* What the first task of a round that said anything said last. */
static void slurm_last_words(const char *dir, unsigned round, char *words,
                             size_t size_bytes)
{
    char *folder = slurm_round_folder(dir, round);
    struct dirent **entries = NULL;
    int n = folder ? scandir(folder, &entries, slurm_is_log, versionsort) : 0;

    words[0] = '\0';
    for (int i = 0; i < n; i++) {
        char *path =
            words[0] ? NULL : sweep_file_path(folder, "%s", entries[i]->d_name);

        if (path)
            slurm_last_line(path, words, size_bytes);
        free(path);
        free(entries[i]);
    }
    free(entries);
    free(folder);
}

static int slurm_tell_stalled(const struct sweep_slurm *sweep,
                              const struct slurm_view *view)
{
    unsigned last = view->rounds.rounds[view->rounds.n - 1].number;
    char words[SLURM_LOG_BYTES];

    slurm_last_words(sweep->store->dir, last, words, sizeof(words));
    return cli_error(CLI_SYSTEM,
                     "%s: %d rounds of jobs have left the same %zu points "
                     "without a result (%s/slurm/%04u/task-*.log%s%s)",
                     sweep->store->dir, SLURM_STALLS_MAX, view->n_open,
                     sweep->store->dir, last, words[0] ? ": " : "", words);
}

int sweep_slurm_run(struct sweep_slurm *sweep)
{
    struct slurm_view view = {0};
    int status = slurm_submit_missing(sweep, &view);
    bool is_over = !status && !view.n_open;

    if (!status && !is_over && !view.n_missing)
        slurm_tell_queued(sweep, &view);
    slurm_view_fini(&view);
    if (status || is_over || !sweep->waits || sweep->is_dry)
        return status;
    return slurm_follow(sweep);
}

int sweep_slurm_go_on(struct sweep_slurm *sweep)
{
    struct slurm_view view = {0};
    int status = slurm_look_patiently(&view, sweep);

    if (!status && view.n_missing && slurm_is_stalled(sweep, &view))
        status = slurm_tell_stalled(sweep, &view);
    if (!status && view.n_missing)
        status = slurm_submit_missing(sweep, &view);
    slurm_view_fini(&view);
    return status;
}
