/* SPDX-License-Identifier: MIT */
/* zstd frames with any window up to 128 MiB (RFC 8878). */
#include "trace/byte_unpack.h"

#if defined(MMUSIM_HAS_ZSTD)

#include <zstd.h>

enum { ZSTD_WINDOW_LOG2_MAX = 27 };

static void *zstd_create(void)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();

    if (context)
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax,
                               ZSTD_WINDOW_LOG2_MAX);
    return context;
}

static void zstd_destroy(void *unpacker)
{
    ZSTD_freeDCtx(unpacker);
}

static enum byte_unpack_state zstd_begin(void *unpacker)
{
    ZSTD_DCtx_reset(unpacker, ZSTD_reset_session_only);
    return BYTE_UNPACK_MORE;
}

static enum byte_unpack_state zstd_step(void *unpacker, const uint8_t **in,
                                        size_t *n_in, uint8_t **out,
                                        size_t *n_out)
{
    ZSTD_inBuffer from = {*in, *n_in, 0};
    ZSTD_outBuffer to = {*out, *n_out, 0};
    size_t left = ZSTD_decompressStream(unpacker, &to, &from);

    *in += from.pos;
    *n_in -= from.pos;
    *out += to.pos;
    *n_out -= to.pos;
    if (ZSTD_isError(left))
        return BYTE_UNPACK_DAMAGED;
    return left == 0 ? BYTE_UNPACK_END : BYTE_UNPACK_MORE;
}

extern const struct byte_unpack_ops mmusim__byte_unpack_zstd;
const struct byte_unpack_ops mmusim__byte_unpack_zstd = {
    .create = zstd_create,
    .destroy = zstd_destroy,
    .begin = zstd_begin,
    .step = zstd_step,
};

#else
/* ISO C forbids an empty file. */
extern const int mmusim__byte_unpack_zstd_is_absent;
const int mmusim__byte_unpack_zstd_is_absent = 1;
#endif
