/* SPDX-License-Identifier: MIT */
/*
 * Scenarios: what a few CPUs do to page tables, TLBs and each other, as text
 * (docs/scenarios.md): one order of it is executed, or others are searched,
 * and each is judged by the checker: is a translation used that an operating
 * system had declared gone?
 */
#ifndef MMUSIM_SCENARIO_H
#define MMUSIM_SCENARIO_H

#include "mmusim/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmusim_scenario mmusim_scenario_t;

typedef struct mmusim_scenario_options {
    uint64_t schedules; /* how much to search; 0: 10000 */
    uint64_t seed;      /* of the drawn orders */
    /* Asked now and then, from the caller's thread; may be NULL. Not 0: stop,
     * with MMUSIM_INTERRUPTED. */
    int (*stop)(void *context);
    void *stop_context;
} mmusim_scenario_options_t;

/* What the last run or search gave. */
typedef struct mmusim_scenario_summary {
    const char *verdict;    /* "clean", "UAF_PAGE", ...; static */
    char expected[160];     /* "UAF_PAGE"; several joined by " or " */
    int is_expected;        /* the verdict is one of these */
    int is_confirmed;       /* two checkers came to the same verdict */
    int is_replay;          /* the file has a schedule of its own */
    int is_all;             /* of a search: every order was looked at */
    uint64_t states;        /* of a search: different states */
    uint64_t moves;         /* of a search: done in all */
    uint64_t drawn;         /* of a search: orders drawn at random */
    uint32_t steps;         /* of the order shown, without its setup */
    uint32_t switches;      /* of it: from one CPU to another */
    uint32_t allowed_stale; /* old entries used while that was allowed */
} mmusim_scenario_summary_t;

/*
 * Reads a scenario. library: the folder of files that it may include, besides
 * its own; may be NULL. On success *scenario is the caller's to close.
 * MMUSIM_UNREADABLE: the file; MMUSIM_DAMAGED: it is no scenario, diag says
 * where and what is expected.
 */
MMUSIM_API mmusim_status_t mmusim_scenario_open(const char *path,
                                                const char *library,
                                                mmusim_scenario_t **scenario,
                                                mmusim_diag_t *diag);
/* The same of text in memory; file is for messages. */
MMUSIM_API mmusim_status_t mmusim_scenario_open_text(
    const char *file, const char *text, size_t size_bytes, const char *library,
    mmusim_scenario_t **scenario, mmusim_diag_t *diag);
/* NULL is legal. */
MMUSIM_API void mmusim_scenario_close(mmusim_scenario_t *scenario);

/* Executes the written order, or the schedule of a replay file.
 * MMUSIM_DAMAGED: the scenario does what cannot be done, diag says where. */
MMUSIM_API mmusim_status_t mmusim_scenario_run(mmusim_scenario_t *scenario,
                                               mmusim_diag_t *diag);
/* Searches orders, all of them if they are few, until one fails. options may
 * be NULL. */
MMUSIM_API mmusim_status_t mmusim_scenario_explore(
    mmusim_scenario_t *scenario, const mmusim_scenario_options_t *options,
    mmusim_diag_t *diag);
/* Fills summary with what the last run or search gave. */
MMUSIM_API void mmusim_scenario_summarize(const mmusim_scenario_t *scenario,
                                          mmusim_scenario_summary_t *summary);
/* The last order, run or found to fail, as a table: time downwards, a column
 * a CPU; then why. It lives until the next run. "" if there is none. */
MMUSIM_API const char *mmusim_scenario_table(const mmusim_scenario_t *scenario);
/* A scenario file whose run is the last order; as the table. */
MMUSIM_API const char *
mmusim_scenario_replay(const mmusim_scenario_t *scenario);

#ifdef __cplusplus
}
#endif
#endif
