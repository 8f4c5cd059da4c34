/* SPDX-License-Identifier: MIT */
/* What a caller may know of the protocols (mmusim/config.h). */
#include "coherence/protocol.h"
#include "mmusim/config.h"

#include <stdio.h>
#include <string.h>

static void protocol_isas(uint32_t isas, char *text, size_t size_bytes)
{
    size_t length = 0;

    text[0] = 0;
    for (uint32_t isa = 0; isa < ISA_COUNT; isa++) {
        if (isas >> isa & 1U && length < size_bytes)
            length +=
                (size_t) snprintf(text + length, size_bytes - length, "%s%s",
                                  length ? " " : "", isa_name((enum isa) isa));
    }
}

bool mmusim_protocol_at(size_t index, mmusim_protocol_t *protocol)
{
    const char *name = mmusim__protocol_name_at(index);
    const struct protocol_ops *ops;

    if (!name)
        return false;
    ops = mmusim__protocol_find(name);
    protocol->name = ops->name;
    protocol->help = ops->help;
    protocol->bugs = ops->bugs ? ops->bugs : "";
    protocol_isas(ops->isas, protocol->isas, sizeof(protocol->isas));
    return true;
}
