/* SPDX-License-Identifier: MIT */
/* mmusim scenario: interleavings as text, executed or searched for. */
#include "cli/cli.h"
#include "mmusim/scenario.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct scenario_options {
    mmusim_scenario_options_t search;
    const char *library;
    const char *output;
    int is_quiet;
    int is_explored;
};

static int scenario_on_option(void *context, const struct cli_option *option,
                              const char *value)
{
    struct scenario_options *options = context;

    if (!strcmp(option->name, "schedules"))
        return cli_number("--schedules", value, 1, 100000000, 1,
                          &options->search.schedules);
    if (!strcmp(option->name, "seed"))
        return cli_number("--seed", value, 0, UINT64_MAX, 0,
                          &options->search.seed);
    if (!strcmp(option->name, "library"))
        options->library = value;
    else if (!strcmp(option->name, "output"))
        options->output = value;
    else if (!strcmp(option->name, "quiet"))
        options->is_quiet = 1;
    return 0;
}

static int scenario_is_stopped(void *context)
{
    (void) context;
    return cli_is_interrupted();
}

/* ---- the failing order as a file ---- */

/* NAME.failing.scn in the current folder. */
static void scenario_failing_name(const char *path, char *name)
{
    const char *base = strrchr(path, '/');
    size_t length;

    base = base ? base + 1 : path;
    length = strlen(base);
    if (length > 4 && !strcmp(base + length - 4, ".scn"))
        length -= 4;
    snprintf(name, PATH_MAX, "%.*s.failing.scn", (int) length, base);
}

static int scenario_save(const struct scenario_options *options,
                         const char *path, const mmusim_scenario_t *scenario)
{
    char name[PATH_MAX];
    struct cli_output *output;
    int status;

    scenario_failing_name(path, name);
    if (options->output)
        snprintf(name, sizeof(name), "%s", options->output);
    status = cli_output_refuse_input(name, path);
    if (status)
        return status;
    output = cli_output_open(name, &status);
    if (!output)
        return status;
    fputs(mmusim_scenario_replay(scenario), cli_output_stream(output));
    status = cli_output_close(output);
    if (!status)
        printf("replay it: mmusim scenario run %s\n", name);
    return status;
}

/* ---- one file ---- */

static void scenario_print_search(const mmusim_scenario_summary_t *summary)
{
    if (summary->is_all)
        printf("all orders: %llu states", (unsigned long long) summary->states);
    else if (summary->drawn)
        printf("not all orders: %llu states, %llu orders drawn",
               (unsigned long long) summary->states,
               (unsigned long long) summary->drawn);
    else
        printf("after %llu moves", (unsigned long long) summary->moves);
}

static void scenario_print(const struct scenario_options *options,
                           const char *path, const mmusim_scenario_t *scenario,
                           const mmusim_scenario_summary_t *summary)
{
    int has_failed = strcmp(summary->verdict, "clean") != 0;

    if (!options->is_quiet && (has_failed || !options->is_explored))
        fputs(mmusim_scenario_table(scenario), stdout);
    printf("%s: %s", path, summary->verdict);
    if (options->is_explored) {
        fputs(" (", stdout);
        scenario_print_search(summary);
        if (has_failed)
            printf("; an order of %u steps, %u switches", summary->steps,
                   summary->switches);
        fputs(")", stdout);
    }
    if (!summary->is_confirmed)
        fputs(", NOT CONFIRMED by the second checker", stdout);
    if (summary->is_expected)
        puts(", as expected");
    else
        printf(", EXPECTED %s\n", summary->expected);
}

static int scenario_one(const struct scenario_options *options,
                        const char *path)
{
    mmusim_scenario_t *scenario;
    mmusim_scenario_summary_t summary;
    mmusim_diag_t diag;
    mmusim_status_t status = mmusim_scenario_open(
        path,
        options->library ? options->library : cli_data_dir("scenarios/lib"),
        &scenario, &diag);
    int result = CLI_OK;

    if (status)
        return cli_diag(&diag);
    status = options->is_explored
                 ? mmusim_scenario_explore(scenario, &options->search, &diag)
                 : mmusim_scenario_run(scenario, &diag);
    if (status) {
        mmusim_scenario_close(scenario);
        return status == MMUSIM_INTERRUPTED ? CLI_INTERRUPTED : cli_diag(&diag);
    }
    mmusim_scenario_summarize(scenario, &summary);
    scenario_print(options, path, scenario, &summary);
    if (options->is_explored && strcmp(summary.verdict, "clean") != 0 &&
        (!options->is_quiet || options->output))
        result = scenario_save(options, path, scenario);
    if (!result && (!summary.is_expected || !summary.is_confirmed))
        result = CLI_FOUND;
    mmusim_scenario_close(scenario);
    return result;
}

/* The gravest status of all files; stops where going on is of no use. */
static int scenario_files(const struct cli_command *self, int argc, char **argv,
                          int is_explored)
{
    struct scenario_options options = {.is_explored = is_explored};
    int first;
    int worst = CLI_OK;
    int status =
        cli_parse(self, argc, argv, scenario_on_option, &options, &first);

    if (status >= 0)
        return status;
    if (first == argc)
        return cli_error(CLI_USAGE, "%s: which scenario? (FILE...)",
                         self->name);
    if (options.output && argc - first > 1)
        return cli_error(CLI_USAGE, "%s: -o goes with one FILE", self->name);
    options.search.stop = scenario_is_stopped;
    cli_catch_interrupts();
    for (int i = first; i < argc; i++) {
        status = scenario_one(&options, argv[i]);
        if (status == CLI_SYSTEM || status == CLI_INTERRUPTED)
            return status;
        if (status > worst)
            worst = status;
    }
    return worst;
}

static int scenario_run(const struct cli_command *self, int argc, char **argv)
{
    return scenario_files(self, argc, argv, 0);
}

static int scenario_explore(const struct cli_command *self, int argc,
                            char **argv)
{
    return scenario_files(self, argc, argv, 1);
}

static const struct cli_option run_options[] = {
    {"library", 'L', "DIR", "where included files are (default: shipped ones)"},
    {"quiet", 'q', NULL, "one line a file, no tables"},
    {NULL, 0, NULL, NULL},
};

static const struct cli_option explore_options[] = {
    {"schedules", 0, "N",
     "how much to search when the orders are not few: 60 N\n"
     "states, then N orders drawn (default 10000)"},
    {"seed", 0, "S", "of the drawn orders (default 0)"},
    {"output", 'o', "FILE",
     "the failing order goes there (default NAME.failing.scn\n"
     "in the current folder; with -q none)"},
    {"library", 'L', "DIR", "where included files are (default: shipped ones)"},
    {"quiet", 'q', NULL, "one line a file, no tables"},
    {NULL, 0, NULL, NULL},
};

static const struct cli_command sub_run = {
    .name = "scenario run",
    .usage = "FILE... [-L DIR] [-q]",
    .summary = "execute the written order, or a file's schedule",
    .details = "Prints what each CPU does as a table, time downwards, and the\n"
               "checker's verdict. Exit status 1: a file's '# expect:' line\n"
               "is not met.\n",
    .options = run_options,
    .run = scenario_run,
};

static const struct cli_command sub_explore = {
    .name = "scenario explore",
    .usage = "FILE... [--schedules N] [--seed S] [-o FILE]",
    .summary = "search other orders for one that fails",
    .details =
        "Looks at the orders in which the CPUs' steps, their stores and what\n"
        "hardware does by itself can happen: all of them if they are few\n"
        "(then it says so), else those with few switches between CPUs and\n"
        "some that are drawn. The failing order with the fewest switches is\n"
        "printed, and written to a file that `mmusim scenario run` replays.\n",
    .options = explore_options,
    .run = scenario_explore,
};

static int scenario_main(const struct cli_command *self, int argc, char **argv)
{
    static const struct cli_command *const subs[] = {&sub_run, &sub_explore};

    return cli_run_sub(self, subs, sizeof(subs) / sizeof(subs[0]), argc, argv);
}

const struct cli_command cmd_scenario = {
    .name = "scenario",
    .usage = "run|explore FILE...",
    .summary = "run interleavings written as text, or search for failing ones",
    .details =
        "A scenario says what 2 to 4 CPUs do: page-table writes, steps of\n"
        "Linux's flush protocols, interrupts, accesses (docs/scenarios.md).\n"
        "\n"
        "  mmusim scenario run scenarios/corpus/B01-buggy.scn\n"
        "  mmusim scenario explore scenarios/explore/*.scn\n",
    .run = scenario_main,
};
