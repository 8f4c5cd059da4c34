/* SPDX-License-Identifier: MIT */
/* Statements to code. */
#include "scenario/scenario_reader.h"

#include <stdio.h>
#include <string.h>

enum { STATEMENT_DEPTH = 12 };

int32_t mmusim__scenario_label(struct scenario_reader *reader, const char *text)
{
    struct scenario_program *program = reader->program;
    uint32_t name = 0;

    while (name < program->n_names &&
           (program->names[name].kind != NAME_NUMBER ||
            program->names[name].text[0] != '@' ||
            strcmp(program->names[name].text + 1, text) != 0))
        name++;
    if (name == program->n_names) {
        char at[SCENARIO_NAME_BYTES];

        snprintf(at, sizeof(at), "@%.*s", SCENARIO_NAME_BYTES - 2, text);
        if (!mmusim__scenario_add(reader, at, NAME_NUMBER,
                                  (int32_t) program->n_labels))
            return -1;
        program->n_labels++;
    }
    return program->names[name].value;
}

static void statement_jump_here(struct scenario_reader *reader, uint32_t jump)
{
    reader->program->code[jump].imm = (int32_t) reader->program->n_code;
}

static uint32_t statement_condition(struct scenario_reader *reader)
{
    uint32_t value = mmusim__scenario_expression(reader);
    uint32_t jump = reader->program->n_code;
    struct scenario_inst *inst = mmusim__scenario_emit(reader, OP_JUMP_ZERO);

    inst->args[0] = (uint8_t) value;
    return jump;
}

void mmusim__scenario_block(struct scenario_reader *reader)
{
    if (++reader->nesting > STATEMENT_DEPTH)
        mmusim__scenario_fail(reader, reader->line,
                              "blocks are nested too "
                              "deeply");
    mmusim__scenario_need(reader, "{");
    mmusim__scenario_skip_lines(reader);
    while (!reader->status && !mmusim__scenario_is(reader, "}")) {
        if (reader->token.kind == TOKEN_END) {
            mmusim__scenario_expected(reader, "'}'");
            break;
        }
        mmusim__scenario_statements(reader);
        mmusim__scenario_skip_lines(reader);
    }
    mmusim__scenario_need(reader, "}");
    reader->nesting--;
}

static void statement_if(struct scenario_reader *reader)
{
    uint32_t skip = statement_condition(reader);
    uint32_t jump;

    mmusim__scenario_block(reader);
    if (!mmusim__scenario_take(reader, "else")) {
        statement_jump_here(reader, skip);
        return;
    }
    jump = reader->program->n_code;
    mmusim__scenario_emit(reader, OP_JUMP);
    statement_jump_here(reader, skip);
    if (mmusim__scenario_take(reader, "if")) {
        if (++reader->nesting > STATEMENT_DEPTH)
            mmusim__scenario_fail(reader, reader->line, "too many 'else if'");
        reader->begins = true;
        statement_if(reader);
        reader->nesting--;
    } else {
        mmusim__scenario_block(reader);
    }
    statement_jump_here(reader, jump);
}

static void statement_while(struct scenario_reader *reader)
{
    uint32_t top = reader->program->n_code;
    uint32_t skip = statement_condition(reader);

    mmusim__scenario_block(reader);
    mmusim__scenario_emit(reader, OP_JUMP)->imm = (int32_t) top;
    statement_jump_here(reader, skip);
}

static void statement_await(struct scenario_reader *reader)
{
    uint32_t await = reader->program->n_code;
    uint32_t value;

    mmusim__scenario_emit(reader, OP_AWAIT);
    value = mmusim__scenario_expression(reader);
    reader->program->code[await].args[0] = (uint8_t) value;
    statement_jump_here(reader, await);
    for (uint32_t i = await + 1; i < reader->program->n_code; i++) {
        const struct scenario_inst *inst = &reader->program->code[i];

        if (inst->op > OP_LOAD || inst->op == OP_CALL ||
            inst->op == OP_STORE_PRIVATE ||
            (inst->op == OP_INSIDE &&
             !mmusim__scenario_builtins[inst->imm].has_result))
            mmusim__scenario_fail(reader, inst->line,
                                  "'await' takes a condition of variables");
    }
}

static void statement_lock(struct scenario_reader *reader, enum scenario_op op)
{
    char text[SCENARIO_NAME_BYTES];
    const struct scenario_name *name;
    bool is_private;
    uint32_t cell;

    if (!mmusim__scenario_need_name(reader, "a lock", text))
        return;
    name = mmusim__scenario_find(reader->program, text);
    if (!name || name->kind != NAME_VARIABLE) {
        mmusim__scenario_unknown(reader, "lock", text);
        return;
    }
    cell = mmusim__scenario_cell_of(reader, name, &is_private);
    mmusim__scenario_emit(reader, op)->args[0] = (uint8_t) cell;
}

static void statement_ipi(struct scenario_reader *reader)
{
    uint8_t args[SCENARIO_ARGUMENTS] = {0};
    char text[SCENARIO_NAME_BYTES];
    const struct scenario_name *name;
    struct scenario_inst *inst;
    uint32_t n_args;

    args[0] = (uint8_t) mmusim__scenario_expression(reader);
    mmusim__scenario_need(reader, ":");
    if (!mmusim__scenario_need_name(reader, "a procedure", text))
        return;
    name = mmusim__scenario_find(reader->program, text);
    if (!name || name->kind != NAME_PROC) {
        mmusim__scenario_unknown(reader, "procedure", text);
        return;
    }
    n_args = mmusim__scenario_arguments(reader, args, 1);
    if (!reader->status &&
        n_args - 1 != reader->program->procs[name->value].n_params)
        mmusim__scenario_fail(
            reader, reader->line, "%s takes %u arguments, not %u", text,
            reader->program->procs[name->value].n_params, n_args - 1);
    inst = mmusim__scenario_emit(reader, OP_IPI);
    inst->imm = name->value;
    inst->n_args = (uint8_t) n_args;
    memcpy(inst->args, args, sizeof(args));
}

static void statement_return(struct scenario_reader *reader)
{
    bool has_value = reader->token.kind == TOKEN_NAME ||
                     reader->token.kind == TOKEN_NUMBER ||
                     mmusim__scenario_is(reader, "(") ||
                     mmusim__scenario_is(reader, "!") ||
                     mmusim__scenario_is(reader, "~");
    uint32_t value = has_value ? mmusim__scenario_expression(reader) : 0;
    struct scenario_inst *inst = mmusim__scenario_emit(reader, OP_RETURN);

    inst->n_args = has_value;
    inst->args[0] = (uint8_t) value;
}

/* ---- assignments ---- */

/* The operator of "+=" and its like; false: it is none. */
static bool statement_modifier(struct scenario_reader *reader, uint8_t *op)
{
    static const struct {
        const char *text;
        uint8_t op;
    } modifiers[] = {{"+=", BINARY_ADD},
                     {"-=", BINARY_SUB},
                     {"|=", BINARY_OR},
                     {"&=", BINARY_AND}};

    for (size_t i = 0; i < sizeof(modifiers) / sizeof(modifiers[0]); i++) {
        if (mmusim__scenario_take(reader, modifiers[i].text)) {
            *op = modifiers[i].op;
            return true;
        }
    }
    return false;
}

/* What stands behind = or +=; old: the register of the value so far. */
static uint32_t statement_value(struct scenario_reader *reader, uint32_t old,
                                const uint8_t *op)
{
    uint32_t value = mmusim__scenario_expression(reader);
    struct scenario_inst *inst;
    uint32_t to;

    if (!op)
        return value;
    to = mmusim__scenario_temporary(reader);
    inst = mmusim__scenario_emit(reader, OP_BINARY);
    inst->sub = *op;
    inst->to = (uint8_t) to;
    inst->args[0] = (uint8_t) old;
    inst->args[1] = (uint8_t) value;
    return to;
}

static void statement_store(struct scenario_reader *reader,
                            const struct scenario_name *name, bool is_release)
{
    bool is_private;
    uint32_t cell = mmusim__scenario_cell_of(reader, name, &is_private);
    uint32_t old = 0, value;
    struct scenario_inst *inst;
    uint8_t op;
    bool is_modified = statement_modifier(reader, &op);

    if (is_modified) {
        old = mmusim__scenario_temporary(reader);
        inst = mmusim__scenario_emit(reader,
                                     is_private ? OP_LOAD_PRIVATE : OP_LOAD);
        inst->to = (uint8_t) old;
        inst->args[0] = (uint8_t) cell;
    } else {
        mmusim__scenario_need(reader, "=");
    }
    value = statement_value(reader, old, is_modified ? &op : NULL);
    inst =
        mmusim__scenario_emit(reader, is_private ? OP_STORE_PRIVATE : OP_STORE);
    inst->args[0] = (uint8_t) cell;
    inst->args[1] = (uint8_t) value;
    inst->is_release = is_release;
}

static int statement_local(struct scenario_reader *reader, const char *text,
                           bool is_made)
{
    struct scenario_scope *scope = reader->scope;

    for (uint32_t i = 0; i < scope->n_locals; i++) {
        if (!strcmp(scope->locals[i], text))
            return (int) i;
    }
    if (!is_made)
        return -1;
    if (mmusim__scenario_find(reader->program, text)) {
        mmusim__scenario_fail(reader, reader->line,
                              "'%s' is a constant: nothing can be assigned",
                              text);
        return 0;
    }
    if (scope->n_locals == SCENARIO_REGISTERS - 6) {
        mmusim__scenario_fail(reader, reader->line,
                              "more than %d local variables",
                              SCENARIO_REGISTERS - 6);
        return 0;
    }
    memcpy(scope->locals[scope->n_locals], text, SCENARIO_NAME_BYTES);
    return (int) scope->n_locals++;
}

static void statement_assign_local(struct scenario_reader *reader,
                                   const char *text)
{
    struct scenario_inst *inst;
    uint8_t op;
    bool is_modified = statement_modifier(reader, &op);
    int local = statement_local(reader, text, false);
    uint32_t value;

    if (is_modified && local < 0)
        mmusim__scenario_unknown(reader, "local variable", text);
    if (!is_modified)
        mmusim__scenario_need(reader, "=");
    value = statement_value(reader, (uint32_t) (local < 0 ? 0 : local),
                            is_modified ? &op : NULL);
    local = statement_local(reader, text, true);
    inst = mmusim__scenario_emit(reader, OP_MOVE);
    inst->to = (uint8_t) local;
    inst->args[0] = (uint8_t) value;
}

static bool statement_is_assignment(const struct scenario_reader *reader)
{
    return mmusim__scenario_is(reader, "=") ||
           mmusim__scenario_is(reader, "+=") ||
           mmusim__scenario_is(reader, "-=") ||
           mmusim__scenario_is(reader, "|=") ||
           mmusim__scenario_is(reader, "&=");
}

static void statement_other(struct scenario_reader *reader)
{
    bool is_release = mmusim__scenario_take(reader, "release");
    const struct scenario_name *name;
    char text[SCENARIO_NAME_BYTES];

    if (!mmusim__scenario_need_name(reader, "a statement", text))
        return;
    name = mmusim__scenario_find(reader->program, text);
    if (name && name->kind == NAME_VARIABLE)
        statement_store(reader, name, is_release);
    else if (is_release)
        mmusim__scenario_unknown(reader, "shared variable", text);
    else if (statement_is_assignment(reader))
        statement_assign_local(reader, text);
    else
        mmusim__scenario_call(reader, text);
}

static void statement_one(struct scenario_reader *reader)
{
    char text[SCENARIO_NAME_BYTES];

    if (mmusim__scenario_take(reader, "if")) {
        statement_if(reader);
    } else if (mmusim__scenario_take(reader, "while")) {
        statement_while(reader);
    } else if (mmusim__scenario_take(reader, "await")) {
        statement_await(reader);
    } else if (mmusim__scenario_take(reader, "lock")) {
        statement_lock(reader, OP_LOCK);
    } else if (mmusim__scenario_take(reader, "unlock")) {
        statement_lock(reader, OP_UNLOCK);
    } else if (mmusim__scenario_take(reader, "ipi")) {
        statement_ipi(reader);
    } else if (mmusim__scenario_take(reader, "return")) {
        statement_return(reader);
    } else if (mmusim__scenario_take(reader, "atomic")) {
        mmusim__scenario_emit(reader, OP_ATOMIC_BEGIN);
        mmusim__scenario_block(reader);
        mmusim__scenario_emit(reader, OP_ATOMIC_END);
    } else if (mmusim__scenario_take(reader, "label")) {
        mmusim__scenario_need_name(reader, "a label", text);
        mmusim__scenario_emit(reader, OP_LABEL)->imm =
            mmusim__scenario_label(reader, text);
    } else if (mmusim__scenario_is(reader, "{")) {
        mmusim__scenario_block(reader);
    } else {
        statement_other(reader);
    }
}

void mmusim__scenario_statements(struct scenario_reader *reader)
{
    do {
        if (reader->token.kind == TOKEN_NEWLINE ||
            reader->token.kind == TOKEN_END || mmusim__scenario_is(reader, "}"))
            return;
        reader->begins = true;
        reader->n_temporaries = 0;
        statement_one(reader);
    } while (mmusim__scenario_take(reader, ";"));
    if (!mmusim__scenario_is(reader, "}") &&
        !mmusim__scenario_is(reader, "until") &&
        reader->token.kind != TOKEN_END && reader->token.kind != TOKEN_NEWLINE)
        mmusim__scenario_expected(reader, "the end of the statement");
}
