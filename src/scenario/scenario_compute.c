/* SPDX-License-Identifier: MIT */
/* Instructions that compute: values, and the cells of variables and words. */
#include "scenario/scenario_builtin.h"

static int32_t compute_binary(enum scenario_binary op, int32_t left,
                              int32_t right)
{
    uint32_t a = (uint32_t) left, b = (uint32_t) right;

    switch (op) {
    case BINARY_ADD:
        return (int32_t) (a + b);
    case BINARY_SUB:
        return (int32_t) (a - b);
    case BINARY_MUL:
        return (int32_t) (a * b);
    case BINARY_AND:
        return (int32_t) (a & b);
    case BINARY_OR:
        return (int32_t) (a | b);
    case BINARY_XOR:
        return (int32_t) (a ^ b);
    case BINARY_SHL:
        return b > 31 ? 0 : (int32_t) (a << b);
    case BINARY_SHR:
        return b > 31 ? 0 : (int32_t) (a >> b);
    case BINARY_EQ:
        return left == right;
    case BINARY_NE:
        return left != right;
    case BINARY_LT:
        return left < right;
    case BINARY_LE:
        return left <= right;
    case BINARY_GT:
        return left > right;
    case BINARY_GE:
        return left >= right;
    }
    return 0;
}

/* The cell of a page-table word; < 0 after an error. */
static int32_t compute_table_cell(struct scenario_run *run,
                                  const struct scenario_inst *inst,
                                  int32_t first, int32_t address)
{
    const struct scenario_program *program = run->program;
    const struct scenario_map *map = &program->map;
    enum {
        PTE,
        PMD,
        ENTRY
    } kind = inst->imm == -1   ? PTE
             : inst->imm == -2 ? PMD
                               : ENTRY;
    uint32_t limit = kind == ENTRY ? program->n_tables : program->n_mms;
    uint32_t region, table;

    if (first < 0 || (uint32_t) first >= limit || address < 0 ||
        (uint32_t) address >= program->n_addresses ||
        !map->has_region[address]) {
        mmusim__scenario_error(run, inst->line,
                               "no page-table word [%d][%d] (an address "
                               "space or table, and a mapped address)",
                               first, address);
        return -1;
    }
    region = map->region[address];
    if (kind == PMD)
        return (int32_t) (SCENARIO_FIRST_UPPER +
                          (uint32_t) first * SCENARIO_REGIONS + region);
    table = kind == ENTRY ? (uint32_t) first : map->table[first][region];
    if (!table)
        mmusim__scenario_error(run, inst->line,
                               "this address space has no page table for "
                               "the address (map it)");
    return (int32_t) (SCENARIO_FIRST_LEAF + table * SCENARIO_TABLE_WORDS +
                      map->index[address]);
}

static int32_t compute_address(struct scenario_run *run,
                               const struct scenario_inst *inst,
                               const int32_t *registers)
{
    const struct scenario_variable *variable;
    uint32_t offset = 0;

    if (inst->imm < 0)
        return compute_table_cell(run, inst, registers[inst->args[0]],
                                  registers[inst->args[1]]);
    variable = &run->program->variables[inst->imm];
    for (uint32_t d = 0; d < variable->n_dims; d++) {
        int32_t index = registers[inst->args[d]];

        if (index < 0 || (uint32_t) index >= variable->size[d]) {
            mmusim__scenario_error(run, inst->line, "index %d of %s (0 to %u)",
                                   index,
                                   run->program->names[variable->name].text,
                                   variable->size[d] - 1);
            return -1;
        }
        offset = offset * variable->size[d] + (uint32_t) index;
    }
    return (int32_t) (variable->first_cell + offset);
}

static int32_t compute_builtin(struct scenario_run *run, uint32_t cpu,
                               const struct scenario_inst *inst,
                               const int32_t *registers)
{
    int32_t args[SCENARIO_ARGUMENTS] = {0};

    for (uint32_t i = 0; i < inst->n_args; i++)
        args[i] = registers[inst->args[i]];
    return mmusim__scenario_builtin_do(run, cpu, (uint32_t) inst->imm, args,
                                       inst->n_args, inst->line);
}

void mmusim__scenario_compute(struct scenario_run *run, uint32_t cpu,
                              const struct scenario_inst *inst,
                              int32_t *registers, uint16_t *pc)
{
    const uint8_t *args = inst->args;

    switch (inst->op) {
    case OP_CONST:
        registers[inst->to] = inst->imm;
        break;
    case OP_MOVE:
        registers[inst->to] = registers[args[0]];
        break;
    case OP_BINARY:
        registers[inst->to] =
            compute_binary((enum scenario_binary) inst->sub, registers[args[0]],
                           registers[args[1]]);
        break;
    case OP_NOT:
        registers[inst->to] = !registers[args[0]];
        break;
    case OP_INVERT:
        registers[inst->to] = ~registers[args[0]];
        break;
    case OP_JUMP_ZERO:
        if (!registers[args[0]])
            *pc = (uint16_t) inst->imm;
        break;
    case OP_JUMP:
        *pc = (uint16_t) inst->imm;
        break;
    case OP_ADDRESS:
        registers[inst->to] = compute_address(run, inst, registers);
        break;
    case OP_LOAD:
    case OP_LOAD_PRIVATE:
        registers[inst->to] = mmusim__scenario_load(
            run, cpu, scenario_cell_in(registers, args[0]));
        break;
    case OP_STORE_PRIVATE:
        run->world.cells[scenario_cell_in(registers, args[0])] =
            registers[args[1]];
        break;
    case OP_INSIDE:
    case OP_BUILTIN:
        registers[inst->to] = compute_builtin(run, cpu, inst, registers);
        break;
    default:
        break;
    }
}
