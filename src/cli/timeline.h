/* SPDX-License-Identifier: MIT */
/*
 * A run drawn over time, as trace events for the Perfetto UI
 * (docs/timeline.md). One track a CPU: its threads, what it does for them in
 * the kernel, and where that time goes; one a page walker; shootdowns; marks;
 * arrows from the sender of a flush to its targets. Memory is bounded: events
 * are written as they end.
 */
#ifndef MMUSIM_CLI_TIMELINE_H
#define MMUSIM_CLI_TIMELINE_H

#include "mmusim/observe.h"

struct timeline;

/* What is asked for on the command line; file NULL: nothing. */
struct timeline_options {
    const char *file;
    const char *window; /* NULL: the whole run */
};

/* The name of its output in a set. */
extern const char timeline_out[];

/* Rows for the option tables of commands that can draw, and what takes them: 0
 * on success, < 0 if the option is another. */
#define TIMELINE_OPTIONS                                                       \
    {"timeline", 0, "FILE",                                                    \
     "write what happens when there, for ui.perfetto.dev\n(.gz: packed)"},     \
    {                                                                          \
        "timeline-window", 0, "A..B",                                          \
            "only from A to B: cycles, or marks NAME or\nNAME.INDEX; either "  \
            "may be left out"                                                  \
    }

struct cli_option;
struct output_set;
int timeline_option(struct timeline_options *options,
                    struct output_set *outputs, const struct cli_option *option,
                    const char *value);

/* Before the run. *timeline is NULL if options->file is. 0, or an exit status
 * after a message. */
int timeline_create(const struct timeline_options *options,
                    struct timeline **timeline);

/* What is drawn, and where. Names may be NULL. */
struct timeline_about {
    void *stream; /* a FILE *, borrowed */
    const char *machine, *source;
};

/* Hangs it on a machine that has not run. */
mmusim_status_t timeline_attach(struct timeline *timeline,
                                mmusim_machine_t *machine,
                                const struct timeline_about *about);
/* After the run. status: that of the run; not 0: nothing more is written. Else
 * says on standard error how many events there are, unless is_quiet. NULL is
 * legal. Returns status, or one of its own after a message. */
int timeline_end(struct timeline *timeline, int status, int is_quiet);
/* NULL is legal. */
void timeline_destroy(struct timeline *timeline);

#endif
