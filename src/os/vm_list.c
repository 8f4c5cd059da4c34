/* SPDX-License-Identifier: MIT */
/* The sorted list of areas: see vm_list.h. */
#include "os/vm_list.h"

#include "core/check.h"

#include <stdlib.h>
#include <string.h>

enum { VM_FIRST_LEAVES = 8 };

/* The last leaf that starts at or below vaddr; 0 if none does. */
static uint32_t vm_leaf_of(const struct vm_list *list, uint64_t vaddr)
{
    uint32_t low = 0;
    uint32_t high = list->n_leaves;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (list->leaves[middle]->areas[0].start <= vaddr)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static struct vm_leaf *vm_leaf_add(struct vm_list *list, uint32_t index)
{
    struct vm_leaf *leaf = list->spares[--list->n_spares];

    memmove(&list->leaves[index + 1], &list->leaves[index],
            (list->n_leaves - index) * sizeof(struct vm_leaf *));
    list->leaves[index] = leaf;
    list->n_leaves++;
    leaf->n_areas = 0;
    return leaf;
}

static void vm_leaf_drop(struct vm_list *list, uint32_t index)
{
    struct vm_leaf *leaf = list->leaves[index];

    list->n_leaves--;
    memmove(&list->leaves[index], &list->leaves[index + 1],
            (list->n_leaves - index) * sizeof(struct vm_leaf *));
    if (list->n_spares < VM_MAX_SPARES)
        list->spares[list->n_spares++] = leaf;
    else
        free(leaf);
}

/* Appends the areas of from, beginning with slot, to another leaf. */
static void vm_leaf_move(struct vm_leaf *to, struct vm_leaf *from,
                         uint32_t slot)
{
    uint32_t n_moved = from->n_areas - slot;

    memcpy(&to->areas[to->n_areas], &from->areas[slot],
           n_moved * sizeof(struct vm_area));
    to->n_areas += n_moved;
    from->n_areas = slot;
}

/* Joins leaf index and the next one if few areas are left in both. */
static void vm_leaf_join(struct vm_list *list, uint32_t index)
{
    struct vm_leaf *leaf;
    struct vm_leaf *next;

    if (index + 1 >= list->n_leaves)
        return;
    leaf = list->leaves[index];
    next = list->leaves[index + 1];
    if (leaf->n_areas + next->n_areas > VM_LEAF_AREAS / 2)
        return;
    vm_leaf_move(leaf, next, 0);
    vm_leaf_drop(list, index + 1);
}

/* Room at a place, in a leaf that may be new; needs one reserved leaf. */
static struct vm_cursor vm_open(struct vm_list *list, struct vm_cursor at)
{
    struct vm_leaf *leaf;

    if (!list->n_leaves)
        vm_leaf_add(list, 0);
    if (at.leaf == list->n_leaves) {
        at.leaf--;
        at.slot = list->leaves[at.leaf]->n_areas;
    }
    leaf = list->leaves[at.leaf];
    if (leaf->n_areas == VM_LEAF_AREAS) {
        uint32_t half = VM_LEAF_AREAS / 2;

        vm_leaf_move(vm_leaf_add(list, at.leaf + 1), leaf, half);
        if (at.slot > half)
            at = (struct vm_cursor){at.leaf + 1, at.slot - half};
    }
    return at;
}

void mmusim__vm_list_fini(struct vm_list *list)
{
    for (uint32_t i = 0; i < list->n_leaves; i++)
        free(list->leaves[i]);
    for (uint32_t i = 0; i < list->n_spares; i++)
        free(list->spares[i]);
    free(list->leaves);
    *list = (struct vm_list){0};
}

bool mmusim__vm_list_copy(struct vm_list *to, const struct vm_list *from)
{
    if (!from->n_leaves)
        return true;
    to->leaves = malloc(from->n_leaves * sizeof(struct vm_leaf *));
    if (!to->leaves)
        return false;
    to->capacity = from->n_leaves;
    while (to->n_leaves < from->n_leaves) {
        struct vm_leaf *leaf = malloc(sizeof(*leaf));

        if (!leaf) {
            mmusim__vm_list_fini(to);
            return false;
        }
        *leaf = *from->leaves[to->n_leaves];
        to->leaves[to->n_leaves++] = leaf;
    }
    to->n_areas = from->n_areas;
    return true;
}

struct vm_area *mmusim__vm_list_at(const struct vm_list *list,
                                   struct vm_cursor at)
{
    if (at.leaf >= list->n_leaves)
        return NULL;
    return &list->leaves[at.leaf]->areas[at.slot];
}

struct vm_area *mmusim__vm_list_before(const struct vm_list *list,
                                       struct vm_cursor at)
{
    const struct vm_leaf *leaf;

    if (at.slot)
        return &list->leaves[at.leaf]->areas[at.slot - 1];
    if (!at.leaf)
        return NULL;
    leaf = list->leaves[at.leaf - 1];
    return &list->leaves[at.leaf - 1]->areas[leaf->n_areas - 1];
}

struct vm_cursor mmusim__vm_list_seek(const struct vm_list *list,
                                      uint64_t vaddr)
{
    struct vm_cursor at = {vm_leaf_of(list, vaddr), 0};
    const struct vm_leaf *leaf;
    uint32_t high;

    if (!list->n_leaves)
        return at;
    leaf = list->leaves[at.leaf];
    high = leaf->n_areas;
    while (at.slot < high) {
        uint32_t middle = at.slot + (high - at.slot) / 2;

        if (leaf->areas[middle].end > vaddr)
            high = middle;
        else
            at.slot = middle + 1;
    }
    if (at.slot == leaf->n_areas)
        at = (struct vm_cursor){at.leaf + 1, 0};
    return at;
}

bool mmusim__vm_list_reserve(struct vm_list *list, uint32_t n_links)
{
    while (list->n_spares < n_links) {
        struct vm_leaf *leaf = malloc(sizeof(*leaf));

        if (!leaf)
            return false;
        list->spares[list->n_spares++] = leaf;
    }
    if (list->n_leaves + n_links > list->capacity) {
        uint32_t capacity = list->capacity * 2 + VM_FIRST_LEAVES;
        struct vm_leaf **leaves;

        leaves = realloc(list->leaves, capacity * sizeof(struct vm_leaf *));
        if (!leaves)
            return false;
        list->leaves = leaves;
        list->capacity = capacity;
    }
    return true;
}

void mmusim__vm_list_link(struct vm_list *list, struct vm_cursor at,
                          const struct vm_area *area)
{
    struct vm_cursor place = vm_open(list, at);
    struct vm_leaf *leaf = list->leaves[place.leaf];

    memmove(&leaf->areas[place.slot + 1], &leaf->areas[place.slot],
            (leaf->n_areas - place.slot) * sizeof(struct vm_area));
    leaf->areas[place.slot] = *area;
    leaf->n_areas++;
    list->n_areas++;
}

void mmusim__vm_list_unlink(struct vm_list *list, struct vm_cursor at)
{
    struct vm_leaf *leaf = list->leaves[at.leaf];

    leaf->n_areas--;
    list->n_areas--;
    memmove(&leaf->areas[at.slot], &leaf->areas[at.slot + 1],
            (leaf->n_areas - at.slot) * sizeof(struct vm_area));
    if (!leaf->n_areas)
        vm_leaf_drop(list, at.leaf);
    else
        vm_leaf_join(list, at.leaf);
    if (at.leaf)
        vm_leaf_join(list, at.leaf - 1);
}

struct vm_area *mmusim__vm_list_behind(const struct vm_list *list,
                                       struct vm_cursor at)
{
    if (++at.slot == list->leaves[at.leaf]->n_areas)
        at = (struct vm_cursor){at.leaf + 1, 0};
    return mmusim__vm_list_at(list, at);
}

bool mmusim__vm_list_is_valid(const struct vm_list *list)
{
    uint32_t n_areas = 0;

    for (uint32_t i = 0; i < list->n_leaves; i++) {
        uint32_t here = list->leaves[i]->n_areas;

        if (!here || here > VM_LEAF_AREAS)
            return false;
        if (i && here + list->leaves[i - 1]->n_areas <= VM_LEAF_AREAS / 2)
            return false;
        n_areas += here;
    }
    return n_areas == list->n_areas && list->n_leaves <= list->capacity;
}
