/* SPDX-License-Identifier: MIT */
/* The list of page-table formats: see pt_format.h. */
#include "tlb/pt_format.h"

#include <string.h>

static const struct {
    const char *isa;
    const struct pt_format *(*with_levels)(uint32_t n_levels);
} pt_formats[] = {
    {"x86-64", mmusim__pt_format_x86_64},
};

const struct pt_format *mmusim__pt_format(const char *isa, uint32_t n_levels)
{
    for (size_t i = 0; i < sizeof(pt_formats) / sizeof(pt_formats[0]); i++) {
        if (!strcmp(pt_formats[i].isa, isa))
            return pt_formats[i].with_levels(n_levels);
    }
    return NULL;
}
