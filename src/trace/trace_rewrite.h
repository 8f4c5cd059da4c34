/* SPDX-License-Identifier: MIT */
/* Ranges of threads of one or more traces written as a trace of its own, with
 * order stamps and thread numbers replaced. */
#ifndef MMUSIM_TRACE_TRACE_REWRITE_H
#define MMUSIM_TRACE_TRACE_REWRITE_H

#include "trace/trace_survey.h"

/* Order stamps of an input that stay, ascending and once each, and what they
 * become (NULL: 1, 2, ...). Another stamp becomes that of the last one before
 * it; before the first it is 0, which waits for nothing. */
struct rewrite_stamps {
    uint64_t *numbers;
    uint64_t *to;
    size_t n;
};

/* Sorts the numbers and leaves each there once. */
void mmusim__rewrite_stamps_sort(struct rewrite_stamps *stamps);

struct rewrite_tid {
    uint32_t from;
    uint32_t to;
};

struct rewrite_input {
    mmusim_trace_t *trace;
    struct rewrite_stamps stamps;
    const struct rewrite_tid *tids; /* others stay */
    size_t n_tids;
};

/* A thread of what is written. */
struct rewrite_thread {
    const struct rewrite_input *input;
    uint32_t index; /* in it */
    uint32_t tid;
    uint64_t first_record;
    uint64_t end_record; /* exclusive */
    bool is_created;     /* by a record of what is written */
    uint32_t parent;     /* index of who clones it at first; else UINT32_MAX */
    uint64_t n_added;    /* records that were put before; filled in */
};

/* Writes n threads to a temporary file and opens it; path: for messages. */
mmusim_status_t mmusim__trace_rewrite(struct rewrite_thread *threads, size_t n,
                                      const char *path, mmusim_trace_t **made,
                                      mmusim_diag_t *diag);

#endif
