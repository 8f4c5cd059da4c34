/* SPDX-License-Identifier: MIT */
/* Values and cells as the scenario names them. */
#include "scenario/scenario_world.h"

#include <stdio.h>
#include <string.h>

static const char *text_name(const struct scenario_program *program,
                             enum scenario_name_kind kind, int32_t value)
{
    for (uint32_t i = 0; i < program->n_names; i++) {
        if (program->names[i].kind == kind && program->names[i].value == value)
            return program->names[i].text;
    }
    return NULL;
}

static struct scenario_text text_cpus(const struct scenario_program *program,
                                      int32_t value)
{
    struct scenario_text text = {"{"};
    size_t length = 1;

    for (uint32_t c = 0; c < program->n_cpus; c++) {
        if ((uint32_t) value >> c & 1)
            length += (size_t) snprintf(text.text + length,
                                        sizeof(text.text) - length, "%s%u",
                                        length > 1 ? "," : "", c);
    }
    snprintf(text.text + length, sizeof(text.text) - length, "}");
    return text;
}

static struct scenario_text text_word(const struct scenario_program *program,
                                      int32_t value)
{
    struct scenario_text text = {"none"};
    bool is_table = value & WORD_TABLE;
    const char *name = text_name(program, is_table ? NAME_TABLE : NAME_PAGE,
                                 value >> WORD_SHIFT);

    if (!value)
        return text;
    snprintf(text.text, sizeof(text.text), "%s%s%s%s%s%s%s%s",
             name ? name : "?", is_table ? "" : " ",
             value & WORD_PRESENT || is_table ? "" : "no-access ",
             is_table             ? ""
             : value & WORD_WRITE ? "rw"
                                  : "r",
             value & WORD_EXEC ? "x" : "", value & WORD_DIRTY ? " dirty" : "",
             value & WORD_GLOBAL ? " global" : "",
             value & WORD_HUGE ? " huge" : "");
    return text;
}

struct scenario_text
mmusim__scenario_value(const struct scenario_program *program,
                       enum scenario_type type, int32_t value)
{
    static const enum scenario_name_kind kinds[] = {
        [TYPE_MM] = NAME_MM,
        [TYPE_ADDRESS] = NAME_ADDRESS,
        [TYPE_PAGE] = NAME_PAGE,
        [TYPE_TABLE] = NAME_TABLE,
    };
    struct scenario_text text;
    const char *name = NULL;

    switch (type) {
    case TYPE_CPUS:
        return text_cpus(program, value);
    case TYPE_WORD:
        return text_word(program, value);
    case TYPE_MM:
    case TYPE_ADDRESS:
    case TYPE_PAGE:
    case TYPE_TABLE:
        name = text_name(program, kinds[type], value);
        break;
    case TYPE_NUMBER:
    case TYPE_CPU:
        break;
    }
    if (name)
        snprintf(text.text, sizeof(text.text), "%s", name);
    else if (type == TYPE_ADDRESS && value == SCENARIO_ALL)
        snprintf(text.text, sizeof(text.text), "ALL");
    else
        snprintf(text.text, sizeof(text.text), "%d", value);
    return text;
}

static const struct scenario_variable *
text_variable(const struct scenario_program *program, uint32_t cell)
{
    for (uint32_t i = 0; i < program->n_variables; i++) {
        const struct scenario_variable *variable = &program->variables[i];
        uint32_t n = 1;

        for (uint32_t d = 0; d < variable->n_dims; d++)
            n *= variable->size[d];
        if (cell >= variable->first_cell && cell - variable->first_cell < n)
            return variable;
    }
    return NULL;
}

static struct scenario_text
text_variable_cell(const struct scenario_program *program, uint32_t cell)
{
    const struct scenario_variable *variable = text_variable(program, cell);
    struct scenario_text text = {"?"};
    uint32_t offset;
    int length;

    if (!variable)
        return text;
    offset = cell - variable->first_cell;
    length = snprintf(text.text, sizeof(text.text), "%s",
                      program->names[variable->name].text);
    for (uint32_t d = 0; d < variable->n_dims; d++) {
        uint32_t stride = variable->n_dims == 2 && !d ? variable->size[1] : 1;
        struct scenario_text index = mmusim__scenario_value(
            program, variable->index_type[d], (int32_t) (offset / stride));

        offset %= stride;
        length +=
            snprintf(text.text + length, sizeof(text.text) - (size_t) length,
                     "[%.20s]", index.text);
    }
    return text;
}

/* A leaf word by the first address space and address that reach it. */
static struct scenario_text
text_leaf_cell(const struct scenario_program *program, uint32_t leaf)
{
    uint32_t table = leaf / SCENARIO_TABLE_WORDS;
    struct scenario_text text = {"?"};

    for (uint32_t mm = 0; mm < program->n_mms; mm++) {
        for (uint32_t a = 0; a < program->n_addresses; a++) {
            const char *mm_name = text_name(program, NAME_MM, (int32_t) mm);
            const char *name = text_name(program, NAME_ADDRESS, (int32_t) a);

            if (!program->map.has_region[a] || !mm_name || !name ||
                program->map.table[mm][program->map.region[a]] != table ||
                program->map.index[a] != leaf % SCENARIO_TABLE_WORDS)
                continue;
            snprintf(text.text, sizeof(text.text), "pte[%s][%s]", mm_name,
                     name);
            return text;
        }
    }
    snprintf(text.text, sizeof(text.text), "%.40s[%u]",
             mmusim__scenario_value(program, TYPE_TABLE, (int32_t) table).text,
             leaf % SCENARIO_TABLE_WORDS);
    return text;
}

static struct scenario_text
text_upper_cell(const struct scenario_program *program, uint32_t upper)
{
    struct scenario_text mm = mmusim__scenario_value(
        program, TYPE_MM, (int32_t) (upper / SCENARIO_REGIONS));
    struct scenario_text text;
    const char *name = NULL;

    for (uint32_t a = 0; a < program->n_addresses && !name; a++) {
        if (program->map.has_region[a] &&
            program->map.region[a] == upper % SCENARIO_REGIONS)
            name = text_name(program, NAME_ADDRESS, (int32_t) a);
    }
    snprintf(text.text, sizeof(text.text), "pmd[%.30s][%.30s]", mm.text,
             name ? name : "?");
    return text;
}

struct scenario_text
mmusim__scenario_cell(const struct scenario_program *program, uint32_t cell)
{
    if (cell >= SCENARIO_FIRST_UPPER)
        return text_upper_cell(program, cell - SCENARIO_FIRST_UPPER);
    if (cell >= SCENARIO_FIRST_LEAF)
        return text_leaf_cell(program, cell - SCENARIO_FIRST_LEAF);
    return text_variable_cell(program, cell);
}

struct scenario_text
mmusim__scenario_cell_value(const struct scenario_program *program,
                            uint32_t cell, int32_t value)
{
    const struct scenario_variable *variable;

    if (cell >= SCENARIO_FIRST_LEAF)
        return mmusim__scenario_value(program, TYPE_WORD, value);
    variable = text_variable(program, cell);
    return mmusim__scenario_value(
        program, variable ? variable->type : TYPE_NUMBER, value);
}
