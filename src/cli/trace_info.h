/* SPDX-License-Identifier: MIT */
/* mmusim trace info: what a trace holds, as text or JSON. */
#ifndef MMUSIM_CLI_TRACE_INFO_H
#define MMUSIM_CLI_TRACE_INFO_H

#include "mmusim/trace.h"

#define TRACE_INFO_DEFAULT UINT64_MAX

struct trace_info_options {
    bool is_json;
    uint64_t n_regions; /* at most so many; TRACE_INFO_DEFAULT */
    uint64_t n_windows; /* of the working set, likewise; at least 1 */
};

/* Goes through the trace and prints to standard output: an exit status after a
 * message. */
int trace_info_print(mmusim_trace_t *trace, const char *path,
                     const struct trace_info_options *options);

#endif
