/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C: the processor's instruction where there is one, else a table of
 * half bytes. Only packed bytes pass through here.
 */
#include "trace/crc32c.h"

#include <string.h>

/* Remainders of the 16 half bytes under the polynomial 0x82f63b78. */
static const uint32_t crc_table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t crc_portable(uint32_t crc, const uint8_t *p, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ crc_table[crc & 15];
        crc = crc >> 4 ^ crc_table[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("sse4.2"))) static uint32_t
crc_sse42(uint32_t crc, const uint8_t *p, size_t n_bytes)
{
    uint64_t wide = crc;

    for (; n_bytes >= 8; p += 8, n_bytes -= 8) {
        uint64_t word;

        memcpy(&word, p, sizeof(word));
        wide = __builtin_ia32_crc32di(wide, word);
    }
    return crc_portable((uint32_t) wide, p, n_bytes);
}
#endif

uint32_t mmusim__crc32c(uint32_t crc, const void *data, size_t n_bytes)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_sse42(~crc, data, n_bytes);
#endif
    return ~crc_portable(~crc, data, n_bytes);
}
