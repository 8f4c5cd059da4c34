/* SPDX-License-Identifier: MIT */
/* The list of replacement policies: see repl.h. */
#include "tlb/repl_table.h"

#include <string.h>

static const struct repl_ops *const repl_policies[] = {
    &mmusim__repl_lru,    &mmusim__repl_plru,  &mmusim__repl_plru12,
    &mmusim__repl_nru,    &mmusim__repl_srrip, &mmusim__repl_fifo,
    &mmusim__repl_random,
};

const struct repl_ops *mmusim__repl_at(size_t index)
{
    size_t n_policies = sizeof(repl_policies) / sizeof(repl_policies[0]);

    return index < n_policies ? repl_policies[index] : NULL;
}

const struct repl_ops *mmusim__repl_find(const char *name)
{
    const struct repl_ops *ops;

    for (size_t i = 0; (ops = mmusim__repl_at(i)); i++) {
        if (!strcmp(ops->name, name))
            return ops;
    }
    return NULL;
}
