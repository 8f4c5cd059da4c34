/* SPDX-License-Identifier: MIT */
/* What a plan's runs have shown, ranked: as text, as JSON. */
#ifndef MMUSIM_CLI_ADVISE_REPORT_H
#define MMUSIM_CLI_ADVISE_REPORT_H

#include "cli/advise_plan.h"

#include <stdio.h>

/* A change, or several neighbouring values of one key that come to the same. */
struct advice_row {
    const struct advice_point *best;
    const struct advice_point *first, *last; /* values of the key */
    int64_t saved_cycles;                    /* of work; negative: it costs */
};

struct advice_ranking {
    const struct advice_plan *plan;
    struct advice_row rows[ADVICE_POINTS_MAX]; /* most saved first */
    size_t n_rows;
    uint64_t noise_cycles;     /* between seeds */
    uint64_t threshold_cycles; /* less than that is no difference */
};

/* Ranks the points that are done but the base, seeds and TOGETHER. */
void advice_rank(const struct advice_plan *plan,
                 struct advice_ranking *ranking);
/* Adds the point that has the best of each key of settings and placement, if
 * there are several; false: there is none to add. */
bool advice_add_together(struct advice_plan *plan,
                         const struct advice_ranking *ranking);

enum advice_verdict { ADVICE_SAVES, ADVICE_SAME, ADVICE_COSTS };

enum advice_verdict advice_judge(const struct advice_ranking *ranking,
                                 int64_t saved);
/* 0 of nothing. */
double advice_percent(int64_t part, uint64_t whole);

struct advice_about {
    const char *machine; /* NULL: the default */
    const char *source;
    const mmusim_stats_key_t *keys; /* of the configuration, for JSON */
    size_t n_keys;
    bool is_interrupted;
};

void advice_print_text(FILE *file, const struct advice_ranking *ranking,
                       const struct advice_about *about);
void advice_print_json(FILE *file, const struct advice_ranking *ranking,
                       const struct advice_about *about);

#endif
