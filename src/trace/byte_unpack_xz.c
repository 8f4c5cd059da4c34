/* SPDX-License-Identifier: MIT */
/* xz streams, by liblzma, which checks each block. */
#include "trace/byte_unpack.h"

#if defined(MMUSIM_HAS_LZMA)

#include <lzma.h>
#include <stdlib.h>

static enum byte_unpack_state xz_state(lzma_ret result)
{
    if (result == LZMA_STREAM_END)
        return BYTE_UNPACK_END;
    if (result == LZMA_OK || result == LZMA_BUF_ERROR)
        return BYTE_UNPACK_MORE;
    if (result == LZMA_MEMLIMIT_ERROR)
        return BYTE_UNPACK_TOO_LARGE;
    return result == LZMA_MEM_ERROR ? BYTE_UNPACK_NOMEM : BYTE_UNPACK_DAMAGED;
}

static void *xz_create(void)
{
    const lzma_stream fresh = LZMA_STREAM_INIT;
    lzma_stream *stream = malloc(sizeof(*stream));

    if (stream)
        *stream = fresh;
    return stream;
}

static void xz_destroy(void *unpacker)
{
    lzma_end(unpacker);
    free(unpacker);
}

/* liblzma uses a stream's memory again. */
static enum byte_unpack_state xz_begin(void *unpacker)
{
    return xz_state(lzma_stream_decoder(unpacker, BYTE_UNPACK_LIMIT_BYTES, 0));
}

static enum byte_unpack_state xz_step(void *unpacker, const uint8_t **in,
                                      size_t *n_in, uint8_t **out,
                                      size_t *n_out)
{
    lzma_stream *stream = unpacker;
    lzma_ret result;

    stream->next_in = *in;
    stream->avail_in = *n_in;
    stream->next_out = *out;
    stream->avail_out = *n_out;
    result = lzma_code(stream, LZMA_RUN);
    *in = stream->next_in;
    *n_in = stream->avail_in;
    *out = stream->next_out;
    *n_out = stream->avail_out;
    return xz_state(result);
}

extern const struct byte_unpack_ops mmusim__byte_unpack_xz;
const struct byte_unpack_ops mmusim__byte_unpack_xz = {
    .create = xz_create,
    .destroy = xz_destroy,
    .begin = xz_begin,
    .step = xz_step,
};

#else
/* ISO C forbids an empty file. */
extern const int mmusim__byte_unpack_xz_is_absent;
const int mmusim__byte_unpack_xz_is_absent = 1;
#endif
