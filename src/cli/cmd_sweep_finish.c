/* SPDX-License-Identifier: MIT */
/* mmusim sweep finish: what the last job of a round does. */
#include "cli/cli.h"
#include "cli/slurm_merge.h"
#include "cli/slurm_options.h"
#include "cli/slurm_tidy.h"
#include "cli/sweep_file.h"
#include "cli/sweep_slurm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINISH_JOBS_MAX = 1024 };

struct finish {
    struct slurm_options slurm;
    uint64_t n_jobs;
    uint64_t memory_bytes;
    uint64_t point_s;
    const char *format; /* NULL: csv */
    const char *output; /* NULL: DIR/merged.FORMAT */
};

static const struct cli_option finish_options[] = {
    SLURM_OPTION_ROWS,
    {"jobs", 'j', "JOBS", "worker processes of a task"},
    {"memory", 0, "BYTES", "a point that needs more has failed"},
    {"time", 0, "SECONDS", "a point that takes longer has failed"},
    {"format", 0, "FORMAT", "csv (default), json, sqlite or text"},
    {"output", 'o', "FILE", "where to (default: DIR/merged.FORMAT)"},
    {0},
};

static const char *const finish_formats[] = {"text", "csv", "json", "sqlite",
                                             NULL};

static int finish_option(void *context, const struct cli_option *option,
                         const char *value)
{
    struct finish *finish = context;
    int status = slurm_option(&finish->slurm, option, value);

    if (status >= 0)
        return status;
    if (option->letter == 'j')
        return cli_number("-j", value, 1, FINISH_JOBS_MAX, 0, &finish->n_jobs);
    if (!strcmp(option->name, "memory"))
        return cli_number("--memory", value, 1, UINT64_MAX, 1,
                          &finish->memory_bytes);
    if (!strcmp(option->name, "time"))
        return cli_number("--time", value, 1, UINT32_MAX, 0, &finish->point_s);
    if (!strcmp(option->name, "format")) {
        finish->format = value;
        return cli_choice("--format", value, finish_formats) < 0 ? CLI_USAGE
                                                                 : 0;
    }
    finish->output = value;
    return 0;
}

static int finish_merge(const struct finish *finish, struct sweep_slurm *sweep)
{
    const char *format = finish->format ? finish->format : "csv";
    char *own = sweep_file_path(sweep->store->dir, "merged.%s", format);
    struct sweep_merge merge = {
        .plan = &sweep->store->plan,
        .state = sweep->state,
        .format =
            (enum merge_format) cli_choice("--format", format, finish_formats),
        .output = finish->output ? finish->output : own,
    };
    int status = own ? slurm_merge_write(&merge)
                     : cli_error(CLI_SYSTEM, "out of memory");

    slurm_tidy(sweep->store->dir);
    if (!status)
        printf("merged %zu points into %s\n", sweep->store->plan.n_points,
               finish->output ? finish->output : own);
    free(own);
    return status;
}

static int finish_end(const struct finish *finish, struct sweep_slurm *sweep)
{
    const struct store_state *state = sweep->state;
    size_t n_open =
        sweep->store->plan.n_points - state->n_done - state->n_failed;

    if (n_open) {
        printf("%zu points have no result yet; jobs are in the queue for "
               "them\n",
               n_open);
        return 0;
    }
    if (state->n_failed)
        return cli_error(CLI_SYSTEM,
                         "%s: %zu points have failed, nothing is merged "
                         "(mmusim sweep status says why, sweep retry opens "
                         "them again, sweep merge --partial does without)",
                         sweep->store->dir, state->n_failed);
    return finish_merge(finish, sweep);
}

static int finish_store(const struct finish *finish,
                        const struct sweep_store *store)
{
    struct store_state state;
    struct sweep_slurm sweep = {.store = store, .state = &state};
    int status = store_state_init(&state, &store->plan);

    if (!status)
        status = store_state_add(&state, store->dir);
    if (!status)
        status = slurm_job_init(&sweep.job, &finish->slurm, store->dir,
                                finish->output);
    sweep.job.cpus = finish->n_jobs;
    sweep.job.memory_bytes = finish->memory_bytes;
    sweep.job.point_s = finish->point_s;
    sweep.job.format = finish->format;
    cli_catch_interrupts();
    if (!status)
        status = sweep_slurm_go_on(&sweep);
    if (!status)
        status = finish_end(finish, &sweep);
    slurm_job_fini(&sweep.job);
    store_state_fini(&state);
    return status;
}

static int finish_main(const struct cli_command *self, int argc, char **argv)
{
    struct finish finish = {.n_jobs = 1};
    struct sweep_store store;
    int first;
    int status = cli_parse(self, argc, argv, finish_option, &finish, &first);

    if (status >= 0)
        return status;
    if (argc - first != 1)
        return cli_error(CLI_USAGE, "sweep finish: which store? (one DIR)");
    status = sweep_store_open_same(&store, argv[first]);
    if (status)
        return status;
    status = finish_store(&finish, &store);
    sweep_store_close(&store);
    return status;
}

const struct cli_command cmd_sweep_finish = {
    .name = "sweep finish",
    .usage = "[--format FORMAT] [-o FILE] [--slurm-option OPTION]... DIR",
    .summary = "merge a sweep on Slurm, or submit again what is missing",
    .details = "What the last job of a sweep on Slurm runs, and what may be "
               "run by hand after\n"
               "it was lost. Three rounds of jobs that brought no new result "
               "are enough.\n",
    .options = finish_options,
    .run = finish_main,
};
