/* SPDX-License-Identifier: MIT */
/* See scenario_table.h. */
#include "scenario/scenario_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_CELL_BYTES = 260, TABLE_LINES = 8, TABLE_WHY_WIDTH = 76 };

/* ---- paper ---- */

void mmusim__scenario_paper_fini(struct scenario_paper *paper)
{
    free(paper->text);
    memset(paper, 0, sizeof(*paper));
}

static bool paper_reserve(struct scenario_paper *paper, size_t n_bytes)
{
    size_t capacity = (paper->length + n_bytes + 1) * 2;
    char *text;

    if (paper->length + n_bytes + 1 <= paper->capacity)
        return true;
    text = realloc(paper->text, capacity);
    if (!text) {
        paper->is_short = true;
        return false;
    }
    paper->text = text;
    paper->capacity = capacity;
    return true;
}

void mmusim__scenario_print(struct scenario_paper *paper, const char *format,
                            ...)
{
    char line[1024];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (length < 0)
        return;
    if ((size_t) length >= sizeof(line))
        length = sizeof(line) - 1;
    if (!paper_reserve(paper, (size_t) length))
        return;
    memcpy(paper->text + paper->length, line, (size_t) length + 1);
    paper->length += (size_t) length;
}

/* ---- the table ---- */

static uint32_t table_width(uint32_t n_cpus)
{
    static const uint32_t widths[] = {0, 76, 46, 34, 28};

    return widths[n_cpus];
}

/* The bytes of text that fit a line, to be broken at a blank if possible. */
static size_t table_break(const char *text, size_t width)
{
    size_t length = strlen(text);
    size_t at = width;

    if (length <= width)
        return length;
    while (at > width / 2 && text[at] != ' ')
        at--;
    return text[at] == ' ' ? at : width;
}

static void table_print_row(struct scenario_paper *paper, uint32_t number,
                            uint32_t cpu, uint32_t n_cpus, const char *text)
{
    size_t width = table_width(n_cpus) - 2;

    for (uint32_t i = 0; i < TABLE_LINES && *text; i++) {
        size_t length = table_break(text, i ? width - 2 : width);

        if (i)
            mmusim__scenario_print(paper, "     ");
        else
            mmusim__scenario_print(paper, "%4u ", number);
        mmusim__scenario_print(paper, "%*s%s%.*s\n",
                               (int) (cpu * table_width(n_cpus)), "",
                               i ? "  " : "", (int) length, text);
        text += length;
        text += strspn(text, " ");
    }
}

static const char *table_proc(const struct scenario_program *program,
                              int32_t proc)
{
    return proc < 0 ? "" : program->names[program->procs[proc].name].text;
}

static void table_cell(const struct scenario_program *program,
                       const struct scenario_row *row, int32_t last_proc,
                       char *text)
{
    const char *mark = row->move.kind == MOVE_STEP ? "" : "~ ";

    if (row->move.kind == MOVE_STEP && row->proc >= 0 && row->proc != last_proc)
        snprintf(text, TABLE_CELL_BYTES, "%s: %s",
                 table_proc(program, row->proc), row->note);
    else
        snprintf(text, TABLE_CELL_BYTES, "%s%s", mark, row->note);
}

static void table_heading(struct scenario_paper *paper, uint32_t n_cpus)
{
    mmusim__scenario_print(paper, "step ");
    for (uint32_t c = 0; c < n_cpus; c++)
        mmusim__scenario_print(paper, "CPU %-*u", (int) table_width(n_cpus) - 4,
                               c);
    while (paper->length && paper->text[paper->length - 1] == ' ')
        paper->text[--paper->length] = 0;
    mmusim__scenario_print(paper, "\n");
}

void mmusim__scenario_print_verdict(struct scenario_paper *paper,
                                    enum scenario_verdict verdict,
                                    const char *why)
{
    mmusim__scenario_print(paper, "%s\n",
                           mmusim__scenario_verdict_name(verdict));
    while (*why) {
        size_t length = table_break(why, TABLE_WHY_WIDTH);

        mmusim__scenario_print(paper, "  %.*s\n", (int) length, why);
        why += length;
        why += strspn(why, " ");
    }
}

void mmusim__scenario_print_table(struct scenario_paper *paper,
                                  const struct scenario_program *program,
                                  const struct scenario_history *history)
{
    int32_t last_proc[SCENARIO_CPUS] = {-1, -1, -1, -1};
    bool has_hardware = false;
    uint32_t number = 0;

    table_heading(paper, program->n_cpus);
    for (uint32_t i = 0; i < history->n_rows; i++) {
        const struct scenario_row *row = &history->rows[i];
        char text[TABLE_CELL_BYTES];
        uint32_t cpu = row->move.cpu;

        if (row->is_setup)
            continue;
        table_cell(program, row, last_proc[cpu], text);
        if (row->move.kind == MOVE_STEP)
            last_proc[cpu] = row->proc;
        else
            has_hardware = true;
        table_print_row(paper, ++number, cpu, program->n_cpus, text);
    }
    if (has_hardware)
        mmusim__scenario_print(paper, "     (~: hardware does it by itself)\n");
    if (history->is_short)
        mmusim__scenario_print(paper, "     (memory was short: rows are "
                                      "missing)\n");
}

/* ---- a file that does it again ---- */

static void replay_move(struct scenario_paper *paper,
                        const struct scenario_program *program,
                        const struct scenario_row *row)
{
    const struct scenario_move *move = &row->move;

    switch ((enum scenario_move_kind) move->kind) {
    case MOVE_STEP:
        mmusim__scenario_print(paper, "    %u step", move->cpu);
        break;
    case MOVE_DRAIN:
        mmusim__scenario_print(paper, "    %u drain %u", move->cpu, move->arg);
        break;
    case MOVE_IPI:
        mmusim__scenario_print(paper, "    %u interrupt %u", move->cpu,
                               move->arg);
        break;
    case MOVE_FILL:
        mmusim__scenario_print(
            paper, "    %u fill %s", move->cpu,
            mmusim__scenario_value(program, TYPE_ADDRESS, move->arg).text);
        break;
    case MOVE_ARRIVE:
        mmusim__scenario_print(paper, "    %u arrive %u %u", move->cpu,
                               move->arg, move->arg2);
        break;
    case MOVE_KINDS:
        break;
    }
    mmusim__scenario_print(paper, "   # %s%s%s\n",
                           table_proc(program, row->proc),
                           row->proc >= 0 ? ": " : "", row->note);
}

/* The line begins with `schedule` or is inside its braces, or says what is
 * expected: the new file has its own. */
static bool replay_is_left_out(const char *line, bool *is_schedule)
{
    line += strspn(line, " \t");
    if (!strncmp(line, "schedule", 8))
        *is_schedule = true;
    if (*is_schedule) {
        *is_schedule = line[0] != '}';
        return true;
    }
    if (line[0] != '#')
        return false;
    line++;
    line += strspn(line, " \t");
    return !strncmp(line, "expect", 6);
}

void mmusim__scenario_print_replay(struct scenario_paper *paper,
                                   const struct scenario_program *program,
                                   const struct scenario_history *history,
                                   enum scenario_verdict verdict)
{
    const char *at = program->text;
    bool is_schedule = false;

    mmusim__scenario_print(paper,
                           "# One order of %s, to be replayed by\n"
                           "# mmusim scenario run\n# expect: %s\n",
                           program->files[0],
                           mmusim__scenario_verdict_name(verdict));
    while (*at) {
        size_t length = strcspn(at, "\n");

        if (!replay_is_left_out(at, &is_schedule) &&
            paper_reserve(paper, length + 1)) {
            memcpy(paper->text + paper->length, at, length);
            paper->length += length;
            paper->text[paper->length++] = '\n';
            paper->text[paper->length] = 0;
        }
        at += length + (at[length] == '\n');
    }
    mmusim__scenario_print(paper, "\nschedule {\n");
    for (uint32_t i = 0; i < history->n_rows; i++) {
        if (!history->rows[i].is_setup)
            replay_move(paper, program, &history->rows[i]);
    }
    mmusim__scenario_print(paper, "}\n");
}
