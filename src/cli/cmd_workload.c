/* SPDX-License-Identifier: MIT */
/* mmusim workload: the generated programs and their parameters. */
#include "cli/cli.h"
#include "mmusim/trace.h"

#include <stdio.h>
#include <string.h>

static int workload_no_option(void *context, const struct cli_option *option,
                              const char *value)
{
    (void) context;
    (void) option;
    (void) value;
    return 0;
}

static int workload_print_name(void *context,
                               const mmusim_workload_item_t *item)
{
    (void) context;
    if (!item->parameter)
        printf("%-18s %s\n", item->workload, item->help);
    return 0;
}

static int workload_list(const struct cli_command *self, int argc, char **argv)
{
    int first;
    int status = cli_parse(self, argc, argv, workload_no_option, NULL, &first);

    if (status >= 0)
        return status;
    if (first < argc)
        return cli_error(CLI_USAGE, "%s: takes no operand ('%s')", self->name,
                         argv[first]);
    mmusim_workload_each(workload_print_name, NULL);
    return CLI_OK;
}

struct workload_show {
    const char *name;
    const char *names[64];
    size_t n_names;
    int is_found;
};

static int workload_print_item(void *context,
                               const mmusim_workload_item_t *item)
{
    struct workload_show *show = context;

    if (!item->parameter &&
        show->n_names < sizeof(show->names) / sizeof(show->names[0]))
        show->names[show->n_names++] = item->workload;
    if (strcmp(item->workload, show->name) != 0)
        return 0;
    show->is_found = 1;
    if (!item->parameter)
        printf("workload:%s\n  %s\n\nParameters (workload:%s,NAME=VALUE,...)\n",
               item->workload, item->help, item->workload);
    else
        printf("  %-10s default %-6s %-24s %s\n", item->parameter, item->dflt,
               item->range, item->help);
    return 0;
}

static int workload_show(const struct cli_command *self, int argc, char **argv)
{
    struct workload_show show = {0};
    const char *nearest;
    int first;
    int status = cli_parse(self, argc, argv, workload_no_option, NULL, &first);

    if (status >= 0)
        return status;
    if (first + 1 != argc)
        return cli_error(CLI_USAGE,
                         "%s: names one workload (see mmusim "
                         "workload list)",
                         self->name);
    show.name = argv[first];
    if (mmusim_is_workload(show.name))
        show.name = strchr(show.name, ':') + 1;
    mmusim_workload_each(workload_print_item, &show);
    if (show.is_found)
        return CLI_OK;
    nearest = mmusim_nearest(show.name, show.names, show.n_names);
    return cli_error(CLI_USAGE, "there is no workload '%s' (%s%s)", show.name,
                     nearest ? "nearest: " : "see mmusim workload list",
                     nearest ? nearest : "");
}

static const struct cli_command workload_list_command = {
    .name = "workload list",
    .usage = "",
    .summary = "name every workload",
    .details = "",
    .run = workload_list,
};

static const struct cli_command workload_show_command = {
    .name = "workload show",
    .usage = "NAME",
    .summary = "print a workload's parameters, defaults and ranges",
    .details = "Example: mmusim workload show chase\n",
    .run = workload_show,
};

static int workload_main(const struct cli_command *self, int argc, char **argv)
{
    static const struct cli_command *const subs[] = {&workload_list_command,
                                                     &workload_show_command};

    return cli_run_sub(self, subs, sizeof(subs) / sizeof(subs[0]), argc, argv);
}

const struct cli_command cmd_workload = {
    .name = "workload",
    .usage = "list|show ...",
    .summary = "the generated programs that replay and sweep take",
    .details = "replay and sweep take workload:NAME,key=value,... as SOURCE.",
    .run = workload_main,
};
