/* SPDX-License-Identifier: MIT */
/* mmusim sweep status: how far a store's sweep is. */
#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/slurm_cancel.h"
#include "cli/sweep_claims.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_FAILED_MAX = 20 };

/* A process at work, from its leases. */
struct status_process {
    struct lease_owner owner;
    size_t n_blocks;
    bool is_stale;
};

struct status {
    struct sweep_store store;
    struct store_state state;
    struct status_process *processes;
    size_t n_processes;
    bool has_failed; /* out of memory */
    int is_json;
    int tells_all;
};

static const char *const status_formats[] = {"text", "json", NULL};

static const struct cli_option status_options[] = {
    {"format", 0, "FORMAT", "text (default) or json"},
    {"failed", 0, NULL, "text: every failed point, not only the first 20"},
    {0},
};

static int status_option(void *context, const struct cli_option *option,
                         const char *value)
{
    struct status *status = context;

    if (!strcmp(option->name, "failed")) {
        status->tells_all = 1;
        return 0;
    }
    status->is_json = cli_choice("--format", value, status_formats);
    return status->is_json < 0 ? CLI_USAGE : 0;
}

static void status_visit(void *context, const char *name,
                         const struct lease_owner *owner, bool is_stale)
{
    struct status *status = context;
    struct status_process *grown;
    size_t i = 0;

    while (i < status->n_processes &&
           (status->processes[i].owner.pid != owner->pid ||
            strcmp(status->processes[i].owner.host, owner->host) != 0 ||
            strcmp(status->processes[i].owner.boot, owner->boot) != 0))
        i++;
    if (i == status->n_processes) {
        grown = realloc(status->processes, (i + 1) * sizeof(*grown));
        status->has_failed = status->has_failed || !grown;
        if (!grown)
            return;
        status->processes = grown;
        grown[status->n_processes++] =
            (struct status_process){.owner = *owner, .is_stale = is_stale};
    }
    /* names of blocks are numbers, those of runs are words */
    status->processes[i].n_blocks += *name >= '0' && *name <= '9';
}

static size_t status_workers(const struct status *status)
{
    size_t n = 0;

    for (size_t i = 0; i < status->n_processes; i++)
        if (!status->processes[i].is_stale)
            n += status->processes[i].owner.n_workers;
    return n;
}

/* Seconds of one worker that the open points need; < 0: unknown. */
static double status_work_s(const struct status *status)
{
    const struct store_plan *plan = &status->store.plan;
    double sum_us = 0;

    for (size_t i = 0; i < store_plan_segments(plan); i++) {
        double us = store_estimate_us(&status->state, i);
        size_t n_open = 0;

        for (size_t j = 0; j < plan->grid.n_points; j++)
            n_open +=
                status->state.status[i * plan->grid.n_points + j] == STORE_OPEN;
        if (n_open && us <= 0)
            return -1;
        sum_us += us * (double) n_open;
    }
    return sum_us / 1e6;
}

/* ---- text ---- */

static const char *status_duration(double s, char *text, size_t size)
{
    if (s < 120)
        snprintf(text, size, "%.0f s", s);
    else if (s < 7200)
        snprintf(text, size, "%.0f min", s / 60);
    else
        snprintf(text, size, "%.1f h", s / 3600);
    return text;
}

static void status_print_time(const struct status *status)
{
    size_t n_workers = status_workers(status);
    size_t n_open = status->store.plan.n_points - status->state.n_done -
                    status->state.n_failed;
    double work_s = status_work_s(status);
    char text[32];

    if (!n_open)
        return;
    if (work_s < 0)
        printf("time left   unknown yet\n");
    else if (n_workers)
        printf("time left   %s with %zu worker%s, by the points so far\n",
               status_duration(work_s / (double) n_workers, text, sizeof(text)),
               n_workers, n_workers == 1 ? "" : "s");
    else
        printf("time left   %s of one worker; nobody is at it (run the same "
               "command again, or\n            mmusim sweep work %s)\n",
               status_duration(work_s, text, sizeof(text)), status->store.dir);
}

static void status_print_processes(const struct status *status)
{
    for (size_t i = 0; i < status->n_processes; i++) {
        const struct status_process *process = &status->processes[i];

        printf("%s %s on %s, process %ld, since %s: %zu worker%s, %zu "
               "block%s claimed\n",
               process->is_stale ? "gone       " : "running    ",
               process->owner.user, process->owner.host, process->owner.pid,
               process->owner.since, process->owner.n_workers,
               process->owner.n_workers == 1 ? "" : "s", process->n_blocks,
               process->n_blocks == 1 ? "" : "s");
    }
}

static void status_print_failed(struct status *status)
{
    const struct store_plan *plan = &status->store.plan;
    size_t n = 0;

    for (size_t i = 0; i < plan->n_points; i++) {
        char text[256];

        if (status->state.status[i] != STORE_FAILED)
            continue;
        if (n++ >= STATUS_FAILED_MAX && !status->tells_all)
            continue;
        store_plan_describe(plan, i, text, sizeof(text));
        printf("  %zu: %s: %s\n", i, text,
               store_state_reason(&status->state, i));
    }
    if (n > STATUS_FAILED_MAX && !status->tells_all)
        printf("  ... and %zu more (--failed)\n", n - STATUS_FAILED_MAX);
}

/* Slurm is asked only of a sweep that is on it and has open points. */
static void status_print_slurm(const struct status *status)
{
    const struct store_state *state = &status->state;
    char text[256] = "";

    if (state->n_done + state->n_failed < status->store.plan.n_points)
        slurm_describe(status->store.dir, text, sizeof(text));
    if (text[0])
        printf("slurm       %s\n", text);
}

static void status_print(struct status *status)
{
    const struct store_plan *plan = &status->store.plan;
    const struct store_state *state = &status->state;

    printf("%s: %zu points: %zu machine%s, %zu source%s, %zu of the grid; "
           "mmusim %s\n",
           status->store.dir, plan->n_points, plan->n_machines,
           plan->n_machines == 1 ? "" : "s", plan->n_sources,
           plan->n_sources == 1 ? "" : "s", plan->grid.n_points, plan->version);
    printf("done        %zu (%.1f %%)\n", state->n_done,
           100.0 * (double) state->n_done / (double) plan->n_points);
    printf("open        %zu\n",
           plan->n_points - state->n_done - state->n_failed);
    if (state->n_twice)
        printf("twice       %zu computed twice, with the same values\n",
               state->n_twice);
    status_print_processes(status);
    status_print_slurm(status);
    status_print_time(status);
    printf("failed      %zu%s\n", state->n_failed,
           state->n_failed ? " (mmusim sweep retry opens them again)" : "");
    status_print_failed(status);
}

/* ---- json ---- */

static void status_json_field(const char *name, const char *value,
                              const char *end)
{
    json_file_member(stdout, name, value);
    fputs(end, stdout);
}

static void status_json_processes(const struct status *status)
{
    fputs("  \"processes\": [", stdout);
    for (size_t i = 0; i < status->n_processes; i++) {
        const struct status_process *process = &status->processes[i];

        fputs(i ? ",\n    {" : "\n    {", stdout);
        status_json_field("host", process->owner.host, ", ");
        status_json_field("user", process->owner.user, ", ");
        status_json_field("since", process->owner.since, ", ");
        printf("\"pid\": %ld, \"workers\": %zu, \"blocks\": %zu, \"gone\": "
               "%s}",
               process->owner.pid, process->owner.n_workers, process->n_blocks,
               process->is_stale ? "true" : "false");
    }
    fputs("\n  ],\n", stdout);
}

static void status_json_failed(struct status *status)
{
    const char *separator = "\n    ";

    fputs("  \"failures\": [", stdout);
    for (size_t i = 0; i < status->store.plan.n_points; i++) {
        if (status->state.status[i] != STORE_FAILED)
            continue;
        printf("%s{\"point\": %zu, ", separator, i);
        status_json_field("reason", store_state_reason(&status->state, i), "}");
        separator = ",\n    ";
    }
    fputs("\n  ]\n}\n", stdout);
}

static void status_print_json(struct status *status)
{
    const struct store_plan *plan = &status->store.plan;
    const struct store_state *state = &status->state;
    double work_s = status_work_s(status);

    fputs("{\n  \"schema\": \"mmusim-sweep-status-1\",\n  ", stdout);
    status_json_field("store", status->store.dir, ",\n");
    printf("  \"points\": %zu,\n  \"done\": %zu,\n  \"failed\": %zu,\n"
           "  \"open\": %zu,\n  \"twice\": %zu,\n  \"damaged_files\": %zu,\n"
           "  \"workers\": %zu,\n",
           plan->n_points, state->n_done, state->n_failed,
           plan->n_points - state->n_done - state->n_failed, state->n_twice,
           state->n_damaged, status_workers(status));
    if (work_s < 0)
        printf("  \"work_left_s\": null,\n");
    else
        printf("  \"work_left_s\": %.3f,\n", work_s);
    status_json_processes(status);
    status_json_failed(status);
}

/* ---- the command ---- */

static int status_look(struct status *status, const char *dir)
{
    int result = sweep_store_open(&status->store, dir);

    if (result)
        return result;
    result = store_state_init(&status->state, &status->store.plan);
    if (!result)
        result = store_state_add(&status->state, dir);
    if (!result && !lease_each(dir, status_visit, status))
        result = cli_error(CLI_INPUT, "%s/leases: %s", dir, strerror(errno));
    if (!result && status->has_failed)
        result = cli_error(CLI_SYSTEM, "out of memory");
    if (!result && status->is_json)
        status_print_json(status);
    else if (!result)
        status_print(status);
    free(status->processes);
    store_state_fini(&status->state);
    sweep_store_close(&status->store);
    return result;
}

static int status_main(const struct cli_command *self, int argc, char **argv)
{
    struct status status = {.is_json = 0};
    int first;
    int result = cli_parse(self, argc, argv, status_option, &status, &first);

    if (result >= 0)
        return result;
    if (argc - first != 1)
        return cli_error(CLI_USAGE, "sweep status: which store? (one DIR)");
    return status_look(&status, argv[first]);
}

const struct cli_command cmd_sweep_status = {
    .name = "sweep status",
    .usage = "[--format text|json] [--failed] DIR",
    .summary = "how far a sweep is: done, running, failed and why, time left",
    .details = "A process that has been silent for a minute counts as gone; "
               "what it had\nclaimed is taken over by the others.\n",
    .options = status_options,
    .run = status_main,
};
