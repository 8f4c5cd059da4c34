/* SPDX-License-Identifier: MIT */
/* Page sizes as text: see page_size.h. */
#include "core/page_size.h"

#include <stdio.h>
#include <string.h>

static const char page_size_units[] = "KMGT";

enum {
    MAX_DIGITS = 4,
    MAX_ORDER = 34, /* 64T */
};

int mmusim__page_size_order(const char *text, size_t length)
{
    uint32_t number = 0;
    int order;
    const char *unit;

    if (length < 2 || length > MAX_DIGITS + 1 || text[0] == '0')
        return -1;
    for (size_t i = 0; i + 1 < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (uint32_t) (text[i] - '0');
    }
    unit = strchr(page_size_units, text[length - 1]);
    if (!unit || !*unit || number & (number - 1))
        return -1;
    order = __builtin_ctz(number) + 10 * (int) (unit - page_size_units) - 2;
    return order >= 0 && order <= MAX_ORDER ? order : -1;
}

void mmusim__page_size_print(uint32_t order, char *text)
{
    uint32_t kib_log2 = order + 2;

    snprintf(text, PAGE_SIZE_TEXT_BYTES, "%u%c", 1U << kib_log2 % 10,
             page_size_units[kib_log2 / 10 % 4]);
}
