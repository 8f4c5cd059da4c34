/* SPDX-License-Identifier: MIT */
/*
 * Worker threads take the next point until none is left; the main thread
 * shows progress. The first failure stops all of them.
 */
#include "cli/sweep_run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SWEEP_TICK_NS = 100 * 1000 * 1000, /* between two looks at progress */
};

struct sweep_pool {
    const struct sweep_job *job;
    atomic_size_t next_point;
    atomic_int stops;
    atomic_ullong records; /* of all points, replayed so far */
    atomic_ullong accesses;
    atomic_ullong records_a_point; /* 0: unknown */

    pthread_mutex_t lock; /* guards the rest and job->result */
    pthread_cond_t has_ended;
    size_t n_running;
    bool has_failed;
    size_t failed_point;
    mmusim_diag_t failure;
};

/* One run's share of the pool's progress. */
struct sweep_meter {
    struct sweep_pool *pool;
    uint64_t records;
    uint64_t accesses;
};

static int sweep_on_progress(void *context, const mmusim_progress_t *progress)
{
    struct sweep_meter *meter = context;
    struct sweep_pool *pool = meter->pool;

    atomic_fetch_add_explicit(&pool->records,
                              progress->records - meter->records,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->accesses,
                              progress->accesses - meter->accesses,
                              memory_order_relaxed);
    atomic_store_explicit(&pool->records_a_point, progress->total_records,
                          memory_order_relaxed);
    meter->records = progress->records;
    meter->accesses = progress->accesses;
    return atomic_load(&pool->stops) || cli_is_interrupted();
}

static mmusim_status_t sweep_configure(const struct sweep_job *job,
                                       size_t point, mmusim_config_t **config,
                                       mmusim_diag_t *diag)
{
    mmusim_status_t status = mmusim_config_copy(job->config, config);

    if (point == job->plan->n_points) /* the configuration as it is */
        return status;
    for (size_t i = 0; !status && i < job->plan->n_axes; i++)
        status = mmusim_config_set(*config, job->plan->axes[i].key,
                                   sweep_plan_value(job->plan, point, i), diag);
    return status;
}

/* Builds and runs one point's machine; its statistics are the caller's. */
static mmusim_status_t sweep_simulate(struct sweep_pool *pool, size_t point,
                                      mmusim_stats_t **stats,
                                      mmusim_diag_t *diag)
{
    struct sweep_meter meter = {.pool = pool};
    mmusim_config_t *config = NULL;
    mmusim_status_t status = sweep_configure(pool->job, point, &config, diag);

    if (!status)
        status = run_simulate(config, pool->job->input, sweep_on_progress,
                              &meter, stats, diag);
    mmusim_config_destroy(config);
    return status;
}

/* The first point in the grid's order is the one that is told. */
static void sweep_note_failure(struct sweep_pool *pool, size_t point,
                               mmusim_status_t status,
                               const mmusim_diag_t *diag)
{
    if (status == MMUSIM_INTERRUPTED)
        return;
    if (!pool->has_failed || point < pool->failed_point) {
        pool->failed_point = point;
        pool->failure = *diag;
        pool->failure.status = status;
    }
    pool->has_failed = true;
    atomic_store(&pool->stops, 1);
}

static void sweep_do_point(struct sweep_pool *pool, size_t point)
{
    mmusim_stats_t *stats = NULL;
    mmusim_diag_t diag = {0};
    mmusim_status_t status = sweep_simulate(pool, point, &stats, &diag);

    pthread_mutex_lock(&pool->lock);
    if (!status)
        status = sweep_result_take(pool->job->result, point, stats, &diag);
    if (status)
        sweep_note_failure(pool, point, status, &diag);
    pthread_mutex_unlock(&pool->lock);
    mmusim_stats_destroy(stats);
}

static void *sweep_work(void *context)
{
    struct sweep_pool *pool = context;

    while (!atomic_load(&pool->stops) && !cli_is_interrupted()) {
        size_t point = atomic_fetch_add(&pool->next_point, 1);

        if (point >= pool->job->result->n)
            break;
        sweep_do_point(pool, point);
    }
    pthread_mutex_lock(&pool->lock);
    pool->n_running--;
    pthread_cond_signal(&pool->has_ended);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void sweep_wait_a_tick(struct sweep_pool *pool)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += SWEEP_TICK_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&pool->has_ended, &pool->lock, &until);
}

static void sweep_wait(struct sweep_pool *pool)
{
    const struct sweep_job *job = pool->job;
    struct cli_progress *progress = cli_progress_begin("sweep", job->is_quiet);

    pthread_mutex_lock(&pool->lock);
    while (pool->n_running) {
        sweep_wait_a_tick(pool);
        cli_progress_update(progress, atomic_load(&pool->records),
                            atomic_load(&pool->records_a_point) *
                                job->result->n,
                            atomic_load(&pool->accesses));
    }
    pthread_mutex_unlock(&pool->lock);
    cli_progress_end(progress);
}

/* Starts up to n workers; returns how many there are. */
static size_t sweep_start(struct sweep_pool *pool, pthread_t *threads, size_t n)
{
    size_t started = 0;

    pthread_mutex_lock(&pool->lock);
    while (started < n &&
           !pthread_create(&threads[started], NULL, sweep_work, pool)) {
        started++;
        pool->n_running++;
    }
    pthread_mutex_unlock(&pool->lock);
    return started;
}

static int sweep_tell_failure(const struct sweep_pool *pool)
{
    const struct sweep_plan *plan = pool->job->plan;
    char place[256];
    char text[1024];

    if (pool->failed_point >= plan->n_points)
        return cli_diag(&pool->failure);
    sweep_plan_describe(plan, pool->failed_point, place, sizeof(place));
    mmusim_diag_format(&pool->failure, text, sizeof(text));
    return cli_error((enum cli_exit) cli_exit_of(pool->failure.status),
                     "%s: %s", place,
                     text[0] ? text : mmusim_strerror(pool->failure.status));
}

int sweep_run(const struct sweep_job *job)
{
    struct sweep_pool pool = {.job = job};
    size_t n = job->n_jobs < job->result->n ? job->n_jobs : job->result->n;
    pthread_t *threads = calloc(n, sizeof(*threads));
    size_t n_started;
    int status = 0;

    if (!threads)
        return cli_error(CLI_SYSTEM, "out of memory");
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.has_ended, NULL);
    n_started = sweep_start(&pool, threads, n);
    sweep_wait(&pool);
    for (size_t i = 0; i < n_started; i++)
        pthread_join(threads[i], NULL);
    if (!n_started)
        status = cli_error(CLI_SYSTEM, "cannot start a thread");
    else if (pool.has_failed)
        status = sweep_tell_failure(&pool);
    else if (cli_is_interrupted())
        status = CLI_INTERRUPTED;
    pthread_cond_destroy(&pool.has_ended);
    pthread_mutex_destroy(&pool.lock);
    free(threads);
    return status;
}
