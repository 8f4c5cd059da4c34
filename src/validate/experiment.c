/* SPDX-License-Identifier: MIT */
/* Published measurements run again: see experiment.h. Everything goes through
 * the public interface, as a user's program would. */
#include "validate/experiment.h"

#include "core/diag.h"
#include "mmusim/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct experiment_entry {
    struct experiment_figure figure;
    char machine[EXPERIMENT_LABEL_BYTES];
    char settings[EXPERIMENT_TEXT_BYTES];
    char workload[EXPERIMENT_TEXT_BYTES];
};

struct mmusim_experiment {
    const struct experiment_ops *ops;
    struct experiment_entry entries[EXPERIMENT_FIGURES_MAX];
    size_t n_entries;
    char notes[EXPERIMENT_NOTES_MAX][EXPERIMENT_TEXT_BYTES];
    size_t n_notes;
};

struct experiment_run {
    const mmusim_experiment_options_t *options;
    mmusim_experiment_t *experiment;
    mmusim_diag_t *diag;
};

/* ---- what experiments are made of ---- */

/* "KEY=VALUE", of which at most length bytes count. */
static mmusim_status_t experiment_set_text(struct experiment_run *run,
                                           mmusim_config_t *config,
                                           const char *text, size_t length)
{
    char copy[EXPERIMENT_TEXT_BYTES];
    char *equals;

    if (length >= sizeof(copy))
        return mmusim__diag_set(run->diag, MMUSIM_USAGE,
                                "'%.40s...' is too long", text);
    memcpy(copy, text, length);
    copy[length] = '\0';
    equals = strchr(copy, '=');
    if (!equals)
        return mmusim__diag_set(run->diag, MMUSIM_USAGE,
                                "'%.64s' is not KEY=VALUE", copy);
    *equals = '\0';
    return mmusim_config_set(config, copy, equals + 1, run->diag);
}

static mmusim_status_t experiment_set_all(struct experiment_run *run,
                                          mmusim_config_t *config,
                                          const char *settings)
{
    mmusim_status_t status = MMUSIM_OK;

    while (!status && *settings) {
        size_t length = strcspn(settings, " ");

        status = experiment_set_text(run, config, settings, length);
        settings += length + (settings[length] == ' ');
    }
    return status;
}

mmusim_status_t mmusim__experiment_load(struct experiment_run *run,
                                        const struct experiment_case *made_by,
                                        mmusim_config_t **config)
{
    const mmusim_experiment_options_t *options = run->options;
    mmusim_status_t status = mmusim_config_load(
        made_by->machine, options->configs_folder, config, run->diag);

    if (!status)
        status = experiment_set_all(run, *config, made_by->settings);
    for (size_t i = 0; !status && i < options->n_overrides; i++)
        status = experiment_set_text(run, *config, options->overrides[i],
                                     strlen(options->overrides[i]));
    if (!status)
        return MMUSIM_OK;
    mmusim_config_destroy(*config);
    *config = NULL;
    return status;
}

mmusim_status_t mmusim__experiment_set(struct experiment_run *run,
                                       mmusim_config_t *config, const char *key,
                                       uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long) value);
    return mmusim_config_set(config, key, text, run->diag);
}

mmusim_status_t mmusim__experiment_simulate(struct experiment_run *run,
                                            const mmusim_config_t *config,
                                            const char *workload,
                                            mmusim_stats_t **stats)
{
    const mmusim_experiment_options_t *options = run->options;
    mmusim_machine_t *machine = NULL;
    mmusim_source_t *source = NULL;
    mmusim_status_t status;

    *stats = NULL;
    if (options->is_stopped && options->is_stopped(options->context))
        return mmusim__diag_set(run->diag, MMUSIM_INTERRUPTED, "interrupted");
    status = mmusim_workload_source(workload, &source, run->diag);
    if (!status)
        status = mmusim_machine_create(config, &machine, run->diag);
    if (!status)
        status = mmusim_machine_run(machine, source, run->diag);
    if (!status && mmusim_machine_stats(machine, stats))
        status = mmusim__diag_set(run->diag, MMUSIM_NOMEM, "out of memory");
    mmusim_machine_destroy(machine);
    mmusim_source_destroy(source);
    return status;
}

double mmusim__experiment_stat(const mmusim_stats_t *stats, const char *name)
{
    mmusim_stat_t stat;

    if (!mmusim_stats_find(stats, name, &stat))
        return 0;
    return stat.is_milli ? (double) stat.value / 1000 : (double) stat.value;
}

double mmusim__experiment_key(const mmusim_config_t *config, const char *key)
{
    char text[64];

    return mmusim_config_get(config, key, text, sizeof(text))
               ? 0
               : strtod(text, NULL);
}

static void experiment_copy(char *to, size_t size_bytes, const char *text)
{
    snprintf(to, size_bytes, "%s", text ? text : "");
}

void mmusim__experiment_add(struct experiment_run *run,
                            const struct experiment_figure *figure)
{
    mmusim_experiment_t *experiment = run->experiment;
    struct experiment_entry *entry;

    if (experiment->n_entries == EXPERIMENT_FIGURES_MAX)
        return;
    entry = &experiment->entries[experiment->n_entries++];
    entry->figure = *figure;
    experiment_copy(entry->machine, sizeof(entry->machine),
                    figure->made_by.machine);
    experiment_copy(entry->settings, sizeof(entry->settings),
                    figure->made_by.settings);
    experiment_copy(entry->workload, sizeof(entry->workload),
                    figure->made_by.workload);
}

void mmusim__experiment_note(struct experiment_run *run, const char *format,
                             ...)
{
    mmusim_experiment_t *experiment = run->experiment;
    va_list args;

    if (experiment->n_notes == EXPERIMENT_NOTES_MAX)
        return;
    va_start(args, format);
    vsnprintf(experiment->notes[experiment->n_notes++], EXPERIMENT_TEXT_BYTES,
              format, args);
    va_end(args);
}

mmusim_status_t mmusim__experiment_fail(struct experiment_run *run,
                                        const char *text)
{
    return mmusim__diag_set(run->diag, MMUSIM_CONFIG, "%s: %s",
                            run->experiment->ops->item.name, text);
}

/* ---- one by its name ---- */

int mmusim_experiment_each(int (*visit)(void *context,
                                        const mmusim_experiment_item_t *item),
                           void *context)
{
    int stop = 0;

    for (size_t i = 0; !stop && i < mmusim__experiment_table_size; i++)
        stop = visit(context, &mmusim__experiment_table[i]->item);
    return stop;
}

static const struct experiment_ops *experiment_find(const char *name,
                                                    mmusim_diag_t *diag)
{
    const char *names[32];
    const char *nearest;
    uint32_t n = 0;

    for (; n < mmusim__experiment_table_size && n < 32; n++) {
        names[n] = mmusim__experiment_table[n]->item.name;
        if (!strcmp(names[n], name))
            return mmusim__experiment_table[n];
    }
    nearest = mmusim_nearest(name, names, n);
    mmusim__diag_set(diag, MMUSIM_USAGE,
                     "'%.64s' is no published measurement that is known%s%s%s",
                     name, nearest ? " (nearest: " : "", nearest ? nearest : "",
                     nearest ? ")" : "");
    return NULL;
}

mmusim_status_t
mmusim_experiment_run(const char *name,
                      const mmusim_experiment_options_t *options,
                      mmusim_experiment_t **experiment, mmusim_diag_t *diag)
{
    struct experiment_run run = {.options = options, .diag = diag};
    const struct experiment_ops *ops = experiment_find(name, diag);
    mmusim_status_t status;

    *experiment = NULL;
    if (!ops)
        return MMUSIM_USAGE;
    run.experiment = calloc(1, sizeof(*run.experiment));
    if (!run.experiment)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    run.experiment->ops = ops;
    status = ops->run(&run);
    if (status)
        mmusim_experiment_destroy(run.experiment);
    else
        *experiment = run.experiment;
    return status;
}

void mmusim_experiment_destroy(mmusim_experiment_t *experiment)
{
    free(experiment);
}

/* ---- results ---- */

void mmusim_experiment_describe(const mmusim_experiment_t *experiment,
                                mmusim_experiment_item_t *item)
{
    *item = experiment->ops->item;
}

static uint64_t experiment_milli(double value)
{
    return value > 0 ? (uint64_t) (value * 1000 + 0.5) : 0;
}

bool mmusim_experiment_figure_at(const mmusim_experiment_t *experiment,
                                 size_t index, mmusim_figure_t *figure)
{
    const struct experiment_entry *entry;

    if (index >= experiment->n_entries)
        return false;
    entry = &experiment->entries[index];
    *figure = (mmusim_figure_t){
        .label = entry->figure.label,
        .unit = entry->figure.unit,
        .measured_milli = experiment_milli(entry->figure.measured),
        .simulated_milli = experiment_milli(entry->figure.simulated),
        .kind = entry->figure.kind,
        .limit_permille = entry->figure.limit_permille,
        .machine = entry->machine,
        .settings = entry->settings,
        .workload = entry->workload,
    };
    return true;
}

const char *mmusim_experiment_note_at(const mmusim_experiment_t *experiment,
                                      size_t index)
{
    return index < experiment->n_notes ? experiment->notes[index] : NULL;
}

static double experiment_error(const struct experiment_figure *figure)
{
    double error = figure->simulated / figure->measured - 1;

    return error < 0 ? -error : error;
}

static int experiment_compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

uint64_t
mmusim_experiment_median_permille(const mmusim_experiment_t *experiment)
{
    double errors[EXPERIMENT_FIGURES_MAX];
    size_t n = 0;

    for (size_t i = 0; i < experiment->n_entries; i++)
        if (experiment->entries[i].figure.kind == MMUSIM_FIGURE_PREDICTED)
            errors[n++] = experiment_error(&experiment->entries[i].figure);
    if (!n)
        return 0;
    qsort(errors, n, sizeof(errors[0]), experiment_compare);
    return (uint64_t) ((errors[(n - 1) / 2] + errors[n / 2]) * 500 + 0.5);
}

uint64_t mmusim_experiment_median_limit(const mmusim_experiment_t *experiment)
{
    return experiment->ops->median_limit_permille;
}

bool mmusim_experiment_agrees(const mmusim_experiment_t *experiment)
{
    uint64_t limit = mmusim_experiment_median_limit(experiment);

    for (size_t i = 0; i < experiment->n_entries; i++) {
        const struct experiment_figure *figure = &experiment->entries[i].figure;

        if (figure->kind == MMUSIM_FIGURE_PREDICTED && figure->limit_permille &&
            experiment_error(figure) * 1000 > figure->limit_permille)
            return false;
    }
    return !limit || mmusim_experiment_median_permille(experiment) <= limit;
}
