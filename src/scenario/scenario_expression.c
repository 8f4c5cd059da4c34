/* SPDX-License-Identifier: MIT */
/*
 * Expressions to code: operators as in C with && and || that look at the right
 * side only when they must; a shared variable or page-table word in one is a
 * load, and so a step.
 */
#include "scenario/scenario_reader.h"

#include <string.h>

enum { EXPRESSION_DEPTH = 40 };

struct expression_operator {
    const char *text;
    uint8_t op, strength;
};

static const struct expression_operator expression_operators[] = {
    {"|", BINARY_OR, 3},   {"^", BINARY_XOR, 4},  {"&", BINARY_AND, 5},
    {"==", BINARY_EQ, 6},  {"!=", BINARY_NE, 6},  {"<", BINARY_LT, 7},
    {"<=", BINARY_LE, 7},  {">", BINARY_GT, 7},   {">=", BINARY_GE, 7},
    {"<<", BINARY_SHL, 8}, {">>", BINARY_SHR, 8}, {"+", BINARY_ADD, 9},
    {"-", BINARY_SUB, 9},  {"*", BINARY_MUL, 10},
};

struct scenario_inst *mmusim__scenario_emit(struct scenario_reader *reader,
                                            enum scenario_op op)
{
    struct scenario_program *program = reader->program;
    struct scenario_inst *inst;

    if (program->n_code == SCENARIO_CODE - 1)
        mmusim__scenario_fail(reader, reader->line, "the scenario is too long");
    else
        program->n_code++;
    inst = &program->code[program->n_code - 1];
    *inst = (struct scenario_inst){
        .op = (uint8_t) op,
        .begins = reader->begins,
        .line = reader->token.line ? reader->token.line : reader->line,
    };
    if (reader->token.kind == TOKEN_NEWLINE && inst->line > 1)
        inst->line = reader->token.line;
    reader->begins = false;
    return inst;
}

uint32_t mmusim__scenario_temporary(struct scenario_reader *reader)
{
    uint32_t n_locals = reader->scope ? reader->scope->n_locals : 0;

    if (n_locals + reader->n_temporaries + 1 >= SCENARIO_REGISTERS) {
        mmusim__scenario_fail(reader, reader->line,
                              "too many local variables or too long an "
                              "expression (together at most %d)",
                              SCENARIO_REGISTERS - 1);
        return SCENARIO_REGISTERS - 1;
    }
    return SCENARIO_REGISTERS - 1 - reader->n_temporaries++;
}

static uint32_t expression_constant(struct scenario_reader *reader,
                                    int32_t value)
{
    uint32_t to = mmusim__scenario_temporary(reader);
    struct scenario_inst *inst = mmusim__scenario_emit(reader, OP_CONST);

    inst->to = (uint8_t) to;
    inst->imm = value;
    return to;
}

static uint32_t expression_of(struct scenario_reader *reader,
                              uint32_t strength);

uint32_t mmusim__scenario_arguments(struct scenario_reader *reader,
                                    uint8_t *registers, uint32_t first)
{
    bool has_parentheses = mmusim__scenario_take(reader, "(");
    uint32_t n = first;

    if (has_parentheses && mmusim__scenario_take(reader, ")"))
        return n;
    if (!has_parentheses &&
        (reader->token.kind == TOKEN_NEWLINE ||
         reader->token.kind == TOKEN_END || mmusim__scenario_is(reader, ";") ||
         mmusim__scenario_is(reader, "}") ||
         mmusim__scenario_is(reader, "until")))
        return n;
    do {
        if (n == SCENARIO_ARGUMENTS) {
            mmusim__scenario_fail(reader, reader->line,
                                  "more than %u arguments",
                                  SCENARIO_ARGUMENTS - first);
            return n;
        }
        registers[n++] = (uint8_t) mmusim__scenario_expression(reader);
    } while (mmusim__scenario_take(reader, ","));
    if (has_parentheses)
        mmusim__scenario_need(reader, ")");
    return n;
}

uint32_t mmusim__scenario_cell_of(struct scenario_reader *reader,
                                  const struct scenario_name *name,
                                  bool *is_private)
{
    uint8_t indices[2] = {0};
    uint32_t n_dims = 2;
    int32_t variable = name->value;
    struct scenario_inst *inst;
    uint32_t to;

    *is_private = false;
    if (variable >= 0) {
        n_dims = reader->program->variables[variable].n_dims;
        *is_private = reader->program->variables[variable].is_private;
    }
    for (uint32_t d = 0; d < n_dims; d++) {
        mmusim__scenario_need(reader, "[");
        indices[d] = (uint8_t) mmusim__scenario_expression(reader);
        mmusim__scenario_need(reader, "]");
    }
    to = mmusim__scenario_temporary(reader);
    inst = mmusim__scenario_emit(reader, OP_ADDRESS);
    inst->to = (uint8_t) to;
    inst->imm = variable;
    memcpy(inst->args, indices, sizeof(indices));
    return to;
}

/* Those of something that takes at most that many: () may stand for none. */
static uint32_t expression_arguments(struct scenario_reader *reader,
                                     uint8_t *registers, uint32_t max_args)
{
    if (max_args || mmusim__scenario_is(reader, "("))
        return mmusim__scenario_arguments(reader, registers, 0);
    return 0;
}

/* ---- calls ---- */

static const struct {
    const char *name;
    uint8_t modify, n_args;
} expression_atomics[] = {
    {"atomic_add", MODIFY_ADD, 1},
    {"atomic_or", MODIFY_OR, 1},
    {"atomic_and", MODIFY_AND, 1},
    {"atomic_xchg", MODIFY_EXCHANGE, 1},
    {"atomic_cmpxchg", MODIFY_COMPARE_EXCHANGE, 2},
    {"atomic_add_relaxed", MODIFY_ADD | MODIFY_RELAXED, 1},
    {"atomic_or_relaxed", MODIFY_OR | MODIFY_RELAXED, 1},
    {"atomic_and_relaxed", MODIFY_AND | MODIFY_RELAXED, 1},
    {"atomic_xchg_relaxed", MODIFY_EXCHANGE | MODIFY_RELAXED, 1},
};

static int expression_atomic(const char *name)
{
    for (size_t i = 0;
         i < sizeof(expression_atomics) / sizeof(expression_atomics[0]); i++) {
        if (!strcmp(expression_atomics[i].name, name))
            return (int) i;
    }
    return -1;
}

bool mmusim__scenario_is_atomic(const char *name)
{
    return expression_atomic(name) >= 0;
}

/* A shared variable or page-table word here; the register of its cell. */
static uint32_t expression_cell(struct scenario_reader *reader,
                                bool *is_private)
{
    const struct scenario_name *name;
    char text[SCENARIO_NAME_BYTES];

    *is_private = false;
    if (!mmusim__scenario_need_name(reader, "a shared variable", text))
        return 0;
    name = mmusim__scenario_find(reader->program, text);
    if (!name || name->kind != NAME_VARIABLE) {
        mmusim__scenario_unknown(reader, "shared variable", text);
        return 0;
    }
    return mmusim__scenario_cell_of(reader, name, is_private);
}

static uint32_t expression_call_atomic(struct scenario_reader *reader, int kind)
{
    struct scenario_inst *inst;
    uint8_t args[SCENARIO_ARGUMENTS] = {0};
    bool is_private;
    uint32_t to;

    mmusim__scenario_need(reader, "(");
    args[0] = (uint8_t) expression_cell(reader, &is_private);
    for (uint32_t i = 1; i <= expression_atomics[kind].n_args; i++) {
        mmusim__scenario_need(reader, ",");
        args[i] = (uint8_t) mmusim__scenario_expression(reader);
    }
    to = mmusim__scenario_temporary(reader);
    inst = mmusim__scenario_emit(reader, OP_READ_MODIFY);
    inst->to = (uint8_t) to;
    inst->sub = expression_atomics[kind].modify;
    memcpy(inst->args, args, sizeof(args));
    mmusim__scenario_need(reader, ")");
    return to;
}

static uint32_t expression_call_row(struct scenario_reader *reader,
                                    uint32_t row_number)
{
    const struct scenario_builtin_row *row =
        &mmusim__scenario_builtins[row_number];
    uint8_t args[SCENARIO_ARGUMENTS] = {0};
    uint32_t line = reader->token.line;
    uint32_t n_args = expression_arguments(reader, args, row->max_args);
    uint32_t to = mmusim__scenario_temporary(reader);
    struct scenario_inst *inst;

    if (n_args < row->min_args || n_args > row->max_args)
        mmusim__scenario_fail(reader, line ? line : reader->line,
                              "%s takes %u argument%s, not %u", row->name,
                              row->max_args, row->max_args == 1 ? "" : "s",
                              n_args);
    inst = mmusim__scenario_emit(reader, row->is_step ? OP_BUILTIN : OP_INSIDE);
    inst->to = (uint8_t) to;
    inst->n_args = (uint8_t) n_args;
    inst->imm = (int32_t) row_number;
    memcpy(inst->args, args, sizeof(args));
    if (line)
        inst->line = line;
    return to;
}

static uint32_t expression_call_proc(struct scenario_reader *reader,
                                     const struct scenario_name *name)
{
    const struct scenario_proc *proc = &reader->program->procs[name->value];
    uint8_t args[SCENARIO_ARGUMENTS] = {0};
    uint32_t line = reader->token.line;
    uint32_t n_args = expression_arguments(reader, args, proc->n_params);
    uint32_t to = mmusim__scenario_temporary(reader);
    struct scenario_inst *inst;

    if (n_args != proc->n_params)
        mmusim__scenario_fail(reader, line ? line : reader->line,
                              "%s takes %u arguments, not %u", name->text,
                              proc->n_params, n_args);
    inst = mmusim__scenario_emit(reader, OP_CALL);
    inst->to = (uint8_t) to;
    inst->n_args = (uint8_t) n_args;
    inst->imm = name->value;
    memcpy(inst->args, args, sizeof(args));
    return to;
}

uint32_t mmusim__scenario_call(struct scenario_reader *reader, const char *text)
{
    const struct scenario_name *name =
        mmusim__scenario_find(reader->program, text);
    uint32_t row = mmusim__scenario_builtin_find(text);
    int atomic = expression_atomic(text);

    if (atomic >= 0)
        return expression_call_atomic(reader, atomic);
    if (row)
        return expression_call_row(reader, row);
    if (name && name->kind == NAME_PROC)
        return expression_call_proc(reader, name);
    mmusim__scenario_unknown(reader, "name", text);
    return 0;
}

/* ---- values ---- */

static int expression_local(const struct scenario_reader *reader,
                            const char *name)
{
    for (uint32_t i = 0; reader->scope && i < reader->scope->n_locals; i++) {
        if (!strcmp(reader->scope->locals[i], name))
            return (int) i;
    }
    return -1;
}

static uint32_t expression_name(struct scenario_reader *reader)
{
    char text[SCENARIO_NAME_BYTES];
    const struct scenario_name *name;
    struct scenario_inst *inst;
    bool is_private;
    bool is_own = mmusim__scenario_take(reader, "own");
    uint32_t cell;
    int local;

    mmusim__scenario_need_name(reader, "a value", text);
    local = expression_local(reader, text);
    if (local >= 0)
        return (uint32_t) local;
    if (!strcmp(text, "cpu"))
        return expression_call_row(reader,
                                   mmusim__scenario_builtin_find("self"));
    name = mmusim__scenario_find(reader->program, text);
    if (!name || name->kind == NAME_PROC)
        return mmusim__scenario_call(reader, text);
    if (name->kind != NAME_VARIABLE)
        return expression_constant(reader, name->value);
    cell = mmusim__scenario_cell_of(reader, name, &is_private);
    inst = mmusim__scenario_emit(reader, is_private || is_own ? OP_LOAD_PRIVATE
                                                              : OP_LOAD);
    inst->to = (uint8_t) cell;
    inst->args[0] = (uint8_t) cell;
    return cell;
}

static uint32_t expression_unary(struct scenario_reader *reader)
{
    static const struct {
        const char *text;
        uint8_t op;
    } unaries[] = {{"!", OP_NOT}, {"~", OP_INVERT}};
    struct scenario_inst *inst;

    for (size_t i = 0; i < 2; i++) {
        uint32_t from, to;

        if (!mmusim__scenario_take(reader, unaries[i].text))
            continue;
        from = expression_of(reader, 11);
        to = mmusim__scenario_temporary(reader);
        inst = mmusim__scenario_emit(reader, (enum scenario_op) unaries[i].op);
        inst->to = (uint8_t) to;
        inst->args[0] = (uint8_t) from;
        return to;
    }
    if (mmusim__scenario_take(reader, "(")) {
        uint32_t value = mmusim__scenario_expression(reader);

        mmusim__scenario_need(reader, ")");
        return value;
    }
    if (reader->token.kind == TOKEN_NUMBER) {
        int32_t number = reader->token.number;

        mmusim__scenario_next(reader);
        return expression_constant(reader, number);
    }
    return expression_name(reader);
}

static uint32_t expression_binary(struct scenario_reader *reader,
                                  const struct expression_operator *operator,
                                  uint32_t left)
{
    uint32_t right, to;
    struct scenario_inst *inst;

    mmusim__scenario_next(reader);
    right = expression_of(reader, operator->strength + 1u);
    to = mmusim__scenario_temporary(reader);
    inst = mmusim__scenario_emit(reader, OP_BINARY);
    inst->to = (uint8_t) to;
    inst->sub = operator->op;
    inst->args[0] = (uint8_t) left;
    inst->args[1] = (uint8_t) right;
    return to;
}

/* left && right, left || right: 0 or 1 */
static uint32_t expression_logical(struct scenario_reader *reader,
                                   uint32_t left, bool is_and)
{
    uint32_t to = mmusim__scenario_temporary(reader);
    struct scenario_program *program = reader->program;
    uint32_t jump, right;
    struct scenario_inst *inst;

    mmusim__scenario_next(reader);
    for (uint32_t i = 0; i < 2; i++) { /* to = !!left for and, !left for or */
        inst = mmusim__scenario_emit(reader, OP_NOT);
        inst->to = (uint8_t) to;
        inst->args[0] = (uint8_t) (i ? to : left);
        if (!is_and)
            break;
    }
    jump = program->n_code;
    inst = mmusim__scenario_emit(reader, OP_JUMP_ZERO);
    inst->args[0] = (uint8_t) to;
    right = expression_of(reader, is_and ? 3 : 2);
    inst = mmusim__scenario_emit(reader, OP_NOT);
    inst->to = (uint8_t) to;
    inst->args[0] = (uint8_t) right;
    if (is_and) {
        inst = mmusim__scenario_emit(reader, OP_NOT);
        inst->to = (uint8_t) to;
        inst->args[0] = (uint8_t) to;
        program->code[jump].imm = (int32_t) program->n_code;
        return to;
    }
    program->code[jump].imm = (int32_t) program->n_code;
    inst = mmusim__scenario_emit(reader, OP_NOT); /* of !left or !right */
    inst->to = (uint8_t) to;
    inst->args[0] = (uint8_t) to;
    return to;
}

static uint32_t expression_of(struct scenario_reader *reader, uint32_t strength)
{
    uint32_t left;

    if (++reader->nesting > EXPRESSION_DEPTH) {
        mmusim__scenario_fail(reader, reader->line,
                              "the expression is too deep");
        reader->nesting--;
        return 0;
    }
    left = expression_unary(reader);
    for (bool goes_on = true; goes_on && !reader->status;) {
        size_t n =
            sizeof(expression_operators) / sizeof(expression_operators[0]);

        goes_on = false;
        for (size_t i = 0; i < n && !goes_on; i++) {
            if (expression_operators[i].strength >= strength &&
                mmusim__scenario_is(reader, expression_operators[i].text)) {
                left =
                    expression_binary(reader, &expression_operators[i], left);
                goes_on = true;
            }
        }
        if (!goes_on &&
            ((strength <= 2 && mmusim__scenario_is(reader, "&&")) ||
             (strength <= 1 && mmusim__scenario_is(reader, "||")))) {
            left = expression_logical(reader, left,
                                      mmusim__scenario_is(reader, "&&"));
            goes_on = true;
        }
    }
    reader->nesting--;
    return left;
}

uint32_t mmusim__scenario_expression(struct scenario_reader *reader)
{
    return expression_of(reader, 1);
}

int32_t mmusim__scenario_constant(struct scenario_reader *reader)
{
    int32_t sum = 0;
    bool is_minus = mmusim__scenario_take(reader, "-");

    do {
        int32_t value = 0;

        if (reader->token.kind == TOKEN_NUMBER) {
            value = reader->token.number;
        } else if (reader->token.kind == TOKEN_NAME) {
            const struct scenario_name *name =
                mmusim__scenario_find(reader->program, reader->token.text);

            if (!name || name->kind == NAME_PROC || name->kind == NAME_VARIABLE)
                mmusim__scenario_unknown(reader, "constant",
                                         reader->token.text);
            else
                value = name->value;
        } else {
            mmusim__scenario_expected(reader, "a number or a constant");
        }
        sum = (int32_t) ((uint32_t) sum +
                         (is_minus ? 0u - (uint32_t) value : (uint32_t) value));
        is_minus = false;
        mmusim__scenario_next(reader);
    } while (mmusim__scenario_take(reader, "+"));
    return sum;
}
