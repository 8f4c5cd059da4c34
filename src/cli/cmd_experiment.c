/* SPDX-License-Identifier: MIT */
/* mmusim validate NAME: a published measurement, run again. */
#include "cli/cmd_experiment.h"

#include "cli/experiment_report.h"
#include "cli/run_setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const experiment_formats[] = {"text", "csv", "json", NULL};

static const struct cli_option experiment_options[] = {
    {"set", 's', "KEY=VALUE",
     "set a key of every machine; may be repeated (what is\n"
     "fitted is set afterwards)"},
    {"format", 0, "FORMAT", "text (default), csv or json"},
    {"output", 'o', "FILE", "write the report there"},
    {0},
};

struct experiment {
    const char *output;
    enum validate_format format;
    const char **overrides; /* KEY=VALUE */
    size_t n_overrides;
};

static int experiment_option(void *context, const struct cli_option *option,
                             const char *value)
{
    struct experiment *self = context;

    if (!strcmp(option->name, "output")) {
        self->output = value;
    } else if (!strcmp(option->name, "format")) {
        int format = cli_choice("--format", value, experiment_formats);

        if (format < 0)
            return CLI_USAGE;
        self->format = (enum validate_format) format;
    } else {
        const char **grown =
            realloc(self->overrides, (self->n_overrides + 1) * sizeof(*grown));

        if (!grown)
            return cli_error(CLI_SYSTEM, "out of memory");
        self->overrides = grown;
        grown[self->n_overrides++] = value;
        if (!strchr(value, '='))
            return cli_error(CLI_USAGE, "-s: '%s' is not KEY=VALUE", value);
    }
    return 0;
}

static bool experiment_is_stopped(void *context)
{
    (void) context;
    return cli_is_interrupted();
}

static int experiment_go(const struct experiment *self, const char *name)
{
    const mmusim_experiment_options_t options = {
        .configs_folder = cli_data_dir("configs"),
        .overrides = self->overrides,
        .n_overrides = self->n_overrides,
        .is_stopped = experiment_is_stopped,
    };
    mmusim_experiment_t *experiment;
    mmusim_diag_t diag = {0};
    struct cli_output *output;
    int status = 0;

    if (mmusim_experiment_run(name, &options, &experiment, &diag))
        return cli_diag(&diag);
    output = cli_output_open(self->output, &status);
    if (output) {
        status = experiment_report(cli_output_stream(output), self->format,
                                   experiment);
        if (status)
            cli_output_abandon(output);
        else
            status = cli_output_close(output);
    }
    mmusim_experiment_destroy(experiment);
    return status;
}

static int experiment_run(const struct cli_command *command, int argc,
                          char **argv)
{
    struct experiment self = {0};
    int first;
    int status =
        cli_parse(command, argc, argv, experiment_option, &self, &first);

    if (status < 0) {
        cli_catch_interrupts();
        status = first == argc
                     ? experiment_go(&self, strchr(command->name, ' ') + 1)
                     : cli_error(CLI_USAGE, "%s: '%s': nothing is expected",
                                 command->name, argv[first]);
    }
    free(self.overrides);
    return status;
}

static int experiment_add(void *context, const mmusim_experiment_item_t *item)
{
    struct experiment_commands *self = context;

    if (self->n == EXPERIMENT_COMMANDS_MAX)
        return 1;
    snprintf(self->names[self->n], EXPERIMENT_NAME_BYTES, "validate %s",
             item->name);
    self->commands[self->n] = (struct cli_command){
        .name = self->names[self->n],
        .usage = "[-s KEY=VALUE]... [--format FORMAT] [-o FILE]",
        .summary = item->help,
        .details = "Runs a published measurement again and prints it beside "
                   "what was printed then:\nwhat was fitted, what was "
                   "predicted, and how far off it is (docs/validation.md).\n",
        .options = experiment_options,
        .run = experiment_run,
    };
    self->n++;
    return 0;
}

void experiment_commands_init(struct experiment_commands *self)
{
    self->n = 0;
    mmusim_experiment_each(experiment_add, self);
}
