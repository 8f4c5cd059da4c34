/* SPDX-License-Identifier: MIT */
/*
 * A program for the simulated machine, written as lines of a text trace
 * ("TID OP ARGS", see the contract) and handed out as a source, piece by
 * piece. One addition: `rd VA` is a load whose address depends on the load
 * before it. The default size of an access is one byte.
 */
#ifndef MMUSIM_TESTS_SUPPORT_PROGRAM_H
#define MMUSIM_TESTS_SUPPORT_PROGRAM_H

#include "core/source.h"

struct program;

struct program *program_create(void);
void program_destroy(struct program *program);

/* Adds lines; printf-like. A line that cannot be read fails the test. */
__attribute__((format(printf, 2, 3))) void program_say(struct program *program,
                                                       const char *format, ...);
/* One operation as is: for values no text can have. */
void program_add_sys(struct program *program, uint32_t tid,
                     const struct sys_op *op);

uint32_t program_threads(const struct program *program);
uint64_t program_records(const struct program *program);
/* Of a thread that has appeared: its place in that order, and the number its
 * next record will have. */
uint32_t program_thread_index(const struct program *program, uint32_t tid);
uint64_t program_next_record(const struct program *program, uint32_t tid);

struct program_view {
    uint32_t piece_records; /* 0: a thread's stream in one piece */
    /* Called when a thread asks for more: all it was given before is done,
     * but for accesses in the core's window. May be NULL. */
    void (*on_next)(void *context, uint32_t thread_index,
                    uint64_t first_record);
    void *context;
};

/* A source that borrows the program; mmusim_source_destroy() ends it. */
struct mmusim_source *program_source(const struct program *program,
                                     const struct program_view *view);

#endif
