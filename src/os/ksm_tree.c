/* SPDX-License-Identifier: MIT */
/* What ksmd remembers: see ksm_tree.h. */
#include "os/ksm_tree.h"

#include "core/check.h"

#include <stdlib.h>

enum { KSM_TREE_FIRST_LOG2 = 6 };

static struct ksm_leaf **tree_bucket(const struct ksm_tree *tree,
                                     uint64_t contents)
{
    /* Fibonacci hashing: the numbers are dense, or hashes already. */
    uint64_t hash = contents * UINT64_C(0x9e3779b97f4a7c15);

    return &tree->buckets[hash >> (64 - tree->n_buckets_log2)];
}

static bool tree_grow(struct ksm_tree *tree)
{
    struct ksm_tree grown = {
        .n_buckets_log2 =
            tree->buckets ? tree->n_buckets_log2 + 1 : KSM_TREE_FIRST_LOG2,
        .n = tree->n,
    };
    uint64_t n_old = tree->buckets ? UINT64_C(1) << tree->n_buckets_log2 : 0;

    grown.buckets =
        calloc((size_t) 1 << grown.n_buckets_log2, sizeof(struct ksm_leaf *));
    if (!grown.buckets)
        return false;
    for (uint64_t i = 0; i < n_old; i++) {
        while (tree->buckets[i]) {
            struct ksm_leaf *leaf = tree->buckets[i];
            struct ksm_leaf **to = tree_bucket(&grown, leaf->contents);

            tree->buckets[i] = leaf->next;
            leaf->next = *to;
            *to = leaf;
        }
    }
    free(tree->buckets);
    *tree = grown;
    return true;
}

bool mmusim__ksm_tree_add(struct ksm_tree *tree, struct ksm_leaf *leaf)
{
    struct ksm_leaf **bucket;

    if ((!tree->buckets || tree->n >> tree->n_buckets_log2) && !tree_grow(tree))
        return false;
    bucket = tree_bucket(tree, leaf->contents);
    leaf->next = *bucket;
    *bucket = leaf;
    tree->n++;
    return true;
}

void mmusim__ksm_tree_remove(struct ksm_tree *tree, struct ksm_leaf *leaf)
{
    struct ksm_leaf **link = tree_bucket(tree, leaf->contents);

    while (*link && *link != leaf)
        link = &(*link)->next;
    mmusim_assert(*link);
    if (!*link)
        return;
    *link = leaf->next;
    tree->n--;
}

static struct ksm_leaf *tree_same(struct ksm_leaf *leaf, uint64_t contents)
{
    while (leaf && leaf->contents != contents)
        leaf = leaf->next;
    return leaf;
}

struct ksm_leaf *mmusim__ksm_tree_find(const struct ksm_tree *tree,
                                       uint64_t contents)
{
    return tree->buckets ? tree_same(*tree_bucket(tree, contents), contents)
                         : NULL;
}

struct ksm_leaf *mmusim__ksm_tree_next(const struct ksm_leaf *leaf)
{
    return tree_same(leaf->next, leaf->contents);
}

uint32_t mmusim__ksm_tree_depth(const struct ksm_tree *tree)
{
    uint32_t depth = 0;

    while (tree->n >> depth)
        depth++;
    return depth;
}

void mmusim__ksm_tree_clear(struct ksm_tree *tree)
{
    uint64_t n = tree->buckets ? UINT64_C(1) << tree->n_buckets_log2 : 0;

    for (uint64_t i = 0; i < n; i++)
        tree->buckets[i] = NULL;
    tree->n = 0;
}

void mmusim__ksm_tree_fini(struct ksm_tree *tree)
{
    free(tree->buckets);
    *tree = (struct ksm_tree){0};
}

void mmusim__ksm_node_join(struct ksm_node *node, struct ksm_item *item)
{
    item->place = KSM_STABLE;
    item->node = node;
    item->prev_sharer = NULL;
    item->next_sharer = node->sharers;
    if (node->sharers)
        node->sharers->prev_sharer = item;
    node->sharers = item;
    node->n_sharers++;
}

void mmusim__ksm_node_leave(struct ksm_item *item)
{
    struct ksm_node *node = item->node;

    if (item->prev_sharer)
        item->prev_sharer->next_sharer = item->next_sharer;
    else
        node->sharers = item->next_sharer;
    if (item->next_sharer)
        item->next_sharer->prev_sharer = item->prev_sharer;
    node->n_sharers--;
    item->place = KSM_NOWHERE;
    item->node = NULL;
}
