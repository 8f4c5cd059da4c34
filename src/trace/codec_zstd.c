/* SPDX-License-Identifier: MIT */
/*
 * zstd frames (RFC 8878), each after a skippable frame that holds our field.
 * The window is 32 KiB, so that a reader's state stays small.
 */
#include "trace/codec.h"

#if defined(MMUSIM_HAVE_ZSTD) || defined(MMUSIM_HAS_ZSTD)

#include <zstd.h>

enum { ZSTD_WINDOW_LOG2 = 15 };

static const uint8_t zstd_fixed[] = {0x50, 0x2a, 0x4d, 0x18, TRACE_FIELD_BYTES,
                                     0,    0,    0};

static void *zstd_packer_create(int level)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();

    if (!context)
        return NULL;
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, ZSTD_WINDOW_LOG2);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    return context;
}

static void zstd_packer_destroy(void *packer)
{
    ZSTD_freeCCtx(packer);
}

static size_t zstd_pack(void *packer, const uint8_t *raw, size_t n_raw,
                        uint8_t *packed, size_t n_packed)
{
    size_t n = ZSTD_compress2(packer, packed, n_packed, raw, n_raw);

    return ZSTD_isError(n) ? 0 : n;
}

static void *zstd_unpacker_create(void)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();

    if (context)
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG2);
    return context;
}

static void zstd_unpacker_destroy(void *unpacker)
{
    ZSTD_freeDCtx(unpacker);
}

static void zstd_unpack_begin(void *unpacker)
{
    ZSTD_DCtx_reset(unpacker, ZSTD_reset_session_only);
}

static enum codec_state zstd_unpack(void *unpacker, const uint8_t **in,
                                    size_t *n_in, uint8_t **out, size_t *n_out)
{
    ZSTD_inBuffer from = {*in, *n_in, 0};
    ZSTD_outBuffer to = {*out, *n_out, 0};
    size_t left = ZSTD_decompressStream(unpacker, &to, &from);

    *in += from.pos;
    *n_in -= from.pos;
    *out += to.pos;
    *n_out -= to.pos;
    if (ZSTD_isError(left))
        return CODEC_DAMAGED;
    return left == 0 ? CODEC_END : CODEC_MORE;
}

extern const struct codec_ops mmusim__codec_zstd;
const struct codec_ops mmusim__codec_zstd = {
    .name = "zstd",
    .header_bytes = sizeof(zstd_fixed) + TRACE_FIELD_BYTES,
    .trailer_bytes = 0,
    .field_at = sizeof(zstd_fixed),
    .default_level = 3,
    .max_level = 19,
    .fixed = zstd_fixed,
    .packer_create = zstd_packer_create,
    .packer_destroy = zstd_packer_destroy,
    .pack = zstd_pack,
    .unpacker_create = zstd_unpacker_create,
    .unpacker_destroy = zstd_unpacker_destroy,
    .unpack_begin = zstd_unpack_begin,
    .unpack = zstd_unpack,
};

#else
/* ISO C forbids an empty file. */
extern const int mmusim__codec_zstd_is_absent;
const int mmusim__codec_zstd_is_absent = 1;
#endif
