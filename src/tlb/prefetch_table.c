/* SPDX-License-Identifier: MIT */
/* The predictors by name; see prefetch.h. */
#include "tlb/prefetch.h"

#include <string.h>

static const struct prefetch_ops *const prefetch_table[] = {
    &mmusim__prefetch_none,
    &mmusim__prefetch_next_page,
    &mmusim__prefetch_stride,
    &mmusim__prefetch_distance,
};

const struct prefetch_ops *mmusim__prefetch_at(size_t index)
{
    return index < sizeof(prefetch_table) / sizeof(prefetch_table[0])
               ? prefetch_table[index]
               : NULL;
}

const struct prefetch_ops *mmusim__prefetch_find(const char *name)
{
    const struct prefetch_ops *ops;

    for (size_t i = 0; (ops = mmusim__prefetch_at(i)); i++) {
        if (!strcmp(ops->name, name))
            return ops;
    }
    return NULL;
}
