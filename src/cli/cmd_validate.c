/* SPDX-License-Identifier: MIT */
/* mmusim validate: what the simulator gives where somebody has measured. */
#include "cli/cmd_experiment.h"
#include "cli/cmd_validate_lru.h"
#include "cli/run_setup.h"
#include "cli/validate_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const validate_formats[] = {"text", "csv", "json", NULL};

struct validate {
    const char *path;
    const char *cpu; /* NULL: all */
    const char *output;
    enum validate_format format;
    int is_quiet;
    const char **overrides; /* KEY=VALUE */
    size_t n_overrides;
    mmusim_curves_t *curves;
    struct validate_run *runs;
    mmusim_config_t **configs; /* by run */
    size_t n_runs;
};

static const struct cli_option validate_options[] = {
    {"cpu", 0, "TEXT", "only CPUs with TEXT in their name or machine"},
    {"set", 's', "KEY=VALUE",
     "set a key of every machine; may be repeated (what the\n"
     "fit sets, it sets afterwards)"},
    {"format", 0, "FORMAT", "text (default), csv or json"},
    {"output", 'o', "FILE", "write the report there"},
    {"quiet", 'q', NULL, "no progress"},
    {0},
};

static int validate_option(void *context, const struct cli_option *option,
                           const char *value)
{
    struct validate *validate = context;

    if (!strcmp(option->name, "cpu")) {
        validate->cpu = value;
    } else if (!strcmp(option->name, "output")) {
        validate->output = value;
    } else if (!strcmp(option->name, "quiet")) {
        validate->is_quiet = 1;
    } else if (!strcmp(option->name, "format")) {
        int format = cli_choice("--format", value, validate_formats);

        if (format < 0)
            return CLI_USAGE;
        validate->format = (enum validate_format) format;
    } else {
        const char **grown = realloc(
            validate->overrides, (validate->n_overrides + 1) * sizeof(*grown));

        if (!grown)
            return cli_error(CLI_SYSTEM, "out of memory");
        validate->overrides = grown;
        grown[validate->n_overrides++] = value;
    }
    return 0;
}

static int validate_is_wanted(const struct validate *validate,
                              const mmusim_curve_t *curve)
{
    return !validate->cpu || strstr(curve->cpu, validate->cpu) ||
           strstr(curve->tlb_of, validate->cpu);
}

/* The machine a row names: a wrong name is the file's fault, and so is what
 * looks like a path, since a table is not to choose files. */
static int validate_load_machine(const struct validate *validate,
                                 const mmusim_curve_t *curve,
                                 mmusim_config_t **config)
{
    mmusim_diag_t diag = {0};
    mmusim_status_t status = MMUSIM_CONFIG;
    char text[sizeof(diag.file) + sizeof(diag.text)] =
        "a machine's name is expected, not a path";

    if (!strchr(curve->tlb_of, '/') && !strstr(curve->tlb_of, ".yaml"))
        status = mmusim_config_load(curve->tlb_of, cli_data_dir("configs"),
                                    config, &diag);
    if (!status)
        return 0;
    if (diag.status)
        mmusim_diag_format(&diag, text, sizeof(text));
    return cli_error(CLI_INPUT,
                     "%s:%u: tlb_of '%s': %s (mmusim config list names the "
                     "machines)",
                     validate->path, curve->line, curve->tlb_of, text);
}

static int validate_apply_overrides(const struct validate *validate,
                                    mmusim_config_t *config)
{
    for (size_t i = 0; i < validate->n_overrides; i++) {
        const char *value;
        char *key;
        int status = cli_key_value("-s", validate->overrides[i], &key, &value);

        if (!status) {
            status = run_set_key(config, key, value);
            free(key);
        }
        if (status)
            return status;
    }
    return 0;
}

/* Every machine before the first run, so that a wrong name costs no time. */
static int validate_load(struct validate *validate)
{
    mmusim_diag_t diag = {0};
    mmusim_curve_t curve;
    size_t n;
    int status;

    if (mmusim_curves_load(validate->path, &validate->curves, &diag))
        return cli_diag(&diag);
    n = mmusim_curves_count(validate->curves);
    validate->runs = calloc(n, sizeof(*validate->runs));
    validate->configs = calloc(n, sizeof(*validate->configs));
    if (!validate->runs || !validate->configs)
        return cli_error(CLI_SYSTEM, "out of memory");
    for (size_t i = 0; mmusim_curves_at(validate->curves, i, &curve); i++) {
        status = 0;
        if (validate_is_wanted(validate, &curve)) {
            validate->n_runs++;
            status =
                validate_load_machine(validate, &curve, &validate->configs[i]);
        }
        if (!status && validate->configs[i])
            status = validate_apply_overrides(validate, validate->configs[i]);
        if (status)
            return status;
    }
    if (!validate->n_runs)
        return cli_error(CLI_USAGE, "--cpu: no CPU of %s has '%s' in its name",
                         validate->path, validate->cpu);
    return 0;
}

static int validate_simulate(struct validate *validate)
{
    struct cli_progress *progress =
        cli_progress_begin("validate", validate->is_quiet);
    size_t n = mmusim_curves_count(validate->curves);
    mmusim_diag_t diag = {0};
    size_t n_done = 0;
    int status = 0;

    for (size_t i = 0; !status && i < n; i++) {
        struct validate_run *run = &validate->runs[n_done];

        if (!validate->configs[i])
            continue;
        mmusim_curves_at(validate->curves, i, &run->curve);
        if (mmusim_latency_run(validate->curves, i, validate->configs[i],
                               &run->latency, &diag))
            status = cli_diag(&diag);
        else
            n_done++;
        if (cli_is_interrupted())
            status = CLI_INTERRUPTED;
        cli_progress_update(progress, n_done, validate->n_runs, 0);
    }
    cli_progress_end(progress);
    return status;
}

static int validate_write(const struct validate *validate)
{
    int status = 0;
    struct cli_output *output = cli_output_open(validate->output, &status);

    if (!output)
        return status;
    status = validate_report(cli_output_stream(output), validate->format,
                             validate->runs, validate->n_runs);
    if (!status)
        return cli_output_close(output);
    cli_output_abandon(output);
    return status;
}

static void validate_fini(struct validate *validate)
{
    size_t n = validate->curves ? mmusim_curves_count(validate->curves) : 0;

    for (size_t i = 0; i < n; i++) {
        if (validate->runs)
            mmusim_latency_destroy(validate->runs[i].latency);
        if (validate->configs)
            mmusim_config_destroy(validate->configs[i]);
    }
    free(validate->runs);
    free(validate->configs);
    free(validate->overrides);
    mmusim_curves_destroy(validate->curves);
}

static int validate_latency(const struct cli_command *self, int argc,
                            char **argv)
{
    struct validate validate = {0};
    int first;
    int status =
        cli_parse(self, argc, argv, validate_option, &validate, &first);

    if (status < 0) {
        status = 0;
        if (first + 1 != argc)
            status = cli_error(CLI_USAGE, "%s: one file of curves is expected",
                               self->name);
        else
            validate.path = argv[first];
        if (!status)
            status = cli_output_refuse_input(validate.output, validate.path);
        cli_catch_interrupts();
        if (!status)
            status = validate_load(&validate);
        if (!status)
            status = validate_simulate(&validate);
        if (!status)
            status = validate_write(&validate);
    }
    validate_fini(&validate);
    return status;
}

static const struct cli_command validate_latency_command = {
    .name = "validate latency",
    .usage = "[--cpu TEXT] [-s KEY=VALUE]... [--format FORMAT] [-o FILE] "
             "CURVES.csv",
    .summary = "measured load latencies over the pages touched",
    .details =
        "CURVES.csv has a header and one row a point: tlb_of (the machine\n"
        "whose TLBs the CPU has), cpu, size_KiB, pages_at_4KiB_stride,\n"
        "cycles_stride_64B and cycles_stride_4K. The data caches are fitted\n"
        "to the 64-byte column, the TLBs are the machine's; one load a page\n"
        "is then simulated for every row and compared.\n"
        "\n"
        "Example: mmusim validate latency latency-curves.csv\n",
    .options = validate_options,
    .run = validate_latency,
};

static int validate_main(const struct cli_command *self, int argc, char **argv)
{
    const struct cli_command *subs[2 + EXPERIMENT_COMMANDS_MAX];
    struct experiment_commands experiments;

    experiment_commands_init(&experiments);
    subs[0] = &validate_latency_command;
    subs[1] = &cli_validate_lru;
    for (size_t i = 0; i < experiments.n; i++)
        subs[2 + i] = &experiments.commands[i];
    return cli_run_sub(self, subs, 2 + experiments.n, argc, argv);
}

const struct cli_command cmd_validate = {
    .name = "validate",
    .usage = "latency|NAME ...",
    .summary = "measured figures beside simulated ones",
    .details = "",
    .run = validate_main,
};
