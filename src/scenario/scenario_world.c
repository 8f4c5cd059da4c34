/* SPDX-License-Identifier: MIT */
/* The initial state of a run, and the text of what happens in it. */
#include "scenario/scenario_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *mmusim__scenario_verdict_name(enum scenario_verdict verdict)
{
    static const char *const names[] = {
#define SCENARIO_VERDICT_TEXT(name, text) [VERDICT_##name] = (text),
        SCENARIO_VERDICT_MAP(SCENARIO_VERDICT_TEXT)
#undef SCENARIO_VERDICT_TEXT
    };

    return names[verdict];
}

void mmusim__scenario_reset(struct scenario_run *run)
{
    const struct scenario_program *program = run->program;
    struct scenario_world *world = &run->world;

    memset(world, 0, sizeof(*world));
    memcpy(world->cells, program->initial, sizeof(world->cells));
    memcpy(world->data, program->data, sizeof(world->data));
    for (uint32_t c = 0; c < program->n_cpus; c++) {
        struct scenario_cpu *cpu = &world->cpus[c];

        cpu->root = program->root[c];
        cpu->asid = program->asid[c];
        cpu->n_frames = 1;
        cpu->frames[0].pc = (uint16_t) program->entry[c];
        cpu->frames[0].interrupt_of = -1;
        run->label[c] = -1;
        run->is_at_label[c] = false;
    }
    run->verdict = VERDICT_CLEAN;
    run->is_by_check = false;
    run->why[0] = 0;
    run->n_allowed_stale = 0;
    run->has_error = false;
    run->line = 0;
    run->note.text[0] = 0;
}

void mmusim__scenario_note(struct scenario_run *run, const char *format, ...)
{
    size_t length = strlen(run->note.text);
    va_list args;

    if (!run->is_traced)
        return;
    if (length && length + 3 < sizeof(run->note.text)) {
        memcpy(run->note.text + length, "; ", 3);
        length += 2;
    }
    va_start(args, format);
    vsnprintf(run->note.text + length, sizeof(run->note.text) - length, format,
              args);
    va_end(args);
}

void mmusim__scenario_error(struct scenario_run *run, uint32_t line,
                            const char *format, ...)
{
    va_list args;

    if (run->has_error)
        return;
    run->has_error = true;
    run->error_line = line;
    va_start(args, format);
    vsnprintf(run->error_text, sizeof(run->error_text), format, args);
    va_end(args);
}
