/* SPDX-License-Identifier: MIT */
/*
 * A drmemtrace stream's records -> those of its threads. The same machine runs
 * twice over a folder: first without writing, for the order of operations.
 */
#ifndef MMUSIM_TRACE_DRMEM_READER_H
#define MMUSIM_TRACE_DRMEM_READER_H

#include "trace/drmem_order.h"
#include "trace/drmem_record.h"
#include "trace/import.h"
#include "trace/linux_call.h"

enum { DRMEM_THREADS_MAX = 4096 }; /* of one file; each has open buffers */

/*
 * With -record_syscall: a function's number, its arguments, the number again,
 * the result. Calls of which there is only the number cost their entry and
 * exit (SYS_SYSCALL).
 */
enum drmem_call_state {
    DRMEM_CALL_NONE,
    DRMEM_CALL_NUMBER, /* a call without arguments so far */
    DRMEM_CALL_ARGS,
    DRMEM_CALL_RETURNS,
};

struct drmem_call {
    enum drmem_call_state state;
    struct linux_call call;
    uint64_t begun_us;
};

struct drmem_thread {
    uint64_t number;             /* as in the trace */
    struct trace_stream *stream; /* NULL: nothing written yet */
    uint64_t seen;               /* the last `sync` */
    uint64_t us;                 /* the last timestamp */
    uint64_t pid;                /* 0: not said */
    uint64_t cpu;                /* DRMEM_CPU_UNKNOWN */
    struct drmem_call call;
    bool may_block; /* the call under way */
    bool has_op;    /* done, and waits for the time of its end */
    struct sys_op op;
    char name[LINUX_CALL_NAME_BYTES]; /* of op */
};

struct drmem_counts {
    uint64_t n_prefetches, n_other_process, n_idle, n_pc_only;
};

struct drmem {
    struct import_run *run;
    struct drmem_order order;
    bool has_order; /* as the user wants */
    bool has_cpus;
    uint64_t pid; /* the process that is read; 0: the first */
    struct drmem_counts counts;
    uint64_t file_types; /* of all files so far */
    /* of the file in hand */
    enum linux_call_isa isa;
    bool has_begun, has_footer;
    uint64_t record; /* in the file, from 0 */
    struct drmem_thread *threads;
    uint32_t n_threads, max_threads;
    struct drmem_thread *thread; /* whose records come; NULL: nobody's */
};

/* Reads run->stream to its end and ends its threads. */
mmusim_status_t mmusim__drmem_read_stream(struct drmem *self);
void mmusim__drmem_fini(struct drmem *self);

#endif
