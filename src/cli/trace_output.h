/* SPDX-License-Identifier: MIT */
/* Writing a trace in the form that --to says. */
#ifndef MMUSIM_CLI_TRACE_OUTPUT_H
#define MMUSIM_CLI_TRACE_OUTPUT_H

#include "mmusim/trace.h"

struct trace_output {
    const char *command; /* for messages */
    const char *path;    /* of the input */
    const char *output;  /* NULL or "-": standard output */
    const char *to;      /* one of trace_output_forms */
    int level;           /* of a native trace's compression; 0: default */
    mmusim_trace_options_t open;
    const mmusim_trace_selection_t *selection;
};

/* Words of --to; ends with NULL. */
extern const char *const trace_output_forms[];

/* Opens, converts, writes; an exit status after a message. */
int trace_output_write(const struct trace_output *what);
/* The same of an opened trace, which stays the caller's; open and the reading
 * of path are left out. */
int trace_output_write_trace(const struct trace_output *what,
                             mmusim_trace_t *trace);
/* Whether --to says a native trace, which goes into a file; the check that -o
 * names one: 0 or an exit status after a message. */
bool trace_output_is_native(const struct trace_output *what);
int trace_output_check(const struct trace_output *what);

#endif
