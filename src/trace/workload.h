/* SPDX-License-Identifier: MIT */
/*
 * Workload generators: sources whose records are made on the fly. A generator
 * is one file with one struct workload_ops, and one line in workload_table.c.
 *
 * Each thread of a generator is a little state machine of its own; what it
 * emits depends on the parameters alone, never on the other threads or on how
 * pieces are pulled.
 */
#ifndef MMUSIM_TRACE_WORKLOAD_H
#define MMUSIM_TRACE_WORKLOAD_H

#include "core/source.h"

enum {
    WORKLOAD_PARAMS_MAX = 12,
    WORKLOAD_PIECE_RECORDS = 4096,
    WORKLOAD_PIECE_SYS = 16,
};

struct workload_param {
    const char *name; /* NULL ends the table */
    uint64_t min;
    uint64_t max;
    uint64_t dflt;
    const char *help;
};

/* One thread: where it is in its program, and the piece being made. */
struct workload_thread {
    const uint64_t *values; /* of the parameters, in table order */
    uint32_t index;
    uint32_t phase;    /* the generator's: 0 at first */
    uint64_t round;    /* the generator's: 0 at first */
    uint64_t position; /* the generator's: 0 at first */

    struct op_record *records;
    struct sys_op *sys;
    uint32_t n_records;
    uint32_t n_sys;
    uint64_t instructions;
    uint64_t first_record;
};

struct workload_ops {
    const char *name;
    const char *help;
    const struct workload_param *params;
    bool are_independent; /* threads: not created by the first */
    /* A rule over several values; the text of what is wrong, or NULL. */
    const char *(*check)(const uint64_t *values);
    uint32_t (*count_threads)(const uint64_t *values);
    /* Emits at least one record while workload_has_room(), or returns false:
     * the thread has ended. */
    bool (*step)(struct workload_thread *thread);
    /* Instructions from here on that come before the next SYS record. */
    uint64_t (*count_quiet)(const struct workload_thread *thread);
    /* The greatest order stamp of a thread; NULL: there are none. */
    uint64_t (*last_stamp)(const uint64_t *values, uint32_t thread_index);
    /* Records of a thread from first to last; for progress, and the tests. */
    uint64_t (*count_records)(const uint64_t *values, uint32_t thread_index);
};

extern const struct workload_ops *const mmusim__workload_table[];
extern const uint32_t mmusim__workload_table_size;

/* Thread i of every generator is number i + 1. */
static inline uint32_t workload_tid(uint32_t thread_index)
{
    return thread_index + 1;
}

/* Whether the piece can take two more records, SYS or not. */
static inline bool workload_has_room(const struct workload_thread *thread)
{
    return thread->n_records + 2 <= WORKLOAD_PIECE_RECORDS &&
           thread->n_sys + 2 <= WORKLOAD_PIECE_SYS;
}

static inline void workload_emit(struct workload_thread *thread,
                                 enum op_kind kind, uint32_t flags,
                                 uint64_t vaddr, uint32_t instructions)
{
    enum { ACCESS_BYTES = 8 };
    uint32_t bytes = kind == OP_NOMEM ? 0 : ACCESS_BYTES;

    thread->records[thread->n_records++] =
        (struct op_record){vaddr, instructions, op_meta(kind, flags, bytes)};
    thread->instructions += instructions;
}

static inline void workload_emit_sys(struct workload_thread *thread,
                                     struct sys_op op)
{
    op.record_index = thread->n_records;
    op.instructions_before = thread->instructions;
    thread->records[thread->n_records++] =
        (struct op_record){0, thread->n_sys, op_meta(OP_SYS, 0, 0)};
    thread->sys[thread->n_sys++] = op;
}

/*
 * Another cache line in each page, so that the accessed lines do not all fall
 * into one set of a data cache.
 */
static inline uint64_t workload_stagger(uint64_t page_index)
{
    enum { LINE_BYTES = 64 };
    return page_index % (BASE_PAGE_BYTES / LINE_BYTES) * LINE_BYTES;
}

#endif
