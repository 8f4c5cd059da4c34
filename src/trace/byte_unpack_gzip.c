/* SPDX-License-Identifier: MIT */
/* gzip members with any header (RFC 1952); zlib checks their CRC. */
#include "trace/byte_unpack.h"

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_WINDOW_BITS = 15 + 16 }; /* + 16: with gzip's header and trailer */

static void *gzip_create(void)
{
    z_stream *z = calloc(1, sizeof(*z));

    if (z && inflateInit2(z, GZIP_WINDOW_BITS) == Z_OK)
        return z;
    free(z);
    return NULL;
}

static void gzip_destroy(void *unpacker)
{
    inflateEnd(unpacker);
    free(unpacker);
}

static enum byte_unpack_state gzip_begin(void *unpacker)
{
    return inflateReset(unpacker) == Z_OK ? BYTE_UNPACK_MORE
                                          : BYTE_UNPACK_DAMAGED;
}

static enum byte_unpack_state gzip_step(void *unpacker, const uint8_t **in,
                                        size_t *n_in, uint8_t **out,
                                        size_t *n_out)
{
    z_stream *z = unpacker;
    int result;

    z->next_in = (z_const Bytef *) *in;
    z->avail_in = (uInt) *n_in;
    z->next_out = *out;
    z->avail_out = (uInt) *n_out;
    result = inflate(z, Z_NO_FLUSH);
    *in = z->next_in;
    *n_in = z->avail_in;
    *out = z->next_out;
    *n_out = z->avail_out;
    switch (result) {
    case Z_STREAM_END:
        return BYTE_UNPACK_END;
    case Z_OK:
    case Z_BUF_ERROR:
        return BYTE_UNPACK_MORE;
    case Z_MEM_ERROR:
        return BYTE_UNPACK_NOMEM;
    default:
        return BYTE_UNPACK_DAMAGED;
    }
}

extern const struct byte_unpack_ops mmusim__byte_unpack_gzip;
const struct byte_unpack_ops mmusim__byte_unpack_gzip = {
    .create = gzip_create,
    .destroy = gzip_destroy,
    .begin = gzip_begin,
    .step = gzip_step,
};
