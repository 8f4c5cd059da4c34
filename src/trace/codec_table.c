/* SPDX-License-Identifier: MIT */
/* The codecs of this build, in the order of enum trace_codec. */
#include "trace/codec.h"

#include <string.h>

extern const struct codec_ops mmusim__codec_gzip;
#if defined(MMUSIM_HAVE_ZSTD) || defined(MMUSIM_HAS_ZSTD)
extern const struct codec_ops mmusim__codec_zstd;
#endif

const struct codec_ops *mmusim__codec_get(unsigned codec)
{
    switch (codec) {
    case 0:
        return &mmusim__codec_gzip;
#if defined(MMUSIM_HAVE_ZSTD) || defined(MMUSIM_HAS_ZSTD)
    case 1:
        return &mmusim__codec_zstd;
#endif
    default:
        return NULL;
    }
}

const struct codec_ops *mmusim__codec_of_header(const uint8_t *header,
                                                size_t n_bytes)
{
    for (unsigned i = 0; i < CODEC_COUNT; i++) {
        const struct codec_ops *codec = mmusim__codec_get(i);

        if (codec && n_bytes >= codec->header_bytes &&
            !memcmp(header, codec->fixed, codec->field_at))
            return codec;
    }
    return NULL;
}
