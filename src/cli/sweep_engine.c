/* SPDX-License-Identifier: MIT */
/*
 * One loop: claim, give, listen, judge, write. A point that was computed is
 * told to nobody before it is on the disk; what is lost with this process is
 * what it has not written in the last seconds, and is computed again.
 */
#include "cli/sweep_engine.h"

#include "cli/cli.h"
#include "cli/store_writer.h"
#include "cli/sweep_file.h"
#include "cli/sweep_process.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    ENGINE_TICK_MS = 50,
    ENGINE_WAIT_MS = 1000, /* between looks at what others do */
    ENGINE_GRACE_MS = 500, /* guess: who kills all of a job, one after the
                              other, has come to this process by then, and no
                              point is blamed */
    ENGINE_FLUSH_S = 2,
    /* A file that grows is written again, the longer the more seldom: on a
     * shared disk a thousand hosts write 16 MiB/s in this way. */
    ENGINE_FLUSH_BYTES_A_S = 16 << 10,
    ENGINE_AHEAD_US = 20 * 1000, /* a worker's queue: longer than a tick's
                                    latency, short beside a claim */
};

struct engine {
    const struct sweep_store *store;
    struct store_state *state;
    const struct sweep_engine_options *options;
    struct sweep_claims claims;
    struct store_writer writer;
    struct worker_limits limits;
    struct sweep_process *processes;
    struct pollfd *polls;
    struct cli_progress *progress;
    double flush_s; /* when to write next */
    double renewed_s;
    double stuck_s; /* since when nothing can be written; 0: it can */
    /* For progress: of all points, or of a selection those that were open. */
    size_t n_total;
    size_t n_before;
    int status; /* an exit status: the loop ends */
};

/* ---- results ---- */

static void engine_flush(struct engine *engine, double now_s)
{
    int error = store_writer_flush(&engine->writer);

    engine->flush_s = now_s + ENGINE_FLUSH_S;
    if (!error) {
        engine->flush_s +=
            (double) (engine->writer.length / ENGINE_FLUSH_BYTES_A_S);
        if (engine->stuck_s > 0)
            cli_error(CLI_OK, "%s: results can be written again",
                      engine->store->dir);
        engine->stuck_s = 0;
        sweep_claims_drop(&engine->claims);
        return;
    }
    if (engine->stuck_s <= 0) {
        engine->stuck_s = now_s;
        cli_error(CLI_OK,
                  "%s: cannot write results: %s (tried again for %" PRIu64
                  " s; no new points until then)",
                  engine->store->dir, strerror(error),
                  engine->options->patience_s);
    }
    if (now_s - engine->stuck_s >= (double) engine->options->patience_s)
        engine->status = cli_error(
            CLI_SYSTEM,
            "%s: cannot write results: %s (%zu points are lost; what was "
            "written is kept: run the same command again)",
            engine->store->dir, strerror(error), engine->writer.n_unwritten);
}

static void engine_fail(struct engine *engine, size_t point, uint64_t us,
                        const char *reason)
{
    if (engine->state->status[point] != STORE_OPEN)
        return;
    store_writer_failed(&engine->writer, point, engine->state->reopened[point],
                        us, reason);
    store_state_mark_failed(engine->state, point);
}

/* ---- what a worker says ---- */

static void engine_dequeue(struct sweep_process *process)
{
    process->n_queued--;
    memmove(process->queue, process->queue + 1,
            process->n_queued * sizeof(process->queue[0]));
    process->begun_s = 0;
}

static void engine_done(struct engine *engine, struct sweep_process *process,
                        size_t point, const char *rest)
{
    char *values;
    uint64_t us = strtoull(rest, &values, 10);

    if (!process->names || *values != ' ')
        return;
    store_writer_done(&engine->writer, point, process->names, us, values + 1);
    store_state_mark_done(engine->state, point, us);
}

static void engine_take_line(struct engine *engine,
                             struct sweep_process *process, char *line)
{
    char *word = strsep(&line, " ");
    char *rest = line;
    size_t point;

    if (!rest)
        return;
    if (!strcmp(word, "names")) {
        free(process->names);
        process->names = strdup(rest);
        return;
    }
    point = strtoul(rest, &rest, 10);
    if (!process->n_queued || process->queue[0] != point)
        return;
    rest += *rest == ' ';
    if (!strcmp(word, "begin")) {
        process->begun_s = sweep_now_s();
        return;
    }
    if (!strcmp(word, "refused")) {
        if (!engine->status)
            engine->status = cli_error(CLI_INPUT, "%s", rest);
        return;
    }
    if (!strcmp(word, "done")) {
        engine_done(engine, process, point, rest);
    } else if (!strcmp(word, "again")) {
        sweep_claims_return(&engine->claims, point);
    } else {
        uint64_t us = strtoull(rest, &rest, 10);

        engine_fail(engine, point, us, rest + (*rest == ' '));
    }
    engine_dequeue(process);
}

/* ---- workers that end ---- */

static void engine_describe_end(const struct engine *engine,
                                const struct sweep_process *process, int status,
                                char *text, size_t size)
{
    if (process->verdict)
        snprintf(text, size, "%s", process->verdict);
    else if (WIFSIGNALED(status))
        snprintf(text, size, "the worker was killed by signal %d (%s)%s",
                 WTERMSIG(status), strsignal(WTERMSIG(status)),
                 WTERMSIG(status) == SIGKILL && !engine->limits.memory_bytes
                     ? ": by somebody, or for lack of memory (--memory)"
                     : "");
    else
        snprintf(text, size, "the worker ended with status %d",
                 WEXITSTATUS(status));
}

/* What it was at has failed; the rest of its queue goes back. */
static void engine_lost(struct engine *engine, struct sweep_process *process)
{
    char verdict[160] = "";
    char reason[192];
    size_t first = 0;
    size_t n = process->n_queued;
    double begun_s = process->begun_s;
    double us = begun_s > 0 ? (sweep_now_s() - begun_s) * 1e6 : 0;
    int status;

    if (process->verdict)
        snprintf(verdict, sizeof(verdict), "%s", process->verdict);
    status = sweep_process_end(process, true);
    if (!verdict[0] && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        poll(NULL, 0, ENGINE_GRACE_MS);
    process->verdict = verdict[0] ? verdict : NULL;
    if (n && !engine->status && !cli_is_interrupted() &&
        (process->verdict || !WIFEXITED(status) || WEXITSTATUS(status))) {
        engine_describe_end(engine, process, status, reason, sizeof(reason));
        engine_fail(engine, process->queue[0], (uint64_t) us, reason);
        first = 1;
    }
    for (size_t i = n; i-- > first;)
        sweep_claims_return(&engine->claims, process->queue[i]);
    process->n_queued = 0;
    process->verdict = NULL;
}

static void engine_listen(struct engine *engine, struct sweep_process *process)
{
    bool is_open = sweep_process_read(process);
    char *line;
    size_t at = 0;

    while ((line = sweep_process_line(process, &at)) != NULL)
        engine_take_line(engine, process, line);
    if (!is_open)
        engine_lost(engine, process);
}

static void engine_watch_time(struct engine *engine, double now_s)
{
    for (size_t i = 0;
         engine->options->time_s && i < engine->options->n_workers; i++) {
        struct sweep_process *process = &engine->processes[i];
        char reason[80];

        if (!process->pid || process->begun_s <= 0 ||
            now_s - process->begun_s <= (double) engine->options->time_s)
            continue;
        snprintf(reason, sizeof(reason), "took longer than --time %" PRIu64,
                 engine->options->time_s);
        process->verdict = reason;
        engine_lost(engine, process);
    }
}

/* ---- giving ---- */

/* So many points that a worker never waits for us, and no more. */
static size_t engine_depth(const struct engine *engine, size_t segment)
{
    double us = store_estimate_us(engine->state, segment);
    double n = us > 0 ? 1 + ENGINE_AHEAD_US / us : 1;

    return n < PROCESS_QUEUE_MAX ? (size_t) n : PROCESS_QUEUE_MAX;
}

static bool engine_give_one(struct engine *engine, size_t i, size_t point)
{
    struct sweep_process *process = &engine->processes[i];
    size_t source = store_plan_place(&engine->store->plan, point).source;
    int error = 0;

    if (!process->pid)
        error =
            sweep_process_start(engine->processes, engine->options->n_workers,
                                i, &engine->store->plan, &engine->limits);
    if (!error && sweep_process_give(process, point, source))
        return true;
    sweep_claims_return(&engine->claims, point);
    if (error)
        engine->status =
            cli_error(CLI_SYSTEM, "cannot start a worker: %s", strerror(error));
    return false;
}

/* Whether a worker that has n points should have another. */
static bool engine_has_room(const struct engine *engine,
                            const struct sweep_process *process, size_t n)
{
    struct store_place place;

    if (!process->pid || !process->n_queued)
        return true;
    place = store_plan_place(&engine->store->plan, process->queue[0]);
    return process->n_queued == n && n < engine_depth(engine, place.segment);
}

/* A point each, then a second round and more, so that all have work first. */
static void engine_give(struct engine *engine)
{
    for (size_t n = 0; n < PROCESS_QUEUE_MAX; n++)
        for (size_t i = 0; i < engine->options->n_workers; i++) {
            struct sweep_process *process = &engine->processes[i];
            size_t point;

            if (!engine_has_room(engine, process, n))
                continue;
            if (!sweep_claims_next(&engine->claims,
                                   process->pid ? process->source : SIZE_MAX,
                                   &point))
                return;
            if (!engine_give_one(engine, i, point))
                return;
        }
}

/* ---- the loop ---- */

static size_t engine_busy(const struct engine *engine)
{
    size_t n = 0;

    for (size_t i = 0; i < engine->options->n_workers; i++)
        n += engine->processes[i].pid && engine->processes[i].n_queued;
    return n;
}

static void engine_poll(struct engine *engine, int timeout_ms)
{
    size_t n = engine->options->n_workers;

    for (size_t i = 0; i < n; i++)
        engine->polls[i] = (struct pollfd){
            engine->processes[i].pid ? engine->processes[i].from : -1, POLLIN,
            0};
    if (poll(engine->polls, (nfds_t) n, timeout_ms) <= 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (engine->polls[i].revents)
            engine_listen(engine, &engine->processes[i]);
}

static void engine_upkeep(struct engine *engine)
{
    double now_s = sweep_now_s();

    engine_watch_time(engine, now_s);
    if (now_s - engine->renewed_s >= LEASE_RENEW_S) {
        sweep_claims_renew(&engine->claims);
        if (engine->options->lease)
            lease_renew(engine->store->dir, engine->options->lease);
        engine->renewed_s = now_s;
    }
    if (now_s >= engine->flush_s)
        engine_flush(engine, now_s);
    cli_progress_points(engine->progress,
                        engine->state->n_done + engine->state->n_failed -
                            engine->n_before,
                        engine->n_total, engine->state->n_failed);
}

/* Nothing to give and nobody at work: ours is written, others' awaited. */
static bool engine_is_finished(struct engine *engine)
{
    engine_flush(engine, sweep_now_s());
    if (engine->stuck_s > 0 || engine->status)
        return false;
    if (!sweep_claims_open(&engine->claims))
        return true;
    poll(NULL, 0, ENGINE_WAIT_MS);
    engine->status = store_state_refresh(engine->state);
    return false;
}

static void engine_loop(struct engine *engine)
{
    while (!engine->status && !cli_is_interrupted()) {
        size_t n_busy;

        if (engine->stuck_s <= 0) {
            engine->status = sweep_claims_more(&engine->claims);
            engine_give(engine);
        }
        if (engine->claims.error && !engine->claims.n && !engine->status)
            engine->status =
                cli_error(CLI_SYSTEM, "%s/leases: cannot write: %s",
                          engine->store->dir, strerror(engine->claims.error));
        n_busy = engine_busy(engine);
        if (engine->status || cli_is_interrupted())
            break;
        /* A point that came back although nobody is busy was for a worker
         * that has died, of which we hear here. */
        if (n_busy || engine->stuck_s > 0 || engine->claims.n_returned)
            engine_poll(engine, ENGINE_TICK_MS);
        else if (engine_is_finished(engine))
            break;
        engine_upkeep(engine);
    }
}

static void engine_clean(const struct engine *engine)
{
    char *folder = sweep_file_path(engine->store->dir, "results");

    if (folder)
        sweep_file_clean(folder);
    free(folder);
    lease_clean(engine->store->dir);
}

static int engine_finish(struct engine *engine)
{
    int status = engine->status;

    for (size_t i = 0; i < engine->options->n_workers; i++)
        if (engine->processes[i].pid)
            sweep_process_end(&engine->processes[i], true);
    if (engine->writer.n_unwritten && engine->stuck_s <= 0) {
        int error = store_writer_flush(&engine->writer);

        if (error)
            status = cli_error(CLI_SYSTEM, "%s: cannot write results: %s",
                               engine->store->dir, strerror(error));
    }
    if (!status && cli_is_interrupted())
        status = CLI_INTERRUPTED;
    engine_clean(engine);
    return status;
}

static void engine_count(struct engine *engine)
{
    if (!sweep_claims_has_own(&engine->claims))
        return;
    engine->n_total = sweep_claims_open(&engine->claims);
    engine->n_before = engine->state->n_done + engine->state->n_failed;
}

int sweep_engine_run(const struct sweep_store *store, struct store_state *state,
                     const struct sweep_engine_options *options)
{
    struct engine engine = {.store = store,
                            .state = state,
                            .options = options,
                            .n_total = store->plan.n_points};
    int status = sweep_claims_init(&engine.claims, store, state,
                                   &options->selection, options->n_workers);

    engine.limits.memory_bytes = options->memory_bytes;
    engine.limits.cache_bytes = options->cache_bytes / options->n_workers;
    if (options->memory_bytes &&
        engine.limits.cache_bytes > options->memory_bytes / 2)
        engine.limits.cache_bytes = options->memory_bytes / 2;
    engine.processes = calloc(options->n_workers, sizeof(*engine.processes));
    engine.polls = calloc(options->n_workers, sizeof(*engine.polls));
    if (!status && (!engine.processes || !engine.polls))
        status = cli_error(CLI_SYSTEM, "out of memory");
    store_writer_init(&engine.writer, store->dir, store->plan.id);
    if (!status) {
        signal(SIGPIPE, SIG_IGN); /* a worker that died while we spoke */
        engine.progress = cli_progress_begin("sweep", options->is_quiet);
        engine_count(&engine);
        engine.renewed_s = sweep_now_s();
        engine.flush_s = engine.renewed_s + ENGINE_FLUSH_S;
        engine_loop(&engine);
        status = engine_finish(&engine);
        cli_progress_end(engine.progress);
    }
    sweep_claims_fini(&engine.claims);
    store_writer_fini(&engine.writer);
    free(engine.processes);
    free(engine.polls);
    return status;
}
