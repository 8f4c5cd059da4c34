/* SPDX-License-Identifier: MIT */
/*
 * The VMAs of an address space: see vm_area.h. What is split, merged and
 * counted follows Linux 4.6 mm/mmap.c (vma_merge, __split_vma, do_munmap) and
 * mm/mprotect.c (mprotect_fixup); the order is kept by vm_list.c.
 *
 * Every change first checks its arguments and reserves the memory it may
 * need, so it fails before it has changed anything.
 */
#include "os/vm_area.h"

#include "core/check.h"
#include "os/vm_list.h"

#include <stdlib.h>

enum { VM_PROT_FLAGS = VM_READ | VM_WRITE | VM_EXEC };

struct vm_set {
    struct vm_list list;
};

/* What a protection change concerns: [start, end) within the area at a place.
 * area has the piece's bounds and its new flags. */
struct vm_piece {
    struct vm_cursor at;
    struct vm_area area;
};

static uint64_t vm_area_unit(const struct vm_area *area)
{
    uint32_t order = area->flags & VM_HUGETLB ? area->huge_order : 0;

    return UINT64_C(1) << (BASE_PAGE_SHIFT + order);
}

static bool vm_area_can_cut(const struct vm_area *area, uint64_t vaddr)
{
    /* Linux 4.6 __split_vma: EINVAL inside a huge page. */
    return vaddr <= area->start || vaddr >= area->end ||
           vaddr % vm_area_unit(area) == 0;
}

static void vm_area_set_start(struct vm_area *area, uint64_t start)
{
    if (area->file_id)
        area->file_offset += start - area->start;
    area->start = start;
}

/* Can next, lying directly behind, become part of area? */
static bool vm_area_continues(const struct vm_area *area,
                              const struct vm_area *next)
{
    if (area->end != next->start || area->flags != next->flags ||
        area->file_id != next->file_id)
        return false;
    /* Linux 4.6 vma_merge: none with VM_SPECIAL, which has VM_DONTEXPAND,
     * which hugetlbfs_file_mmap sets. */
    if (area->flags & VM_HUGETLB)
        return false;
    return !area->file_id ||
           area->file_offset + (area->end - area->start) == next->file_offset;
}

static bool vm_area_is_sound(const struct vm_area *area)
{
    uint64_t unit = vm_area_unit(area);

    return area->start < area->end && area->start % unit == 0 &&
           area->end % unit == 0;
}

/* May a range be cut out? Its ends are page-aligned and lie in no huge page. */
static bool vm_range_is_sound(const struct vm_set *set, uint64_t start,
                              uint64_t end)
{
    const struct vm_area *first = mmusim__vm_find_from(set, start);
    const struct vm_area *last = mmusim__vm_find_from(set, end);

    if (start % BASE_PAGE_BYTES || end % BASE_PAGE_BYTES)
        return false;
    return (!first || vm_area_can_cut(first, start)) &&
           (!last || vm_area_can_cut(last, end));
}

static struct vm_area vm_area_piece(const struct vm_area *area, uint64_t start,
                                    uint64_t end)
{
    struct vm_area piece = *area;

    vm_area_set_start(&piece, max_u64(start, area->start));
    piece.end = min_u64(end, area->end);
    return piece;
}

/* Takes [start, end) out of the area at a place, which it overlaps; returns
 * the number of areas touched. */
static uint32_t vm_carve(struct vm_set *set, struct vm_cursor at,
                         uint64_t start, uint64_t end)
{
    struct vm_area *area = mmusim__vm_list_at(&set->list, at);

    if (start <= area->start && end >= area->end) {
        mmusim__vm_list_unlink(&set->list, at);
        return 1;
    }
    if (start <= area->start) {
        vm_area_set_start(area, end);
        return 1;
    }
    if (end < area->end) {
        struct vm_area low = vm_area_piece(area, area->start, start);

        vm_area_set_start(area, end);
        mmusim__vm_list_link(&set->list, at, &low);
        return 2;
    }
    area->end = start;
    return 1;
}

/* Links an area, or lets its neighbours at the place take its range; returns
 * the number of areas touched. */
static uint32_t vm_join(struct vm_set *set, struct vm_cursor at,
                        const struct vm_area *area)
{
    struct vm_area *before = mmusim__vm_list_before(&set->list, at);
    struct vm_area *behind = mmusim__vm_list_at(&set->list, at);
    bool joins_before = before && vm_area_continues(before, area);
    bool joins_behind = behind && vm_area_continues(area, behind);

    if (joins_before) {
        before->end = joins_behind ? behind->end : area->end;
        if (joins_behind)
            mmusim__vm_list_unlink(&set->list, at);
    } else if (joins_behind) {
        vm_area_set_start(behind, area->start);
    } else {
        mmusim__vm_list_link(&set->list, at, area);
    }
    return joins_before && joins_behind ? 2 : 1;
}

/* mprotect_fixup: gives a piece of an area new flags. Merging moves the
 * border; else the piece becomes an area of its own. */
static uint32_t vm_protect_piece(struct vm_set *set,
                                 const struct vm_piece *piece)
{
    const struct vm_area *next = &piece->area;
    struct vm_area *area = mmusim__vm_list_at(&set->list, piece->at);
    const struct vm_area *before =
        mmusim__vm_list_before(&set->list, piece->at);
    const struct vm_area *behind =
        mmusim__vm_list_behind(&set->list, piece->at);
    bool is_whole = next->start == area->start && next->end == area->end;
    uint32_t n_touched;

    if (is_whole && !(before && vm_area_continues(before, next)) &&
        !(behind && vm_area_continues(next, behind))) {
        area->flags = next->flags;
        return 0;
    }
    n_touched = vm_carve(set, piece->at, next->start, next->end);
    return n_touched +
           vm_join(set, mmusim__vm_list_seek(&set->list, next->start), next);
}

static void vm_count(uint32_t *n_touched, uint32_t n)
{
    if (n_touched)
        *n_touched += n;
}

struct vm_set *mmusim__vm_set_create(void)
{
    return calloc(1, sizeof(struct vm_set));
}

void mmusim__vm_set_destroy(struct vm_set *set)
{
    if (!set)
        return;
    mmusim__vm_list_fini(&set->list);
    free(set);
}

struct vm_set *mmusim__vm_set_copy(const struct vm_set *from)
{
    struct vm_set *set = mmusim__vm_set_create();

    if (set && !mmusim__vm_list_copy(&set->list, &from->list)) {
        free(set);
        return NULL;
    }
    return set;
}

const struct vm_area *mmusim__vm_find_from(const struct vm_set *set,
                                           uint64_t vaddr)
{
    return mmusim__vm_list_at(&set->list,
                              mmusim__vm_list_seek(&set->list, vaddr));
}

const struct vm_area *mmusim__vm_find(const struct vm_set *set, uint64_t vaddr)
{
    const struct vm_area *area = mmusim__vm_find_from(set, vaddr);

    return area && area->start <= vaddr ? area : NULL;
}

uint64_t mmusim__vm_end_before(const struct vm_set *set, uint64_t vaddr)
{
    struct vm_cursor at = mmusim__vm_list_seek(&set->list, vaddr);
    const struct vm_area *before = mmusim__vm_list_before(&set->list, at);

    return before ? before->end : 0;
}

uint32_t mmusim__vm_count(const struct vm_set *set)
{
    return set->list.n_areas;
}

mmusim_status_t mmusim__vm_insert(struct vm_set *set,
                                  const struct vm_area *area,
                                  uint32_t *n_touched)
{
    const struct vm_area *behind;

    if (!vm_area_is_sound(area))
        return MMUSIM_USAGE;
    behind = mmusim__vm_find_from(set, area->start);
    if (behind && behind->start < area->end)
        return MMUSIM_USAGE;
    if (!mmusim__vm_list_reserve(&set->list, 1))
        return MMUSIM_NOMEM;
    vm_count(n_touched,
             vm_join(set, mmusim__vm_list_seek(&set->list, area->start), area));
    return MMUSIM_OK;
}

mmusim_status_t mmusim__vm_remove(struct vm_set *set, uint64_t start,
                                  uint64_t end, uint32_t *n_touched)
{
    struct vm_cursor at;
    const struct vm_area *area;

    if (start >= end)
        return MMUSIM_OK;
    if (!vm_range_is_sound(set, start, end))
        return MMUSIM_USAGE;
    if (!mmusim__vm_list_reserve(&set->list, 1))
        return MMUSIM_NOMEM;
    at = mmusim__vm_list_seek(&set->list, start);
    area = mmusim__vm_list_at(&set->list, at);
    while (area && area->start < end) {
        vm_count(n_touched, vm_carve(set, at, start, end));
        at = mmusim__vm_list_seek(&set->list, start);
        area = mmusim__vm_list_at(&set->list, at);
    }
    return MMUSIM_OK;
}

mmusim_status_t mmusim__vm_protect(struct vm_set *set, uint64_t start,
                                   uint64_t end, uint32_t prot_flags,
                                   uint32_t *n_touched)
{
    const struct vm_flag_change change = {VM_PROT_FLAGS,
                                          prot_flags & VM_PROT_FLAGS};

    return mmusim__vm_change_flags(set, start, end, change, n_touched);
}

mmusim_status_t mmusim__vm_change_flags(struct vm_set *set, uint64_t start,
                                        uint64_t end,
                                        struct vm_flag_change change,
                                        uint32_t *n_touched)
{
    struct vm_piece piece;
    const struct vm_area *area;

    if (start >= end)
        return MMUSIM_OK;
    if (!vm_range_is_sound(set, start, end))
        return MMUSIM_USAGE;
    if (!mmusim__vm_list_reserve(&set->list, 2))
        return MMUSIM_NOMEM;
    while (start < end) {
        piece.at = mmusim__vm_list_seek(&set->list, start);
        area = mmusim__vm_list_at(&set->list, piece.at);
        if (!area || area->start >= end)
            break;
        piece.area = vm_area_piece(area, start, end);
        start = piece.area.end;
        piece.area.flags = (area->flags & ~change.cleared) | change.set;
        if (piece.area.flags != area->flags)
            vm_count(n_touched, vm_protect_piece(set, &piece));
    }
    return MMUSIM_OK;
}

bool mmusim__vm_set_is_valid(const struct vm_set *set)
{
    const struct vm_list *list = &set->list;
    const struct vm_area *before = NULL;

    if (!mmusim__vm_list_is_valid(list))
        return false;
    for (uint32_t i = 0; i < list->n_leaves; i++) {
        for (uint32_t j = 0; j < list->leaves[i]->n_areas; j++) {
            const struct vm_area *area = &list->leaves[i]->areas[j];

            if (!vm_area_is_sound(area))
                return false;
            if (before &&
                (before->end > area->start || vm_area_continues(before, area)))
                return false;
            before = area;
        }
    }
    return true;
}
