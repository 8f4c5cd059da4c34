/* SPDX-License-Identifier: MIT */
/* What `mmusim validate latency` prints: measured beside simulated. */
#ifndef MMUSIM_CLI_VALIDATE_REPORT_H
#define MMUSIM_CLI_VALIDATE_REPORT_H

#include "mmusim/mmusim.h"

#include <stddef.h>

enum validate_format { VALIDATE_TEXT, VALIDATE_CSV, VALIDATE_JSON };

/* One CPU of the file, and what came out. */
struct validate_run {
    mmusim_curve_t curve;
    mmusim_latency_t *latency;
};

/* stream is a FILE *. 0, or an exit status after a message. */
int validate_report(void *stream, enum validate_format format,
                    const struct validate_run *runs, size_t n_runs);

#endif
