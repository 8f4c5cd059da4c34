/* SPDX-License-Identifier: MIT */
/*
 * gzip members (RFC 1952) around zlib's raw deflate. The header is fixed:
 * FEXTRA alone, MTIME 0, XFL 0, OS 255, one subfield "MT" with our field.
 */
#include "trace/codec.h"

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_TRAILER_BYTES = 8, GZIP_WINDOW_BITS = 15, GZIP_MEMORY_LEVEL = 8 };

static const uint8_t gzip_fixed[] = {0x1f,
                                     0x8b,
                                     8,
                                     4,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     255,
                                     TRACE_FIELD_BYTES + 4,
                                     0,
                                     'M',
                                     'T',
                                     TRACE_FIELD_BYTES,
                                     0};

static void *gzip_packer_create(int level)
{
    z_stream *z = calloc(1, sizeof(*z));

    if (z && deflateInit2(z, level, Z_DEFLATED, -GZIP_WINDOW_BITS,
                          GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK)
        return z;
    free(z);
    return NULL;
}

static void gzip_packer_destroy(void *packer)
{
    if (packer)
        deflateEnd(packer);
    free(packer);
}

static uint8_t *gzip_put_u32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        *p++ = (uint8_t) (value >> (8 * i));
    return p;
}

static size_t gzip_pack(void *packer, const uint8_t *raw, size_t n_raw,
                        uint8_t *packed, size_t n_packed)
{
    z_stream *z = packer;
    uint8_t *end;

    if (n_packed < GZIP_TRAILER_BYTES || deflateReset(z) != Z_OK)
        return 0;
    z->next_in = (z_const Bytef *) raw;
    z->avail_in = (uInt) n_raw;
    z->next_out = packed;
    z->avail_out = (uInt) (n_packed - GZIP_TRAILER_BYTES);
    if (deflate(z, Z_FINISH) != Z_STREAM_END)
        return 0;
    end = gzip_put_u32(z->next_out, (uint32_t) crc32(0, raw, (uInt) n_raw));
    end = gzip_put_u32(end, (uint32_t) n_raw);
    return (size_t) (end - packed);
}

static void *gzip_unpacker_create(void)
{
    z_stream *z = calloc(1, sizeof(*z));

    if (z && inflateInit2(z, -GZIP_WINDOW_BITS) == Z_OK)
        return z;
    free(z);
    return NULL;
}

static void gzip_unpacker_destroy(void *unpacker)
{
    if (unpacker)
        inflateEnd(unpacker);
    free(unpacker);
}

static void gzip_unpack_begin(void *unpacker)
{
    inflateReset(unpacker);
}

static enum codec_state gzip_unpack(void *unpacker, const uint8_t **in,
                                    size_t *n_in, uint8_t **out, size_t *n_out)
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
    if (result == Z_STREAM_END)
        return CODEC_END;
    return result == Z_OK || result == Z_BUF_ERROR ? CODEC_MORE : CODEC_DAMAGED;
}

extern const struct codec_ops mmusim__codec_gzip;
const struct codec_ops mmusim__codec_gzip = {
    .name = "gzip",
    .header_bytes = sizeof(gzip_fixed) + TRACE_FIELD_BYTES,
    .trailer_bytes = GZIP_TRAILER_BYTES,
    .field_at = sizeof(gzip_fixed),
    .default_level = 6,
    .max_level = 9,
    .fixed = gzip_fixed,
    .packer_create = gzip_packer_create,
    .packer_destroy = gzip_packer_destroy,
    .pack = gzip_pack,
    .unpacker_create = gzip_unpacker_create,
    .unpacker_destroy = gzip_unpacker_destroy,
    .unpack_begin = gzip_unpack_begin,
    .unpack = gzip_unpack,
};
