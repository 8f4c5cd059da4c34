/* SPDX-License-Identifier: MIT */
/* What may happen next: steps of CPUs, and what hardware does by itself. */
#include "scenario/scenario_witness.h"

static void moves_add(struct scenario_move *moves, uint32_t *n_moves,
                      struct scenario_move move)
{
    if (*n_moves < SCENARIO_MOVES)
        moves[(*n_moves)++] = move;
}

static bool moves_may_interrupt(const struct scenario_run *run, uint32_t cpu,
                                uint32_t sender)
{
    const struct scenario_cpu *self = &run->world.cpus[cpu];

    return self->calls[sender].is_pending && !self->irq_off;
}

static void moves_of_hardware(const struct scenario_run *run, uint32_t cpu,
                              struct scenario_move *moves, uint32_t *n_moves)
{
    const struct scenario_program *program = run->program;
    const struct scenario_cpu *self = &run->world.cpus[cpu];
    uint8_t c = (uint8_t) cpu;

    for (uint32_t i = 0; i < program->n_cpus; i++) {
        if (moves_may_interrupt(run, cpu, i))
            moves_add(moves, n_moves,
                      (struct scenario_move){MOVE_IPI, c, (uint8_t) i, 0});
    }
    for (uint32_t i = 0; i < self->n_stores; i++) {
        if (mmusim__scenario_may_drain(run, cpu, i))
            moves_add(moves, n_moves,
                      (struct scenario_move){MOVE_DRAIN, c, (uint8_t) i, 0});
    }
    for (uint32_t i = 0; i < program->n_cpus * SCENARIO_BROADCASTS; i++) {
        uint32_t from = i / SCENARIO_BROADCASTS;
        uint32_t index = i % SCENARIO_BROADCASTS;

        if (run->world.cpus[from].broadcasts[index].to >> cpu & 1)
            moves_add(moves, n_moves,
                      (struct scenario_move){MOVE_ARRIVE, c, (uint8_t) from,
                                             (uint8_t) index});
    }
    for (uint32_t a = 0; a < program->n_addresses; a++) {
        if (program->speculates[cpu] >> a & 1 &&
            mmusim__scenario_may_fill(run, cpu, a))
            moves_add(moves, n_moves,
                      (struct scenario_move){MOVE_FILL, c, (uint8_t) a, 0});
    }
}

uint32_t mmusim__scenario_moves(struct scenario_run *run,
                                struct scenario_move *moves)
{
    uint32_t n_moves = 0;

    for (uint32_t c = 0; c < run->program->n_cpus; c++) {
        if (mmusim__scenario_may_step(run, c))
            moves_add(moves, &n_moves,
                      (struct scenario_move){MOVE_STEP, (uint8_t) c, 0, 0});
    }
    for (uint32_t c = 0; c < run->program->n_cpus; c++)
        moves_of_hardware(run, c, moves, &n_moves);
    return n_moves;
}

static bool moves_may(struct scenario_run *run,
                      const struct scenario_move *move)
{
    const struct scenario_program *program = run->program;

    if (move->cpu >= program->n_cpus)
        return false;
    switch ((enum scenario_move_kind) move->kind) {
    case MOVE_STEP:
        return mmusim__scenario_may_step(run, move->cpu);
    case MOVE_DRAIN:
        return mmusim__scenario_may_drain(run, move->cpu, move->arg);
    case MOVE_IPI:
        return move->arg < program->n_cpus &&
               moves_may_interrupt(run, move->cpu, move->arg);
    case MOVE_FILL:
        return move->arg < program->n_addresses &&
               program->map.has_region[move->arg] &&
               mmusim__scenario_may_fill(run, move->cpu, move->arg);
    case MOVE_ARRIVE:
        return move->arg < program->n_cpus &&
               move->arg2 < SCENARIO_BROADCASTS &&
               run->world.cpus[move->arg].broadcasts[move->arg2].to >>
                       move->cpu &
                   1;
    case MOVE_KINDS:
        break;
    }
    return false;
}

static void moves_drain(struct scenario_run *run,
                        const struct scenario_move *move)
{
    const struct scenario_store *store =
        &run->world.cpus[move->cpu].buffer[move->arg];

    if (run->is_traced)
        mmusim__scenario_note(
            run, "others now see %s = %s",
            mmusim__scenario_cell(run->program, store->cell).text,
            mmusim__scenario_cell_value(run->program, store->cell, store->value)
                .text);
    mmusim__scenario_drain(run, move->cpu, move->arg);
}

bool mmusim__scenario_do(struct scenario_run *run,
                         const struct scenario_move *move)
{
    run->note.text[0] = 0;
    run->line = 0;
    if (!moves_may(run, move))
        return false;
    if (run->witness)
        run->witness->cycle++;
    switch ((enum scenario_move_kind) move->kind) {
    case MOVE_STEP:
        mmusim__scenario_step(run, move->cpu);
        break;
    case MOVE_DRAIN:
        moves_drain(run, move);
        break;
    case MOVE_IPI:
        mmusim__scenario_take_ipi(run, move->cpu, move->arg);
        break;
    case MOVE_FILL:
        mmusim__scenario_fill(run, move->cpu, move->arg);
        break;
    case MOVE_ARRIVE:
        mmusim__scenario_arrive(run, move->cpu, move->arg, move->arg2);
        break;
    case MOVE_KINDS:
        break;
    }
    return true;
}

bool mmusim__scenario_is_over(const struct scenario_run *run)
{
    for (uint32_t c = 0; c < run->program->n_cpus; c++) {
        const struct scenario_cpu *cpu = &run->world.cpus[c];

        if (cpu->n_frames > 1 || cpu->n_stores ||
            run->program->code[cpu->frames[0].pc].op != OP_END)
            return false;
    }
    return true;
}
