/* SPDX-License-Identifier: MIT */
/*
 * A source of operations: a trace, or a workload generator. The machine pulls
 * pieces of each thread's stream, in any interleaving of threads.
 *
 * Threads are listed in order of first appearance in the trace, which decides
 * their default CPU. The list is known when the source is opened, but for a
 * source that is still being written (max_threads): there threads join it,
 * before the record that names them, and records may be late.
 */
#ifndef MMUSIM_CORE_SOURCE_H
#define MMUSIM_CORE_SOURCE_H

#include "core/op.h"
#include "mmusim/status.h"

/* A run of one thread's records, in program order. */
struct op_piece {
    const struct op_record *records;
    uint32_t n_records;       /* 0: the thread's stream has ended */
    const struct sys_op *sys; /* in record order */
    uint32_t n_sys;
    uint64_t first_record; /* number of records[0] in its thread, from 0 */
    uint64_t instructions; /* sum of op_record.count over non-SYS records */
    /* Instructions after the last record that are known to come before the
     * thread's next SYS record (or its end); 0 when nothing is known. */
    uint64_t quiet_instructions;
    /* n_records is 0 because nothing of the thread is there yet; to be asked
     * for again when is_ready() says so. */
    bool is_late;
};

struct source_thread {
    uint32_t tid;
    /* Greatest N of its `sync N` records; 0: none; UINT64_MAX: not known. */
    uint64_t last_sync;
    /* A fork or clone of this source names it: it starts there. Else it starts
     * with the run. Where the source cannot know, false. */
    bool is_created;
};

struct mmusim_source;

enum source_patience {
    SOURCE_IN_BOUNDS,
    SOURCE_LAST_RESORT, /* nobody can go on: the bounds are greater now */
};

struct source_ops {
    /*
     * The next piece of a thread. The piece stays valid until the next call
     * for the same thread, or destroy. On failure diag names the place.
     */
    mmusim_status_t (*next)(struct mmusim_source *source, uint32_t thread_index,
                            struct op_piece *piece, mmusim_diag_t *diag);
    void (*destroy)(struct mmusim_source *source);
    /* The thread's records are not asked for any more; NULL: does not matter.
     */
    void (*release)(struct mmusim_source *source, uint32_t thread_index);
    /* Only of a source with max_threads. Would next() not be late? */
    bool (*is_ready)(const struct mmusim_source *source, uint32_t thread_index);
    /* Waits until something more has come. !*has_come: nothing will, or there
     * is no room for it. */
    mmusim_status_t (*await)(struct mmusim_source *source,
                             enum source_patience patience, bool *has_come,
                             mmusim_diag_t *diag);
};

/* Concrete sources embed this as their first member. */
struct mmusim_source {
    const struct source_ops *ops;
    const char *name; /* what the user called it; owned by the source */
    uint32_t n_threads;
    const struct source_thread *threads;
    uint32_t max_threads;   /* n_threads may grow up to it; 0: it does not */
    uint64_t total_records; /* for progress; 0: unknown */
};

#endif
