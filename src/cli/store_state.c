/* SPDX-License-Identifier: MIT */
/* Reading result files: the index of points. */
#include "cli/store_state.h"

#include "cli/cli.h"
#include "cli/state_file.h"
#include "cli/sweep_file.h"
#include "cli/sweep_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int store_state_init(struct store_state *state, const struct store_plan *plan)
{
    size_t n = plan->n_points;
    size_t n_segments = store_plan_segments(plan);

    memset(state, 0, sizeof(*state));
    state->plan = plan;
    state->end = n;
    state->status = calloc(n, sizeof(*state->status));
    state->records = calloc(n, sizeof(*state->records));
    state->reopened = calloc(n, sizeof(*state->reopened));
    state->failed = calloc(n, sizeof(*state->failed));
    state->names = calloc(n, sizeof(*state->names));
    state->segment_us = calloc(n_segments, sizeof(*state->segment_us));
    state->segment_done = calloc(n_segments, sizeof(*state->segment_done));
    state->texts = calloc(STATE_TEXTS_MAX, sizeof(*state->texts));
    if (state->status && state->records && state->reopened && state->failed &&
        state->names && state->segment_us && state->segment_done &&
        state->texts)
        return 0;
    store_state_fini(state);
    return cli_error(CLI_SYSTEM, "out of memory");
}

static void state_free_schema(struct sweep_schema *schema)
{
    for (size_t i = 0; schema && i < schema->n; i++)
        free(schema->names[i]);
    if (schema) {
        free(schema->names);
        free(schema->is_milli);
    }
    free(schema);
}

void store_state_fini(struct store_state *state)
{
    for (size_t i = 0; i < state->n_schemas; i++) {
        state_free_schema(state->schemas[i]);
        free(state->names_texts[i]);
    }
    for (size_t i = 0; i < state->n_dirs; i++)
        state_dir_fini(&state->dirs[i]);
    for (size_t i = 0; i < state->n_files; i++)
        state_file_fini(&state->files[i]);
    for (size_t i = 0; state->texts && i < STATE_TEXTS_MAX; i++)
        free(state->texts[i].text);
    free(state->status);
    free(state->records);
    free(state->reopened);
    free(state->failed);
    free(state->names);
    free(state->segment_us);
    free(state->segment_done);
    free(state->schemas);
    free(state->names_texts);
    free(state->dirs);
    free(state->files);
    free(state->texts);
    memset(state, 0, sizeof(*state));
}

/* ---- lists of names ---- */

/* Undoes the escapes of one name in place: %XX. */
static void state_unescape(char *name)
{
    char *to = name;

    for (const char *c = name; *c; c++) {
        unsigned code;

        if (*c == '%' && sscanf(c + 1, "%2x", &code) == 1 && c[1] && c[2]) {
            *to++ = (char) code;
            c += 2;
        } else {
            *to++ = *c;
        }
    }
    *to = '\0';
}

static struct sweep_schema *state_make_schema(const char *text)
{
    struct sweep_schema *schema = calloc(1, sizeof(*schema));
    char *copy = strdup(text);
    char *rest = copy;
    size_t n = 1;

    for (const char *c = text; *c; c++)
        n += *c == ',';
    if (schema) {
        schema->names = calloc(n, sizeof(*schema->names));
        schema->is_milli = calloc(n, sizeof(*schema->is_milli));
    }
    if (!schema || !copy || !schema->names || !schema->is_milli)
        goto fail;
    while (rest) {
        char *name = strsep(&rest, ",");
        char *milli = strstr(name, "/1000");

        schema->is_milli[schema->n] = milli != NULL;
        if (milli)
            *milli = '\0';
        state_unescape(name);
        schema->names[schema->n] = strdup(name);
        if (!schema->names[schema->n++])
            goto fail;
    }
    free(copy);
    return schema;
fail:
    state_free_schema(schema);
    free(copy);
    return NULL;
}

/* The number of a list, made if it is new; < 0: out of memory. */
int state_intern_names(struct store_state *state, const char *text)
{
    size_t n = state->n_schemas;
    struct sweep_schema **schemas;
    char **texts;

    for (size_t i = n; i-- > 0;)
        if (!strcmp(state->names_texts[i], text))
            return (int) i;
    if (n == UINT16_MAX)
        return -1;
    schemas = realloc(state->schemas, (n + 1) * sizeof(*schemas));
    if (schemas)
        state->schemas = schemas;
    texts = realloc(state->names_texts, (n + 1) * sizeof(*texts));
    if (texts)
        state->names_texts = texts;
    if (!schemas || !texts)
        return -1;
    schemas[n] = state_make_schema(text);
    texts[n] = strdup(text);
    if (!schemas[n] || !texts[n]) {
        state_free_schema(schemas[n]);
        free(texts[n]);
        return -1;
    }
    schemas[n]->next = n ? schemas[n - 1] : NULL;
    state->n_schemas++;
    return (int) n;
}

/* ---- records ---- */

static const char *state_after_spaces(const char *line, int n)
{
    while (n-- > 0) {
        const char *space = strchr(line, ' ');

        if (!space)
            return "";
        line = space + 1;
    }
    return line;
}

/* A point that is done already, in another file: with the same values, or
 * something is wrong that nobody may paper over. */
static int state_take_again(struct store_state *state, size_t point,
                            const struct store_record *record, int names,
                            const char *line)
{
    const struct store_record *first = &state->records[point];
    const char *old;

    if (first->file == record->file)
        return 0;
    if (first->file == STATE_FILE_UNREAD) {
        state->records[point] = *record;
        state->names[point] = (uint16_t) names;
        return 0;
    }
    old = store_state_line(state, point);
    if (!old)
        return CLI_INPUT;
    if (state->names[point] == names &&
        !strcmp(state_after_spaces(old, 4), state_after_spaces(line, 4))) {
        state->n_twice++;
        return 0;
    }
    return cli_error(CLI_INPUT,
                     "%s: point %zu has other values than in %s (a result "
                     "depends on more than the plan: remove the wrong file)",
                     state->files[record->file].path, point,
                     state->files[first->file].path);
}

static void state_update(struct store_state *state, size_t point)
{
    unsigned char status = STORE_OPEN;

    if (state->status[point] == STORE_DONE)
        return;
    if (state->failed[point] > state->reopened[point])
        status = STORE_FAILED;
    state->n_failed += status == STORE_FAILED;
    state->n_failed -= state->status[point] == STORE_FAILED;
    state->status[point] = status;
}

int state_take_done(struct store_state *state, size_t point,
                    const struct store_record *record, int names,
                    const char *line)
{
    size_t segment = store_plan_place(state->plan, point).segment;

    if (state->status[point] == STORE_DONE)
        return state_take_again(state, point, record, names, line);
    state->n_failed -= state->status[point] == STORE_FAILED;
    state->status[point] = STORE_DONE;
    state->records[point] = *record;
    state->names[point] = (uint16_t) names;
    state->n_done++;
    state->segment_us[segment] +=
        strtoull(state_after_spaces(line, 3), NULL, 10);
    state->segment_done[segment]++;
    return 0;
}

void state_take_failed(struct store_state *state, size_t point,
                       const struct store_record *record, unsigned attempt)
{
    if (state->status[point] == STORE_DONE || attempt >= UINT16_MAX)
        return;
    if (state->failed[point] <= attempt) {
        state->failed[point] = (uint16_t) (attempt + 1);
        state->records[point] = *record;
    }
    state_update(state, point);
}

void state_take_open(struct store_state *state, size_t point, unsigned attempt)
{
    if (attempt > state->reopened[point] && attempt <= UINT16_MAX)
        state->reopened[point] = (uint16_t) attempt;
    state_update(state, point);
}

void store_state_mark_done(struct store_state *state, size_t point, uint64_t us)
{
    size_t segment = store_plan_place(state->plan, point).segment;

    if (state->status[point] == STORE_DONE)
        return;
    state->n_failed -= state->status[point] == STORE_FAILED;
    state->status[point] = STORE_DONE;
    state->records[point].file = STATE_FILE_UNREAD;
    state->n_done++;
    state->segment_us[segment] += us;
    state->segment_done[segment]++;
}

void store_state_mark_failed(struct store_state *state, size_t point)
{
    state->failed[point] = (uint16_t) (state->reopened[point] + 1);
    state_update(state, point);
}

/* ---- reading records again ---- */

/* The text of a file, from memory or from the disk; NULL after a message. */
static const struct state_text *state_text(struct store_state *state,
                                           uint32_t file)
{
    struct state_text *oldest = &state->texts[0];
    int error;

    for (size_t i = 0; i < STATE_TEXTS_MAX; i++) {
        struct state_text *text = &state->texts[i];

        if (text->text && text->file == file) {
            text->used = ++state->clock;
            return text;
        }
        if (text->used < oldest->used)
            oldest = text;
    }
    free(oldest->text);
    *oldest = (struct state_text){.file = file, .used = ++state->clock};
    error = sweep_file_get(state->files[file].path, STATE_FILE_BYTES_MAX,
                           &oldest->text, &oldest->length);
    if (error) {
        cli_error(CLI_INPUT, "%s: %s", state->files[file].path,
                  strerror(error));
        return NULL;
    }
    for (size_t i = 0; i < oldest->length; i++)
        if (oldest->text[i] == '\n')
            oldest->text[i] = '\0';
    return oldest;
}

const char *store_state_line(struct store_state *state, size_t point)
{
    const struct store_record *record = &state->records[point];
    const struct state_text *text = state_text(state, record->file);

    if (!text)
        return NULL;
    if (record->offset < text->length)
        return text->text + record->offset;
    cli_error(CLI_INPUT, "%s: changed while it was read (try again)",
              state->files[record->file].path);
    return NULL;
}

int store_state_values(struct store_state *state, size_t point,
                       uint64_t *values)
{
    const struct sweep_schema *schema = state->schemas[state->names[point]];
    const char *line = store_state_line(state, point);
    const char *at;

    if (!line)
        return CLI_INPUT;
    at = state_after_spaces(line, 4);
    for (size_t i = 0; i < schema->n; i++) {
        uint64_t value = 0;
        const char *first = at;

        while (*at >= '0' && *at <= '9')
            value = value * 10 + (uint64_t) (*at++ - '0');
        if (at == first || *at != (i + 1 < schema->n ? ',' : '\0'))
            return cli_error(CLI_INPUT, "%s: point %zu: not %zu whole numbers",
                             state->files[state->records[point].file].path,
                             point, schema->n);
        values[i] = value;
        at++;
    }
    return 0;
}

const char *store_state_file(const struct store_state *state, size_t point)
{
    return state->files[state->records[point].file].path;
}

const char *store_state_reason(struct store_state *state, size_t point)
{
    const char *line = store_state_line(state, point);

    return line ? state_after_spaces(line, 4) : "unknown";
}
