/* SPDX-License-Identifier: MIT */
/*
 * The VMAs of one address space: ordered, disjoint, page-aligned half-open
 * ranges. What Linux allows (overlaps, holes) is done as Linux does it: map
 * over a mapping replaces it, unmap and protect skip holes, and split and merge
 * areas as needed.
 *
 * Invariants (mmusim__vm_set_is_valid): start < end, both multiples of 4 KiB;
 * areas ordered and disjoint; two neighbours that could merge have merged.
 */
#ifndef MMUSIM_OS_VM_AREA_H
#define MMUSIM_OS_VM_AREA_H

#include "core/types.h"
#include "mmusim/status.h"

enum { /* vm_area.flags */
       VM_READ = 1 << 0,
       VM_WRITE = 1 << 1,
       VM_EXEC = 1 << 2,
       VM_SHARED = 1 << 3,
       VM_HUGETLB = 1 << 4,  /* mapped with pages of huge_order */
       VM_IMPLICIT = 1 << 5, /* made by a first touch outside every mapping */
       VM_HEAP = 1 << 6,     /* made by brk */
       VM_HUGEPAGE = 1 << 7, /* MADV_HUGEPAGE */
       VM_NOHUGEPAGE = 1 << 8,
       VM_PFNMAP = 1 << 9,     /* a device's memory */
       VM_MERGEABLE = 1 << 10, /* MADV_MERGEABLE */
};

struct vm_area {
    uint64_t start;
    uint64_t end;
    uint32_t flags;
    uint32_t huge_order;  /* 0, or PAGE_ORDER_2M / _1G with VM_HUGETLB */
    uint32_t file_id;     /* 0: anonymous; else a number the OS layer gave */
    uint64_t file_offset; /* of start, bytes; moves with start on a split */
};

struct vm_set; /* opaque: any ordered structure with O(log n) find */

struct vm_set *mmusim__vm_set_create(void); /* NULL: out of memory */
void mmusim__vm_set_destroy(struct vm_set *set);
/* All areas of from, for fork; NULL: out of memory. */
struct vm_set *mmusim__vm_set_copy(const struct vm_set *from);

/* The area that holds the address; NULL if none. Valid until the next change
 * of the set. A change takes O(log n) per area it touches. */
const struct vm_area *mmusim__vm_find(const struct vm_set *set, uint64_t vaddr);
/* The first area whose end is > vaddr; NULL if none. */
const struct vm_area *mmusim__vm_find_from(const struct vm_set *set,
                                           uint64_t vaddr);
/* The greatest end <= vaddr of an area before it; 0 if none. */
uint64_t mmusim__vm_end_before(const struct vm_set *set, uint64_t vaddr);
uint32_t mmusim__vm_count(const struct vm_set *set);

/* Adds an area where nothing is mapped (the caller has unmapped the range);
 * merges with equal neighbours (never hugetlb ones, as in Linux; files only
 * where offsets continue; two shared anonymous mappings merge unless the OS
 * layer gives each a file_id). n_touched (may be NULL) is increased by the
 * number of areas linked, unlinked or resized.
 * This and the next two: MMUSIM_USAGE if something is mapped there (insert),
 * an address is no multiple of 4 KiB or a huge page would be cut (EINVAL in
 * Linux); MMUSIM_NOMEM. On failure nothing has changed. */
mmusim_status_t mmusim__vm_insert(struct vm_set *set,
                                  const struct vm_area *area,
                                  uint32_t *n_touched);
/* Removes [start, end), splitting areas at its ends. */
mmusim_status_t mmusim__vm_remove(struct vm_set *set, uint64_t start,
                                  uint64_t end, uint32_t *n_touched);
/* Replaces the VM_READ|WRITE|EXEC bits in [start, end); skips holes. */
mmusim_status_t mmusim__vm_protect(struct vm_set *set, uint64_t start,
                                   uint64_t end, uint32_t prot_flags,
                                   uint32_t *n_touched);
/* The same for any flags: clears some and sets some. */
struct vm_flag_change {
    uint32_t cleared, set;
};
mmusim_status_t mmusim__vm_change_flags(struct vm_set *set, uint64_t start,
                                        uint64_t end,
                                        struct vm_flag_change change,
                                        uint32_t *n_touched);
bool mmusim__vm_set_is_valid(const struct vm_set *set);

#endif
