/* SPDX-License-Identifier: MIT */
/*
 * A source of operations: a trace, or a workload generator. The machine pulls
 * pieces of each thread's stream, in any interleaving of threads.
 *
 * The list of threads is known when the source is opened, in order of first
 * appearance in the trace, which decides their default CPU.
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
};

struct source_thread {
    uint32_t tid;
    uint64_t last_sync; /* greatest N of its `sync N` records; 0: none */
    /* A fork or clone of this source names it: it starts there. Else it starts
     * with the run. Where the source cannot know, false. */
    bool is_created;
};

struct mmusim_source;

struct source_ops {
    /*
     * The next piece of a thread. The piece stays valid until the next call
     * for the same thread, or destroy. On failure diag names the place.
     */
    mmusim_status_t (*next)(struct mmusim_source *source, uint32_t thread_index,
                            struct op_piece *piece, mmusim_diag_t *diag);
    void (*destroy)(struct mmusim_source *source);
};

/* Concrete sources embed this as their first member. */
struct mmusim_source {
    const struct source_ops *ops;
    const char *name; /* what the user called it; owned by the source */
    uint32_t n_threads;
    const struct source_thread *threads;
    uint64_t total_records; /* for progress; 0: unknown */
};

#endif
