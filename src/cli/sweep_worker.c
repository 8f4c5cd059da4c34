/* SPDX-License-Identifier: MIT */
/* The process that computes points of a store. */
#include "cli/sweep_worker.h"

#include "cli/run_setup.h"
#include "cli/store_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

enum {
    WORKER_MMAP_BYTES = 32 << 20, /* the most that mallopt(3) takes */
    WORKER_TRIM_BYTES = 1 << 30,
};

struct worker {
    const struct store_plan *plan;
    const struct worker_limits *limits;
    FILE *in;
    int out;
    struct store_input input; /* of the source that is open */
    char *names;              /* as told last */
    size_t n_done;
};

static uint64_t worker_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* False: nobody listens any more. */
static bool worker_send(const struct worker *worker, const char *text,
                        size_t length)
{
    while (length) {
        ssize_t n = write(worker->out, text, length);

        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            length -= (size_t) n;
        }
    }
    return true;
}

static bool worker_tell(const struct worker *worker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool worker_tell(const struct worker *worker, const char *format, ...)
{
    char line[1280];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    if (n < 0)
        return false;
    if ((size_t) n > sizeof(line) - 2)
        n = sizeof(line) - 2;
    for (int i = 0; i < n; i++)
        if ((unsigned char) line[i] < ' ')
            line[i] = '?';
    line[n] = '\n';
    return worker_send(worker, line, (size_t) n + 1);
}

static mmusim_status_t worker_simulate(struct worker *worker, size_t point,
                                       mmusim_stats_t **stats,
                                       mmusim_diag_t *diag)
{
    mmusim_config_t *config = NULL;
    mmusim_status_t status =
        store_plan_configure(worker->plan, point, &config, diag);

    if (!status)
        status =
            run_simulate(config, &worker->input.run, NULL, NULL, stats, diag);
    mmusim_config_destroy(config);
    return status;
}

/* A name without what separates names, or would end the line. */
static void worker_put_name(const char *name, FILE *file)
{
    for (; *name; name++) {
        unsigned char c = (unsigned char) *name;

        if (c <= ' ' || c == ',' || c == '%' || c == '/' || c == 0x7f)
            fprintf(file, "%%%02x", c);
        else
            fputc(c, file);
    }
}

static bool worker_tell_stats(struct worker *worker, size_t point, uint64_t us,
                              const mmusim_stats_t *stats)
{
    char *names = NULL, *values = NULL;
    size_t n_names = 0, n_values = 0, n = 0;
    FILE *name_file = open_memstream(&names, &n_names);
    FILE *value_file = open_memstream(&values, &n_values);
    mmusim_stat_t stat;
    bool is_told = name_file && value_file;

    if (is_told)
        fprintf(value_file, "done %zu %" PRIu64 " ", point, us);
    for (size_t i = 0; is_told && mmusim_stats_at(stats, i, &stat); i++) {
        if (!worker->plan->is_per_core && mmusim_stats_is_per_core(stat.name))
            continue;
        if (n++) {
            fputc(',', name_file);
            fputc(',', value_file);
        }
        worker_put_name(stat.name, name_file);
        fputs(stat.is_milli ? "/1000" : "", name_file);
        fprintf(value_file, "%" PRIu64, stat.value);
    }
    if (is_told)
        fputc('\n', value_file);
    is_told = name_file && !fclose(name_file) && is_told;
    is_told = value_file && !fclose(value_file) && is_told;
    if (is_told && (!worker->names || strcmp(worker->names, names) != 0)) {
        free(worker->names);
        worker->names = names;
        names = NULL;
        is_told = worker_send(worker, "names ", 6) &&
                  worker_send(worker, worker->names, n_names) &&
                  worker_send(worker, "\n", 1);
    }
    is_told = is_told && worker_send(worker, values, n_values);
    free(names);
    free(values);
    return is_told;
}

/* False: the worker has done its duty. */
static bool worker_tell_failure(const struct worker *worker, size_t point,
                                uint64_t us, const mmusim_diag_t *diag,
                                mmusim_status_t status)
{
    char text[1024];

    mmusim_diag_format(diag, text, sizeof(text));
    if (status != MMUSIM_NOMEM)
        return worker_tell(worker, "failed %zu %" PRIu64 " %s", point, us,
                           text[0] ? text : mmusim_strerror(status));
    if (worker->n_done) /* what others left may be in its way */
        worker_tell(worker, "again %zu 0", point);
    else if (worker->limits->memory_bytes)
        worker_tell(worker,
                    "spent %zu %" PRIu64 " out of memory: more than --memory "
                    "%" PRIu64 " bytes",
                    point, us, worker->limits->memory_bytes);
    else
        worker_tell(worker, "spent %zu %" PRIu64 " out of memory", point, us);
    return false;
}

/* False: the worker ends. */
static bool worker_do(struct worker *worker, size_t point)
{
    size_t source = store_plan_place(worker->plan, point).source;
    char error[STORE_SOURCE_ERROR_BYTES];
    mmusim_stats_t *stats = NULL;
    mmusim_diag_t diag = {0};
    mmusim_status_t status;
    uint64_t begun_us;
    bool goes_on;

    if (!store_input_open(&worker->input, worker->plan, source,
                          worker->limits->cache_bytes, error)) {
        worker_tell(worker, "refused %zu %s", point, error);
        return false;
    }
    if (!worker_tell(worker, "begin %zu", point))
        return false;
    begun_us = worker_now_us();
    status = worker_simulate(worker, point, &stats, &diag);
    if (!store_input_check(&worker->input, error)) {
        mmusim_stats_destroy(stats);
        worker_tell(worker, "refused %zu %s", point, error);
        return false;
    }
    if (status)
        goes_on = worker_tell_failure(worker, point, worker_now_us() - begun_us,
                                      &diag, status);
    else
        goes_on =
            worker_tell_stats(worker, point, worker_now_us() - begun_us, stats);
    mmusim_stats_destroy(stats);
    worker->n_done++;
    return goes_on;
}

/* Keeps memory for the next point: to give a few MiB back and get them again,
 * page by page, costs a small point a quarter of its time. */
static void worker_keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, WORKER_MMAP_BYTES);
    mallopt(M_TRIM_THRESHOLD, WORKER_TRIM_BYTES);
#endif
}

int sweep_worker_main(const struct store_plan *plan,
                      const struct worker_limits *limits, int in, int out)
{
    struct worker worker = {.plan = plan, .limits = limits, .out = out};
    char line[64];

    if (limits->memory_bytes) {
        struct rlimit limit = {limits->memory_bytes, limits->memory_bytes};

        if (setrlimit(RLIMIT_DATA, &limit))
            return CLI_SYSTEM;
    }
    worker_keep_memory();
    worker.in = fdopen(in, "r");
    while (worker.in && fgets(line, sizeof(line), worker.in))
        if (!worker_do(&worker, strtoul(line, NULL, 10)))
            break;
    store_input_close(&worker.input);
    free(worker.names);
    if (worker.in)
        fclose(worker.in);
    return CLI_OK;
}
