/* SPDX-License-Identifier: MIT */
/*
 * Reads blocks piece by piece: packed bytes -> raw bytes -> records, as a
 * stream; no block is ever held unpacked. A piece ends at fixed places of its
 * block, so (block, piece number) names the same records for every reader.
 */
#ifndef MMUSIM_TRACE_PIECE_STREAM_H
#define MMUSIM_TRACE_PIECE_STREAM_H

#include "trace/codec.h"
#include "trace/record_decoder.h"
#include "trace/trace_file.h"

enum { STREAM_IN_BYTES = 8 << 10, STREAM_RAW_BYTES = 16 << 10 };

struct piece_stream {
    const struct trace_file *file;
    const struct codec_ops *codec;
    void *unpacker;
    const struct trace_block *block; /* NULL: none open */
    uint32_t next_piece;             /* number in the block */
    uint32_t n_records;              /* of the block, decoded so far */
    uint64_t instructions;           /* in them */
    uint64_t in_offset;              /* of the next packed byte to read */
    uint32_t in_left;                /* packed bytes not read yet */
    uint32_t raw_left;               /* raw bytes not unpacked yet */
    bool has_unpacked;               /* the codec has seen its end */
    const uint8_t *in_at;
    size_t n_in;
    uint8_t *raw_at;
    uint8_t *raw_end;
    struct record_decoder decoder;
    struct piece_buffer piece;
    uint8_t in[STREAM_IN_BYTES];
    uint8_t raw[RECORD_BYTES_MAX + STREAM_RAW_BYTES + RECORD_BYTES_MAX];
};

/* NULL: out of memory. */
struct piece_stream *mmusim__piece_stream_create(const struct trace_file *file);
void mmusim__piece_stream_destroy(struct piece_stream *stream);

/* Checks the block's bytes and goes to its first piece. */
mmusim_status_t mmusim__piece_stream_open(struct piece_stream *stream,
                                          const struct trace_block *block,
                                          mmusim_diag_t *diag);
/* stream->piece becomes the next piece, of no records behind the block's end.
 * After damage it holds the records before it. */
mmusim_status_t mmusim__piece_stream_next(struct piece_stream *stream,
                                          mmusim_diag_t *diag);

/* Instructions known to lie between the piece just decoded and the thread's
 * next SYS record. */
uint64_t mmusim__piece_stream_quiet(const struct piece_stream *stream);

#endif
