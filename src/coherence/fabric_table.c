/* SPDX-License-Identifier: MIT */
/* The fabrics by name: see fabric.h. */
#include "coherence/fabric.h"

#include "coherence/broadcast.h"
#include "coherence/fabric_list.h"
#include "coherence/icr.h"
#include "coherence/system.h"

#include <string.h>

static const struct fabric_ops fabric_ipi = {
    .name = "ipi",
    .help = "inter-processor interrupts",
    .call = mmusim__ipi_call_many,
};

static const struct fabric_ops *const fabrics[] = {
    &fabric_ipi,
    &mmusim__fabric_dvm,
    &mmusim__fabric_invlpgb,
    &mmusim__fabric_rar,
};

const char *mmusim__fabric_name_at(size_t index)
{
    return index < sizeof(fabrics) / sizeof(fabrics[0]) ? fabrics[index]->name
                                                        : NULL;
}

const struct fabric_ops *mmusim__fabric_find(const char *name)
{
    for (size_t i = 0; i < sizeof(fabrics) / sizeof(fabrics[0]); i++) {
        if (!strcmp(fabrics[i]->name, name))
            return fabrics[i];
    }
    return NULL;
}

void mmusim__fabric_init(struct system *system, const struct fabric_ops *ops)
{
    uint32_t least = mmusim__icr_min_delivery_cycles(system);

    system->fabric = ops;
    system->has_broadcast = ops->is_broadcast;
    system->free_rar_slots = system->rar.n_slots;
    /* Interrupts are there whatever the fabric. */
    if (system->has_broadcast &&
        mmusim__broadcast_min_delivery_cycles(system) < least)
        least = mmusim__broadcast_min_delivery_cycles(system);
    system->min_delivery_cycles = least;
}

void mmusim__fabric_call(struct cpu *sender, const struct cpu_mask *targets,
                         const struct flush_request *request)
{
    sender->system->fabric->call(sender, targets, request);
}

struct inval mmusim__fabric_inval(const struct cpu *sender,
                                  const struct flush_request *request)
{
    struct inval inval = mmusim__mmu_scope(&sender->mmu);

    inval.hits_nonglobals = true;
    inval.hits_globals = !request->mm; /* the kernel's own mappings */
    inval.psc = INVAL_PSC_ALL;
    if (request->end == FLUSH_END_ALL)
        return inval;
    inval.has_range = true;
    inval.vpn = vpn_of(request->start);
    inval.n_pages = align_up(request->end - request->start, BASE_PAGE_BYTES) >>
                    BASE_PAGE_SHIFT;
    return inval;
}
