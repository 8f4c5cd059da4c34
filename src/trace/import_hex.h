/* SPDX-License-Identifier: MIT */
/* Hexadecimal numbers in the lines of foreign traces. */
#ifndef MMUSIM_TRACE_IMPORT_HEX_H
#define MMUSIM_TRACE_IMPORT_HEX_H

#include <stdint.h>

enum { IMPORT_HEX_DIGITS_MAX = 16 };

/* The value of a hexadecimal digit, 16: it is none. */
static inline unsigned import_hex_digit(uint8_t c)
{
    unsigned decimal = c - (unsigned) '0';
    unsigned letter = (c | 0x20u) - 'a';

    if (decimal < 10)
        return decimal;
    return letter < 6 ? letter + 10 : 16;
}

/* Behind the digits at p; NULL: none, or more than fit. p ends with another
 * byte than a digit. */
static inline uint8_t *import_hex(uint8_t *p, uint64_t *number)
{
    const uint8_t *start = p;
    uint64_t value = 0;
    unsigned digit;

    while ((digit = import_hex_digit(*p)) < 16) {
        value = value << 4 | digit;
        p++;
    }
    *number = value;
    return p == start || p - start > IMPORT_HEX_DIGITS_MAX ? (uint8_t *) 0 : p;
}

#endif
