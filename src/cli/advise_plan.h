/* SPDX-License-Identifier: MIT */
/*
 * What `mmusim advise` tries: the configuration as it is, then that with a few
 * keys changed, one change after the other. What cannot be tried is kept with
 * the reason.
 */
#ifndef MMUSIM_CLI_ADVISE_PLAN_H
#define MMUSIM_CLI_ADVISE_PLAN_H

#include "mmusim/mmusim.h"

enum advice_group {
    ADVICE_BASE,      /* as it is; the first point */
    ADVICE_SEED,      /* the same with another seed: how much is noise */
    ADVICE_SETTING,   /* what a running kernel can be told */
    ADVICE_PLACEMENT, /* where the threads run */
    ADVICE_KERNEL,    /* another kernel version */
    ADVICE_HARDWARE,  /* another machine */
    ADVICE_BOUND,     /* what nobody can have: how much there is to gain */
    ADVICE_TOGETHER,  /* the best of settings and placement at once */
    ADVICE_GROUPS
};

/* Names of the groups that --only takes; ended by NULL. */
extern const char *const advice_group_words[];
/* The word of a group in JSON. */
const char *advice_group_word(enum advice_group group);

enum {
    ADVICE_CHANGES = 8,
    ADVICE_KEY_BYTES = 48,
    ADVICE_VALUE_BYTES = 48,
    ADVICE_REASON_BYTES = 512,
    ADVICE_BUCKETS = 16,
    ADVICE_POINTS_MAX = 192,
    ADVICE_SKIPPED_MAX = 64,
};

struct advice_change {
    char key[ADVICE_KEY_BYTES];
    char value[ADVICE_VALUE_BYTES];
};

struct advice_point {
    enum advice_group group;
    struct advice_change changes[ADVICE_CHANGES];
    size_t n_changes;
    const char *note; /* of the protocol: the bugs it has; else "" */
    /* After the run. */
    bool is_done;
    mmusim_status_t status; /* not 0: it failed, for this reason */
    char reason[ADVICE_REASON_BYTES];
    uint64_t n_violations; /* with --check */
    uint64_t work_cycles;  /* all buckets but idle and order */
    uint64_t sim_cycles;
    uint64_t buckets[ADVICE_BUCKETS]; /* by report_buckets */
};

struct advice_skipped {
    struct advice_change change;
    char reason[ADVICE_REASON_BYTES];
};

struct advice_plan {
    const mmusim_config_t *config;
    struct advice_point points[ADVICE_POINTS_MAX];
    size_t n_points;
    struct advice_skipped skipped[ADVICE_SKIPPED_MAX];
    size_t n_skipped;
};

/* groups: bits, 1 << enum advice_group; what else there is, is always there.
 * The configuration is borrowed. NULL: out of memory. */
struct advice_plan *advice_plan_create(const mmusim_config_t *config,
                                       unsigned groups);
void advice_plan_destroy(struct advice_plan *plan);
/* Adds a point with the changes of others; NULL: there is no room. */
struct advice_point *advice_plan_add(struct advice_plan *plan,
                                     enum advice_group group);
/* Adds a change to a point; false: there is no room. */
bool advice_point_change(struct advice_point *point, const char *key,
                         const char *value);
/* The configuration of a point: the caller's to destroy. */
mmusim_status_t advice_configure(const struct advice_plan *plan,
                                 const struct advice_point *point,
                                 mmusim_config_t **config, mmusim_diag_t *diag);
/* "KEY=VALUE KEY=VALUE" into buffer. */
const char *advice_describe(const struct advice_point *point, char *buffer,
                            size_t size_bytes);

#endif
