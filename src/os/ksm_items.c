/* SPDX-License-Identifier: MIT */
/* Items and nodes of ksmd come and go: see ksm_tree.h and ksm.h. */
#include "os/ksm_scan.h"

#include "os/page.h"

#include <stdlib.h>

/* remove_rmap_item_from_tree() */
void mmusim__ksm_item_withdraw(struct ksm *ksm, struct ksm_item *item)
{
    switch (item->place) {
    case KSM_NOWHERE:
        return;
    case KSM_UNSTABLE:
        if (item->scan == ksm->counters.full_scans)
            mmusim__ksm_tree_remove(&ksm->unstable, &item->leaf);
        item->place = KSM_NOWHERE;
        ksm->counters.pages_unshared--;
        return;
    case KSM_STABLE:
        if (item->node->n_sharers > 1)
            ksm->counters.pages_sharing--;
        else
            ksm->counters.pages_shared--;
        mmusim__ksm_node_leave(item);
        return;
    }
}

void mmusim__ksm_item_free(struct ksm *ksm, struct ksm_item **link)
{
    struct ksm_item *item = *link;

    *link = item->next;
    mmusim__ksm_item_withdraw(ksm, item);
    ksm->n_items--;
    free(item);
}

/* stable_tree_append() */
void mmusim__ksm_item_append(struct ksm *ksm, struct ksm_node *node,
                             struct ksm_item *item)
{
    mmusim__ksm_node_join(node, item);
    if (node->n_sharers > 1)
        ksm->counters.pages_sharing++;
    else
        ksm->counters.pages_shared++;
    ksm->counters.pages_sharing_max =
        max_u64(ksm->counters.pages_sharing_max, ksm->counters.pages_sharing);
}

void mmusim__ksm_forget_mm(struct kernel *kernel, struct mm *mm)
{
    struct ksm *ksm = kernel->ksm;

    if (!ksm)
        return;
    while (mm->ksm_items)
        mmusim__ksm_item_free(ksm, &mm->ksm_items);
    if (ksm->mm_id == mm->space.id)
        ksm->link = NULL;
}

/* remove_node_from_stable_tree() */
static void items_free_node(struct ksm *ksm, struct ksm_node *node)
{
    while (node->sharers)
        mmusim__ksm_item_withdraw(ksm, node->sharers);
    mmusim__ksm_tree_remove(&ksm->stable, &node->leaf);
    free(node);
}

/* The node of a merged page. */
struct ksm_node *mmusim__ksm_node_of(const struct ksm *ksm,
                                     const struct page *page)
{
    struct ksm_leaf *leaf = mmusim__ksm_tree_find(&ksm->stable, page->index);

    while (leaf && ((struct ksm_node *) leaf)->pfn != page->pfn)
        leaf = mmusim__ksm_tree_next(leaf);
    return (struct ksm_node *) leaf;
}

void mmusim__ksm_on_free(struct kernel *kernel, const struct page *page)
{
    struct ksm_node *node = mmusim__ksm_node_of(kernel->ksm, page);

    if (node)
        items_free_node(kernel->ksm, node);
}
