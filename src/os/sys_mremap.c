/* SPDX-License-Identifier: MIT */
/*
 * mremap (mm/mremap.c) under mmap_lock for writing. In place: the area grows or
 * its tail is unmapped. Moving: whatever lies at the new place is unmapped, the
 * area is copied there, merged pages are copied (ksm.h), and entries are moved
 * table by table under the locks of both tables (move_ptes). From 4.19 on the
 * old part is flushed before either lock is dropped; before, the whole old
 * range at the very end, when somebody else may have found the pages at their
 * new place and freed them (B01, CVE-2018-18281). Then the old area goes, with
 * the tables that fall empty.
 */
#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "os/huge_page.h"
#include "os/ksm.h"
#include "os/page_table.h"
#include "os/syscall.h"
#include "os/unmap.h"

struct mremap_frame {
    struct sys_frame sys;
    struct vm_area area; /* the old one */
    uint64_t new_start;
    uint64_t new_end;
    uint64_t move_end; /* of the old range: what is carried over */
    /* The part being moved: what one old and one new table hold. */
    struct lock_waiter waiter;
    struct pte_slot from, to;
    uint64_t part_start, part_end; /* old addresses */
    bool part_has_changed;
};

enum {
    MREMAP_CLEAR_TARGET,
    MREMAP_UNMERGE,
    MREMAP_LINK,
    MREMAP_MOVE,
    MREMAP_LOCK_NEW,
    MREMAP_BATCHED,
    MREMAP_ENTRIES,
    MREMAP_FLUSH_PART,
    MREMAP_UNLOCK,
    MREMAP_FLUSH,
    MREMAP_DROP_OLD,
};

enum { MREMAP_CHUNK_PAGES = 64 }; /* LATENCY_LIMIT, up to 4.18 */

static const struct mm_rules *mremap_rules(const struct mremap_frame *mremap)
{
    return mremap->sys.kernel->gather_shape.rules;
}

/* False: Linux would refuse it (inside a huge page). */
static bool mremap_unmap(struct cpu *cpu, struct mremap_frame *mremap,
                         uint64_t start, uint64_t end)
{
    struct sys_frame *sys = &mremap->sys;
    bool is_old_side = sys->step > MREMAP_LINK;
    const struct unmap_range range = {sys->mm, start, end, UNMAP_AREAS,
                                      is_old_side ? mmusim__sys_effect : NULL};
    if (start >= end)
        return true;
    if (mmusim__sys_fails(sys, mmusim__unmap_areas(cpu, sys->kernel, &range,
                                                   &sys->n_touched)))
        return false;
    if (is_old_side) /* not the room made for the new one */
        mmusim__sys_note_unmapped(sys, start, end);
    return true;
}

/* vma_to_resize(): the old range is of one area, or of pages that no record has
 * mapped. */
static bool mremap_is_of_one_area(const struct sys_frame *sys)
{
    const struct vm_set *areas = sys->mm->areas;
    const struct vm_area *area = mmusim__vm_find_from(areas, sys->start);

    if (area && area->start <= sys->start && area->end >= sys->end)
        return !(area->flags & VM_HUGETLB);
    while (area && area->start < sys->end) {
        if (!(area->flags & VM_IMPLICIT))
            return false;
        area = mmusim__vm_find_from(areas, area->end);
    }
    return true;
}

/* mremap_to(): the new range may not lie over the old one. */
static bool mremap_is_allowed(const struct mremap_frame *mremap)
{
    const struct sys_frame *sys = &mremap->sys;
    uint64_t new_start = mremap->new_start;
    uint64_t new_end = mremap->new_end;

    return sys->mm != &sys->kernel->init_mm &&
           mmusim__sys_range_is_sound(sys, sys->start, sys->end) &&
           mmusim__sys_range_is_sound(sys, new_start, new_end) &&
           (new_start == sys->start || new_end <= sys->start ||
            new_start >= sys->end) &&
           mremap_is_of_one_area(sys);
}

/* What the operation is about; false: nothing is mapped there, or the kernel
 * would refuse it. A source of which no record tells is taken as anonymous. */
static bool mremap_resolve(struct mremap_frame *mremap)
{
    struct sys_frame *sys = &mremap->sys;
    const struct vm_area *area = mmusim__vm_find(sys->mm->areas, sys->start);

    mremap->new_start =
        align_down(sys->op.new_vaddr, kernel_page_bytes(sys->kernel));
    mremap->new_end = align_up(sys->op.new_vaddr + sys->op.new_length_bytes,
                               kernel_page_bytes(sys->kernel));
    if (!mremap_is_allowed(mremap))
        return false;
    mremap->area = (struct vm_area){
        .start = sys->start,
        .end = sys->end,
        .flags = VM_READ | VM_WRITE,
    };
    if (area) {
        mremap->area.flags = area->flags & ~(uint32_t) VM_IMPLICIT;
        mremap->area.file_id = area->file_id;
        mremap->area.file_offset =
            area->file_offset + (area->file_id ? sys->start - area->start : 0);
    }
    mremap->move_end =
        min_u64(sys->end, sys->start + (mremap->new_end - mremap->new_start));
    return true;
}

/* Makes room at the new place, beyond what stays in place; false: refused. */
static bool mremap_clear_target(struct cpu *cpu, struct mremap_frame *mremap)
{
    struct sys_frame *sys = &mremap->sys;
    bool is_in_place = mremap->new_start == sys->start;

    return mremap_unmap(cpu, mremap, is_in_place ? sys->end : mremap->new_start,
                        mremap->new_end);
}

static void mremap_link(struct mremap_frame *mremap)
{
    struct sys_frame *sys = &mremap->sys;
    struct vm_area area = mremap->area;

    area.start = mremap->new_start;
    area.end = mremap->new_end;
    if (mremap->new_start == sys->start) {
        area.start = sys->end; /* growing: the part behind */
        if (area.file_id)
            area.file_offset += sys->end - sys->start;
        if (area.start >= area.end)
            return;
    }
    mmusim__sys_insert_area(sys, &area);
}

static uint64_t mremap_to(const struct mremap_frame *mremap, uint64_t vaddr)
{
    return mremap->new_start + (vaddr - mremap->sys.start);
}

/* How far the part goes: to the end of either table, or of a chunk. */
static uint64_t mremap_part_end(const struct mremap_frame *mremap)
{
    uint64_t start = mremap->part_start;
    uint64_t bytes =
        mmusim__pte_bytes(&mremap->from, mremap->sys.kernel->format);
    uint64_t n = min_u64(mremap->from.table->n_words - mremap->from.index,
                         mremap->to.table->n_words - mremap->to.index);

    if (mremap->from.table->level)
        return start + bytes; /* large leaves: tables lie between */
    if (mremap_rules(mremap)->moves_in_chunks)
        n = min_u64(n, MREMAP_CHUNK_PAGES);
    return min_u64(start + n * bytes, mremap->move_end);
}

static struct klock *mremap_lock_of(const struct mremap_frame *mremap,
                                    const struct pte_slot *slot)
{
    struct klock *lock = mmusim__pte_lock(slot->table);

    if (!lock)
        system_fail(mremap->sys.kernel->system, MMUSIM_NOMEM);
    return lock;
}

/* move_page_tables(): a huge page moves as one if all of it does, to where one
 * can lie and none is. */
static bool mremap_splits_huge(const struct mremap_frame *mremap)
{
    const struct sys_frame *sys = &mremap->sys;
    const struct pte_slot *from = &mremap->from;
    uint64_t to = mremap_to(mremap, from->vaddr);
    struct pt_entry entry;

    if (!thp_is_possible(sys->kernel->format) ||
        from->table->level != THP_LEVEL)
        return false;
    return mmusim__thp_is_cut(sys->kernel, from, &mremap->area, sys->start,
                              mremap->move_end) ||
           to % thp_bytes(sys->kernel) ||
           mmusim__pte_deepest(sys->kernel, sys->mm, to, &entry).table->level <
               THP_LEVEL;
}

/* Finds the next old table, makes the new one, takes the first lock. */
static void mremap_begin_part(struct cpu *cpu, struct mremap_frame *mremap)
{
    struct sys_frame *sys = &mremap->sys;
    uint32_t n_tables = 0;
    struct klock *lock;
    mmusim_status_t status;

    if (!mmusim__pte_next_table(sys->kernel, sys->mm, sys->cursor,
                                mremap->move_end, &mremap->from,
                                &mremap->part_start)) {
        sys->step = MREMAP_FLUSH;
        return;
    }
    if (mremap_splits_huge(mremap)) {
        sys->cursor = mremap->from.vaddr; /* found again as a table */
        mmusim__thp_split(cpu, sys->kernel, sys->mm, sys->cursor);
        return;
    }
    status = mmusim__pte_make(
        sys->kernel, sys->mm, mremap_to(mremap, mremap->part_start),
        mremap->from.table->level, &mremap->to, &n_tables);
    if (n_tables) { /* charged alone; found again */
        mmusim__cpu_busy(
            cpu, (uint64_t) n_tables * cpu->system->cost.table_alloc_cycles,
            BUCKET_KERNEL);
        return;
    }
    lock = status ? NULL : mremap_lock_of(mremap, &mremap->from);
    if (!lock) {
        system_fail(cpu->system, status);
        return;
    }
    mremap->part_end = mremap_part_end(mremap);
    mremap->part_has_changed = false;
    sys->step = MREMAP_LOCK_NEW;
    mmusim__lock_take(cpu, lock, &mremap->waiter, LOCK_WRITE, BUCKET_KERNEL);
}

static void mremap_lock_new(struct cpu *cpu, struct mremap_frame *mremap)
{
    struct klock *lock;

    mremap->sys.step = MREMAP_BATCHED;
    if (mremap->to.table == mremap->from.table)
        return;
    lock = mremap_lock_of(mremap, &mremap->to);
    if (lock)
        mmusim__lock_take(cpu, lock, &mremap->waiter, LOCK_WRITE,
                          BUCKET_KERNEL);
}

/* move_ptes() */
static void mremap_entries(struct cpu *cpu, struct mremap_frame *mremap)
{
    struct sys_frame *sys = &mremap->sys;
    const struct cost_config *cost = &cpu->system->cost;
    struct pte_slot from = mremap->from;
    struct pte_slot to = mremap->to;
    uint64_t bytes = mmusim__pte_bytes(&from, sys->kernel->format);
    uint64_t cycles = 0;

    for (uint64_t at = mremap->part_start; at < mremap->part_end; at += bytes) {
        struct pt_entry entry;
        bool is_mapped;
        uint32_t swap_slot;

        cycles += cost->pte_scan_cycles;
        is_mapped = mmusim__pte_maps(sys->kernel, &from, &entry);
        if (is_mapped || mmusim__pte_is_swap(sys->kernel, &from, &swap_slot)) {
            mmusim_status_t status = mmusim__pte_move(sys->kernel, &from, &to);

            if (status) {
                system_fail(cpu->system, status);
                return;
            }
            mremap->part_has_changed |= is_mapped;
            cycles += (uint64_t) cost->pte_clear_cycles + cost->pte_set_cycles;
        }
        from.index++;
        to.index++;
    }
    sys->cursor = mremap->part_end;
    sys->has_changed |= mremap->part_has_changed;
    mmusim__cpu_busy(cpu, cycles, BUCKET_KERNEL);
}

/* Under both locks. */
static void mremap_flush_part(struct cpu *cpu, struct mremap_frame *mremap)
{
    struct flush_span span =
        flush_span_of(mremap->part_start, mremap->part_end);

    if (mremap->part_has_changed && mremap_rules(mremap)->moves_under_lock)
        mmusim__flush_range(cpu, &mremap->sys.mm->space, &span);
}

static void mremap_unlock(struct cpu *cpu, struct mremap_frame *mremap)
{
    if (mremap->to.table != mremap->from.table)
        mmusim__lock_release(cpu, mremap->to.table->lock, LOCK_WRITE);
    mmusim__lock_release(cpu, mremap->from.table->lock, LOCK_WRITE);
}

static bool mremap_moves(const struct mremap_frame *mremap)
{
    return mremap->new_start != mremap->sys.start;
}

static void mremap_flush(struct cpu *cpu, struct mremap_frame *mremap)
{
    struct sys_frame *sys = &mremap->sys;
    struct flush_span span = flush_span_of(sys->start, mremap->move_end);

    /* A tail that is not carried over is still mapped: see mremap_drop_old().
     */
    if (mremap->move_end == sys->end)
        mmusim__sys_effect(cpu, sys->kernel);
    if (sys->has_changed && !mremap_rules(mremap)->moves_under_lock)
        mmusim__flush_range(cpu, &sys->mm->space, &span);
}

static void mremap_drop_old(struct cpu *cpu, struct mremap_frame *mremap)
{
    struct sys_frame *sys = &mremap->sys;

    if (mremap_moves(mremap))
        mremap_unmap(cpu, mremap, sys->start, sys->end);
    else
        mremap_unmap(cpu, mremap, mremap->new_end, sys->end);
}

static enum sys_body mremap_body(struct cpu *cpu, struct sys_frame *sys)
{
    struct mremap_frame *mremap = (struct mremap_frame *) sys;

    switch (sys->step) {
    case MREMAP_CLEAR_TARGET:
        sys->is_refused = !mremap_resolve(mremap);
        if (sys->is_refused || !mremap_clear_target(cpu, mremap))
            return SYS_LEAVE;
        sys->step = MREMAP_UNMERGE;
        return SYS_AGAIN;
    case MREMAP_UNMERGE: /* move_vma() */
        sys->step = MREMAP_LINK;
        if (mremap_moves(mremap) && (mremap->area.flags & VM_MERGEABLE))
            mmusim__ksm_break(cpu, sys->kernel, sys->mm, sys->start, sys->end,
                              NULL);
        return SYS_AGAIN;
    case MREMAP_LINK:
        mremap_link(mremap);
        sys->step = mremap_moves(mremap) ? MREMAP_MOVE : MREMAP_DROP_OLD;
        return SYS_AGAIN;
    case MREMAP_MOVE:
        mremap_begin_part(cpu, mremap);
        return SYS_AGAIN;
    case MREMAP_LOCK_NEW:
        mremap_lock_new(cpu, mremap);
        return SYS_AGAIN;
    case MREMAP_BATCHED:
        sys->step = MREMAP_ENTRIES;
        mmusim__batched_pending(cpu, &sys->mm->space);
        return SYS_AGAIN;
    case MREMAP_ENTRIES:
        sys->step = MREMAP_FLUSH_PART;
        mremap_entries(cpu, mremap);
        return SYS_AGAIN;
    case MREMAP_FLUSH_PART:
        sys->step = MREMAP_UNLOCK;
        mremap_flush_part(cpu, mremap);
        return SYS_AGAIN;
    case MREMAP_UNLOCK:
        sys->step = MREMAP_MOVE;
        mremap_unlock(cpu, mremap);
        return SYS_AGAIN;
    case MREMAP_FLUSH:
        sys->step = MREMAP_DROP_OLD;
        mremap_flush(cpu, mremap);
        return SYS_AGAIN;
    default:
        mremap_drop_old(cpu, mremap);
        return SYS_LEAVE;
    }
}

const struct sys_call mmusim__sys_mremap = {
    SYS_LOCK_WRITE,
    mremap_body,
    sizeof(struct mremap_frame),
};
