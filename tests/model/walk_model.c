/* SPDX-License-Identifier: MIT */
/* What the naive walks share: see walk_model.h. */
#include "model/walk_model.h"

uint64_t model_bits(uint64_t word, unsigned high, unsigned low)
{
    uint64_t result = 0;

    for (unsigned bit = high + 1; bit-- > low;)
        result = result << 1 | (word >> bit & 1);
    return result;
}

uint64_t model_above(uint64_t address, unsigned low)
{
    return address >> low << low;
}

bool model_bit(uint64_t word, unsigned bit)
{
    return word >> bit & 1;
}
