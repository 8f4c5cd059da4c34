/* SPDX-License-Identifier: MIT */
/*
 * Published measurements run again (mmusim/validate.h): what each of them, a
 * file with one struct experiment_ops and a line in experiment_table.c, is
 * made of.
 */
#ifndef MMUSIM_VALIDATE_EXPERIMENT_H
#define MMUSIM_VALIDATE_EXPERIMENT_H

#include "mmusim/stats.h"
#include "mmusim/validate.h"

enum {
    EXPERIMENT_FIGURES_MAX = 48,
    EXPERIMENT_NOTES_MAX = 8,
    EXPERIMENT_LABEL_BYTES = 48,
    EXPERIMENT_TEXT_BYTES = 200,
};

struct experiment_run;

struct experiment_ops {
    mmusim_experiment_item_t item;
    uint32_t median_limit_permille; /* 0: not judged */
    mmusim_status_t (*run)(struct experiment_run *run);
};

extern const struct experiment_ops *const mmusim__experiment_table[];
extern const size_t mmusim__experiment_table_size;

/* One simulation: what a reader would type. */
struct experiment_case {
    const char *machine;
    const char *settings; /* "KEY=VALUE KEY=VALUE", may be empty */
    const char *workload;
};

struct experiment_figure {
    char label[EXPERIMENT_LABEL_BYTES];
    const char *unit;
    double measured;
    double simulated;
    mmusim_figure_kind_t kind;
    uint32_t limit_permille;
    struct experiment_case made_by; /* copied; all NULL: by several runs */
};

/* The machine of a case with its settings and the user's. Owned by the caller.
 */
mmusim_status_t mmusim__experiment_load(struct experiment_run *run,
                                        const struct experiment_case *made_by,
                                        mmusim_config_t **config);
mmusim_status_t mmusim__experiment_set(struct experiment_run *run,
                                       mmusim_config_t *config, const char *key,
                                       uint64_t value);
/* Runs a workload; the caller destroys the statistics. */
mmusim_status_t mmusim__experiment_simulate(struct experiment_run *run,
                                            const mmusim_config_t *config,
                                            const char *workload,
                                            mmusim_stats_t **stats);
/* 0 if there is none of that name. */
double mmusim__experiment_stat(const mmusim_stats_t *stats, const char *name);
/* A key that is a whole number, or clock_ghz; 0 if it is neither. */
double mmusim__experiment_key(const mmusim_config_t *config, const char *key);

void mmusim__experiment_add(struct experiment_run *run,
                            const struct experiment_figure *figure);
void mmusim__experiment_note(struct experiment_run *run, const char *format,
                             ...) __attribute__((format(printf, 2, 3)));
mmusim_status_t mmusim__experiment_fail(struct experiment_run *run,
                                        const char *text);

#endif
