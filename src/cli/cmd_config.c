/* SPDX-License-Identifier: MIT */
/* mmusim config list|show|check|keys. */
#include "cli/cli.h"

#include "mmusim/config.h"

#include <stdio.h>
#include <string.h>

struct config_view {
    int is_yaml;
    char level[32]; /* of the array being printed, "tlb.l1d" */
    char index;
    int has_level[3];
};

static const char *const config_levels[] = {"tlb.l1i", "tlb.l1d", "tlb.l2"};

static void config_print_name(void *context, const char *name,
                              const char *summary)
{
    (void) context;
    printf("%-18s %s\n", name, summary);
}

static int config_print_key(void *context, const mmusim_config_item_t *item)
{
    (void) context;
    printf("%-32s %-8s %-12s %-22s default %-12s %s\n", item->key, item->type,
           item->unit, item->range, item->dflt, item->help);
    return 0;
}

static int config_print_yaml(struct config_view *view,
                             const mmusim_config_item_t *item)
{
    const char *key = item->key;
    const char *head = "";

    for (int i = 0; i < 3; i++) {
        size_t length = strlen(config_levels[i]);

        if (strncmp(key, config_levels[i], length) != 0 || key[length] != '.')
            continue;
        if (!view->has_level[i])
            printf("%s:\n", config_levels[i]);
        head = "    ";
        if (!view->has_level[i] || view->index != key[length + 1])
            head = "  - ";
        view->has_level[i] = 1;
        view->index = key[length + 1];
        key += length + 3;
    }
    if (item->source[0])
        printf("%s%s: %s # %s%s\n", head, key, item->value,
               strncmp(item->source, "guess", 5) ? "source: " : "",
               item->source);
    else
        printf("%s%s: %s\n", head, key, item->value);
    return 0;
}

static int config_print_item(void *context, const mmusim_config_item_t *item)
{
    struct config_view *view = context;

    if (view->is_yaml)
        return config_print_yaml(view, item);
    printf("%-32s %-14s %-12s %s", item->key, item->value, item->unit,
           item->source);
    if (item->line)
        printf(" (%s:%u)", item->file, (unsigned) item->line);
    printf("\n");
    return 0;
}

static int config_on_option(void *context, const struct cli_option *option,
                            const char *value)
{
    struct config_view *view = context;

    (void) value;
    if (!strcmp(option->name, "yaml"))
        view->is_yaml = 1;
    return 0;
}

/* Loads the machine that an operand names, or the defaults. */
static int config_open(int argc, char **argv, int first,
                       mmusim_config_t **config)
{
    mmusim_diag_t diag = {0};
    mmusim_status_t status;

    if (first + 1 < argc)
        return cli_error(CLI_USAGE, "one machine at a time");
    if (first == argc) {
        status = mmusim_config_create(config);
        return status ? cli_error(CLI_SYSTEM, "out of memory") : CLI_OK;
    }
    status =
        mmusim_config_load(argv[first], cli_data_dir("configs"), config, &diag);
    return status ? cli_diag(&diag) : CLI_OK;
}

static int config_list_run(const struct cli_command *self, int argc,
                           char **argv)
{
    struct config_view view = {0};
    mmusim_diag_t diag = {0};
    int first;
    int exit_status =
        cli_parse(self, argc, argv, config_on_option, &view, &first);

    if (exit_status >= 0)
        return exit_status;
    if (mmusim_config_list(cli_data_dir("configs"), config_print_name, NULL,
                           &diag))
        return cli_diag(&diag);
    return CLI_OK;
}

static int config_show_run(const struct cli_command *self, int argc,
                           char **argv)
{
    struct config_view view = {0};
    mmusim_config_t *config;
    int first;
    int exit_status =
        cli_parse(self, argc, argv, config_on_option, &view, &first);

    if (exit_status >= 0)
        return exit_status;
    exit_status = config_open(argc, argv, first, &config);
    if (exit_status)
        return exit_status;
    if (!strcmp(self->name, "config keys"))
        mmusim_config_each(config, config_print_key, NULL);
    else if (strcmp(self->name, "config check") != 0)
        mmusim_config_each(config, config_print_item, &view);
    for (int i = 0; view.is_yaml && i < 3; i++) {
        if (!view.has_level[i])
            printf("%s: []\n", config_levels[i]);
    }
    mmusim_config_destroy(config);
    return CLI_OK;
}

static const struct cli_option config_no_options[] = {{NULL, 0, NULL, NULL}};
static const struct cli_option config_show_options[] = {
    {"yaml", 0, NULL, "as a file that loads back to the same"},
    {NULL, 0, NULL, NULL},
};
static const struct cli_command config_list = {
    "config list",  "", "the machines there are", "", config_no_options,
    config_list_run};
static const struct cli_command config_show = {
    "config show",
    "[--yaml] [MACHINE]",
    "every key: value, unit, where the number comes from",
    "",
    config_show_options,
    config_show_run};
static const struct cli_command config_check = {
    "config check",
    "MACHINE",
    "load a machine and apply every rule",
    "",
    config_no_options,
    config_show_run};
static const struct cli_command config_keys = {
    "config keys",
    "",
    "every key: type, unit, range, default, meaning",
    "",
    config_no_options,
    config_show_run};
static const struct cli_command *const config_subs[] = {
    &config_list, &config_show, &config_check, &config_keys};

static int config_run(const struct cli_command *self, int argc, char **argv)
{
    return cli_run_sub(self, config_subs, 4, argc, argv);
}

const struct cli_command cmd_config = {
    "config", "list|show|check|keys ...", "machines and their keys",
    "",       config_no_options,          config_run,
};
