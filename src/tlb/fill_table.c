/* SPDX-License-Identifier: MIT */
/* The fill policies by name; see fill_policy.h. */
#include "tlb/fill_policy.h"

#include <string.h>

static const struct tlb_fill_ops *const fill_table[] = {
    &mmusim__fill_intel,
    &mmusim__fill_inclusive,
    &mmusim__fill_exclusive,
    &mmusim__fill_victim,
};

const struct tlb_fill_ops *mmusim__fill_at(size_t index)
{
    return index < sizeof(fill_table) / sizeof(fill_table[0])
               ? fill_table[index]
               : NULL;
}

const struct tlb_fill_ops *mmusim__fill_find(const char *name)
{
    const struct tlb_fill_ops *ops;

    for (size_t i = 0; (ops = mmusim__fill_at(i)); i++) {
        if (!strcmp(ops->name, name))
            return ops;
    }
    return NULL;
}
