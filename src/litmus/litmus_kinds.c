/* SPDX-License-Identifier: MIT */
/* Lists of verdicts: mmusim/litmus.h. A line is "NAME KIND", or fields
 * separated by tabs: file, name, verdict. */
#include "core/diag.h"
#include "litmus/litmus_file.h"
#include "mmusim/litmus.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct kind {
    const char *file; /* NULL: the list has none */
    const char *name;
    mmusim_litmus_verdict_t verdict;
};

struct mmusim_litmus_kinds {
    char *text;
    struct kind *kinds;
    size_t n;
};

static mmusim_litmus_verdict_t kinds_verdict(const char *word)
{
    static const struct {
        const char *prefix;
        mmusim_litmus_verdict_t verdict;
    } words[] = {{"Allow", MMUSIM_LITMUS_ALLOWED},
                 {"Forbid", MMUSIM_LITMUS_FORBIDDEN},
                 {"Requir", MMUSIM_LITMUS_REQUIRED},
                 {"Undef", MMUSIM_LITMUS_UNKNOWN}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!strncasecmp(word, words[i].prefix, strlen(words[i].prefix)))
            return words[i].verdict;
    }
    return MMUSIM_LITMUS_UNKNOWN;
}

static bool kinds_is_verdict(const char *word)
{
    return kinds_verdict(word) != MMUSIM_LITMUS_UNKNOWN ||
           !strncasecmp(word, "Undef", 5);
}

/* Splits the line where the words end; at most 8. A # begins a comment. */
static size_t kinds_words(char *line, char **words)
{
    char *rest;
    size_t n = 0;

    line[strcspn(line, "#")] = 0;
    for (char *word = strtok_r(line, " \t\r", &rest); word && n < 8;
         word = strtok_r(NULL, " \t\r", &rest))
        words[n++] = word;
    return n;
}

/* herd's own list has "NAMEAllow" where the blank was forgotten: the name ends
 * where the verdict begins, which the reader keeps as a length. */
static mmusim_litmus_verdict_t kinds_glued(char *word)
{
    static const char *const ends[] = {"Allow", "Allowed", "Forbid",
                                       "Forbidden", "Required"};
    size_t length = strlen(word);

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t end = strlen(ends[i]);

        if (length > end && !strcmp(word + length - end, ends[i])) {
            word[length - end] = 0;
            return kinds_verdict(ends[i]);
        }
    }
    return MMUSIM_LITMUS_UNKNOWN;
}

static bool kinds_line(char *line, struct kind *kind, size_t *n_words)
{
    char *words[8];
    size_t n = kinds_words(line, words);

    *n_words = n;
    if (!n)
        return true;
    *kind = (struct kind){.name = words[0]};
    if (n == 1) {
        kind->verdict = kinds_glued(words[0]);
        return kind->verdict != MMUSIM_LITMUS_UNKNOWN;
    }
    if (n > 2 && !kinds_is_verdict(words[1])) {
        kind->file = words[0];
        kind->name = words[1];
        kind->verdict = kinds_verdict(words[2]);
        return kinds_is_verdict(words[2]);
    }
    kind->verdict = kinds_verdict(words[1]);
    return kinds_is_verdict(words[1]);
}

static mmusim_status_t kinds_parse(mmusim_litmus_kinds_t *kinds,
                                   const char *path, mmusim_diag_t *diag)
{
    char *rest = kinds->text;
    uint32_t line = 0;

    for (char *at = strsep(&rest, "\n"); at; at = strsep(&rest, "\n")) {
        struct kind *kind = &kinds->kinds[kinds->n];
        size_t n_words;

        line++;
        if (line == 1 && !strncmp(at, "file\t", 5))
            continue; /* the columns' names */
        if (!kinds_line(at, kind, &n_words)) {
            mmusim__diag_set(diag, MMUSIM_DAMAGED,
                             "'%.40s': expected a name and a verdict (Allowed, "
                             "Forbidden or Required)",
                             kind->name);
            mmusim__diag_at_line(diag, path, line);
            return MMUSIM_DAMAGED;
        }
        kinds->n += n_words != 0;
    }
    return MMUSIM_OK;
}

mmusim_status_t mmusim_litmus_kinds_open(const char *path,
                                         mmusim_litmus_kinds_t **kinds,
                                         mmusim_diag_t *diag)
{
    mmusim_litmus_kinds_t *made = calloc(1, sizeof(*made));
    size_t n_bytes, n_lines = 1;
    mmusim_status_t status;

    if (!made)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "%s: out of memory", path);
    status = mmusim__litmus_read_file(path, &made->text, &n_bytes, diag);
    if (status)
        goto fail;
    for (size_t i = 0; i < n_bytes; i++)
        n_lines += made->text[i] == '\n';
    made->kinds = calloc(n_lines, sizeof(*made->kinds));
    status = made->kinds ? kinds_parse(made, path, diag)
                         : mmusim__diag_set(diag, MMUSIM_NOMEM,
                                            "%s: out of memory", path);
    if (status)
        goto fail;
    *kinds = made;
    return MMUSIM_OK;
fail:
    mmusim_litmus_kinds_close(made);
    return status;
}

void mmusim_litmus_kinds_close(mmusim_litmus_kinds_t *kinds)
{
    if (!kinds)
        return;
    free(kinds->kinds);
    free(kinds->text);
    free(kinds);
}

mmusim_litmus_verdict_t
mmusim_litmus_kinds_find(const mmusim_litmus_kinds_t *kinds, const char *path,
                         const char *name)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;

    for (size_t i = 0; kinds && i < kinds->n; i++) {
        if (kinds->kinds[i].file && !strcmp(kinds->kinds[i].file, file))
            return kinds->kinds[i].verdict;
    }
    for (size_t i = 0; kinds && i < kinds->n; i++) {
        if (!strcmp(kinds->kinds[i].name, name))
            return kinds->kinds[i].verdict;
    }
    return MMUSIM_LITMUS_UNKNOWN;
}
