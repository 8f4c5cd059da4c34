/* SPDX-License-Identifier: MIT */
/* What a run ended with, and how often runs did. */
#ifndef MMUSIM_LITMUS_LITMUS_OUTCOME_H
#define MMUSIM_LITMUS_LITMUS_OUTCOME_H

#include "litmus/litmus_pe.h"
#include "litmus/litmus_run.h"

/* Counts the outcome of a run that has ended. */
mmusim_status_t mmusim__litmus_record(const struct litmus_run *run,
                                      struct litmus_result *result);

#endif
