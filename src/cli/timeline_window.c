/* SPDX-License-Identifier: MIT */
/* A part of a run: see timeline_window.h. */
#include "cli/timeline_window.h"

#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char window_option[] = "--timeline-window";

static int window_is_number(const char *text)
{
    return strspn(text, "0123456789") > 0;
}

/* A side of the window; absent: what nothing stands for. */
static int window_parse_bound(struct window_bound *bound, const char *text,
                              uint64_t absent)
{
    *bound = (struct window_bound){.cycle = absent};
    if (!*text)
        return 0;
    if (window_is_number(text))
        return cli_number(window_option, text, 0, UINT64_MAX - 1, 1,
                          &bound->cycle);
    bound->cycle = UINT64_MAX;
    bound->name = strdup(text);
    return bound->name ? 0 : cli_error(CLI_SYSTEM, "out of memory");
}

int window_parse(struct timeline_window *window, const char *text)
{
    const char *dots = text ? strstr(text, "..") : NULL;
    char *first;
    int status;

    *window = (struct timeline_window){.end.cycle = UINT64_MAX};
    if (!text)
        return 0;
    if (!dots)
        return cli_error(CLI_USAGE,
                         "%s: '%s' has no '..' (A..B: cycles or marks, as in "
                         "10000..20000, warm.0.. or begin..end)",
                         window_option, text);
    first = strndup(text, (size_t) (dots - text));
    if (!first)
        return cli_error(CLI_SYSTEM, "out of memory");
    status = window_parse_bound(&window->begin, first, 0);
    free(first);
    if (!status)
        status = window_parse_bound(&window->end, dots + 2, UINT64_MAX);
    if (!status && !window->begin.name && !window->end.name &&
        window->begin.cycle >= window->end.cycle)
        status = cli_error(CLI_USAGE, "%s: '%s' is empty (A comes before B)",
                           window_option, text);
    return status;
}

void window_fini(struct timeline_window *window)
{
    free(window->begin.name);
    free(window->end.name);
    for (size_t i = 0; i < window->n_names; i++)
        free(window->names[i]);
}

/* NAME is the first of its name; else NAME.INDEX. */
static int window_is_mark(const struct window_bound *bound,
                          const mmusim_mark_event_t *mark)
{
    size_t length = strlen(mark->name);
    char index[16];

    if (strncmp(bound->name, mark->name, length) != 0)
        return 0;
    if (!bound->name[length])
        return mark->index == 0;
    snprintf(index, sizeof(index), ".%u", (unsigned) mark->index);
    return !strcmp(bound->name + length, index);
}

/* A name that cannot be kept is missing in a message. */
static void window_note_name(struct timeline_window *window, const char *name)
{
    for (size_t i = 0; i < window->n_names; i++) {
        if (!strcmp(window->names[i], name)) {
            window->n_comes[i]++;
            return;
        }
    }
    if (window->n_names == WINDOW_NAMES)
        return;
    window->names[window->n_names] = strdup(name);
    window->n_comes[window->n_names] = 1;
    window->n_names += window->names[window->n_names] != NULL;
}

void window_mark(struct timeline_window *window,
                 const mmusim_mark_event_t *mark)
{
    struct window_bound *begin = &window->begin, *end = &window->end;

    if (!begin->name && !end->name)
        return;
    window_note_name(window, mark->name);
    if (begin->name && begin->cycle == UINT64_MAX) {
        if (window_is_mark(begin, mark))
            begin->cycle = mark->cycle;
    } else if (end->name && end->cycle == UINT64_MAX &&
               window_is_mark(end, mark)) {
        end->cycle = mark->cycle;
    }
}

static int window_misses(const struct timeline_window *window, const char *name,
                         const char *where)
{
    const char *nearest = mmusim_nearest(
        name, (const char *const *) window->names, window->n_names);
    size_t at = 0;

    if (!window->n_names)
        return cli_error(CLI_USAGE,
                         "%s: no mark '%s' has come: the source has no marks "
                         "(give cycles)",
                         window_option, name);
    for (size_t i = 0; i < window->n_names; i++)
        if (nearest ? nearest == window->names[i] : !i)
            at = i;
    return cli_error(CLI_USAGE,
                     "%s: no mark '%s' has come%s (there is '%s', %llu times)",
                     window_option, name, where, window->names[at],
                     (unsigned long long) window->n_comes[at]);
}

int window_check(const struct timeline_window *window, uint64_t end_cycle)
{
    const struct window_bound *begin = &window->begin, *end = &window->end;

    if (begin->name && begin->cycle == UINT64_MAX)
        return window_misses(window, begin->name, "");
    if (end->name && end->cycle == UINT64_MAX)
        return window_misses(window, end->name,
                             begin->name ? " after the window's begin" : "");
    if (begin->cycle > end_cycle)
        return cli_error(CLI_USAGE,
                         "%s: it begins at cycle %llu, and the run ended at "
                         "cycle %llu",
                         window_option, (unsigned long long) begin->cycle,
                         (unsigned long long) end_cycle);
    if (begin->cycle >= end->cycle)
        return cli_error(CLI_USAGE,
                         "%s: it is empty: it begins at cycle %llu and ends "
                         "at cycle %llu",
                         window_option, (unsigned long long) begin->cycle,
                         (unsigned long long) end->cycle);
    return 0;
}

int window_has(const struct timeline_window *window, uint64_t begin,
               uint64_t end)
{
    if (window->begin.cycle == UINT64_MAX || begin >= window->end.cycle)
        return 0;
    return end > window->begin.cycle || begin >= window->begin.cycle;
}

uint64_t window_clip(const struct timeline_window *window, uint64_t cycle)
{
    if (cycle < window->begin.cycle)
        return window->begin.cycle;
    return cycle > window->end.cycle ? window->end.cycle : cycle;
}
