/* SPDX-License-Identifier: MIT */
/*
 * A file's or standard input's bytes, unpacked, as a window that goes forwards
 * over them; memory does not grow with the file. Reading and unpacking run
 * ahead in a thread of their own (where none can be had, in the caller's).
 *
 * A reader takes bytes from at on and moves at; when what is left of the window
 * is no whole record, mmusim__byte_stream_more() brings what follows. Behind
 * end lie a newline and BYTE_PAD - 1 zeros, so that parsers of lines need no
 * check for each byte.
 */
#ifndef MMUSIM_TRACE_BYTE_STREAM_H
#define MMUSIM_TRACE_BYTE_STREAM_H

#include "mmusim/status.h"
#include "trace/byte_unpack.h"

enum {
    BYTE_CARRY = 64 << 10, /* what may be left when more is asked for */
    BYTE_CHUNK = 256 << 10,
    BYTE_PAD = 64,
    BYTE_IN = 64 << 10,
};

struct byte_ring; /* the chunks and the thread that fills them */

struct byte_stream {
    uint8_t *at;         /* the bytes are the reader's, it may change them */
    uint8_t *end;        /* behind the last byte of the window */
    bool is_over;        /* nothing follows end */
    uint64_t end_offset; /* of end among the unpacked bytes */
    const char *path;    /* as the user gave it; the stream's own copy */
    const struct byte_packing *packing; /* NULL: plain */
    uint64_t packed_bytes;              /* of the file; 0: not known (a pipe) */
    uint64_t packed_offset; /* of what is read; at most packed_bytes */
    /* Called for each chunk; anything but 0 ends with MMUSIM_INTERRUPTED. */
    int (*watch)(void *context, const struct byte_stream *stream);
    void *watch_context;
    struct byte_ring *ring;
};

/* Opens path, "-" for standard input. A directory: MMUSIM_UNREADABLE. The
 * window is empty, but the first BYTE_IN bytes of the file are read. */
mmusim_status_t mmusim__byte_stream_open(const char *path,
                                         struct byte_stream **stream,
                                         mmusim_diag_t *diag);
/* NULL is legal. */
void mmusim__byte_stream_close(struct byte_stream *stream);

/* The file's first bytes, packed as they are, until begin. */
const uint8_t *mmusim__byte_stream_head(const struct byte_stream *stream,
                                        size_t *n_bytes);
/* The descriptor, if it cannot be opened again (standard input, a pipe);
 * else -1. */
int mmusim__byte_stream_pipe(const struct byte_stream *stream);

/* Finds out the packing and fills the first window. */
mmusim_status_t mmusim__byte_stream_begin(struct byte_stream *stream,
                                          mmusim_diag_t *diag);

/*
 * Puts what follows behind [at, end), which is at most BYTE_CARRY long and may
 * move. OK: the window has grown, or is_over. Damage is told when everything
 * before it has been in a window.
 */
mmusim_status_t mmusim__byte_stream_more(struct byte_stream *stream,
                                         mmusim_diag_t *diag);

/* At least n_bytes (at most BYTE_CARRY) are in the window, or the stream is
 * over. */
mmusim_status_t mmusim__byte_stream_need(struct byte_stream *stream,
                                         size_t n_bytes, mmusim_diag_t *diag);

/* Moves on by n_bytes, however many; less if the stream ends: then *n_bytes is
 * what was skipped. */
mmusim_status_t mmusim__byte_stream_skip(struct byte_stream *stream,
                                         uint64_t *n_bytes,
                                         mmusim_diag_t *diag);

/*
 * The next line without its end, terminated, valid until the next call; *line
 * NULL: the stream is over. At most BYTE_CARRY - 1 bytes: of a longer line
 * *length is BYTE_CARRY, and nothing is taken.
 */
mmusim_status_t mmusim__byte_stream_line(struct byte_stream *stream,
                                         char **line, size_t *length,
                                         mmusim_diag_t *diag);

/* Of at, among the unpacked bytes. */
static inline uint64_t byte_stream_offset(const struct byte_stream *stream)
{
    return stream->end_offset - (uint64_t) (stream->end - stream->at);
}

static inline size_t byte_stream_left(const struct byte_stream *stream)
{
    return (size_t) (stream->end - stream->at);
}

#endif
