/* SPDX-License-Identifier: MIT */
/* An opened trace: its file, and what its sources share. */
#ifndef MMUSIM_TRACE_TRACE_HANDLE_H
#define MMUSIM_TRACE_TRACE_HANDLE_H

#include "mmusim/trace.h"
#include "trace/import.h"
#include "trace/piece_cache.h"

/* The decoder of one trace thread that all sources share; it goes forwards
 * only. */
struct shared_stream {
    pthread_mutex_t lock;
    struct piece_stream *stream; /* NULL: not begun, or ended */
    uint32_t block;              /* of the thread, that stream has open */
};

struct mmusim_trace {
    struct trace_file file;
    bool salvages;
    bool has_cache;
    bool has_helper; /* sources unpack in a thread of their own; no cache */
    struct piece_cache cache;
    struct shared_stream *shared; /* one a thread, with a cache */
    struct source_thread *threads;
    const char *format; /* "native", or what it was imported from */
    bool is_foreign;    /* it was imported */
    bool is_cut;        /* the import ended at damage */
    mmusim_trace_foreign_t foreign;
    struct import_notes notes;
};

/* The trace of an opened import, which stays the caller's. options: of
 * mmusim_trace_open, not NULL. */
mmusim_status_t mmusim__trace_open_import(struct import *import,
                                          const mmusim_trace_options_t *options,
                                          mmusim_trace_t **trace,
                                          mmusim_diag_t *diag);
/* Opens path as the options say; the import is to be closed in any case. */
mmusim_status_t mmusim__trace_find_import(struct import *import,
                                          const char *path,
                                          const mmusim_trace_options_t *options,
                                          mmusim_diag_t *diag);

/* A native trace that was written to out (taken in any case); path: for
 * messages. */
mmusim_status_t mmusim__trace_open_written(FILE *out, const char *path,
                                           mmusim_trace_t **trace,
                                           mmusim_diag_t *diag);

/* The bytes of an import that has turned out to be a native trace. */
mmusim_status_t mmusim__trace_open_native(struct trace_file *file,
                                          const struct import *import,
                                          mmusim_diag_t *diag);

/* Checks a native trace and closes it; as mmusim_trace_verify. */
mmusim_status_t mmusim__trace_verify_file(
    struct trace_file *file,
    void (*report)(void *context, const mmusim_diag_t *diag), void *context,
    uint64_t *n_damaged, mmusim_diag_t *diag);

static inline const struct trace_block *
trace_block_of(const struct mmusim_trace *trace, uint32_t thread_index,
               uint32_t block)
{
    const struct trace_thread *thread = &trace->file.threads[thread_index];

    return &trace->file.blocks[trace->file.order[thread->first_block + block]];
}

#endif
