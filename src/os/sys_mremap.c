/* SPDX-License-Identifier: MIT */
/*
 * mremap (Linux 4.6 mm/mremap.c) under mmap_lock for writing. In place: the
 * area grows or its tail is unmapped. Moving: whatever lies at the new place is
 * unmapped, the area is copied there, entries are moved table by table, and
 * the old range is flushed at the very end (move_page_tables; releasing the
 * table locks before that flush is bug B01, CVE-2018-18281); then the old area
 * goes, with the tables that fall empty.
 *
 * mmap_lock excludes everybody else who would take the table locks, so the
 * entries' locks are charged and not taken.
 */
#include "coherence/flush.h"
#include "os/huge_page.h"
#include "os/page_table.h"
#include "os/syscall.h"
#include "os/unmap.h"

struct mremap_frame {
    struct sys_frame sys;
    struct vm_area area; /* the old one */
    uint64_t new_start;
    uint64_t new_end;
    uint64_t move_end; /* of the old range: what is carried over */
};

enum {
    MREMAP_CLEAR_TARGET,
    MREMAP_LINK,
    MREMAP_MOVE,
    MREMAP_FLUSH,
    MREMAP_DROP_OLD,
};

static void mremap_unmap(struct cpu *cpu, struct mremap_frame *mremap,
                         uint64_t start, uint64_t end)
{
    struct sys_frame *sys = &mremap->sys;
    bool is_old_side = sys->step > MREMAP_LINK;
    const struct unmap_range range = {sys->mm, start, end, UNMAP_AREAS,
                                      is_old_side ? mmusim__sys_effect : NULL};
    if (start >= end ||
        mmusim__sys_fails(sys, mmusim__unmap_areas(cpu, sys->kernel, &range,
                                                   &sys->n_touched)))
        return;
    if (is_old_side) /* not the room made for the new one */
        mmusim__sys_note_unmapped(sys, start, end);
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

/* Makes room at the new place, beyond what stays in place. */
static void mremap_clear_target(struct cpu *cpu, struct mremap_frame *mremap)
{
    struct sys_frame *sys = &mremap->sys;
    bool is_in_place = mremap->new_start == sys->start;

    mremap_unmap(cpu, mremap, is_in_place ? sys->end : mremap->new_start,
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

static void mremap_move_entry(struct mremap_frame *mremap,
                              const struct pte_slot *from, uint32_t *n_tables)
{
    struct sys_frame *sys = &mremap->sys;
    uint64_t to_vaddr = mremap->new_start + (sys->cursor - sys->start);
    struct pte_slot to;
    mmusim_status_t status = mmusim__pte_make(
        sys->kernel, sys->mm, to_vaddr, from->table->level, &to, n_tables);

    if (!status)
        status = mmusim__pte_move(sys->kernel, from, &to);
    if (status)
        system_fail(sys->kernel->system, status);
    sys->has_changed = true;
}

/* move_page_tables(): a huge page moves as one if all of it does, to where one
 * can lie and none is. */
static bool mremap_splits_huge(const struct mremap_frame *mremap,
                               const struct pte_slot *from)
{
    const struct sys_frame *sys = &mremap->sys;
    struct pt_entry entry;
    uint64_t to = mremap->new_start + (from->vaddr - sys->start);

    if (!thp_is_possible(sys->kernel->format) ||
        from->table->level != THP_LEVEL)
        return false;
    return mmusim__thp_is_cut(sys->kernel, from, &mremap->area, sys->start,
                              mremap->move_end) ||
           to % thp_bytes(sys->kernel) ||
           mmusim__pte_deepest(sys->kernel, sys->mm, to, &entry).table->level <
               THP_LEVEL;
}

/* The entries of one old table. */
static void mremap_move_table(struct cpu *cpu, struct mremap_frame *mremap)
{
    struct sys_frame *sys = &mremap->sys;
    const struct cost_config *cost = &cpu->system->cost;
    struct pte_slot from;
    uint64_t cycles = 2 * (uint64_t) cost->lock_cycles;
    uint32_t n_tables = 0;
    uint64_t bytes;

    if (!mmusim__pte_next_table(sys->kernel, sys->mm, sys->cursor,
                                mremap->move_end, &from, &sys->cursor)) {
        sys->step = MREMAP_FLUSH;
        return;
    }
    if (mremap_splits_huge(mremap, &from)) {
        sys->cursor = from.vaddr; /* found again as a table */
        mmusim__thp_split(cpu, sys->kernel, sys->mm, sys->cursor);
        return;
    }
    bytes = mmusim__pte_bytes(&from, sys->kernel->format);
    do {
        struct pt_entry entry;
        uint32_t swap_slot;

        cycles += cost->pte_scan_cycles;
        if (mmusim__pte_maps(sys->kernel, &from, &entry) ||
            mmusim__pte_is_swap(sys->kernel, &from, &swap_slot)) {
            mremap_move_entry(mremap, &from, &n_tables);
            cycles += (uint64_t) cost->pte_clear_cycles + cost->pte_set_cycles;
        }
        from.index++;
        sys->cursor += bytes;
    } while (!from.table->level && from.index < from.table->n_words &&
             sys->cursor < mremap->move_end && !cpu->system->has_stopped);
    cycles += (uint64_t) n_tables * cost->table_alloc_cycles;
    mmusim__cpu_busy(cpu, cycles, BUCKET_KERNEL);
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
    if (sys->has_changed)
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
        if (!mremap_resolve(mremap))
            return SYS_LEAVE;
        mremap_clear_target(cpu, mremap);
        sys->step = MREMAP_LINK;
        return SYS_AGAIN;
    case MREMAP_LINK:
        mremap_link(mremap);
        sys->step = mremap_moves(mremap) ? MREMAP_MOVE : MREMAP_DROP_OLD;
        return SYS_AGAIN;
    case MREMAP_MOVE:
        mremap_move_table(cpu, mremap);
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
