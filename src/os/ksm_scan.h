/* SPDX-License-Identifier: MIT */
/* One page of ksmd's: see ksm.h. */
#ifndef MMUSIM_OS_KSM_SCAN_H
#define MMUSIM_OS_KSM_SCAN_H

#include "os/ksm.h"

/* Pushes a frame that goes on to the next page of an address space and merges
 * it if it can; with no page left, to the next address space. */
void mmusim__ksm_scan(struct cpu *cpu, struct kernel *kernel, struct mm *mm);

/* ---- items and nodes (ksm_items.c) ---- */

/* Out of the tree that it is in: remove_rmap_item_from_tree(). */
void mmusim__ksm_item_withdraw(struct ksm *ksm, struct ksm_item *item);
/* The same, and out of its address space's list. */
void mmusim__ksm_item_free(struct ksm *ksm, struct ksm_item **link);
/* It shares the node's page from now on: stable_tree_append(). */
void mmusim__ksm_item_append(struct ksm *ksm, struct ksm_node *node,
                             struct ksm_item *item);
/* The node of a merged page; NULL: it has none (yet). */
struct ksm_node *mmusim__ksm_node_of(const struct ksm *ksm,
                                     const struct page *page);

#endif
