/* SPDX-License-Identifier: MIT */
/*
 * On which node a page goes (os.node_policy). A node is a socket with its part
 * of memory (frame_alloc.h).
 *
 * local: the node of the CPU that asks (Linux: MPOL_DEFAULT, mm/mempolicy.c);
 * where that has nothing left, the next ones. interleave: by the page's number
 * (MPOL_INTERLEAVE of a VMA, interleave_nid). Page tables are always local, as
 * in Linux, where no VMA's policy reaches them.
 */
#ifndef MMUSIM_OS_PLACEMENT_H
#define MMUSIM_OS_PLACEMENT_H

#include "os/kernel.h"

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
