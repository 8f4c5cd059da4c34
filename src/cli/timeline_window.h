/* SPDX-License-Identifier: MIT */
/*
 * A part of a run, `A..B`: from A to before B, each a number of cycles (K, M
 * and G are allowed), a mark NAME (the first of it), NAME.INDEX (from 0), or
 * nothing for the run's own beginning or end.
 */
#ifndef MMUSIM_CLI_TIMELINE_WINDOW_H
#define MMUSIM_CLI_TIMELINE_WINDOW_H

#include "mmusim/observe.h"

struct window_bound {
    char *name;     /* of a mark; NULL: the cycle is known */
    uint64_t cycle; /* UINT64_MAX: not known yet, or never */
};

enum { WINDOW_NAMES = 32 };

struct timeline_window {
    struct window_bound begin, end;
    /* The first names of marks that have come, and how often, for a message. */
    char *names[WINDOW_NAMES];
    uint64_t n_comes[WINDOW_NAMES];
    size_t n_names;
};

/* text NULL: the whole run. 0, or an exit status after a message. */
int window_parse(struct timeline_window *window, const char *text);
void window_fini(struct timeline_window *window);
/* A mark has come. */
void window_mark(struct timeline_window *window,
                 const mmusim_mark_event_t *mark);
/* After the run, which ended at a cycle: has the window been there? 0, or an
 * exit status after a message. */
int window_check(const struct timeline_window *window, uint64_t end_cycle);

/* Does [begin, end) have a part in it, as far as is known? What has no length
 * does if it is inside. */
int window_has(const struct timeline_window *window, uint64_t begin,
               uint64_t end);
/* The cycle, or the window's nearest. */
uint64_t window_clip(const struct timeline_window *window, uint64_t cycle);

#endif
