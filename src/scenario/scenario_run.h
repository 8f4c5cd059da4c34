/* SPDX-License-Identifier: MIT */
/*
 * Orders of a scenario: the written one, a given one, and others that are
 * searched for. The setup lines run first and are not searched.
 */
#ifndef MMUSIM_SCENARIO_SCENARIO_RUN_H
#define MMUSIM_SCENARIO_SCENARIO_RUN_H

#include "scenario/scenario_world.h"

/* One move of a run, for people. */
struct scenario_row {
    struct scenario_move move;
    bool is_setup;
    int32_t proc;  /* in which the step lies; < 0: none */
    uint32_t line; /* of the flat text; 0: none */
    char note[160];
};

struct scenario_history {
    struct scenario_row *rows;
    uint32_t n_rows, capacity;
    bool is_short; /* memory was short: rows are missing */
};

void mmusim__scenario_history_fini(struct scenario_history *history);

/* Does a move, and notes it in the history (which may be NULL). */
bool mmusim__scenario_record(struct scenario_run *run,
                             struct scenario_history *history,
                             const struct scenario_move *move);

/* The setup lines; all CPUs then stand in front of their first step. */
void mmusim__scenario_setup(struct scenario_run *run,
                            struct scenario_history *history);
/* The written order, from reset to the end or the first violation. */
void mmusim__scenario_run_written(struct scenario_run *run,
                                  struct scenario_history *history);
/* Setup, then these moves. false: one of them, *at, cannot happen. */
bool mmusim__scenario_run_moves(struct scenario_run *run,
                                struct scenario_history *history,
                                const struct scenario_move *moves,
                                uint32_t n_moves, uint32_t *at);

struct scenario_plan {
    uint64_t schedules, seed;
    int (*stop)(void *context);
    void *stop_context;
};

struct scenario_found {
    enum scenario_verdict verdict;
    struct scenario_move *moves; /* the caller's to free */
    uint32_t n_moves;
    bool is_all;       /* every order was looked at */
    uint64_t n_states; /* different ones */
    uint64_t n_moves_done;
    uint64_t n_runs;     /* random ones, to their ends */
    uint32_t n_switches; /* of the failing order */
    bool has_error;      /* the scenario is wrong: run has the text */
};

mmusim_status_t mmusim__scenario_explore(struct scenario_run *run,
                                         const struct scenario_plan *plan,
                                         struct scenario_found *found);

#endif
