/* SPDX-License-Identifier: MIT */
/* Machine, overrides and source of a replay or a sweep. */
#include "cli/run_setup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void run_setup_init(struct run_setup *setup)
{
    memset(setup, 0, sizeof(*setup));
    setup->machine = "zen4";
}

void run_setup_fini(struct run_setup *setup)
{
    free(setup->overrides);
    setup->overrides = NULL;
}

static int run_add_override(struct run_setup *setup, const char *text)
{
    const char *value;
    char *key;
    int status = cli_key_value("-s", text, &key, &value);
    const char **grown;

    if (status)
        return status;
    free(key);
    grown =
        realloc(setup->overrides, (setup->n_overrides + 1) * sizeof(*grown));
    if (!grown)
        return cli_error(CLI_SYSTEM, "out of memory");
    setup->overrides = grown;
    setup->overrides[setup->n_overrides++] = text;
    return 0;
}

int run_setup_option(struct run_setup *setup, const struct cli_option *option,
                     const char *value)
{
    if (!strcmp(option->name, "machine"))
        setup->machine = value;
    else if (!strcmp(option->name, "set"))
        return run_add_override(setup, value);
    else if (!strcmp(option->name, "seed"))
        setup->seed = value;
    else if (!strcmp(option->name, "from"))
        setup->trace_options.format = value;
    else if (!strcmp(option->name, "check"))
        setup->checks = 1;
    else if (!strcmp(option->name, "salvage"))
        setup->trace_options.salvages = true;
    else
        return -1;
    return 0;
}

int run_setup_operands(struct run_setup *setup, const char *command, int argc,
                       char **argv, int first)
{
    if (first >= argc)
        return cli_error(CLI_USAGE,
                         "%s: which source? (a trace, '-', or "
                         "workload:NAME; see mmusim %s --help)",
                         command, command);
    if (first + 1 < argc)
        return cli_error(CLI_USAGE, "%s: one source only, but there is '%s'",
                         command, argv[first + 1]);
    setup->source = argv[first];
    return 0;
}

int run_set_key(mmusim_config_t *config, const char *key, const char *value)
{
    mmusim_diag_t diag = {0};

    return mmusim_config_set(config, key, value, &diag) ? cli_diag(&diag) : 0;
}

static int run_apply_overrides(const struct run_setup *setup,
                               mmusim_config_t *config)
{
    for (size_t i = 0; i < setup->n_overrides; i++) {
        const char *value;
        char *key;
        int status = cli_key_value("-s", setup->overrides[i], &key, &value);

        if (!status) {
            status = run_set_key(config, key, value);
            free(key);
        }
        if (status)
            return status;
    }
    return setup->seed ? run_set_key(config, "seed", setup->seed) : 0;
}

int run_load_config(const struct run_setup *setup, mmusim_config_t **config)
{
    mmusim_diag_t diag = {0};
    int status;

    if (!setup->machine && mmusim_config_create(config))
        return cli_error(CLI_SYSTEM, "out of memory");
    if (setup->machine &&
        mmusim_config_load(setup->machine, cli_data_dir("configs"), config,
                           &diag))
        return cli_diag(&diag);
    status = run_apply_overrides(setup, *config);
    if (!status && setup->checks)
        status = run_set_key(*config, "checker.enabled", "true");
    if (!status && mmusim_config_check(*config, &diag))
        status = cli_diag(&diag);
    if (status) {
        mmusim_config_destroy(*config);
        *config = NULL;
    }
    return status;
}

/* traces/NAME names a shipped trace also where there is no such folder. */
static const char *run_find_trace(const char *path, char *buffer)
{
    static const char folder[] = "traces/";
    int length;

    if (strncmp(path, folder, sizeof(folder) - 1) || !access(path, F_OK))
        return path;
    length = snprintf(buffer, PATH_MAX, "%s/%s", cli_data_dir("traces"),
                      path + sizeof(folder) - 1);
    if (length < 0 || length >= PATH_MAX || access(buffer, F_OK))
        return path;
    return buffer;
}

char *run_find_source(const char *name)
{
    char buffer[PATH_MAX];

    return realpath(run_find_trace(name, buffer), NULL);
}

/* Interrupts are not caught yet: they end the program. */
static int run_show_import(void *context, uint64_t done_bytes,
                           uint64_t all_bytes)
{
    cli_progress_update(context, done_bytes, all_bytes, 0);
    return 0;
}

static int run_open_trace(const struct run_setup *setup, const char *path,
                          mmusim_trace_t **trace)
{
    mmusim_trace_options_t options = setup->trace_options;
    struct cli_progress *progress =
        cli_progress_begin("reading", setup->is_quiet);
    mmusim_diag_t diag = {0};
    mmusim_status_t status;

    options.watch = run_show_import;
    options.watch_context = progress;
    status = mmusim_trace_open(path, &options, trace, &diag);
    cli_progress_end(progress);
    if (status)
        return cli_diag(&diag);
    cli_warn_incomplete(path, *trace);
    return 0;
}

int run_open_input(const struct run_setup *setup, struct run_input *input)
{
    char buffer[PATH_MAX];
    mmusim_diag_t diag = {0};
    mmusim_source_t *probe;

    memset(input, 0, sizeof(*input));
    if (!mmusim_is_workload(setup->source)) {
        return run_open_trace(setup, run_find_trace(setup->source, buffer),
                              &input->trace);
    }
    input->workload = setup->source;
    if (run_make_source(input, &probe, &diag))
        return cli_diag(&diag);
    mmusim_source_destroy(probe);
    return 0;
}

void run_close_input(struct run_input *input)
{
    mmusim_trace_close(input->trace);
    input->trace = NULL;
}

mmusim_status_t run_make_source(const struct run_input *input,
                                mmusim_source_t **source, mmusim_diag_t *diag)
{
    if (!input->workload)
        return mmusim_trace_source(input->trace, source, diag);
    return mmusim_workload_source(strchr(input->workload, ':') + 1, source,
                                  diag);
}

mmusim_status_t run_simulate(const mmusim_config_t *config,
                             const struct run_input *input,
                             mmusim_progress_fn on_progress, void *context,
                             mmusim_stats_t **stats, mmusim_diag_t *diag)
{
    mmusim_machine_t *machine = NULL;
    mmusim_source_t *source = NULL;
    mmusim_status_t status = mmusim_machine_create(config, &machine, diag);

    if (!status)
        status = run_make_source(input, &source, diag);
    if (!status) {
        mmusim_machine_on_progress(machine, on_progress, context);
        status = mmusim_machine_run(machine, source, diag);
    }
    if (!status)
        status = mmusim_machine_stats(machine, stats);
    mmusim_machine_destroy(machine);
    mmusim_source_destroy(source);
    return status;
}

static int run_keys_visit(void *context, const mmusim_config_item_t *item)
{
    struct run_keys *keys = context;
    mmusim_stats_key_t key = {strdup(item->key), strdup(item->value),
                              !strcmp(item->type, "word") ||
                                  !strcmp(item->type, "text")};

    if (keys->n == keys->max) {
        size_t max = keys->max ? 2 * keys->max : 128;
        mmusim_stats_key_t *grown = realloc(keys->keys, max * sizeof(*grown));

        keys->has_failed = !grown;
        if (grown) {
            keys->keys = grown;
            keys->max = max;
        }
    }
    if (keys->has_failed || !key.key || !key.value) {
        free((char *) (uintptr_t) key.key);
        free((char *) (uintptr_t) key.value);
        keys->has_failed = 1;
        return 1;
    }
    keys->keys[keys->n++] = key;
    return 0;
}

int run_keys_init(struct run_keys *keys, const mmusim_config_t *config)
{
    memset(keys, 0, sizeof(*keys));
    mmusim_config_each(config, run_keys_visit, keys);
    if (!keys->has_failed)
        return 0;
    run_keys_fini(keys);
    return cli_error(CLI_SYSTEM, "out of memory");
}

void run_keys_fini(struct run_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        free((char *) (uintptr_t) keys->keys[i].key);
        free((char *) (uintptr_t) keys->keys[i].value);
    }
    free(keys->keys);
    memset(keys, 0, sizeof(*keys));
}

int run_write_file(void *context, const char *text, size_t length_bytes)
{
    return fwrite(text, 1, length_bytes, context) != length_bytes;
}
