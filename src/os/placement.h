/* SPDX-License-Identifier: MIT */
/*
 * On which node a page goes (os.node_policy). A node is a socket with its part
 * of memory (frame_alloc.h).
 *
 * local: the node of the CPU that asks (Linux: MPOL_DEFAULT, mm/mempolicy.c).
 * interleave: by the page's number (MPOL_INTERLEAVE of a VMA, interleave_nid).
 * Page tables are always local, as in Linux, where no VMA's policy reaches
 * them.
 *
 * That node is the first of its zonelist; the others follow in the order of
 * their numbers, then from 0 on (mm/page_alloc.c find_next_best_node, of nodes
 * equally far away). A block comes from the first with more free pages than its
 * low watermark, else than its min one, else from the first that has any
 * (get_page_from_freelist, __alloc_pages_slowpath; whether one should reclaim
 * before the latter is reclaim.h's).
 */
#ifndef MMUSIM_OS_PLACEMENT_H
#define MMUSIM_OS_PLACEMENT_H

#include "os/kernel.h"

/* The node of the CPU whose step this is. */
uint32_t mmusim__placement_local(const struct kernel *kernel);
/* The rank-th of a node's zonelist. */
static inline uint32_t placement_node(const struct kernel *kernel,
                                      uint32_t node, uint32_t rank)
{
    return (node + rank) % kernel->system->n_sockets;
}

/* A block for the page of an order that holds vaddr. MMUSIM_EXHAUSTED: there
 * is none anywhere. */
mmusim_status_t mmusim__page_get(struct kernel *kernel, uint32_t order,
                                 uint64_t vaddr, pfn_t *pfn);
/* On this node alone: where a migration goes. */
mmusim_status_t mmusim__page_get_on(struct kernel *kernel, uint32_t order,
                                    uint64_t vaddr, uint32_t node, pfn_t *pfn);
/* For a page table. */
mmusim_status_t mmusim__page_get_table(struct kernel *kernel, uint32_t order,
                                       pfn_t *pfn);

#endif
