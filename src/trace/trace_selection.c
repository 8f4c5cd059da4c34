/* SPDX-License-Identifier: MIT */
/* A selection that nothing can match is a mistake, whatever it is written as.
 */
#include "trace/trace_selection.h"

#include "core/diag.h"
#include "trace/trace_handle.h"

#include <inttypes.h>
#include <stdio.h>

enum { SELECTION_TIDS_SAID = 4 };

bool mmusim__trace_selection_has(const mmusim_trace_selection_t *selection,
                                 uint32_t tid)
{
    bool has = selection->n_tids == 0;

    for (size_t i = 0; !has && i < selection->n_tids; i++)
        has = selection->tids[i] == tid;
    return has;
}

static mmusim_status_t selection_fail_thread(uint32_t tid,
                                             const mmusim_trace_t *trace,
                                             mmusim_diag_t *diag)
{
    char tids[64] = "none";
    size_t length = 0;
    uint32_t n = trace->file.n_threads;

    for (uint32_t i = 0; i < n && i < SELECTION_TIDS_SAID; i++)
        length += (size_t) snprintf(tids + length, sizeof(tids) - length,
                                    "%s%" PRIu32, i ? ", " : "",
                                    trace->file.threads[i].tid);
    mmusim__diag_set(diag, MMUSIM_USAGE,
                     "there is no such thread as %" PRIu32 " (threads: %s%s)",
                     tid, tids, n > SELECTION_TIDS_SAID ? ", ..." : "");
    mmusim__diag_at_line(diag, trace->file.path, 0);
    return MMUSIM_USAGE;
}

static bool selection_is_of(const mmusim_trace_t *trace, uint32_t tid)
{
    for (uint32_t i = 0; i < trace->file.n_threads; i++) {
        if (trace->file.threads[i].tid == tid)
            return true;
    }
    return false;
}

mmusim_status_t
mmusim__trace_selection_check(const mmusim_trace_selection_t *selection,
                              const mmusim_trace_t *trace, mmusim_diag_t *diag)
{
    if (!selection)
        return MMUSIM_OK;
    for (size_t i = 0; i < selection->n_tids; i++) {
        if (!selection_is_of(trace, selection->tids[i]))
            return selection_fail_thread(selection->tids[i], trace, diag);
    }
    if (!selection->end_record ||
        selection->first_record < selection->end_record)
        return MMUSIM_OK;
    mmusim__diag_set(diag, MMUSIM_USAGE,
                     "no record is selected: from %" PRIu64
                     " on, up to before %" PRIu64,
                     selection->first_record, selection->end_record);
    mmusim__diag_at_line(diag, trace->file.path, 0);
    return MMUSIM_USAGE;
}
