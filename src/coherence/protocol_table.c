/* SPDX-License-Identifier: MIT */
/* The list of protocols: one line each. */
#include "coherence/linux_x86_classic.h"
#include "coherence/protocol.h"

#include <string.h>

static const struct protocol_ops *const protocols[] = {
    &mmusim__protocol_linux_4_6,
};

enum { N_PROTOCOLS = sizeof(protocols) / sizeof(protocols[0]) };

const struct protocol_ops *mmusim__protocol_find(const char *name)
{
    for (size_t i = 0; i < N_PROTOCOLS; i++) {
        if (!strcmp(protocols[i]->name, name))
            return protocols[i];
    }
    return NULL;
}

const char *mmusim__protocol_name_at(size_t index)
{
    return index < N_PROTOCOLS ? protocols[index]->name : NULL;
}
