/* SPDX-License-Identifier: MIT */
/* Reading litmus tests: the columns of code. */
#include "litmus/litmus_reader.h"
#include "litmus/litmus_tlbi.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_COLUMNS = 16, CELL_BYTES = 160 };

struct column {
    uint8_t thread;
    bool is_handler;
    uint32_t n_code;
    struct litmus_instr code[LITMUS_MAX_CODE];
};

struct columns {
    struct column at[MAX_COLUMNS];
    uint32_t n;
};

/* Is the word that starts here one of a condition's? */
static bool code_ends_at(const char *at, const char *end)
{
    static const char *const words[] = {"exists", "forall", "locations",
                                        "filter", "final"};

    if (at < end && *at == '~')
        return true;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t length = strlen(words[i]);

        if ((size_t) (end - at) > length && !strncmp(at, words[i], length) &&
            !isalnum((unsigned char) at[length]))
            return true;
    }
    return false;
}

static const char *code_skip_blanks(const char *at, const char *end,
                                    uint32_t *line)
{
    while (at < end && isspace((unsigned char) *at)) {
        *line += *at == '\n';
        at++;
    }
    return at;
}

/* The next cell's text, trimmed; *at is then at its '|' or ';'. */
static bool code_cell(const char **at, const char *end, uint32_t *line,
                      char *cell)
{
    size_t n = 0;

    *at = code_skip_blanks(*at, end, line);
    while (*at < end && **at != '|' && **at != ';') {
        char c = **at;

        if (c == '\n')
            return false; /* a row is one line: its ';' is missing */
        if (n + 1 < CELL_BYTES)
            cell[n++] = c;
        ++*at;
    }
    while (n && isspace((unsigned char) cell[n - 1]))
        n--;
    cell[n] = 0;
    return *at < end;
}

/* "P0", "P1.F". */
static bool code_column(struct litmus_reader *reader, struct columns *columns,
                        const char *cell, uint32_t line)
{
    struct column *column = &columns->at[columns->n];

    if ((cell[0] != 'P' && cell[0] != 'p') ||
        !isdigit((unsigned char) cell[1]) ||
        (cell[2] && strcmp(cell + 2, ".F") != 0))
        return mmusim__litmus_fail(reader, line, cell, "P0, P1 or P0.F");
    if (columns->n == MAX_COLUMNS || cell[1] - '0' >= (int) LITMUS_MAX_THREADS)
        return mmusim__litmus_refuse(reader, line, "more than 8 threads");
    column->thread = (uint8_t) (cell[1] - '0');
    column->is_handler = cell[2] == '.';
    if (!column->is_handler && column->thread != reader->test->n_threads)
        return mmusim__litmus_fail(reader, line, cell,
                                   "threads in order: P0, P1, ...");
    if (column->is_handler && column->thread >= reader->test->n_threads)
        return mmusim__litmus_fail(reader, line, cell,
                                   "a thread before its handler");
    reader->test->n_threads += !column->is_handler;
    columns->n++;
    return true;
}

static bool code_add_label(struct litmus_reader *reader,
                           const struct column *column, const char *name,
                           size_t length, uint32_t line)
{
    struct litmus_label *label = &reader->labels[reader->n_labels];

    if (reader->n_labels == LITMUS_MAX_LABELS || length >= LITMUS_NAME_BYTES)
        return mmusim__litmus_refuse(reader, line,
                                     "more than 128 labels, or a longer one");
    memcpy(label->name, name, length);
    label->name[length] = 0;
    label->thread = column->thread;
    label->at = (uint16_t) (column->n_code +
                            (column->is_handler ? LITMUS_MAX_CODE : 0));
    reader->n_labels++;
    return true;
}

/* "L0: L1: LDR W0,[X1]" */
static bool code_instruction(struct litmus_reader *reader,
                             struct column *column, const char *cell,
                             uint32_t line)
{
    struct litmus_instr *instr = &column->code[column->n_code];
    const char *wrong;

    for (;;) {
        size_t length = strspn(cell, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                     "nopqrstuvwxyz0123456789_");
        const char *colon = cell + length + strspn(cell + length, " \t");

        if (!length || *colon != ':')
            break;
        if (!code_add_label(reader, column, cell, length, line))
            return false;
        cell = colon + 1;
        cell += strspn(cell, " \t");
    }
    if (!*cell)
        return true;
    if (column->n_code == LITMUS_MAX_CODE)
        return mmusim__litmus_refuse(reader, line,
                                     "more than 96 instructions of a thread");
    instr->line = line;
    wrong = mmusim__litmus_decode(cell, instr);
    if (!wrong && instr->op == LITMUS_TLBI &&
        !mmusim__litmus_tlbi_is_known(instr->tlbi))
        wrong = "not supported";
    if (wrong && !strncmp(wrong, "not supported", 13))
        return mmusim__litmus_refuse(reader, line, cell);
    if (wrong)
        return mmusim__litmus_fail(reader, line, cell,
                                   "the operands of the instruction");
    column->n_code++;
    return true;
}

static bool code_row(struct litmus_reader *reader, struct columns *columns,
                     const char **at, const char *end, uint32_t *line,
                     bool is_first)
{
    char cell[CELL_BYTES];

    for (uint32_t i = 0;; i++) {
        if (!code_cell(at, end, line, cell))
            return mmusim__litmus_fail(reader, *line, cell,
                                       "'|' or ';' at the end of the cell");
        if (is_first) {
            if (!code_column(reader, columns, cell, *line))
                return false;
        } else if (i >= columns->n) {
            if (cell[0])
                return mmusim__litmus_fail(reader, *line, cell,
                                           "no more cells than threads");
        } else if (!code_instruction(reader, &columns->at[i], cell, *line)) {
            return false;
        }
        if (*(*at)++ == ';')
            return true;
    }
}

/* A thread's code, and its handler's behind it. */
static bool code_join(struct litmus_reader *reader,
                      const struct columns *columns)
{
    for (int is_handler = 0; is_handler < 2; is_handler++) {
        for (uint32_t i = 0; i < columns->n; i++) {
            const struct column *column = &columns->at[i];
            struct litmus_thread *thread =
                &reader->test->threads[column->thread];

            if (column->is_handler != (is_handler != 0))
                continue;
            if (thread->n_code + column->n_code > LITMUS_MAX_CODE)
                return mmusim__litmus_refuse(
                    reader, reader->lexer.line,
                    "more than 96 instructions of a thread");
            memcpy(&thread->code[thread->n_code], column->code,
                   column->n_code * sizeof(column->code[0]));
            thread->n_code += column->n_code;
            if (!is_handler)
                thread->n_main = thread->n_code;
        }
    }
    return true;
}

static bool code_find_label(const struct litmus_reader *reader, uint32_t thread,
                            const char *name, uint16_t *at)
{
    for (uint32_t i = 0; i < reader->n_labels; i++) {
        if (reader->labels[i].thread == thread &&
            !strcmp(reader->labels[i].name, name)) {
            *at = reader->labels[i].at;
            return true;
        }
    }
    return false;
}

static bool code_resolve(struct litmus_reader *reader)
{
    for (uint32_t i = 0; i < reader->n_labels; i++) {
        struct litmus_label *label = &reader->labels[i];

        if (label->at >= LITMUS_MAX_CODE)
            label->at =
                (uint16_t) (label->at - LITMUS_MAX_CODE +
                            reader->test->threads[label->thread].n_main);
    }
    for (uint32_t t = 0; t < reader->test->n_threads; t++) {
        struct litmus_thread *thread = &reader->test->threads[t];

        for (uint32_t i = 0; i < thread->n_code; i++) {
            struct litmus_instr *instr = &thread->code[i];

            if (instr->target_name[0] &&
                !code_find_label(reader, t, instr->target_name, &instr->target))
                return mmusim__litmus_fail(reader, instr->line,
                                           instr->target_name,
                                           "a label of this thread");
            if (instr->op == LITMUS_ADR)
                instr->imm = (int64_t) litmus_code_address(t, instr->target);
        }
    }
    return true;
}

static const char *code_rows(struct litmus_reader *reader,
                             struct columns *columns, const char *at,
                             const char *end, uint32_t *line)
{
    bool is_first = true;

    for (;;) {
        at = code_skip_blanks(at, end, line);
        if (!is_first && code_ends_at(at, end))
            return at;
        if (at == end && !is_first)
            return at;
        if (at == end) {
            mmusim__litmus_fail(reader, *line, "end of the file",
                                "P0 and the code");
            return NULL;
        }
        if (!code_row(reader, columns, &at, end, line, is_first))
            return NULL;
        is_first = false;
    }
}

const char *mmusim__litmus_parse_code(struct litmus_reader *reader,
                                      const char *at, const char *end,
                                      uint32_t *line)
{
    struct columns *columns = calloc(1, sizeof(*columns));

    if (!columns) {
        reader->status = MMUSIM_NOMEM;
        return NULL;
    }
    at = code_rows(reader, columns, at, end, line);
    if (at && (!code_join(reader, columns) || !code_resolve(reader)))
        at = NULL;
    free(columns);
    return at;
}
