/* SPDX-License-Identifier: MIT */
/* The list of kinds of paging-structure caches: see psc.h. */
#include "tlb/psc_table.h"

#include <string.h>

static const struct psc_ops *const psc_kinds[] = {
    &mmusim__psc_per_level,
    &mmusim__psc_page_directory,
    &mmusim__psc_walk_cache,
};

const struct psc_ops *mmusim__psc_at(size_t index)
{
    return index < sizeof(psc_kinds) / sizeof(psc_kinds[0]) ? psc_kinds[index]
                                                            : NULL;
}

const struct psc_ops *mmusim__psc_find(const char *name)
{
    const struct psc_ops *ops;

    for (size_t i = 0; (ops = mmusim__psc_at(i)); i++) {
        if (!strcmp(ops->name, name))
            return ops;
    }
    return NULL;
}
