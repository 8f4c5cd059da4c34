/* SPDX-License-Identifier: MIT */
/* Worker threads take the next point until none is left: see advise_run.h. */
#include "cli/advise_run.h"

#include "cli/replay_report.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ADVICE_TICK_NS = 100 * 1000 * 1000, /* between two looks at progress */
};

struct advice_pool {
    const struct advice_job *job;
    atomic_size_t next;
    atomic_size_t n_running;
    atomic_ullong records, accesses, records_a_point;
};

/* One run's share of the pool's progress. */
struct advice_meter {
    struct advice_pool *pool;
    uint64_t records, accesses;
};

static int advice_on_progress(void *context, const mmusim_progress_t *progress)
{
    struct advice_meter *meter = context;
    struct advice_pool *pool = meter->pool;

    atomic_fetch_add(&pool->records, progress->records - meter->records);
    atomic_fetch_add(&pool->accesses, progress->accesses - meter->accesses);
    atomic_store(&pool->records_a_point, progress->total_records);
    meter->records = progress->records;
    meter->accesses = progress->accesses;
    return cli_is_interrupted();
}

static void advice_take(struct advice_point *point, const mmusim_stats_t *stats)
{
    for (size_t i = 0; report_buckets[i]; i++) {
        char name[48];

        snprintf(name, sizeof(name), "cycles.%s", report_buckets[i]);
        point->buckets[i] = report_value(stats, name);
        if (report_is_busy(report_buckets[i]))
            point->work_cycles += point->buckets[i];
    }
    point->sim_cycles = report_value(stats, "sim.cycles");
    point->n_violations = report_value(stats, "checker.violations");
    point->is_done = true;
}

static void advice_do(struct advice_pool *pool, struct advice_point *point)
{
    struct advice_meter meter = {.pool = pool};
    mmusim_config_t *config = NULL;
    mmusim_stats_t *stats = NULL;
    mmusim_diag_t diag = {0};
    mmusim_status_t status;

    status = advice_configure(pool->job->plan, point, &config, &diag);
    if (!status)
        status = run_simulate(config, pool->job->input, advice_on_progress,
                              &meter, &stats, &diag);
    if (!status)
        advice_take(point, stats);
    if (status == MMUSIM_INTERRUPTED) /* as if it had not begun */
        status = MMUSIM_OK;
    point->status = diag.status = status;
    if (status)
        (void) mmusim_diag_format(&diag, point->reason, sizeof(point->reason));
    mmusim_stats_destroy(stats);
    mmusim_config_destroy(config);
}

static void *advice_work(void *context)
{
    struct advice_pool *pool = context;
    struct advice_plan *plan = pool->job->plan;

    while (!cli_is_interrupted()) {
        size_t i = atomic_fetch_add(&pool->next, 1);

        if (i >= plan->n_points)
            break;
        advice_do(pool, &plan->points[i]);
    }
    atomic_fetch_sub(&pool->n_running, 1);
    return NULL;
}

static void advice_wait(struct advice_pool *pool)
{
    const struct advice_job *job = pool->job;
    const struct timespec tick = {.tv_nsec = ADVICE_TICK_NS};
    struct cli_progress *progress = cli_progress_begin("advise", job->is_quiet);
    uint64_t n_points = job->plan->n_points - job->first;

    while (atomic_load(&pool->n_running)) {
        nanosleep(&tick, NULL);
        cli_progress_update(progress, atomic_load(&pool->records),
                            atomic_load(&pool->records_a_point) * n_points,
                            atomic_load(&pool->accesses));
    }
    cli_progress_end(progress);
}

int advice_run(const struct advice_job *job)
{
    struct advice_pool pool = {.job = job};
    size_t n_points = job->plan->n_points - job->first;
    size_t n = job->n_jobs < n_points ? job->n_jobs : n_points;
    pthread_t *threads = calloc(n + 1, sizeof(*threads));
    const struct advice_point *base = &job->plan->points[0];
    size_t n_started = 0;

    if (!threads)
        return cli_error(CLI_SYSTEM, "out of memory");
    atomic_store(&pool.next, job->first);
    while (n_started < n) {
        atomic_fetch_add(&pool.n_running, 1);
        if (pthread_create(&threads[n_started], NULL, advice_work, &pool)) {
            atomic_fetch_sub(&pool.n_running, 1);
            break;
        }
        n_started++;
    }
    advice_wait(&pool);
    for (size_t i = 0; i < n_started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    if (!n_started)
        return cli_error(CLI_SYSTEM, "cannot start a thread");
    if (cli_is_interrupted())
        return CLI_INTERRUPTED;
    if (base->status)
        return cli_error((enum cli_exit) cli_exit_of(base->status), "%s",
                         base->reason);
    return 0;
}
