/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli), reflected polynomial 0x82f63b78: RFC 3720, 12.1. */
#ifndef MMUSIM_TRACE_CRC32C_H
#define MMUSIM_TRACE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from crc, 0 at first. */
uint32_t mmusim__crc32c(uint32_t crc, const void *data, size_t n_bytes);

#endif
