/* SPDX-License-Identifier: MIT */
/* How a member is packed: one file a codec, one line in codec_table.c. */
#ifndef MMUSIM_TRACE_CODEC_H
#define MMUSIM_TRACE_CODEC_H

#include "trace/trace_format.h"

enum codec_state { CODEC_MORE, CODEC_END, CODEC_DAMAGED };

struct codec_ops {
    const char *name;
    size_t header_bytes;
    size_t trailer_bytes; /* after what unpack takes */
    size_t field_at;      /* in the header */
    int default_level;
    int max_level;
    /* The header's fixed bytes; the caller puts the field behind them. */
    const uint8_t *fixed;
    /* NULL: out of memory. */
    void *(*packer_create)(int level);
    void (*packer_destroy)(void *packer);
    /* raw -> packed with trailer; 0: it failed. */
    size_t (*pack)(void *packer, const uint8_t *raw, size_t n_raw,
                   uint8_t *packed, size_t n_packed);
    void *(*unpacker_create)(void);
    void (*unpacker_destroy)(void *unpacker);
    void (*unpack_begin)(void *unpacker);
    /* Moves *in and *out on; as a stream, in any portions. */
    enum codec_state (*unpack)(void *unpacker, const uint8_t **in, size_t *n_in,
                               uint8_t **out, size_t *n_out);
};

/* By enum trace_codec; NULL where this build has no such codec. */
const struct codec_ops *mmusim__codec_get(unsigned codec);
enum { CODEC_COUNT = 2 };

/* The codec whose member begins with these bytes, or NULL. */
const struct codec_ops *mmusim__codec_of_header(const uint8_t *header,
                                                size_t n_bytes);

#endif
