/* SPDX-License-Identifier: MIT */
/*
 * What comes through the pipe of a trace that is being written: members, kept
 * by thread until they are decoded (live_source.c).
 */
#ifndef MMUSIM_TRACE_LIVE_PIPE_H
#define MMUSIM_TRACE_LIVE_PIPE_H

#include "core/source.h"
#include "mmusim/trace.h"
#include "trace/piece_stream.h"

struct live_block {
    struct live_block *next;
    struct trace_block block;
    size_t n_bytes;
    uint8_t bytes[];
};

struct live_thread {
    struct live_block *first, *last; /* not opened yet */
    struct live_block *open;         /* that stream reads */
    struct piece_stream *stream;     /* NULL: not begun, or over */
    struct trace_file file;          /* the open block, as a file */
    uint64_t n_known;                /* records, in blocks that have come */
    uint64_t n_done;                 /* in pieces handed out */
    bool is_late;                    /* and nothing has come since */
    bool is_released;                /* what still comes is dropped */
};

struct live_source {
    struct mmusim_source source; /* first */
    struct source_thread *known; /* = source.threads */
    struct live_thread *threads;
    int fd;
    mmusim_live_options_t options;
    mmusim_live_info_t info;
    uint64_t n_buffered; /* bytes of blocks */
    uint32_t n_late;     /* threads that are */
    uint64_t offset;     /* of the member that is coming */
    uint32_t number;     /* of it */
    uint32_t n_pieces;
    bool is_over;
    bool is_drained; /* blocks are not kept any more */
    /* The member that is coming: its header, then all of it. */
    uint8_t header[TRACE_HEADER_BYTES_MAX];
    size_t n_header;
    struct live_block *block; /* NULL: the header is not complete */
    size_t n_block;           /* bytes of it that have come */
};

/* Sets diag, with the place in the pipe; returns status. */
mmusim_status_t mmusim__live_fail(const struct live_source *self,
                                  mmusim_status_t status, const char *text,
                                  mmusim_diag_t *diag);
/* Waits for bytes, or (0) only looks. */
bool mmusim__live_poll(const struct live_source *self, int timeout_ms);
/* Reads what there is, up to the end of a member. */
mmusim_status_t mmusim__live_read(struct live_source *self,
                                  mmusim_diag_t *diag);

#endif
