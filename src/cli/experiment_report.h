/* SPDX-License-Identifier: MIT */
/* Reports of a published measurement run again: text, CSV or JSON. */
#ifndef MMUSIM_CLI_EXPERIMENT_REPORT_H
#define MMUSIM_CLI_EXPERIMENT_REPORT_H

#include "cli/validate_report.h"

/* Writes to stream, a FILE *; 0, or an exit status after a message. */
int experiment_report(void *stream, enum validate_format format,
                      const mmusim_experiment_t *experiment);

#endif
