/* SPDX-License-Identifier: MIT */
/* mmusim sweep merge: the points of one or several stores as one file. */
#include "cli/cli.h"
#include "cli/report_data.h"
#include "cli/sweep_merge.h"
#include "cli/sweep_merge_draw.h"
#include "cli/sweep_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct merge_command {
    struct sweep_merge merge;
    struct merge_draw draw;
    int is_partial;
    int has_format;
};

static const char *const merge_formats[] = {"text", "csv", "json", "sqlite",
                                            NULL};

static const struct cli_option merge_options[] = {
    {"format", 0, "FORMAT", "csv (default), json, sqlite or text"},
    {"output", 'o', "FILE", "write the result there"},
    {"partial", 0, NULL, "also if points are missing, and say how many"},
    {"metric", 0, "NAME", "text and charts: the statistic to minimise"},
    {"ascii", 0, NULL, "text: plot with plain characters"},
    {"report", 0, "FILE.html",
     "write a page with charts there, for any browser"},
    {"plot", 0, "FILE",
     "draw the curve, of two keys a heat map, into FILE.svg\n"
     "or FILE.png (with gnuplot)"},
    {0},
};

static int merge_option(void *context, const struct cli_option *option,
                        const char *value)
{
    struct merge_command *command = context;
    int status = merge_draw_option(&command->draw, option->name, value);

    if (status >= 0)
        return status;
    if (!strcmp(option->name, "format")) {
        int format = cli_choice("--format", value, merge_formats);

        if (format < 0)
            return CLI_USAGE;
        command->merge.format = (enum merge_format) format;
        command->has_format = 1;
    } else if (option->letter == 'o') {
        command->merge.output = value;
    } else if (!strcmp(option->name, "metric")) {
        command->merge.metric = value;
    } else if (!strcmp(option->name, "ascii")) {
        command->merge.style = PLOT_ASCII;
    } else {
        command->is_partial = 1;
    }
    return 0;
}

/* Every store must be of the same plan. */
static int merge_add(struct store_state *state, const char *first,
                     const char *dir)
{
    struct store_plan other;
    int status = sweep_store_read_plan(dir, "plan.json", &other);

    if (status)
        return status;
    if (other.id != state->plan->id)
        status = cli_error(CLI_INPUT,
                           "%s: another sweep than %s (plan %016" PRIx64
                           ", not %016" PRIx64 ")",
                           dir, first, other.id, state->plan->id);
    store_plan_fini(&other);
    return status ? status : store_state_add(state, dir);
}

static int merge_check(const struct merge_command *command,
                       const struct store_state *state, const char *dir)
{
    size_t n = state->plan->n_points;
    size_t n_missing = n - state->n_done;

    if (state->n_twice)
        cli_error(CLI_OK,
                  "%s: %zu points were computed twice, with the same values; "
                  "each counts once",
                  dir, state->n_twice);
    if (!n_missing)
        return 0;
    if (!state->n_done || !command->is_partial)
        return cli_error(CLI_INPUT,
                         "%s: %zu of %zu points are missing, %zu of them "
                         "failed (finish the sweep, or --partial)",
                         dir, n_missing, n, state->n_failed);
    cli_error(CLI_OK, "%s: %zu of %zu points are missing, %zu of them failed",
              dir, n_missing, n, state->n_failed);
    return 0;
}

/* Who asks for charts only gets no table besides. */
static int merge_wants_rows(const struct merge_command *command)
{
    return command->has_format || command->merge.output ||
           !merge_draw_is_wanted(&command->draw);
}

static int merge_stores(struct merge_command *command, char **dirs, size_t n)
{
    struct sweep_store store;
    struct store_state state;
    int status = sweep_store_open(&store, dirs[0]);

    if (status)
        return status;
    status = store_state_init(&state, &store.plan);
    for (size_t i = 0; !status && i < n; i++)
        status = merge_add(&state, dirs[0], dirs[i]);
    if (!status)
        status = merge_check(command, &state, dirs[0]);
    if (!status) {
        command->merge.plan = &store.plan;
        command->merge.state = &state;
        status = merge_draw_write(&command->draw, &command->merge);
        if (!status && merge_wants_rows(command))
            status = sweep_merge_write(&command->merge);
    }
    store_state_fini(&state);
    sweep_store_close(&store);
    return status;
}

static int merge_main(const struct cli_command *self, int argc, char **argv)
{
    struct merge_command command = {.merge = {.format = MERGE_CSV}};
    char *text = report_quote_command(self->name, argc, argv);
    int first;
    int status;

    if (!text)
        return cli_error(CLI_SYSTEM, "out of memory");
    command.draw.command = text;
    status = cli_parse(self, argc, argv, merge_option, &command, &first);
    if (status < 0 && first >= argc)
        status = cli_error(CLI_USAGE, "sweep merge: which store? (DIR)");
    else if (status < 0)
        status = merge_stores(&command, argv + first, (size_t) (argc - first));
    merge_draw_fini(&command.draw);
    free(text);
    return status;
}

const struct cli_command cmd_sweep_merge = {
    .name = "sweep merge",
    .usage = "[--format csv|json|sqlite|text] [-o FILE] [--report FILE.html]\n"
             "       [--plot FILE] [--partial] DIR...",
    .summary = "all points of a sweep as one file, in the order of the plan",
    .details =
        "Several stores are shards of one sweep, computed on different "
        "machines with\n"
        "the same command: together they must have every point; points that "
        "two of\n"
        "them have must have the same values.\n"
        "\n"
        "CSV and JSON of one machine and one source are the same bytes as a "
        "sweep\n"
        "without a store prints. An SQLite file has the tables points, config "
        "and\n"
        "sources. Of --report and --plot, several machines and sources are "
        "keys "
        "like\n"
        "the others; without --format and -o only they are written.\n",
    .options = merge_options,
    .run = merge_main,
};
