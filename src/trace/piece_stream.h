/* SPDX-License-Identifier: MIT */
/*
 * Reads blocks piece by piece: packed bytes -> raw bytes -> records, as a
 * stream; no block is ever held unpacked. A piece ends at fixed places of its
 * block, so (block, piece number) names the same records for every reader.
 */
#ifndef MMUSIM_TRACE_PIECE_STREAM_H
#define MMUSIM_TRACE_PIECE_STREAM_H

#include "trace/record_decoder.h"
#include "trace/unpack_ahead.h"

struct piece_stream {
    const struct trace_file *file;
    const struct trace_block *block; /* NULL: none open */
    uint32_t next_piece;             /* number in the block */
    uint32_t n_records;              /* of the block, decoded so far */
    uint64_t instructions;           /* in them */
    bool has_unpacked;               /* chunk is the block's last one */
    struct raw_chunk *chunk;         /* NULL: the first one is not taken yet */
    uint8_t *raw_at;                 /* in the chunk */
    uint8_t *raw_end;
    struct record_decoder decoder;
    struct piece_buffer piece;
    struct unpack_ahead ahead;
};

/* helper: unpacks ahead, outlives the stream; NULL: nobody does. Returns NULL
 * when memory is out. */
struct piece_stream *mmusim__piece_stream_create(const struct trace_file *file,
                                                 struct unpack_helper *helper);
void mmusim__piece_stream_destroy(struct piece_stream *stream);

/* Goes to the block's first piece; following: the block that is probably
 * opened after it, or NULL. */
void mmusim__piece_stream_open(struct piece_stream *stream,
                               const struct trace_block *block,
                               const struct trace_block *following);
/* stream->piece becomes the next piece, of no records behind the block's end.
 * The first one checks the block's bytes. After a failure no block is open,
 * and the piece holds the records before the damage. */
mmusim_status_t mmusim__piece_stream_next(struct piece_stream *stream,
                                          mmusim_diag_t *diag);

/* Instructions known to lie between the piece just decoded and the thread's
 * next SYS record. */
uint64_t mmusim__piece_stream_quiet(const struct piece_stream *stream);

#endif
