/* SPDX-License-Identifier: MIT */
/*
 * Packings of foreign files, by their first bytes: RFC 1952, section 2.3.1
 * (gzip); RFC 8878, section 3.1.1 (zstd; a skippable frame may come first);
 * The .xz File Format 1.2.1, section 2.1.1.1; bzip2: "BZh" and the level.
 */
#include "trace/byte_unpack.h"

#include <stdbool.h>
#include <string.h>

extern const struct byte_unpack_ops mmusim__byte_unpack_gzip;
extern const struct byte_unpack_ops mmusim__byte_unpack_zip;
#if defined(MMUSIM_HAS_ZSTD)
extern const struct byte_unpack_ops mmusim__byte_unpack_zstd;
#define UNPACK_ZSTD &mmusim__byte_unpack_zstd
#else
#define UNPACK_ZSTD NULL
#endif
#if defined(MMUSIM_HAS_LZMA)
extern const struct byte_unpack_ops mmusim__byte_unpack_xz;
#define UNPACK_XZ &mmusim__byte_unpack_xz
#else
#define UNPACK_XZ NULL
#endif
#if defined(MMUSIM_HAS_BZIP2)
extern const struct byte_unpack_ops mmusim__byte_unpack_bzip2;
#define UNPACK_BZIP2 &mmusim__byte_unpack_bzip2
#else
#define UNPACK_BZIP2 NULL
#endif

static const struct byte_packing packings[] = {
    {"gzip",
     "zcat",
     "zlib1g-dev",
     3,
     {0x1f, 0x8b, 8},
     &mmusim__byte_unpack_gzip},
    {"xz", "xzcat", "liblzma-dev", 6, {0xfd, '7', 'z', 'X', 'Z', 0}, UNPACK_XZ},
    {"zstd",
     "zstdcat",
     "libzstd-dev",
     4,
     {0x28, 0xb5, 0x2f, 0xfd},
     UNPACK_ZSTD},
    {"zstd",
     "zstdcat",
     "libzstd-dev",
     4,
     {0x50, 0x2a, 0x4d, 0x18},
     UNPACK_ZSTD},
    {"zip",
     "unzip -p",
     "zlib1g-dev",
     4,
     {'P', 'K', 3, 4},
     &mmusim__byte_unpack_zip},
    {"bzip2", "bzcat", "libbz2-dev", 3, {'B', 'Z', 'h'}, UNPACK_BZIP2},
};

const struct byte_packing *mmusim__byte_packing_of(const uint8_t *bytes,
                                                   size_t n_bytes)
{
    for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++) {
        if (n_bytes >= packings[i].n_magic &&
            !memcmp(bytes, packings[i].magic, packings[i].n_magic))
            return &packings[i];
    }
    return NULL;
}
