/* SPDX-License-Identifier: MIT */
/*
 * What ksmd remembers: an item for each page it has met (ksm_rmap_item of
 * Linux mm/ksm.c), a node for each merged page (ksm_stable_node), and the two
 * trees, of nodes and of items, sorted by what is in the pages. Here the trees
 * are hash tables by that number, and say how deep a balanced tree would be.
 */
#ifndef MMUSIM_OS_KSM_TREE_H
#define MMUSIM_OS_KSM_TREE_H

#include "core/types.h"

struct mm;

/* What is in a tree: the first member of a node or an item. */
struct ksm_leaf {
    struct ksm_leaf *next; /* of the same bucket, the newest first */
    uint64_t contents;
};

struct ksm_tree {
    struct ksm_leaf **buckets; /* NULL: empty */
    uint32_t n_buckets_log2;
    uint64_t n;
};

struct ksm_node {
    struct ksm_leaf leaf;
    uint64_t pfn;
    struct ksm_item *sharers;
    uint32_t n_sharers;
};

enum ksm_place { KSM_NOWHERE, KSM_UNSTABLE, KSM_STABLE };

struct ksm_item {
    struct ksm_leaf leaf;  /* of the unstable tree */
    struct ksm_item *next; /* of the address space, by address */
    struct mm *mm;
    uint64_t vaddr;
    uint64_t checksum; /* 0: none yet */
    enum ksm_place place;
    uint64_t scan;         /* unstable: the full scan in whose tree it is */
    struct ksm_node *node; /* stable: whose sharer it is */
    struct ksm_item *next_sharer, *prev_sharer;
};

/* False: out of memory. */
bool mmusim__ksm_tree_add(struct ksm_tree *tree, struct ksm_leaf *leaf);
void mmusim__ksm_tree_remove(struct ksm_tree *tree, struct ksm_leaf *leaf);
/* The first leaf with the contents, and the next one after it; NULL: none. */
struct ksm_leaf *mmusim__ksm_tree_find(const struct ksm_tree *tree,
                                       uint64_t contents);
struct ksm_leaf *mmusim__ksm_tree_next(const struct ksm_leaf *leaf);
/* Steps from the root to a leaf, of a balanced binary tree. */
uint32_t mmusim__ksm_tree_depth(const struct ksm_tree *tree);
/* Forgets all leaves, which are the caller's. */
void mmusim__ksm_tree_clear(struct ksm_tree *tree);
void mmusim__ksm_tree_fini(struct ksm_tree *tree);

/* The item becomes a sharer of the node, or none any more. */
void mmusim__ksm_node_join(struct ksm_node *node, struct ksm_item *item);
void mmusim__ksm_node_leave(struct ksm_item *item);

#endif
