/* SPDX-License-Identifier: MIT */
/* The names of a scenario: its own, and those every scenario has. */
#include "scenario/scenario_reader.h"

#include <stdio.h>
#include <string.h>

const struct scenario_name *
mmusim__scenario_find(const struct scenario_program *program, const char *text)
{
    for (uint32_t i = 0; i < program->n_names; i++) {
        if (!strcmp(program->names[i].text, text))
            return &program->names[i];
    }
    return NULL;
}

struct scenario_name *mmusim__scenario_add(struct scenario_reader *reader,
                                           const char *text,
                                           enum scenario_name_kind kind,
                                           int32_t value)
{
    struct scenario_program *program = reader->program;
    struct scenario_name *name;
    uint32_t line = reader->token.line ? reader->token.line : reader->line;

    if (reader->status)
        return NULL;
    if (mmusim__scenario_find(program, text) ||
        mmusim__scenario_builtin_find(text) ||
        mmusim__scenario_is_atomic(text)) {
        mmusim__scenario_fail(reader, line, "'%s' is already something else",
                              text);
        return NULL;
    }
    if (program->n_names == SCENARIO_NAMES) {
        mmusim__scenario_fail(reader, line, "more than %d names",
                              SCENARIO_NAMES);
        return NULL;
    }
    name = &program->names[program->n_names++];
    snprintf(name->text, sizeof(name->text), "%s", text);
    name->kind = kind;
    name->value = value;
    return name;
}

/* Names whatever a scenario might have meant. */
void mmusim__scenario_unknown(struct scenario_reader *reader, const char *what,
                              const char *name)
{
    const char *names[SCENARIO_NAMES + 128];
    const struct scenario_program *program = reader->program;
    const char *nearest;
    size_t n = 0;
    uint32_t line = reader->token.line ? reader->token.line : reader->line;

    for (uint32_t i = 0; i < program->n_names; i++)
        names[n++] = program->names[i].text;
    for (uint32_t i = 1; i < mmusim__scenario_n_builtins && n < SCENARIO_NAMES;
         i++)
        names[n++] = mmusim__scenario_builtins[i].name;
    nearest = mmusim_nearest(name, names, n);
    if (nearest)
        mmusim__scenario_fail(reader, line,
                              "%s '%s' is not declared above "
                              "(nearest: %s)",
                              what, name, nearest);
    else
        mmusim__scenario_fail(reader, line, "%s '%s' is not declared above",
                              what, name);
}

void mmusim__scenario_add_own_names(struct scenario_reader *reader)
{
    static const struct {
        const char *text;
        int32_t value;
    } numbers[] = {
        {"none", 0},
        {"ALL", SCENARIO_ALL},
        {"PRESENT", WORD_PRESENT},
        {"WRITE", WORD_WRITE},
        {"DIRTY", WORD_DIRTY},
        {"ACCESSED", WORD_ACCESSED},
        {"GLOBAL", WORD_GLOBAL},
        {"HUGE", WORD_HUGE},
        {"EXEC", WORD_EXEC},
        {"TABLE", WORD_TABLE},
        {"R", WORD_PRESENT | WORD_ACCESSED},
        {"RX", WORD_PRESENT | WORD_ACCESSED | WORD_EXEC},
        {"RW", WORD_PRESENT | WORD_ACCESSED | WORD_WRITE},
        {"RWD", WORD_PRESENT | WORD_ACCESSED | WORD_WRITE | WORD_DIRTY},
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        mmusim__scenario_add(reader, numbers[i].text, NAME_NUMBER,
                             numbers[i].value);
    for (int i = 1; i < SCENARIO_VERDICTS; i++)
        mmusim__scenario_add(
            reader, mmusim__scenario_verdict_name((enum scenario_verdict) i),
            NAME_NUMBER, i);
    mmusim__scenario_add(reader, "init_mm", NAME_MM, 0);
}

int32_t mmusim__scenario_address(struct scenario_reader *reader,
                                 const char *text)
{
    struct scenario_program *program = reader->program;
    const struct scenario_name *name = mmusim__scenario_find(program, text);

    if (name && name->kind == NAME_ADDRESS)
        return name->value;
    if (program->n_addresses == SCENARIO_ADDRESSES) {
        mmusim__scenario_fail(reader, reader->line, "more than %d addresses",
                              SCENARIO_ADDRESSES);
        return -1;
    }
    if (!mmusim__scenario_add(reader, text, NAME_ADDRESS,
                              (int32_t) program->n_addresses))
        return -1;
    program->page_number[program->n_addresses] = (int32_t) program->n_addresses;
    return (int32_t) program->n_addresses++;
}
