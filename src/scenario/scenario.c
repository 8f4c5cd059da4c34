/* SPDX-License-Identifier: MIT */
/* The public face of scenarios: mmusim/scenario.h. */
#include "mmusim/scenario.h"

#include "core/diag.h"
#include "core/rng.h"
#include "scenario/scenario_reader.h"
#include "scenario/scenario_table.h"
#include "scenario/scenario_witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCENARIO_DEFAULT_SCHEDULES = 10000,
    SCENARIO_CONFIRM_RUNS = 40,
    SCENARIO_CONFIRM_MOVES = 400,
};

struct mmusim_scenario {
    struct scenario_program *program;
    struct scenario_run run;
    struct scenario_history history;
    struct scenario_found found;
    struct scenario_paper table, replay;
    struct scenario_witness witness;
    enum scenario_verdict verdict, witnessed;
    bool is_explored;
};

mmusim_status_t mmusim_scenario_open_text(const char *file, const char *text,
                                          size_t size_bytes,
                                          const char *library,
                                          mmusim_scenario_t **scenario,
                                          mmusim_diag_t *diag)
{
    mmusim_scenario_t *made = calloc(1, sizeof(*made));
    mmusim_status_t status;

    if (!made)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "%s: out of memory", file);
    status = mmusim__scenario_parse(file, text, size_bytes, library,
                                    &made->program, diag);
    if (status) {
        mmusim_scenario_close(made);
        return status;
    }
    made->run.program = made->program;
    *scenario = made;
    return MMUSIM_OK;
}

mmusim_status_t mmusim_scenario_open(const char *path, const char *library,
                                     mmusim_scenario_t **scenario,
                                     mmusim_diag_t *diag)
{
    char with_folder[1024];
    char *text;
    size_t n_bytes;
    mmusim_status_t status =
        mmusim__scenario_read_file(path, &text, &n_bytes, diag);

    if (status)
        return status;
    snprintf(with_folder, sizeof(with_folder), "%s%s",
             strchr(path, '/') ? "" : "./", path);
    status = mmusim_scenario_open_text(with_folder, text, n_bytes, library,
                                       scenario, diag);
    free(text);
    return status;
}

void mmusim_scenario_close(mmusim_scenario_t *scenario)
{
    if (!scenario)
        return;
    mmusim__scenario_program_destroy(scenario->program);
    mmusim__scenario_history_fini(&scenario->history);
    mmusim__scenario_paper_fini(&scenario->table);
    mmusim__scenario_paper_fini(&scenario->replay);
    free(scenario->found.moves);
    mmusim__scenario_witness_fini(&scenario->witness);
    free(scenario);
}

/* ---- what a run leaves ---- */

static void scenario_begin(mmusim_scenario_t *scenario, bool is_explored)
{
    mmusim__scenario_history_fini(&scenario->history);
    mmusim__scenario_paper_fini(&scenario->table);
    mmusim__scenario_paper_fini(&scenario->replay);
    free(scenario->found.moves);
    memset(&scenario->found, 0, sizeof(scenario->found));
    scenario->is_explored = is_explored;
    scenario->verdict = VERDICT_CLEAN;
    scenario->witnessed = VERDICT_CLEAN;
    mmusim__scenario_witness_fini(&scenario->witness);
    memset(&scenario->run, 0, sizeof(scenario->run));
    scenario->run.program = scenario->program;
}

/* From now on runs are for people. */
static mmusim_status_t scenario_watch(mmusim_scenario_t *scenario)
{
    mmusim_status_t status = mmusim__scenario_witness_init(
        &scenario->witness, scenario->program->n_cpus);

    if (status)
        return status;
    scenario->run.is_traced = true;
    scenario->run.witness = &scenario->witness;
    return MMUSIM_OK;
}

static mmusim_status_t scenario_error(const mmusim_scenario_t *scenario,
                                      mmusim_diag_t *diag)
{
    uint32_t line;
    const char *file = mmusim__scenario_source(scenario->program,
                                               scenario->run.error_line, &line);

    mmusim__diag_set(diag, MMUSIM_DAMAGED, "%s", scenario->run.error_text);
    mmusim__diag_at_line(diag, file, line);
    return MMUSIM_DAMAGED;
}

/* The table, the verdict's reason and the replay file of the last order. */
static mmusim_status_t scenario_write(mmusim_scenario_t *scenario,
                                      mmusim_diag_t *diag)
{
    const struct scenario_run *run = &scenario->run;

    scenario->verdict = run->verdict;
    scenario->witnessed = mmusim__scenario_witness_verdict(&scenario->witness);
    mmusim__scenario_print_table(&scenario->table, scenario->program,
                                 &scenario->history);
    if (run->verdict)
        mmusim__scenario_print_verdict(&scenario->table, run->verdict,
                                       run->why);
    if (run->verdict && mmusim__scenario_witness_text(&scenario->witness))
        mmusim__scenario_print(
            &scenario->table,
            "In other words (cycles are the steps above, frames and addresses "
            "are made up):\n%s",
            mmusim__scenario_witness_text(&scenario->witness));
    mmusim__scenario_print_replay(&scenario->replay, scenario->program,
                                  &scenario->history, run->verdict);
    if (scenario->history.is_short || scenario->table.is_short ||
        scenario->replay.is_short)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    return MMUSIM_OK;
}

static void scenario_stuck(struct scenario_run *run)
{
    struct scenario_move moves[SCENARIO_MOVES];

    if (!run->verdict && !mmusim__scenario_moves(run, moves) &&
        !mmusim__scenario_is_over(run))
        mmusim__scenario_violation(run, VERDICT_STUCK,
                                   "No CPU can go on: each waits for another "
                                   "one.");
}

mmusim_status_t mmusim_scenario_run(mmusim_scenario_t *scenario,
                                    mmusim_diag_t *diag)
{
    const struct scenario_program *program = scenario->program;
    uint32_t at = 0;

    scenario_begin(scenario, false);
    if (scenario_watch(scenario))
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    if (!program->has_schedule) {
        mmusim__scenario_run_written(&scenario->run, &scenario->history);
    } else if (!mmusim__scenario_run_moves(&scenario->run, &scenario->history,
                                           program->moves, program->n_moves,
                                           &at)) {
        mmusim__scenario_error(&scenario->run, 0,
                               "move %u of the schedule cannot happen there",
                               at + 1);
    } else {
        scenario_stuck(&scenario->run);
    }
    if (scenario->run.has_error)
        return scenario_error(scenario, diag);
    return scenario_write(scenario, diag);
}

/* Some orders, drawn, before the second checker: a clean scenario is clean. */
static mmusim_status_t scenario_confirm(mmusim_scenario_t *scenario,
                                        const struct scenario_plan *plan,
                                        mmusim_diag_t *diag)
{
    struct scenario_run *run = &scenario->run;
    struct scenario_move moves[SCENARIO_MOVES];
    struct rng rng;

    mmusim__rng_init(&rng, plan->seed, UINT64_C(1) << 40);
    for (uint32_t i = 0; i < SCENARIO_CONFIRM_RUNS && i < plan->schedules &&
                         !scenario->witnessed;
         i++) {
        mmusim__scenario_witness_fini(&scenario->witness);
        if (mmusim__scenario_witness_init(&scenario->witness,
                                          scenario->program->n_cpus))
            return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
        run->witness = &scenario->witness;
        mmusim__scenario_setup(run, NULL);
        for (uint32_t k = 0; k < SCENARIO_CONFIRM_MOVES && !run->has_error;
             k++) {
            uint32_t n_moves = mmusim__scenario_moves(run, moves);

            if (!n_moves)
                break;
            mmusim__scenario_do(run, &moves[mmusim__rng_below(&rng, n_moves)]);
        }
        scenario->witnessed =
            mmusim__scenario_witness_verdict(&scenario->witness);
    }
    return MMUSIM_OK;
}

mmusim_status_t
mmusim_scenario_explore(mmusim_scenario_t *scenario,
                        const mmusim_scenario_options_t *options,
                        mmusim_diag_t *diag)
{
    struct scenario_plan plan = {.schedules = SCENARIO_DEFAULT_SCHEDULES};
    mmusim_status_t status;
    uint32_t at = 0;

    if (options) {
        plan.seed = options->seed;
        plan.stop = options->stop;
        plan.stop_context = options->stop_context;
        if (options->schedules)
            plan.schedules = options->schedules;
    }
    scenario_begin(scenario, true);
    status = mmusim__scenario_explore(&scenario->run, &plan, &scenario->found);
    if (scenario->found.has_error)
        return scenario_error(scenario, diag);
    if (status)
        return mmusim__diag_set(diag, status, "%s: %s",
                                scenario->program->files[0],
                                mmusim_strerror(status));
    if (!scenario->found.verdict)
        return scenario_confirm(scenario, &plan, diag);
    if (scenario_watch(scenario))
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    mmusim__scenario_run_moves(&scenario->run, &scenario->history,
                               scenario->found.moves, scenario->found.n_moves,
                               &at);
    scenario_stuck(&scenario->run);
    return scenario_write(scenario, diag);
}

/* ---- answers ---- */

static void scenario_expected(const struct scenario_expectation *expect,
                              char *text, size_t size)
{
    size_t length = 0;

    text[0] = 0;
    for (int v = 0; v < SCENARIO_VERDICTS; v++) {
        int n;

        if (!(expect->allowed >> v & 1) || length >= size)
            continue;
        n = snprintf(text + length, size - length, "%s%s", length ? " or " : "",
                     mmusim__scenario_verdict_name((enum scenario_verdict) v));
        length += n > 0 ? (size_t) n : 0;
    }
}

void mmusim_scenario_summarize(const mmusim_scenario_t *scenario,
                               mmusim_scenario_summary_t *summary)
{
    const struct scenario_program *program = scenario->program;
    struct scenario_expectation expect =
        scenario->is_explored ? program->expect_explore : program->expect_run;
    int last = -1;

    if (!expect.is_given)
        expect.allowed = 1u << VERDICT_CLEAN;
    *summary = (mmusim_scenario_summary_t){
        .verdict = mmusim__scenario_verdict_name(scenario->verdict),
        .is_confirmed = scenario->verdict == scenario->witnessed ||
                        scenario->run.is_by_check ||
                        scenario->verdict == VERDICT_STUCK,
        .is_expected = expect.allowed >> scenario->verdict & 1,
        .is_replay = program->has_schedule,
        .is_all = scenario->found.is_all,
        .states = scenario->found.n_states,
        .moves = scenario->found.n_moves_done,
        .drawn = scenario->found.n_runs,
        .allowed_stale = scenario->run.n_allowed_stale,
    };
    scenario_expected(&expect, summary->expected, sizeof(summary->expected));
    for (uint32_t i = 0; i < scenario->history.n_rows; i++) {
        const struct scenario_row *row = &scenario->history.rows[i];

        if (row->is_setup)
            continue;
        summary->steps++;
        if (row->move.kind != MOVE_STEP)
            continue;
        summary->switches += last >= 0 && last != row->move.cpu;
        last = row->move.cpu;
    }
}

const char *mmusim_scenario_table(const mmusim_scenario_t *scenario)
{
    return scenario->table.text ? scenario->table.text : "";
}

const char *mmusim_scenario_replay(const mmusim_scenario_t *scenario)
{
    return scenario->replay.text ? scenario->replay.text : "";
}
