/* SPDX-License-Identifier: MIT */
/* mmusim sweep work: computes open points of a store, beside others. */
#include "cli/sweep_stored.h"

#include <stdlib.h>
#include <string.h>

enum { WORK_JOBS_MAX = 1024 };

struct sweep_work {
    struct sweep_engine_options engine;
    uint64_t n_jobs;
    const char *points;
};

static const struct cli_option work_options[] = {
    {"jobs", 'j', "JOBS", "worker processes (default: all host CPUs)"},
    {"points", 0, "A..B", "only these points, from 0 on, or one point"},
    {"shard", 0, "K/N", "only the K-th of N parts"},
    {"memory", 0, "BYTES", "a point that needs more has failed"},
    {"time", 0, "SECONDS", "a point that takes longer has failed"},
    {"patience", 0, "SECONDS",
     "how long to try again if the disk takes no\n"
     "results (default: 30)"},
    {"cache", 0, "BYTES",
     "memory for decoded pieces of traces, shared out among\n"
     "the workers (default: 256M)"},
    {"quiet", 'q', NULL, "no progress"},
    {0},
};

static int work_option(void *context, const struct cli_option *option,
                       const char *value)
{
    struct sweep_work *work = context;
    int status = sweep_limit_option(&work->engine, option, value);

    if (status >= 0)
        return status;
    if (option->letter == 'j')
        return cli_number("-j", value, 1, WORK_JOBS_MAX, 0, &work->n_jobs);
    if (!strcmp(option->name, "cache"))
        return cli_number("--cache", value, 0, UINT64_MAX, 1,
                          &work->engine.cache_bytes);
    if (!strcmp(option->name, "shard"))
        return sweep_parse_shard(value, &work->engine.selection);
    if (!strcmp(option->name, "points"))
        work->points = value;
    else
        work->engine.is_quiet = 1;
    return 0;
}

static int work_select(struct sweep_work *work, const struct sweep_store *store)
{
    struct sweep_selection *selection = &work->engine.selection;
    size_t n = store->plan.n_points;
    const char *text = work->points;
    char *end;

    selection->end = n;
    if (!selection->n_shards)
        selection->n_shards = 1;
    if (!text)
        return 0;
    selection->first = strtoul(text, &end, 10);
    selection->end = selection->first;
    if (!strncmp(end, "..", 2) && end[2] >= '0' && end[2] <= '9')
        selection->end = strtoul(end + 2, &end, 10);
    if (*end || text[0] < '0' || text[0] > '9' || selection->end >= n ||
        selection->first > selection->end)
        return cli_error(CLI_USAGE,
                         "--points: '%s' is not A..B with A <= B <= %zu, the "
                         "last point of %s",
                         text, n - 1, store->dir);
    selection->end++;
    return 0;
}

static int work_on(struct sweep_work *work, const struct sweep_store *store)
{
    struct store_state state;
    int status = work_select(work, store);

    if (status)
        return status;
    status = store_state_init(&state, &store->plan);
    state.first = work->engine.selection.first;
    state.end = work->engine.selection.end;
    if (!status)
        status = store_state_add(&state, store->dir);
    cli_catch_interrupts();
    if (!status)
        status = sweep_engine_run(store, &state, &work->engine);
    if (!status)
        status = sweep_tell_failed(store, &state, &work->engine.selection);
    store_state_fini(&state);
    return status;
}

static int work_main(const struct cli_command *self, int argc, char **argv)
{
    struct sweep_work work = {.engine = {.cache_bytes = UINT64_C(256) << 20,
                                         .patience_s = SWEEP_PATIENCE_S},
                              .n_jobs = sweep_host_cpus()};
    struct sweep_store store;
    int first;
    int status = cli_parse(self, argc, argv, work_option, &work, &first);

    if (status >= 0)
        return status;
    if (argc - first != 1)
        return cli_error(CLI_USAGE, "sweep work: which store? (one DIR)");
    status = sweep_store_open_same(&store, argv[first]);
    if (status)
        return status;
    work.engine.n_workers = work.n_jobs;
    status = work_on(&work, &store);
    sweep_store_close(&store);
    return status;
}

const struct cli_command cmd_sweep_work = {
    .name = "sweep work",
    .usage = "[-j JOBS] [--points A..B | --shard K/N] [--memory BYTES]\n"
             "       [--time SECONDS] DIR",
    .summary = "compute open points of a store, beside others who do",
    .details =
        "What an engine starts on each host. It returns when every selected "
        "point\n"
        "is done or failed, whoever computed it: points that another process "
        "has\n"
        "claimed are waited for, and taken over if that process is gone (at "
        "once on\n"
        "the same host, else after a minute of silence).\n"
        "\n"
        "Exit status: 0 all done; 3 a trace is not the one that was planned; "
        "4 some\n"
        "failed, or results cannot be written; 130 interrupted, finished "
        "points are\n"
        "kept.\n",
    .options = work_options,
    .run = work_main,
};
