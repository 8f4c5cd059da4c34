/* SPDX-License-Identifier: MIT */
/* mmusim trace info --format json; mmusim-trace(1) has the names. */
#ifndef MMUSIM_CLI_TRACE_INFO_JSON_H
#define MMUSIM_CLI_TRACE_INFO_JSON_H

#include "mmusim/trace.h"

#include <stdio.h>

struct trace_info_data {
    const char *path;
    const mmusim_trace_t *trace;
    mmusim_trace_info_t info;
    const mmusim_trace_profile_t *profile;
    const mmusim_working_set_t *working_set; /* the profile's */
    mmusim_trace_left_out_t left_out;
    uint64_t n_regions; /* at most */
    uint64_t n_windows; /* at most; at least 1 */
};

void trace_info_print_json(const struct trace_info_data *data, FILE *file);

#endif
