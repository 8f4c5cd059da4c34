/* SPDX-License-Identifier: MIT */
/* bzip2 streams, by libbz2, which checks each block. */
#include "trace/byte_unpack.h"

#if defined(MMUSIM_HAS_BZIP2)

#include <bzlib.h>
#include <stdbool.h>
#include <stdlib.h>

struct bzip2_unpacker {
    bz_stream stream;
    bool has_begun;
};

static void *bzip2_create(void)
{
    return calloc(1, sizeof(struct bzip2_unpacker));
}

static void bzip2_destroy(void *unpacker)
{
    struct bzip2_unpacker *self = unpacker;

    if (self->has_begun)
        BZ2_bzDecompressEnd(&self->stream);
    free(self);
}

static enum byte_unpack_state bzip2_begin(void *unpacker)
{
    struct bzip2_unpacker *self = unpacker;

    if (self->has_begun)
        BZ2_bzDecompressEnd(&self->stream);
    self->has_begun = BZ2_bzDecompressInit(&self->stream, 0, 0) == BZ_OK;
    return self->has_begun ? BYTE_UNPACK_MORE : BYTE_UNPACK_NOMEM;
}

static enum byte_unpack_state bzip2_step(void *unpacker, const uint8_t **in,
                                         size_t *n_in, uint8_t **out,
                                         size_t *n_out)
{
    struct bzip2_unpacker *self = unpacker;
    bz_stream *stream = &self->stream;
    int result;

    stream->next_in = (char *) (uintptr_t) *in;
    stream->avail_in = (unsigned) *n_in;
    stream->next_out = (char *) *out;
    stream->avail_out = (unsigned) *n_out;
    result = BZ2_bzDecompress(stream);
    *in += *n_in - stream->avail_in;
    *n_in = stream->avail_in;
    *out = (uint8_t *) stream->next_out;
    *n_out = stream->avail_out;
    if (result == BZ_STREAM_END)
        return BYTE_UNPACK_END;
    if (result == BZ_OK)
        return BYTE_UNPACK_MORE;
    return result == BZ_MEM_ERROR ? BYTE_UNPACK_NOMEM : BYTE_UNPACK_DAMAGED;
}

extern const struct byte_unpack_ops mmusim__byte_unpack_bzip2;
const struct byte_unpack_ops mmusim__byte_unpack_bzip2 = {
    .create = bzip2_create,
    .destroy = bzip2_destroy,
    .begin = bzip2_begin,
    .step = bzip2_step,
};

#else
/* ISO C forbids an empty file. */
extern const int mmusim__byte_unpack_bzip2_is_absent;
const int mmusim__byte_unpack_bzip2_is_absent = 1;
#endif
