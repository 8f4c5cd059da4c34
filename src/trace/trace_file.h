/* SPDX-License-Identifier: MIT */
/*
 * A native trace's file: finds every member, checks its field and sorts the
 * blocks by thread. Nothing is unpacked here.
 */
#ifndef MMUSIM_TRACE_TRACE_FILE_H
#define MMUSIM_TRACE_TRACE_FILE_H

#include "mmusim/status.h"
#include "trace/trace_format.h"

#include <stdio.h>

struct trace_block {
    uint64_t offset; /* of the member in the file */
    uint32_t number; /* of the member in the file */
    uint32_t codec;
    struct trace_field field;
};

struct trace_thread {
    uint32_t tid;
    uint32_t first_block; /* in trace_file.order */
    uint32_t n_blocks;
    uint64_t n_records;
    uint64_t last_sync;
    bool is_created;
};

struct trace_file {
    char *path;
    int fd;                 /* < 0: the bytes are in memory */
    uint8_t *memory;        /* standard input, or a block of it */
    uint64_t memory_offset; /* of memory[0]; 0 without */
    FILE *temporary;        /* an imported trace; owns fd */
    uint64_t n_bytes;
    struct trace_block *blocks; /* in file order */
    uint32_t n_blocks;
    uint32_t *order; /* blocks by thread and first record */
    struct trace_thread *threads;
    uint32_t n_threads;
    uint64_t n_records;
    bool has_index;
};

/* Called for damage that is skipped; NULL: the first damage fails. */
struct trace_damage_sink {
    void (*report)(void *context, const mmusim_diag_t *diag);
    void *context;
};

/* Opens the bytes: a file, "-" or FILE (taken; NULL: none). */
mmusim_status_t mmusim__trace_file_open(struct trace_file *file,
                                        const char *path, FILE *temporary,
                                        mmusim_diag_t *diag);
/* The bytes of a pipe of which n_head have been read already: they and the
 * rest of it. fd stays the caller's. */
mmusim_status_t mmusim__trace_file_open_pipe(struct trace_file *file,
                                             const char *path, int fd,
                                             const uint8_t *head, size_t n_head,
                                             mmusim_diag_t *diag);
/* Whether a member begins with one of these bytes, the first or another: the
 * start of a native trace, maybe a damaged one. */
bool mmusim__trace_file_has_header(const uint8_t *bytes, size_t n_bytes);
/* Finds the blocks. */
mmusim_status_t mmusim__trace_file_scan(struct trace_file *file,
                                        const struct trace_damage_sink *sink,
                                        mmusim_diag_t *diag);
void mmusim__trace_file_close(struct trace_file *file);

/* A copy for free(), or NULL. */
char *mmusim__trace_file_copy_path(const char *path);

/* Up to n_bytes from offset; less at the end of the file or on failure. */
size_t mmusim__trace_file_read(const struct trace_file *file, void *buffer,
                               size_t n_bytes, uint64_t offset);

#endif
