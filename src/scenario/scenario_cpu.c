/* SPDX-License-Identifier: MIT */
/*
 * A CPU's program. A step is one thing that others can notice; what comes
 * between two steps happens with the first, so that between moves every CPU
 * stands in front of a step (or at its end).
 */
#include "scenario/scenario_builtin.h"

#include <string.h>

/* Instructions between two steps, and steps in one `atomic`; guesses. */
enum { CPU_ADVANCE_MAX = 5000, CPU_ATOMIC_MAX = 5000, CPU_NO_RESULT = 255 };

static struct scenario_frame *cpu_frame(struct scenario_cpu *cpu)
{
    return &cpu->frames[cpu->n_frames - 1];
}

static const struct scenario_inst *cpu_inst(const struct scenario_run *run,
                                            uint32_t cpu)
{
    const struct scenario_cpu *self = &run->world.cpus[cpu];

    return &run->program->code[self->frames[self->n_frames - 1].pc];
}

uint32_t mmusim__scenario_line_of(const struct scenario_run *run, uint32_t cpu)
{
    const struct scenario_inst *inst = cpu_inst(run, cpu);

    return inst->op == OP_END ? 0 : inst->line;
}

/* ---- between steps ---- */

static void cpu_push(struct scenario_run *run, uint32_t cpu, uint32_t proc,
                     const int32_t *args, uint32_t line)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];
    const struct scenario_proc *called = &run->program->procs[proc];
    struct scenario_frame *frame;

    if (self->n_frames == SCENARIO_FRAMES) {
        mmusim__scenario_error(run, line,
                               "procedures call each other more than %d deep",
                               SCENARIO_FRAMES - 1);
        return;
    }
    frame = &self->frames[self->n_frames++];
    memset(frame, 0, sizeof(*frame));
    for (uint32_t i = 0; i < called->n_params; i++)
        frame->registers[i] = args[i];
    frame->pc = (uint16_t) called->first_inst;
    frame->result = CPU_NO_RESULT;
    frame->interrupt_of = -1;
}

static void cpu_call(struct scenario_run *run, uint32_t cpu,
                     const struct scenario_inst *inst)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];
    int32_t args[SCENARIO_ARGUMENTS] = {0};
    uint32_t n_frames = self->n_frames;

    for (uint32_t i = 0; i < inst->n_args; i++)
        args[i] = cpu_frame(self)->registers[inst->args[i]];
    cpu_push(run, cpu, (uint32_t) inst->imm, args, inst->line);
    if (self->n_frames > n_frames)
        cpu_frame(self)->result = inst->to;
}

static void cpu_return(struct scenario_cpu *self,
                       const struct scenario_inst *inst)
{
    struct scenario_frame *frame = cpu_frame(self);
    uint8_t result = frame->result;
    int32_t value = inst->n_args ? frame->registers[inst->args[0]] : 0;

    memset(frame, 0, sizeof(*frame));
    self->n_frames--;
    if (result < SCENARIO_REGISTERS)
        cpu_frame(self)->registers[result] = value;
}

static bool cpu_is_step(const struct scenario_inst *inst,
                        const struct scenario_frame *frame)
{
    return inst->op == OP_END || inst->op >= OP_LOAD ||
           inst->op == OP_ATOMIC_BEGIN ||
           (inst->op == OP_RETURN && frame->interrupt_of >= 0);
}

/* Temporaries say nothing any more where a statement begins. */
static void cpu_forget(const struct scenario_inst *inst,
                       struct scenario_frame *frame)
{
    if (inst->begins)
        memset(frame->registers + inst->begins - 1, 0,
               sizeof(frame->registers[0]) *
                   (size_t) (SCENARIO_REGISTERS + 1 - inst->begins));
}

/* true: it has to stop here, as the written order says. */
static bool cpu_stops(struct scenario_run *run, uint32_t cpu,
                      const struct scenario_inst *inst)
{
    if (!run->stops)
        return false;
    if (inst->op == OP_LINE)
        return true;
    if (inst->op != OP_LABEL || run->label[cpu] != inst->imm)
        return false;
    run->is_at_label[cpu] = true;
    return true;
}

static void cpu_advance_one(struct scenario_run *run, uint32_t cpu,
                            const struct scenario_inst *inst)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];
    struct scenario_frame *frame = cpu_frame(self);

    frame->pc++;
    switch (inst->op) {
    case OP_LINE:
        frame->pc = (uint16_t) inst->imm;
        break;
    case OP_CALL:
        cpu_call(run, cpu, inst);
        break;
    case OP_RETURN:
        cpu_return(self, inst);
        break;
    default:
        mmusim__scenario_compute(run, cpu, inst, frame->registers, &frame->pc);
        break;
    }
}

void mmusim__scenario_advance(struct scenario_run *run, uint32_t cpu)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];

    for (uint32_t i = 0; !run->has_error; i++) {
        const struct scenario_inst *inst = cpu_inst(run, cpu);

        cpu_forget(inst, cpu_frame(self));
        if (cpu_is_step(inst, cpu_frame(self)) || cpu_stops(run, cpu, inst))
            return;
        if (i == CPU_ADVANCE_MAX) {
            mmusim__scenario_error(run, inst->line,
                                   "a loop without a step does not end");
            return;
        }
        cpu_advance_one(run, cpu, inst);
    }
}

/* ---- steps ---- */

/* Is the condition between OP_AWAIT and its end true now? */
static bool cpu_awaited(struct scenario_run *run, uint32_t cpu,
                        const struct scenario_inst *await)
{
    const struct scenario_frame *frame = cpu_frame(&run->world.cpus[cpu]);
    int32_t registers[SCENARIO_REGISTERS];
    uint16_t pc = (uint16_t) (frame->pc + 1);

    memcpy(registers, frame->registers, sizeof(registers));
    while (pc < (uint32_t) await->imm && !run->has_error) {
        const struct scenario_inst *inst = &run->program->code[pc++];

        mmusim__scenario_compute(run, cpu, inst, registers, &pc);
    }
    return registers[await->args[0]] != 0;
}

static bool cpu_may_modify(const struct scenario_run *run, uint32_t cpu,
                           const struct scenario_inst *inst, uint32_t cell)
{
    const struct scenario_cpu *self = &run->world.cpus[cpu];

    if (run->program->arch == ARCH_X86 || !(inst->sub & MODIFY_RELAXED))
        return !self->n_stores;
    for (uint32_t i = 0; i < self->n_stores; i++) {
        if (self->buffer[i].cell == cell)
            return false;
    }
    return true;
}

static bool cpu_may_send(const struct scenario_run *run, uint32_t cpu,
                         const struct scenario_inst *inst,
                         const int32_t *registers)
{
    uint32_t to = (uint32_t) registers[inst->args[0]] & ~(1u << cpu);

    if (run->world.cpus[cpu].n_stores)
        return false;
    for (uint32_t c = 0; c < run->program->n_cpus; c++) {
        if (to >> c & 1 && (run->world.cpus[c].calls[cpu].is_pending ||
                            run->world.cpus[cpu].awaits >> c & 1))
            return false;
    }
    return true;
}

bool mmusim__scenario_may_step(struct scenario_run *run, uint32_t cpu)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];
    const struct scenario_inst *inst = cpu_inst(run, cpu);
    const int32_t *registers = cpu_frame(self)->registers;

    switch (inst->op) {
    case OP_END:
    case OP_LINE:
    case OP_LABEL:
        return false;
    case OP_RETURN:
        return !self->n_stores;
    case OP_STORE:
    case OP_UNLOCK:
        return self->n_stores < SCENARIO_BUFFER;
    case OP_READ_MODIFY:
        return cpu_may_modify(run, cpu, inst,
                              scenario_cell_in(registers, inst->args[0]));
    case OP_LOCK:
        return !mmusim__scenario_load(
                   run, cpu, scenario_cell_in(registers, inst->args[0])) &&
               (run->program->arch != ARCH_X86 || !self->n_stores);
    case OP_AWAIT:
        return cpu_awaited(run, cpu, inst);
    case OP_IPI:
        return cpu_may_send(run, cpu, inst, registers);
    case OP_BUILTIN:
        return mmusim__scenario_builtin_may(run, cpu, (uint32_t) inst->imm);
    default:
        return true;
    }
}

static void cpu_note_cell(struct scenario_run *run, uint32_t cell,
                          int32_t value, const char *how)
{
    if (!run->is_traced)
        return;
    mmusim__scenario_note(
        run, "%s %s %s", mmusim__scenario_cell(run->program, cell).text, how,
        mmusim__scenario_cell_value(run->program, cell, value).text);
}

static void cpu_modify(struct scenario_run *run,
                       const struct scenario_inst *inst, int32_t *registers)
{
    uint32_t cell = scenario_cell_in(registers, inst->args[0]);
    int32_t operand = registers[inst->args[1]];
    int32_t old = run->world.cells[cell];
    int32_t value = old;

    switch (inst->sub & ~MODIFY_RELAXED) {
    case MODIFY_ADD:
        value = (int32_t) ((uint32_t) old + (uint32_t) operand);
        break;
    case MODIFY_OR:
        value = old | operand;
        break;
    case MODIFY_AND:
        value = old & operand;
        break;
    case MODIFY_EXCHANGE:
        value = operand;
        break;
    default:
        value = old == operand ? registers[inst->args[2]] : old;
        break;
    }
    mmusim__scenario_write(run, cell, value);
    registers[inst->to] = old;
    cpu_note_cell(run, cell, value, "becomes (atomic)");
}

static void cpu_send(struct scenario_run *run, uint32_t cpu,
                     const struct scenario_inst *inst, const int32_t *registers)
{
    uint32_t all = (1u << run->program->n_cpus) - 1;
    uint32_t to = (uint32_t) registers[inst->args[0]] & all & ~(1u << cpu);

    for (uint32_t c = 0; c < run->program->n_cpus; c++) {
        struct scenario_call *call = &run->world.cpus[c].calls[cpu];

        if (!(to >> c & 1))
            continue;
        call->is_pending = 1;
        call->proc = (uint8_t) inst->imm;
        for (uint32_t i = 1; i < inst->n_args; i++)
            call->args[i - 1] = registers[inst->args[i]];
    }
    run->world.cpus[cpu].awaits |= (uint8_t) to;
    if (run->is_traced)
        mmusim__scenario_note(
            run, "sends interrupts to %s: %s",
            mmusim__scenario_value(run->program, TYPE_CPUS, (int32_t) to).text,
            run->program->names[run->program->procs[inst->imm].name].text);
}

static void cpu_acknowledge(struct scenario_run *run, uint32_t cpu,
                            const struct scenario_inst *inst)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];
    uint32_t sender = (uint32_t) cpu_frame(self)->interrupt_of;

    self->irq_off = cpu_frame(self)->had_irq_off;
    cpu_return(self, inst);
    run->world.cpus[sender].awaits &= (uint8_t) ~(1u << cpu);
    mmusim__scenario_note(run, "interrupt done, CPU %u may go on", sender);
}

static void cpu_load_store(struct scenario_run *run, uint32_t cpu,
                           const struct scenario_inst *inst, int32_t *registers)
{
    uint32_t cell = scenario_cell_in(registers, inst->args[0]);

    switch (inst->op) {
    case OP_LOAD:
        registers[inst->to] = mmusim__scenario_load(run, cpu, cell);
        cpu_note_cell(run, cell, registers[inst->to], "is");
        break;
    case OP_STORE:
        mmusim__scenario_store(run, cpu, cell, registers[inst->args[1]],
                               inst->is_release);
        cpu_note_cell(run, cell, registers[inst->args[1]], "=");
        break;
    case OP_LOCK:
        mmusim__scenario_write(run, cell, (int32_t) cpu + 1);
        mmusim__scenario_note(run, "takes %s",
                              mmusim__scenario_cell(run->program, cell).text);
        break;
    default:
        mmusim__scenario_store(run, cpu, cell, 0, true);
        mmusim__scenario_note(run, "drops %s",
                              mmusim__scenario_cell(run->program, cell).text);
        break;
    }
}

/* The step at pc, which may happen. */
static void cpu_do(struct scenario_run *run, uint32_t cpu)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];
    const struct scenario_inst *inst = cpu_inst(run, cpu);
    struct scenario_frame *frame = cpu_frame(self);

    run->line = inst->line;
    switch (inst->op) {
    case OP_RETURN:
        cpu_acknowledge(run, cpu, inst);
        return;
    case OP_AWAIT:
        frame->pc = (uint16_t) inst->imm;
        mmusim__scenario_note(run, "what it waits for has come");
        return;
    case OP_READ_MODIFY:
        frame->pc++;
        cpu_modify(run, inst, frame->registers);
        return;
    case OP_IPI:
        frame->pc++;
        cpu_send(run, cpu, inst, frame->registers);
        return;
    case OP_BUILTIN:
        frame->pc++;
        mmusim__scenario_compute(run, cpu, inst, frame->registers, &frame->pc);
        return;
    default:
        frame->pc++;
        cpu_load_store(run, cpu, inst, frame->registers);
        return;
    }
}

/* Steps up to the end of `atomic`, in which nothing can be waited for. */
static void cpu_do_atomic(struct scenario_run *run, uint32_t cpu)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];
    uint32_t first_line = cpu_inst(run, cpu)->line;

    cpu_frame(self)->pc++;
    for (uint32_t i = 0; !run->has_error; i++) {
        const struct scenario_inst *inst = cpu_inst(run, cpu);

        if (inst->op == OP_ATOMIC_END)
            break;
        if (i == CPU_ATOMIC_MAX || inst->op == OP_END ||
            inst->op == OP_ATOMIC_BEGIN) {
            mmusim__scenario_error(run, inst->line, "'atomic' does not end");
            return;
        }
        if (!cpu_is_step(inst, cpu_frame(self))) {
            cpu_advance_one(run, cpu, inst);
            continue;
        }
        while (!mmusim__scenario_may_step(run, cpu) && self->n_stores)
            mmusim__scenario_drain(run, cpu, 0);
        if (!mmusim__scenario_may_step(run, cpu)) {
            mmusim__scenario_error(run, inst->line,
                                   "nothing can be waited for in 'atomic'");
            return;
        }
        cpu_do(run, cpu);
    }
    cpu_frame(self)->pc++;
    run->line = first_line;
}

void mmusim__scenario_step(struct scenario_run *run, uint32_t cpu)
{
    if (cpu_inst(run, cpu)->op == OP_ATOMIC_BEGIN)
        cpu_do_atomic(run, cpu);
    else
        cpu_do(run, cpu);
    mmusim__scenario_advance(run, cpu);
}

void mmusim__scenario_take_ipi(struct scenario_run *run, uint32_t cpu,
                               uint32_t sender)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];
    struct scenario_call call = self->calls[sender];
    uint32_t n_frames = self->n_frames;

    memset(&self->calls[sender], 0, sizeof(call));
    cpu_push(run, cpu, call.proc, call.args, 0);
    if (self->n_frames == n_frames)
        return;
    cpu_frame(self)->interrupt_of = (int8_t) sender;
    cpu_frame(self)->had_irq_off = self->irq_off;
    self->irq_off = 1;
    run->line = 0;
    mmusim__scenario_note(
        run, "interrupt from CPU %u: %s", sender,
        run->program->names[run->program->procs[call.proc].name].text);
    mmusim__scenario_advance(run, cpu);
}
