/* SPDX-License-Identifier: MIT */
/*
 * A block's packed bytes -> raw bytes, chunk by chunk. The packed bytes are
 * read twice: once for their checksum, so that nothing is used unchecked, once
 * to unpack them.
 */
#ifndef MMUSIM_TRACE_UNPACK_STREAM_H
#define MMUSIM_TRACE_UNPACK_STREAM_H

#include "trace/codec.h"
#include "trace/record_dict.h"
#include "trace/trace_file.h"

/* Of a trace thread's 192 KiB the record dictionary takes 96, inflating 43
 * and a decoded piece 22; what is left is cut into these. */
enum { UNPACK_IN_BYTES = 4 << 10, CHUNK_BYTES = 10 << 10 };

/* Raw bytes from CHUNK_START on; before and behind them there is room for what
 * is left of the chunk before, and for a decoder that reads too far. */
enum { CHUNK_START = RECORD_BYTES_MAX };

enum chunk_state { CHUNK_EMPTY, CHUNK_FULL, CHUNK_HELD };

struct raw_chunk {
    enum chunk_state state;          /* unpack_ahead.h */
    const struct trace_block *block; /* that the bytes are of */
    mmusim_status_t status;          /* of filling it; not OK ends the block */
    const char *wrong;               /* what to tell then */
    bool is_last;                    /* of the block */
    uint32_t n_bytes;
    uint8_t bytes[CHUNK_START + CHUNK_BYTES + RECORD_BYTES_MAX];
};

struct unpack_stream {
    const struct trace_file *file;
    const struct trace_block *block; /* NULL: none begun */
    const struct codec_ops *codec;
    void *unpacker;
    uint64_t in_offset; /* of the next packed byte to read */
    uint32_t in_left;   /* packed bytes not read yet */
    uint32_t raw_left;  /* raw bytes not unpacked yet */
    bool is_checked;    /* the checksum was right */
    bool is_over;       /* the last chunk is filled, or filling has failed */
    const uint8_t *in_at;
    size_t n_in;
    uint8_t in[UNPACK_IN_BYTES];
};

void mmusim__unpack_stream_init(struct unpack_stream *stream,
                                const struct trace_file *file);
void mmusim__unpack_stream_fini(struct unpack_stream *stream);

void mmusim__unpack_stream_begin(struct unpack_stream *stream,
                                 const struct trace_block *block);
/* Fills the chunk as far as the block goes. Not after is_over. */
void mmusim__unpack_stream_fill(struct unpack_stream *stream,
                                struct raw_chunk *chunk);

#endif
