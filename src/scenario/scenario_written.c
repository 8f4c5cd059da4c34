/* SPDX-License-Identifier: MIT */
/*
 * The written order. A line runs to its end, or to its label, before the next
 * one begins; what hardware does by itself comes at once: stores drain,
 * interrupts and broadcasts are taken, unless `hold` and `defer` say that they
 * are late. A line that waits (for a lock, for acknowledgements) stays open
 * and goes on when it can.
 */
#include "scenario/scenario_run.h"
#include "scenario/scenario_witness.h"

#include <stdlib.h>
#include <string.h>

/* Moves of one run; no scenario needs as many. A guess. */
enum { WRITTEN_MOVES_MAX = 5000 };

struct written {
    struct scenario_run *run;
    struct scenario_history *history;
    bool holds[SCENARIO_CPUS], defers[SCENARIO_CPUS];
    int32_t open[SCENARIO_CPUS]; /* the line being done; < 0: none */
    uint32_t n_moves;
};

void mmusim__scenario_history_fini(struct scenario_history *history)
{
    free(history->rows);
    memset(history, 0, sizeof(*history));
}

static struct scenario_row *history_row(struct scenario_history *history)
{
    if (history->n_rows == history->capacity) {
        uint32_t capacity = history->capacity ? history->capacity * 2 : 64;
        struct scenario_row *rows =
            realloc(history->rows, capacity * sizeof(*rows));

        if (!rows) {
            history->is_short = true;
            return NULL;
        }
        history->rows = rows;
        history->capacity = capacity;
    }
    return &history->rows[history->n_rows++];
}

/* The procedure in which a CPU stands; < 0: in its own lines. */
static int32_t history_proc(const struct scenario_run *run, uint32_t cpu)
{
    const struct scenario_cpu *self = &run->world.cpus[cpu];
    uint32_t pc = self->frames[self->n_frames - 1].pc;

    for (uint32_t i = 0; i < run->program->n_procs; i++) {
        if (pc >= run->program->procs[i].first_inst &&
            pc < run->program->procs[i].end_inst)
            return (int32_t) i;
    }
    return -1;
}

bool mmusim__scenario_record(struct scenario_run *run,
                             struct scenario_history *history,
                             const struct scenario_move *move)
{
    int32_t proc = -1;
    struct scenario_row *row;

    if (history && move->kind == MOVE_STEP && move->cpu < SCENARIO_CPUS)
        proc = history_proc(run, move->cpu);
    if (!mmusim__scenario_do(run, move))
        return false;
    if (!history)
        return true;
    row = history_row(history);
    if (!row)
        return true;
    *row =
        (struct scenario_row){.move = *move, .proc = proc, .line = run->line};
    memcpy(row->note, run->note.text, sizeof(row->note));
    return true;
}

/* ---- hardware at once ---- */

static bool written_is_over(const struct written *written)
{
    return written->run->verdict || written->run->has_error ||
           written->n_moves >= WRITTEN_MOVES_MAX;
}

static bool written_do(struct written *written, enum scenario_move_kind kind,
                       uint32_t cpu, uint32_t arg, uint32_t arg2)
{
    struct scenario_move move = {(uint8_t) kind, (uint8_t) cpu, (uint8_t) arg,
                                 (uint8_t) arg2};

    if (written_is_over(written) ||
        !mmusim__scenario_record(written->run, written->history, &move))
        return false;
    written->n_moves++;
    return true;
}

static void written_drain(struct written *written, uint32_t cpu, uint32_t n)
{
    while (n-- && written->run->world.cpus[cpu].n_stores) {
        if (!written_do(written, MOVE_DRAIN, cpu, 0, 0))
            return;
    }
}

/* One step of a CPU, for which its stores drain if it waits for that. */
static bool written_step(struct written *written, uint32_t cpu)
{
    while (!written_is_over(written) &&
           !mmusim__scenario_may_step(written->run, cpu) &&
           written->run->world.cpus[cpu].n_stores)
        written_drain(written, cpu, 1);
    return written_do(written, MOVE_STEP, cpu, 0, 0);
}

static bool written_handle(struct written *written, uint32_t cpu)
{
    struct scenario_cpu *self = &written->run->world.cpus[cpu];
    bool is_done = false;

    for (uint32_t sender = 0; sender < written->run->program->n_cpus;
         sender++) {
        uint32_t n_frames = self->n_frames;

        if (!written_do(written, MOVE_IPI, cpu, sender, 0))
            continue;
        is_done = true;
        while (self->n_frames > n_frames && written_step(written, cpu))
            ;
    }
    return is_done;
}

static bool written_arrivals(struct written *written, uint32_t cpu)
{
    bool is_done = false;

    for (uint32_t i = 0;
         i < written->run->program->n_cpus * SCENARIO_BROADCASTS; i++)
        is_done |= written_do(written, MOVE_ARRIVE, cpu,
                              i / SCENARIO_BROADCASTS, i % SCENARIO_BROADCASTS);
    return is_done;
}

static void written_settle(struct written *written)
{
    bool goes_on = true;

    while (goes_on && !written_is_over(written)) {
        goes_on = false;
        for (uint32_t c = 0; c < written->run->program->n_cpus; c++) {
            if (!written->holds[c])
                written_drain(written, c, SCENARIO_BUFFER);
            if (!written->defers[c])
                goes_on |=
                    written_arrivals(written, c) || written_handle(written, c);
        }
    }
}

/* ---- lines ---- */

static bool written_line_is_done(const struct written *written,
                                 const struct scenario_line *line)
{
    const struct scenario_run *run = written->run;
    const struct scenario_cpu *cpu = &run->world.cpus[line->cpu];
    uint32_t pc = cpu->frames[0].pc;

    if (cpu->n_frames == 1 && run->program->code[pc].op == OP_END)
        return true;
    if (line->until >= 0 && run->is_at_label[line->cpu])
        return true;
    if (cpu->n_frames > 1)
        return false;
    if (line->special == SPECIAL_CONTINUE)
        return run->program->code[pc].op == OP_LINE;
    return pc + 1 == line->end_inst;
}

/* Steps as far as the line and what it waits for permit. */
static void written_go_on(struct written *written, uint32_t cpu)
{
    const struct scenario_line *line;

    if (written->open[cpu] < 0)
        return;
    line = &written->run->program->lines[written->open[cpu]];
    while (!written_is_over(written) && !written_line_is_done(written, line)) {
        if (!written_step(written, cpu))
            break;
        written_settle(written);
    }
    if (written_line_is_done(written, line))
        written->open[cpu] = -1;
}

static void written_go_on_all(struct written *written)
{
    for (uint32_t turn = 0; turn <= SCENARIO_CPUS; turn++) {
        for (uint32_t c = 0; c < written->run->program->n_cpus; c++)
            written_go_on(written, c);
        written_settle(written);
    }
}

/* Past the end of the line before, or the label at which it stood. */
static void written_resume(struct written *written,
                           const struct scenario_line *line)
{
    struct scenario_run *run = written->run;
    struct scenario_cpu *cpu = &run->world.cpus[line->cpu];
    struct scenario_frame *frame = &cpu->frames[cpu->n_frames - 1];

    run->label[line->cpu] = line->until;
    if (run->is_at_label[line->cpu])
        frame->pc++;
    run->is_at_label[line->cpu] = false;
    while (run->program->code[frame->pc].op == OP_LINE &&
           line->special != SPECIAL_CONTINUE &&
           frame->pc + 1u != line->end_inst)
        frame->pc = (uint16_t) run->program->code[frame->pc].imm;
    mmusim__scenario_advance(run, line->cpu);
}

static void written_special(struct written *written,
                            const struct scenario_line *line)
{
    uint32_t cpu = line->cpu;

    switch ((enum scenario_special) line->special) {
    case SPECIAL_HOLD:
        written->holds[cpu] = true;
        break;
    case SPECIAL_DRAIN:
        written_drain(written, cpu,
                      line->count ? line->count : SCENARIO_BUFFER);
        if (!line->count)
            written->holds[cpu] = false;
        break;
    case SPECIAL_DEFER:
        written->defers[cpu] = true;
        break;
    case SPECIAL_DELIVER:
        written->defers[cpu] = false;
        break;
    case SPECIAL_NONE:
    case SPECIAL_CONTINUE:
        break;
    }
    written_settle(written);
}

static void written_line(struct written *written, uint32_t index)
{
    const struct scenario_program *program = written->run->program;
    const struct scenario_line *line = &program->lines[index];

    if (line->special > SPECIAL_CONTINUE) {
        written_special(written, line);
        written_go_on_all(written);
        return;
    }
    written_go_on_all(written);
    if (written_is_over(written))
        return;
    if (written->open[line->cpu] >= 0) {
        mmusim__scenario_error(written->run, line->line,
                               "CPU %u still waits in its line before",
                               line->cpu);
        return;
    }
    written->open[line->cpu] = (int32_t) index;
    written_resume(written, line);
    written_go_on(written, line->cpu);
    written_settle(written);
}

static void written_begin(struct written *written, struct scenario_run *run,
                          struct scenario_history *history)
{
    memset(written, 0, sizeof(*written));
    written->run = run;
    written->history = history;
    for (uint32_t c = 0; c < SCENARIO_CPUS; c++)
        written->open[c] = -1;
    mmusim__scenario_reset(run);
    run->stops = true;
}

void mmusim__scenario_setup(struct scenario_run *run,
                            struct scenario_history *history)
{
    struct written written;
    uint32_t i = 0;

    written_begin(&written, run, history);
    for (; i < run->program->n_lines && run->program->lines[i].is_setup; i++)
        written_line(&written, i);
    if (history) {
        for (uint32_t row = 0; row < history->n_rows; row++)
            history->rows[row].is_setup = true;
    }
    mmusim__scenario_witness_begin(run->witness);
    run->stops = false;
    for (uint32_t c = 0; c < run->program->n_cpus; c++)
        mmusim__scenario_advance(run, c);
}

/* Nothing goes on: what is late comes, and who waits goes on if he can. */
static void written_finish(struct written *written)
{
    struct scenario_run *run = written->run;

    memset(written->holds, 0, sizeof(written->holds));
    memset(written->defers, 0, sizeof(written->defers));
    written_settle(written);
    written_go_on_all(written);
    run->stops = false;
    for (uint32_t c = 0; c < run->program->n_cpus; c++)
        mmusim__scenario_advance(run, c);
    for (bool goes_on = true; goes_on && !written_is_over(written);) {
        goes_on = false;
        for (uint32_t c = 0; c < run->program->n_cpus; c++) {
            while (written_step(written, c)) {
                goes_on = true;
                written_settle(written);
            }
        }
    }
    if (written->n_moves >= WRITTEN_MOVES_MAX)
        mmusim__scenario_error(run, 0, "more than %d steps (a loop?)",
                               WRITTEN_MOVES_MAX);
    else if (!run->verdict && !run->has_error && !mmusim__scenario_is_over(run))
        mmusim__scenario_violation(run, VERDICT_STUCK,
                                   "No CPU can go on: each waits for another "
                                   "one.");
}

void mmusim__scenario_run_written(struct scenario_run *run,
                                  struct scenario_history *history)
{
    struct written written;
    bool was_setup = false;

    written_begin(&written, run, history);
    for (uint32_t i = 0;
         i < run->program->n_lines && !written_is_over(&written); i++) {
        bool is_setup = run->program->lines[i].is_setup;

        if (was_setup && !is_setup) {
            for (uint32_t row = 0; history && row < history->n_rows; row++)
                history->rows[row].is_setup = true;
            mmusim__scenario_witness_begin(run->witness);
        }
        was_setup = is_setup;
        written_line(&written, i);
    }
    if (!written_is_over(&written) || written.n_moves >= WRITTEN_MOVES_MAX)
        written_finish(&written);
}

bool mmusim__scenario_run_moves(struct scenario_run *run,
                                struct scenario_history *history,
                                const struct scenario_move *moves,
                                uint32_t n_moves, uint32_t *at)
{
    mmusim__scenario_setup(run, history);
    for (uint32_t i = 0; i < n_moves; i++) {
        if (run->verdict || run->has_error)
            return true;
        if (!mmusim__scenario_record(run, history, &moves[i])) {
            *at = i;
            return false;
        }
    }
    return true;
}
