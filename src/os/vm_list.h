/* SPDX-License-Identifier: MIT */
/*
 * The sorted list under a vm_set (vm_area.c): areas in two layers, leaves of
 * up to VM_LEAF_AREAS of them and one array of pointers to leaves. Finding is
 * two binary searches. A change moves at most one leaf (2.5 KiB), and one
 * change in VM_LEAF_AREAS / 2 or more also moves the array: 8 bytes per 32
 * areas, 25 KB for 100,000 areas, a microsecond or two. (Linux itself allows
 * a process 65,530 areas: vm.max_map_count.)
 *
 * Invariants: no leaf is empty; two neighbouring leaves hold more than
 * VM_LEAF_AREAS / 2 areas.
 */
#ifndef MMUSIM_OS_VM_LIST_H
#define MMUSIM_OS_VM_LIST_H

#include "os/vm_area.h"

enum {
    VM_LEAF_AREAS = 64,
    VM_MAX_SPARES = 2, /* leaves one change can need */
};

struct vm_leaf {
    uint32_t n_areas;
    struct vm_area areas[VM_LEAF_AREAS];
};

struct vm_list {
    struct vm_leaf **leaves;
    uint32_t n_leaves;
    uint32_t capacity;
    uint32_t n_areas;
    uint32_t n_spares;
    struct vm_leaf *spares[VM_MAX_SPARES];
};

/* A place in the list; at the end, leaf == n_leaves and slot == 0. */
struct vm_cursor {
    uint32_t leaf;
    uint32_t slot;
};

void mmusim__vm_list_fini(struct vm_list *list);
/* Makes an empty list a copy; false: out of memory, the list is empty. */
bool mmusim__vm_list_copy(struct vm_list *to, const struct vm_list *from);

/* The first area whose end is > vaddr, or the end of the list. */
struct vm_cursor mmusim__vm_list_seek(const struct vm_list *list,
                                      uint64_t vaddr);
/* The area at a place, the one before it and the one behind; NULL if none. */
struct vm_area *mmusim__vm_list_at(const struct vm_list *list,
                                   struct vm_cursor at);
struct vm_area *mmusim__vm_list_before(const struct vm_list *list,
                                       struct vm_cursor at);
struct vm_area *mmusim__vm_list_behind(const struct vm_list *list,
                                       struct vm_cursor at);

/* Memory for n_links links to come (at most VM_MAX_SPARES); false: none, and
 * nothing has changed. */
bool mmusim__vm_list_reserve(struct vm_list *list, uint32_t n_links);
/* Puts an area before a place; needs a reserved link. No place is valid
 * afterwards, here and in unlink. */
void mmusim__vm_list_link(struct vm_list *list, struct vm_cursor at,
                          const struct vm_area *area);
void mmusim__vm_list_unlink(struct vm_list *list, struct vm_cursor at);

/* The list's own invariants, not those of its areas. */
bool mmusim__vm_list_is_valid(const struct vm_list *list);

#endif
