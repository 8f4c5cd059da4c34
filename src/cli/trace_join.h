/* SPDX-License-Identifier: MIT */
/* mmusim trace cut and merge: an exit status after a message. */
#ifndef MMUSIM_CLI_TRACE_JOIN_H
#define MMUSIM_CLI_TRACE_JOIN_H

#include "cli/trace_output.h"

/* The part of what->path that cut says, as what says. */
int trace_cut_write(const struct trace_output *what,
                    const mmusim_trace_cut_t *cut);
/* n traces as one; what->path is not used. */
int trace_merge_write(const struct trace_output *what,
                      const mmusim_trace_merge_t *merge, char *const *paths,
                      size_t n);

#endif
