/* SPDX-License-Identifier: MIT */
/* Which threads and records of a trace a user has chosen. */
#ifndef MMUSIM_TRACE_TRACE_SELECTION_H
#define MMUSIM_TRACE_TRACE_SELECTION_H

#include "mmusim/trace.h"

/* Of no thread numbers all are meant. */
bool mmusim__trace_selection_has(const mmusim_trace_selection_t *selection,
                                 uint32_t tid);

/* MMUSIM_USAGE, in a line that names the trace: it lacks a chosen thread, or
 * the records end before they begin. selection NULL: everything. */
mmusim_status_t
mmusim__trace_selection_check(const mmusim_trace_selection_t *selection,
                              const mmusim_trace_t *trace, mmusim_diag_t *diag);

#endif
