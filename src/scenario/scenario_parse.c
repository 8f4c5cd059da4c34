/* SPDX-License-Identifier: MIT */
/* A whole scenario: declarations, procedures, the lines of each CPU, what is
 * expected, and the schedule of a replay file. */
#include "scenario/scenario_reader.h"

#include "core/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- # expect: ---- */

static const char *parse_skip(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

static uint32_t parse_verdict(struct scenario_reader *reader, uint32_t line,
                              const char *word)
{
    const char *names[SCENARIO_VERDICTS];
    const char *nearest;

    for (int i = 0; i < SCENARIO_VERDICTS; i++) {
        names[i] = mmusim__scenario_verdict_name((enum scenario_verdict) i);
        if (!strcmp(word, names[i]))
            return 1u << i;
    }
    nearest = mmusim_nearest(word, names, SCENARIO_VERDICTS);
    mmusim__scenario_fail(reader, line, "'%s' is no verdict (%s%s)", word,
                          nearest ? "nearest: " : "clean, UAF_PAGE, ...",
                          nearest ? nearest : "");
    return 0;
}

/* A list of verdicts, with "or" or commas between them. */
static void parse_expected(struct scenario_reader *reader, uint32_t line,
                           const char *at, struct scenario_expectation *expect)
{
    expect->is_given = true;
    expect->line = line;
    while (*(at = parse_skip(at)) && *at != '\r') {
        char word[40];
        size_t length = strcspn(at, " \t\r,|");

        snprintf(word, sizeof(word), "%.*s", (int) (length < 39 ? length : 39),
                 at);
        if (length && strcmp(word, "or") != 0)
            expect->allowed |= parse_verdict(reader, line, word);
        at += length;
        at += strspn(at, ",|");
    }
    if (!expect->allowed)
        mmusim__scenario_fail(reader, line,
                              "expected a verdict or 'clean' behind "
                              "'expect:'");
}

static void parse_expect_line(struct scenario_reader *reader, uint32_t line,
                              const char *text)
{
    struct scenario_program *program = reader->program;

    if (text[0] != '#')
        return;
    text = parse_skip(text + 1);
    if (!strncmp(text, "expect-run:", 11)) {
        parse_expected(reader, line, text + 11, &program->expect_run);
    } else if (!strncmp(text, "expect-explore:", 15)) {
        parse_expected(reader, line, text + 15, &program->expect_explore);
    } else if (!strncmp(text, "expect:", 7)) {
        parse_expected(reader, line, text + 7, &program->expect_run);
        program->expect_explore = program->expect_run;
    } else if (!strncmp(text, "expect", 6)) {
        mmusim__scenario_fail(reader, line,
                              "expected 'expect:', 'expect-run:' or "
                              "'expect-explore:'");
    }
}

static void parse_expectations(struct scenario_reader *reader)
{
    const struct scenario_program *program = reader->program;
    const char *at = program->text;

    for (uint32_t line = 1; *at && !reader->status; line++) {
        size_t length = strcspn(at, "\n");
        const char *begin = parse_skip(at);

        if (begin < at + length && *begin == '#') {
            char text[200];

            snprintf(
                text, sizeof(text), "%.*s",
                (int) (at + length - begin < 199 ? at + length - begin : 199),
                begin);
            parse_expect_line(reader, line, text);
        }
        at += length + (at[length] == '\n');
    }
}

/* ---- procedures ---- */

/* A statement's start forgets temporaries: all registers above the locals. */
static void parse_finish_code(struct scenario_program *program, uint32_t first,
                              uint32_t end, const struct scenario_scope *scope)
{
    for (uint32_t i = first; i < end; i++) {
        if (program->code[i].begins)
            program->code[i].begins = (uint8_t) (scope->n_locals + 1);
    }
}

static void parse_parameters(struct scenario_reader *reader,
                             struct scenario_proc *proc,
                             struct scenario_scope *scope)
{
    mmusim__scenario_need(reader, "(");
    while (!reader->status && !mmusim__scenario_is(reader, ")")) {
        if (scope->n_locals == SCENARIO_ARGUMENTS) {
            mmusim__scenario_fail(reader, reader->line,
                                  "more than %d parameters",
                                  SCENARIO_ARGUMENTS);
            return;
        }
        mmusim__scenario_need_name(reader, "a parameter",
                                   scope->locals[scope->n_locals++]);
        if (!mmusim__scenario_take(reader, ","))
            break;
    }
    mmusim__scenario_need(reader, ")");
    proc->n_params = scope->n_locals;
}

static void parse_proc(struct scenario_reader *reader)
{
    struct scenario_program *program = reader->program;
    struct scenario_proc *proc = &program->procs[program->n_procs];
    struct scenario_scope scope = {.n_locals = 0};
    char text[SCENARIO_NAME_BYTES];

    if (!mmusim__scenario_need_name(reader, "a procedure's name", text))
        return;
    if (program->n_procs == SCENARIO_PROCS) {
        mmusim__scenario_fail(reader, reader->line, "more than %d procedures",
                              SCENARIO_PROCS);
        return;
    }
    proc->name = program->n_names;
    if (!mmusim__scenario_add(reader, text, NAME_PROC,
                              (int32_t) program->n_procs))
        return;
    parse_parameters(reader, proc, &scope);
    program->n_procs++;
    proc->first_inst = program->n_code;
    reader->scope = &scope;
    mmusim__scenario_block(reader);
    reader->begins = true;
    mmusim__scenario_emit(reader, OP_RETURN);
    reader->scope = NULL;
    proc->end_inst = program->n_code;
    proc->n_locals = scope.n_locals;
    parse_finish_code(program, proc->first_inst, proc->end_inst, &scope);
}

/* ---- the lines of CPUs ---- */

static bool parse_special(struct scenario_reader *reader,
                          struct scenario_line *line)
{
    static const struct {
        const char *word;
        enum scenario_special special;
    } words[] = {{"continue", SPECIAL_CONTINUE},
                 {"hold", SPECIAL_HOLD},
                 {"drain", SPECIAL_DRAIN},
                 {"defer", SPECIAL_DEFER},
                 {"deliver", SPECIAL_DELIVER}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!mmusim__scenario_take(reader, words[i].word))
            continue;
        line->special = (uint8_t) words[i].special;
        if (words[i].special == SPECIAL_DRAIN &&
            reader->token.kind == TOKEN_NUMBER) {
            line->count = (uint8_t) reader->token.number;
            mmusim__scenario_next(reader);
        }
        return true;
    }
    return false;
}

static void parse_line(struct scenario_reader *reader, bool is_setup)
{
    struct scenario_program *program = reader->program;
    struct scenario_line *line = &program->lines[program->n_lines];
    char text[SCENARIO_NAME_BYTES];
    int32_t cpu = reader->token.number;

    if (reader->token.kind != TOKEN_NUMBER || cpu < 0 ||
        (uint32_t) cpu >= program->n_cpus) {
        mmusim__scenario_expected(reader, "the number of a CPU");
        return;
    }
    if (program->n_lines == SCENARIO_LINES - 1) {
        mmusim__scenario_fail(reader, reader->line, "more than %d lines",
                              SCENARIO_LINES - 1);
        return;
    }
    *line = (struct scenario_line){.cpu = (uint8_t) cpu,
                                   .is_setup = is_setup,
                                   .first_inst = program->n_code,
                                   .until = -1,
                                   .line = reader->token.line};
    mmusim__scenario_next(reader);
    mmusim__scenario_need(reader, ":");
    reader->scope = &reader->mains[cpu];
    if (!parse_special(reader, line))
        mmusim__scenario_statements(reader);
    if (mmusim__scenario_take(reader, "until") &&
        mmusim__scenario_need_name(reader, "a label", text))
        line->until = mmusim__scenario_label(reader, text);
    reader->begins = true;
    mmusim__scenario_emit(reader, OP_LINE);
    reader->scope = NULL;
    line->end_inst = program->n_code;
    program->n_lines++;
}

/* Each CPU's lines one after another, behind an empty one, its end behind the
 * last. */
static void parse_join_lines(struct scenario_reader *reader)
{
    struct scenario_program *program = reader->program;

    for (uint32_t c = 0; c < program->n_cpus && !reader->status; c++) {
        uint32_t next = program->n_code;

        mmusim__scenario_emit(reader, OP_END);
        for (uint32_t i = program->n_lines; i-- > 0;) {
            const struct scenario_line *line = &program->lines[i];

            if (line->cpu != c)
                continue;
            program->code[line->end_inst - 1].imm = (int32_t) next;
            parse_finish_code(program, line->first_inst, line->end_inst,
                              &reader->mains[c]);
            next = line->first_inst;
        }
        program->entry[c] = program->n_code;
        reader->begins = false;
        mmusim__scenario_emit(reader, OP_LINE)->imm = (int32_t) next;
    }
}

/* ---- schedule ---- */

static uint8_t parse_index(struct scenario_reader *reader, uint32_t limit)
{
    int32_t number = reader->token.number;

    if (reader->token.kind != TOKEN_NUMBER || number < 0 ||
        (uint32_t) number >= limit) {
        mmusim__scenario_expected(reader, "a small number");
        return 0;
    }
    mmusim__scenario_next(reader);
    return (uint8_t) number;
}

static void parse_move(struct scenario_reader *reader,
                       struct scenario_move *move)
{
    char text[SCENARIO_NAME_BYTES];

    move->cpu = parse_index(reader, reader->program->n_cpus);
    if (mmusim__scenario_take(reader, "step")) {
        move->kind = MOVE_STEP;
    } else if (mmusim__scenario_take(reader, "drain")) {
        move->kind = MOVE_DRAIN;
        move->arg = parse_index(reader, SCENARIO_BUFFER);
    } else if (mmusim__scenario_take(reader, "interrupt")) {
        move->kind = MOVE_IPI;
        move->arg = parse_index(reader, reader->program->n_cpus);
    } else if (mmusim__scenario_take(reader, "arrive")) {
        move->kind = MOVE_ARRIVE;
        move->arg = parse_index(reader, reader->program->n_cpus);
        move->arg2 = parse_index(reader, SCENARIO_BROADCASTS);
    } else if (mmusim__scenario_take(reader, "fill")) {
        const struct scenario_name *name;

        move->kind = MOVE_FILL;
        mmusim__scenario_need_name(reader, "an address", text);
        name = mmusim__scenario_find(reader->program, text);
        if (!name || name->kind != NAME_ADDRESS)
            mmusim__scenario_unknown(reader, "address", text);
        else
            move->arg = (uint8_t) name->value;
    } else {
        mmusim__scenario_expected(reader, "step, drain, interrupt, arrive or "
                                          "fill");
    }
}

static void parse_schedule(struct scenario_reader *reader)
{
    struct scenario_program *program = reader->program;

    program->has_schedule = true;
    mmusim__scenario_need(reader, "{");
    mmusim__scenario_skip_lines(reader);
    while (!reader->status && !mmusim__scenario_is(reader, "}")) {
        struct scenario_move move = {0};

        if ((program->n_moves & (program->n_moves + 1)) == 0) {
            struct scenario_move *moves =
                realloc(program->moves,
                        ((size_t) program->n_moves * 2 + 2) * sizeof(*moves));

            if (!moves) {
                reader->status = mmusim__diag_set(reader->diag, MMUSIM_NOMEM,
                                                  "out of memory");
                return;
            }
            program->moves = moves;
        }
        parse_move(reader, &move);
        program->moves[program->n_moves++] = move;
        mmusim__scenario_end_line(reader);
        mmusim__scenario_skip_lines(reader);
    }
    mmusim__scenario_need(reader, "}");
}

/* ---- all ---- */

static void parse_nothing_known(struct scenario_reader *reader)
{
    static const char *const words[] = {
        "arch",    "cpus",  "mm",       "page",      "table",
        "address", "map",   "const",    "default",   "shared",
        "private", "init",  "start",    "speculate", "data",
        "proc",    "setup", "schedule", "include"};
    const char *nearest = mmusim_nearest(reader->token.text, words,
                                         sizeof(words) / sizeof(words[0]));
    char what[128];

    snprintf(what, sizeof(what),
             "a declaration, 'proc' or 'CPU: statements'%s%s%s",
             nearest ? " (nearest: " : "", nearest ? nearest : "",
             nearest ? ")" : "");
    mmusim__scenario_expected(reader, what);
}

static void parse_top(struct scenario_reader *reader)
{
    if (reader->token.kind == TOKEN_NUMBER) {
        reader->has_program_line = true;
        parse_line(reader, false);
    } else if (mmusim__scenario_take(reader, "setup")) {
        if (reader->has_program_line)
            mmusim__scenario_fail(reader, reader->line,
                                  "'setup' comes before the other lines");
        parse_line(reader, true);
    } else if (mmusim__scenario_take(reader, "proc")) {
        parse_proc(reader);
    } else if (mmusim__scenario_take(reader, "schedule")) {
        parse_schedule(reader);
    } else if (!mmusim__scenario_declaration(reader)) {
        parse_nothing_known(reader);
    }
    mmusim__scenario_end_line(reader);
}

static mmusim_status_t parse_all(struct scenario_reader *reader)
{
    struct scenario_program *program = reader->program;

    reader->at = program->text;
    reader->end = program->text + program->n_bytes;
    reader->line = 1;
    mmusim__scenario_add_own_names(reader);
    mmusim__scenario_add(reader, "CPUS", NAME_NUMBER, 2);
    mmusim__scenario_add(reader, "pte", NAME_VARIABLE, -1);
    mmusim__scenario_add(reader, "pmd", NAME_VARIABLE, -2);
    mmusim__scenario_add(reader, "table_entry", NAME_VARIABLE, -3);
    parse_expectations(reader);
    mmusim__scenario_next(reader);
    mmusim__scenario_skip_lines(reader);
    while (!reader->status && reader->token.kind != TOKEN_END) {
        parse_top(reader);
        mmusim__scenario_skip_lines(reader);
    }
    if (!reader->status && !program->n_lines)
        mmusim__scenario_fail(reader, reader->line,
                              "no CPU does anything (expected lines like "
                              "'0: write A')");
    parse_join_lines(reader);
    return reader->status;
}

mmusim_status_t mmusim__scenario_parse(const char *file, const char *text,
                                       size_t n_bytes, const char *library,
                                       struct scenario_program **program,
                                       mmusim_diag_t *diag)
{
    struct scenario_program *made = calloc(1, sizeof(*made));
    struct scenario_reader *reader = calloc(1, sizeof(*reader));
    mmusim_status_t status;

    if (!made || !reader) {
        status =
            mmusim__diag_set(diag, MMUSIM_NOMEM, "%s: out of memory", file);
        goto fail;
    }
    made->n_cpus = 2;
    made->n_mms = 1;                    /* number 0 is init_mm */
    made->n_pages = made->n_tables = 1; /* number 0 is none */
    reader->program = made;
    reader->diag = diag;
    status = mmusim__scenario_flatten(made, file, text, n_bytes, library, diag);
    if (status)
        goto fail;
    status = parse_all(reader);
    if (status)
        goto fail;
    free(reader);
    *program = made;
    return MMUSIM_OK;
fail:
    free(reader);
    mmusim__scenario_program_destroy(made);
    return status;
}

void mmusim__scenario_program_destroy(struct scenario_program *program)
{
    if (!program)
        return;
    free(program->moves);
    free(program->text);
    free(program->sources);
    free(program);
}
