/* SPDX-License-Identifier: MIT */
/*
 * A scenario's text with the text of the files it includes in their place, so
 * that everything after this sees one text, and a replay file can hold it all.
 * A file is included once. Names of files are plain: no folder above.
 */
#include "scenario/scenario_reader.h"

#include "core/diag.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No scenario is as large; guesses. */
enum { SOURCE_MAX_BYTES = 1 << 19, SOURCE_MAX_DEPTH = 8, SOURCE_PATH = 1024 };

struct source {
    struct scenario_program *program;
    const char *library;
    mmusim_diag_t *diag;
    size_t capacity;
    uint32_t depth;
};

mmusim_status_t mmusim__scenario_read_file(const char *path, char **text,
                                           size_t *n_bytes, mmusim_diag_t *diag)
{
    FILE *file = fopen(path, "rb");
    mmusim_status_t status = MMUSIM_OK;
    char *buffer;

    if (!file)
        return mmusim__diag_set(diag, MMUSIM_UNREADABLE, "%s: %s", path,
                                strerror(errno));
    buffer = malloc(SOURCE_MAX_BYTES + 1);
    if (!buffer) {
        fclose(file);
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "%s: out of memory", path);
    }
    *n_bytes = fread(buffer, 1, SOURCE_MAX_BYTES + 1, file);
    if (ferror(file))
        status = mmusim__diag_set(diag, MMUSIM_UNREADABLE, "%s: %s", path,
                                  strerror(errno));
    else if (*n_bytes > SOURCE_MAX_BYTES)
        status = mmusim__diag_set(diag, MMUSIM_DAMAGED,
                                  "%s: larger than 512 KiB (a scenario has a "
                                  "few lines)",
                                  path);
    fclose(file);
    if (status) {
        free(buffer);
        return status;
    }
    *text = buffer;
    return MMUSIM_OK;
}

static mmusim_status_t source_no_memory(struct source *source)
{
    return mmusim__diag_set(source->diag, MMUSIM_NOMEM, "out of memory");
}

static mmusim_status_t source_append(struct source *source, const char *line,
                                     size_t n_bytes,
                                     struct scenario_source where)
{
    struct scenario_program *program = source->program;
    struct scenario_source *sources;

    if (program->n_bytes + n_bytes + 2 > source->capacity) {
        size_t capacity = (program->n_bytes + n_bytes + 2) * 2;
        char *text = realloc(program->text, capacity);

        if (!text)
            return source_no_memory(source);
        program->text = text;
        source->capacity = capacity;
    }
    if (program->n_bytes + n_bytes > SOURCE_MAX_BYTES)
        return mmusim__diag_set(source->diag, MMUSIM_DAMAGED,
                                "with its included files it is larger than "
                                "512 KiB");
    if ((program->n_sources & (program->n_sources + 1)) == 0) {
        sources =
            realloc(program->sources,
                    ((size_t) program->n_sources * 2 + 2) * sizeof(*sources));
        if (!sources)
            return source_no_memory(source);
        program->sources = sources;
    }
    program->sources[program->n_sources++] = where;
    memcpy(program->text + program->n_bytes, line, n_bytes);
    program->n_bytes += n_bytes;
    program->text[program->n_bytes++] = '\n';
    program->text[program->n_bytes] = 0;
    return MMUSIM_OK;
}

/* The name in `include "NAME"`; false: the line is something else. */
static bool source_is_include(const char *line, size_t n_bytes, char *name,
                              size_t size)
{
    static const char word[] = "include";
    size_t at = 0, length = 0;

    while (at < n_bytes && (line[at] == ' ' || line[at] == '\t'))
        at++;
    if (n_bytes - at < sizeof(word) || strncmp(line + at, word, 7) != 0)
        return false;
    at += 7;
    while (at < n_bytes && (line[at] == ' ' || line[at] == '\t'))
        at++;
    if (at == n_bytes || line[at++] != '"')
        return false;
    while (at < n_bytes && line[at] != '"' && length + 1 < size)
        name[length++] = line[at++];
    name[length] = 0;
    return at < n_bytes && line[at] == '"';
}

static bool source_is_plain(const char *name)
{
    if (!*name || *name == '/' || strstr(name, ".."))
        return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char) *name) && !strchr("_-./", *name))
            return false;
    }
    return true;
}

/* Beside the file that includes it, or in the library. */
static bool source_find(const struct source *source, const char *from,
                        const char *name, char *path)
{
    const char *slash = strrchr(from, '/');
    const char *endings[] = {"", ".steps"};

    for (uint32_t i = 0; i < 4; i++) {
        bool is_library = i >= 2;
        FILE *file;

        if (is_library && !source->library)
            return false;
        if (is_library)
            snprintf(path, SOURCE_PATH, "%s/%s%s", source->library, name,
                     endings[i % 2]);
        else if (slash)
            snprintf(path, SOURCE_PATH, "%.*s/%s%s", (int) (slash - from), from,
                     name, endings[i % 2]);
        else
            continue; /* text without a place has the library only */
        file = fopen(path, "rb");
        if (file) {
            fclose(file);
            return true;
        }
    }
    return false;
}

static mmusim_status_t source_file(struct source *source, const char *file,
                                   const char *text, size_t n_bytes);

static mmusim_status_t source_include(struct source *source, const char *from,
                                      uint32_t line, const char *name)
{
    char path[SOURCE_PATH];
    char *text;
    size_t n_bytes;
    mmusim_status_t status;

    if (!source_is_plain(name) || !source_find(source, from, name, path)) {
        mmusim__diag_set(source->diag, MMUSIM_DAMAGED,
                         "there is no file \"%s\" to include (beside this "
                         "file, or in the library)",
                         name);
        mmusim__diag_at_line(source->diag, from, line);
        return MMUSIM_DAMAGED;
    }
    for (uint32_t i = 0; i < source->program->n_files; i++) {
        if (!strncmp(source->program->files[i], path,
                     sizeof(source->program->files[i]) - 1))
            return MMUSIM_OK;
    }
    status = mmusim__scenario_read_file(path, &text, &n_bytes, source->diag);
    if (status)
        return status;
    status = source_file(source, path, text, n_bytes);
    free(text);
    return status;
}

static mmusim_status_t source_file(struct source *source, const char *file,
                                   const char *text, size_t n_bytes)
{
    struct scenario_program *program = source->program;
    struct scenario_source where = {.file = program->n_files};
    mmusim_status_t status = MMUSIM_OK;

    if (source->depth == SOURCE_MAX_DEPTH ||
        program->n_files == sizeof(program->files) / sizeof(program->files[0]))
        return mmusim__diag_set(source->diag, MMUSIM_DAMAGED,
                                "%s: too many included files", file);
    snprintf(program->files[program->n_files++], sizeof(program->files[0]),
             "%s", file);
    source->depth++;
    for (size_t at = 0; at < n_bytes && !status;) {
        const char *newline = memchr(text + at, '\n', n_bytes - at);
        size_t length = newline ? (size_t) (newline - text) - at : n_bytes - at;
        char name[128];

        where.line++;
        if (source_is_include(text + at, length, name, sizeof(name)))
            status = source_include(source, file, where.line, name);
        else
            status = source_append(source, text + at, length, where);
        at += length + 1;
    }
    source->depth--;
    return status;
}

mmusim_status_t mmusim__scenario_flatten(struct scenario_program *program,
                                         const char *file, const char *text,
                                         size_t n_bytes, const char *library,
                                         mmusim_diag_t *diag)
{
    struct source source = {
        .program = program, .library = library, .diag = diag};
    mmusim_status_t status = source_file(&source, file, text, n_bytes);

    if (!status && !program->text)
        status = source_append(&source, "", 0, (struct scenario_source){0, 1});
    return status;
}

const char *mmusim__scenario_source(const struct scenario_program *program,
                                    uint32_t flat_line, uint32_t *line)
{
    *line = 0;
    if (!flat_line || !program->n_sources)
        return program->n_files ? program->files[0] : "";
    if (flat_line > program->n_sources) /* the end: the last line */
        flat_line = program->n_sources;
    *line = program->sources[flat_line - 1].line;
    return program->files[program->sources[flat_line - 1].file];
}

size_t mmusim__scenario_line_text(const struct scenario_program *program,
                                  uint32_t flat_line, char *text, size_t size)
{
    const char *at = program->text;
    const char *end = program->text + program->n_bytes;
    const char *stop;
    size_t length;

    if (size)
        text[0] = 0;
    for (uint32_t i = 1; at && i < flat_line; i++) {
        at = memchr(at, '\n', (size_t) (end - at));
        at = at ? at + 1 : NULL;
    }
    if (!flat_line || !at || at >= end || !size)
        return 0;
    stop = memchr(at, '\n', (size_t) (end - at));
    while (*at == ' ' || *at == '\t')
        at++;
    stop = stop ? stop : end;
    length = at < stop ? (size_t) (stop - at) : 0;
    if (length >= size)
        length = size - 1;
    memcpy(text, at, length);
    text[length] = 0;
    return length;
}
