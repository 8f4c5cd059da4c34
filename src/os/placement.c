/* SPDX-License-Identifier: MIT */
/* On which node a page goes: see placement.h. */
#include "os/placement.h"

#include "os/reclaim.h"

uint32_t mmusim__placement_local(const struct kernel *kernel)
{
    const struct system *system = kernel->system;

    return system->n_sockets > 1 ? system->cpus[system->acting_cpu].socket : 0;
}

static mmusim_status_t placement_take(struct kernel *kernel,
                                      const struct frame_wish *wish, pfn_t *pfn)
{
    mmusim_status_t status = mmusim__frame_get_wish(kernel->frames, wish, pfn);

    if (status)
        return status;
    if (mmusim__frame_node(kernel->frames, *pfn) ==
        mmusim__placement_local(kernel))
        kernel->vm.numa_local++;
    else
        kernel->vm.numa_other++;
    return MMUSIM_OK;
}

/* From the first node of the zonelist that stays above the mark. */
static mmusim_status_t placement_take_above(struct kernel *kernel,
                                            struct frame_wish wish,
                                            enum watermark mark, pfn_t *pfn)
{
    uint32_t first = wish.node;
    mmusim_status_t status = MMUSIM_EXHAUSTED;

    wish.is_bound = true;
    for (uint32_t rank = 0; rank < kernel->system->n_sockets; rank++) {
        wish.node = placement_node(kernel, first, rank);
        if (!mmusim__reclaim_is_above(kernel, wish.node, mark,
                                      UINT64_C(1) << wish.order))
            continue;
        status = placement_take(kernel, &wish, pfn);
        if (status != MMUSIM_EXHAUSTED)
            break;
    }
    return status;
}

static mmusim_status_t placement_walk(struct kernel *kernel,
                                      const struct frame_wish *wish, pfn_t *pfn)
{
    mmusim_status_t status;

    if (kernel->system->n_sockets <= 1)
        return placement_take(kernel, wish, pfn);
    status = placement_take_above(kernel, *wish, WATERMARK_LOW, pfn);
    if (status == MMUSIM_EXHAUSTED)
        status = placement_take_above(kernel, *wish, WATERMARK_MIN, pfn);
    return status == MMUSIM_EXHAUSTED ? placement_take(kernel, wish, pfn)
                                      : status;
}

mmusim_status_t mmusim__page_get(struct kernel *kernel, uint32_t order,
                                 uint64_t vaddr, pfn_t *pfn)
{
    uint32_t n_nodes = kernel->system->n_sockets;
    struct frame_wish wish = {
        .order = order,
        .node = mmusim__placement_local(kernel),
        .is_for_page = true,
        .vpn = vpn_of(vaddr),
    };

    if (kernel->config.node_policy == NODE_INTERLEAVE)
        wish.node = (uint32_t) ((wish.vpn.v >> order) % n_nodes);
    return placement_walk(kernel, &wish, pfn);
}

mmusim_status_t mmusim__page_get_on(struct kernel *kernel, uint32_t order,
                                    uint64_t vaddr, uint32_t node, pfn_t *pfn)
{
    const struct frame_wish wish = {
        .order = order,
        .node = node,
        .is_bound = true,
        .is_for_page = true,
        .vpn = vpn_of(vaddr),
    };

    return placement_take(kernel, &wish, pfn);
}

mmusim_status_t mmusim__page_get_table(struct kernel *kernel, uint32_t order,
                                       pfn_t *pfn)
{
    const struct frame_wish wish = {
        .order = order,
        .node = mmusim__placement_local(kernel),
    };

    return placement_walk(kernel, &wish, pfn);
}
