/* SPDX-License-Identifier: MIT */
/* On which node a page goes: see placement.h. */
#include "os/placement.h"

static uint32_t placement_local(const struct kernel *kernel)
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
    if (mmusim__frame_node(kernel->frames, *pfn) == placement_local(kernel))
        kernel->vm.numa_local++;
    else
        kernel->vm.numa_other++;
    return MMUSIM_OK;
}

mmusim_status_t mmusim__page_get(struct kernel *kernel, uint32_t order,
                                 uint64_t vaddr, pfn_t *pfn)
{
    uint32_t n_nodes = kernel->system->n_sockets;
    struct frame_wish wish = {
        .order = order,
        .node = placement_local(kernel),
        .is_for_page = true,
        .vpn = vpn_of(vaddr),
    };

    if (kernel->config.node_policy == NODE_INTERLEAVE)
        wish.node = (uint32_t) ((wish.vpn.v >> order) % n_nodes);
    return placement_take(kernel, &wish, pfn);
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
        .node = placement_local(kernel),
    };

    return placement_take(kernel, &wish, pfn);
}
