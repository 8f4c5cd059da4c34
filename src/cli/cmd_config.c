/* SPDX-License-Identifier: MIT */
/* mmusim config list|show|check|keys|protocols. */
#include "cli/config_yaml.h"
#include "cli/run_setup.h"

#include <stdio.h>
#include <string.h>

struct config_view {
    struct run_setup setup;
    int is_yaml;
};

static void config_print_name(void *context, const char *name,
                              const char *summary)
{
    (void) context;
    printf("%-18s %s\n", name, summary);
}

static int config_print_key(void *context, const mmusim_config_item_t *item)
{
    (void) context;
    printf("%-32s %-13s %-18s %-22s default %-12s %s\n", item->key, item->type,
           item->unit, item->range, item->dflt, item->help);
    return 0;
}

static int config_print_item(void *context, const mmusim_config_item_t *item)
{
    int is_number =
        strcmp(item->type, "text") != 0 && strcmp(item->type, "word") != 0;

    (void) context;
    printf("%-32s %-14s %-18s %s", item->key, item->value, item->unit,
           !item->source[0] && is_number ? "no source given" : item->source);
    if (item->line)
        printf(" (%s:%u)", item->file, (unsigned) item->line);
    else if (!item->file[0])
        printf(" (default)");
    printf("\n");
    return 0;
}

static int config_on_option(void *context, const struct cli_option *option,
                            const char *value)
{
    struct config_view *view = context;

    if (!strcmp(option->name, "yaml"))
        view->is_yaml = 1;
    else
        return run_setup_option(&view->setup, option, value);
    return 0;
}

static int config_list_run(const struct cli_command *self, int argc,
                           char **argv)
{
    mmusim_diag_t diag = {0};
    int first;
    int exit_status = cli_parse(self, argc, argv, NULL, NULL, &first);

    if (exit_status >= 0)
        return exit_status;
    if (first < argc)
        return cli_error(CLI_USAGE, "config list takes no operand");
    if (mmusim_config_list(cli_data_dir("configs"), config_print_name, NULL,
                           &diag))
        return cli_diag(&diag);
    return CLI_OK;
}

static int config_protocols_run(const struct cli_command *self, int argc,
                                char **argv)
{
    mmusim_protocol_t protocol;
    int first;
    int exit_status = cli_parse(self, argc, argv, NULL, NULL, &first);

    if (exit_status >= 0)
        return exit_status;
    if (first < argc)
        return cli_error(CLI_USAGE, "config protocols takes no operand");
    for (size_t i = 0; mmusim_protocol_at(i, &protocol); i++)
        printf("%-23s %-36s %-52s %s\n", protocol.name, protocol.isas,
               protocol.bugs[0] ? protocol.bugs : "-", protocol.help);
    return CLI_OK;
}

/* The machine is an operand or -m. */
static int config_operand(const struct cli_command *self,
                          struct config_view *view, int argc, char **argv,
                          int first)
{
    if (first + (view->setup.machine ? 0 : 1) < argc)
        return cli_error(CLI_USAGE, "%s: one machine at a time", self->name);
    if (first < argc)
        view->setup.machine = argv[first];
    return CLI_OK;
}

static void config_print(const struct cli_command *self,
                         const struct config_view *view,
                         const mmusim_config_t *config)
{
    if (!strcmp(self->name, "config keys"))
        mmusim_config_each(config, config_print_key, NULL);
    else if (!strcmp(self->name, "config check"))
        return;
    else if (!view->is_yaml)
        mmusim_config_each(config, config_print_item, NULL);
    else
        config_write_yaml(config, CONFIG_YAML_SOURCES, stdout);
}

static int config_run_view(const struct cli_command *self,
                           struct config_view *view, int argc, char **argv)
{
    mmusim_config_t *config;
    int first;
    int status = cli_parse(self, argc, argv, config_on_option, view, &first);

    if (status >= 0)
        return status;
    status = config_operand(self, view, argc, argv, first);
    if (!status && !strcmp(self->name, "config check") && !view->setup.machine)
        status =
            cli_error(CLI_USAGE, "config check: which machine? (a name from "
                                 "mmusim config list, or a YAML file)");
    if (!status)
        status = run_load_config(&view->setup, &config);
    if (status)
        return status;
    config_print(self, view, config);
    mmusim_config_destroy(config);
    return CLI_OK;
}

static int config_show_run(const struct cli_command *self, int argc,
                           char **argv)
{
    struct config_view view = {.is_yaml = 0};
    int status;

    run_setup_init(&view.setup);
    view.setup.machine = NULL;
    status = config_run_view(self, &view, argc, argv);
    run_setup_fini(&view.setup);
    return status;
}

#define CONFIG_MACHINE_OPTIONS                                                 \
    {"machine", 'm', "MACHINE", "the same as the operand"},                    \
    {                                                                          \
        "set", 's', "KEY=VALUE", "set a key of the machine; may be repeated"   \
    }

static const struct cli_option config_no_options[] = {{NULL, 0, NULL, NULL}};
static const struct cli_option config_machine_options[] = {
    CONFIG_MACHINE_OPTIONS,
    {NULL, 0, NULL, NULL},
};
static const struct cli_option config_show_options[] = {
    CONFIG_MACHINE_OPTIONS,
    {"yaml", 0, NULL, "as a file that loads back to the same"},
    {NULL, 0, NULL, NULL},
};
static const struct cli_command config_list = {
    "config list",  "", "the machines there are", "", config_no_options,
    config_list_run};
static const struct cli_command config_show = {
    "config show",
    "[--yaml] [-s KEY=VALUE]... [MACHINE]",
    "every key: value, unit, where the number comes from",
    "MACHINE is a name from `mmusim config list` or a YAML file; without it, "
    "the\ndefaults are shown.\n",
    config_show_options,
    config_show_run};
static const struct cli_command config_check = {
    "config check",
    "[-s KEY=VALUE]... MACHINE",
    "load a machine and apply every rule",
    "Says nothing if all is well.\n",
    config_machine_options,
    config_show_run};
static const struct cli_command config_keys = {
    "config keys",
    "[-s KEY=VALUE]... [MACHINE]",
    "every key: type, unit, range, default, meaning",
    "A key that ends in _cycles may be given as ..._ns, in nanoseconds. Arrays "
    "are\nlisted as far as MACHINE (or the default machine) has them.\n",
    config_machine_options,
    config_show_run};
static const struct cli_command config_protocols = {
    "config protocols",
    "",
    "kernels: where they run, which bugs they have",
    "Values of os.protocol. The bugs are those of docs/protocols/README.md "
    "that "
    "this\nversion of the kernel contains; NAME-fixed is the same without "
    "them.\n",
    config_no_options,
    config_protocols_run};
static const struct cli_command *const config_subs[] = {
    &config_list, &config_show, &config_check, &config_keys, &config_protocols};

static int config_run(const struct cli_command *self, int argc, char **argv)
{
    return cli_run_sub(self, config_subs, 5, argc, argv);
}

const struct cli_command cmd_config = {
    "config",
    "list|show|check|keys|protocols ...",
    "machines and their keys",
    "",
    config_no_options,
    config_run,
};
