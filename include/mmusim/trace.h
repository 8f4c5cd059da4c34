/* SPDX-License-Identifier: MIT */
/*
 * Traces and other sources of operations.
 *
 * A mmusim_trace_t is an opened trace: shared, read-only, usable by any number
 * of host threads. A mmusim_source_t is one run's view of it (or a workload
 * generator): each machine run takes a source of its own.
 */
#ifndef MMUSIM_TRACE_H
#define MMUSIM_TRACE_H

#include "mmusim/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmusim_trace mmusim_trace_t;
typedef struct mmusim_source mmusim_source_t;

typedef struct mmusim_trace_options {
    const char *format; /* "native", "text" or NULL: told by content */
    bool salvages;      /* skip damaged blocks instead of failing */
    /* Bytes of decoded pieces kept for other points of a sweep; 0: none. */
    uint64_t cache_bytes;
    /* Inflate in a helper thread: for a single replay. */
    bool uses_helper_thread;
} mmusim_trace_options_t;

/*
 * Opens the trace at path, or standard input for "-". options may be NULL.
 * Errors: MMUSIM_UNREADABLE, MMUSIM_DAMAGED (file, block, offset in diag),
 * MMUSIM_UNSUPPORTED, MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t
mmusim_trace_open(const char *path, const mmusim_trace_options_t *options,
                  mmusim_trace_t **trace, mmusim_diag_t *diag);
/* No source made from it may be in use. NULL is legal. */
MMUSIM_API void mmusim_trace_close(mmusim_trace_t *trace);

/* A new view from the first record on. The trace must outlive it. */
MMUSIM_API mmusim_status_t mmusim_trace_source(mmusim_trace_t *trace,
                                               mmusim_source_t **source,
                                               mmusim_diag_t *diag);

/* A workload generator: spec is "NAME" or "NAME,key=value,..." */
MMUSIM_API mmusim_status_t mmusim_workload_source(const char *spec,
                                                  mmusim_source_t **source,
                                                  mmusim_diag_t *diag);

/* Whether spec names a generator: it starts with "workload:". */
MMUSIM_API bool mmusim_is_workload(const char *spec);

/* One generator, or one parameter of a generator (name and default set). */
typedef struct mmusim_workload_item {
    const char *workload;
    const char *parameter; /* NULL: the generator itself */
    const char *dflt;
    const char *range;
    const char *help;
} mmusim_workload_item_t;

MMUSIM_API int mmusim_workload_each(
    int (*visit)(void *context, const mmusim_workload_item_t *item),
    void *context);

/* NULL is legal. */
MMUSIM_API void mmusim_source_destroy(mmusim_source_t *source);

#ifdef __cplusplus
}
#endif
#endif
