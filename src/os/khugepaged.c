/* SPDX-License-Identifier: MIT */
/* Small pages become huge: see khugepaged.h. Steps from Linux 4.6
 * mm/huge_memory.c collapse_huge_page. */
#include "os/khugepaged.h"

#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "coherence/table_sync.h"
#include "os/check_hooks.h"
#include "os/huge_page.h"
#include "os/mm.h"
#include "os/placement.h"
#include "os/process.h"
#include "os/reclaim.h"

#include <stdlib.h>

enum { KHUGEPAGED_PLACES = 8, COLLAPSE_POLL_CYCLES = 100 };

struct collapse_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct mm *mm;
    uint64_t start;
    uint32_t rights;
    pfn_t huge;
    struct pt_info *table; /* of the small pages */
    struct pte_slot slot;  /* that points to it */
    struct lock_waiter waiter, table_waiter;
};

enum {
    COLLAPSE_ALLOC,
    COLLAPSE_LOCK,
    COLLAPSE_LOCK_TABLE,
    COLLAPSE_DETACH,
    COLLAPSE_SYNC,
    COLLAPSE_COPY,
    COLLAPSE_INSTALL,
    COLLAPSE_FREE_TABLE,
    COLLAPSE_GIVE_UP, /* with the table's lock */
    COLLAPSE_UNLOCK,
    COLLAPSE_PUT,
    COLLAPSE_DIED,
    COLLAPSE_END,
};

/* The slot of an index of the table. */
static struct pte_slot collapse_slot(const struct collapse_frame *collapse,
                                     uint32_t index)
{
    return (struct pte_slot){collapse->table, index, collapse->mm,
                             collapse->start +
                                 index * kernel_page_bytes(collapse->kernel)};
}

static struct page *collapse_page(const struct collapse_frame *collapse,
                                  pfn_t pfn)
{
    return mmusim__page_find(collapse->kernel->reclaim->pages, pfn);
}

/* __collapse_huge_page_isolate(), without taking anything yet. */
static bool collapse_takes(const struct collapse_frame *collapse,
                           const struct pte_slot *slot, bool *is_writable)
{
    const struct kernel *kernel = collapse->kernel;
    uint64_t word = mmusim__pte_word(slot);
    const struct page *page;
    struct pt_entry entry;

    if (!word)
        return true;
    if (!mmusim__pte_maps(kernel, slot, &entry) ||
        kernel->format->reveal(word, 0) != word)
        return false;
    if (kernel_is_zero_page(kernel, entry.pfn))
        return true;
    page = collapse_page(collapse, entry.pfn);
    *is_writable |= (entry.rights & TLB_WRITE) != 0;
    return mmusim__frame_refs(kernel->frames, entry.pfn) == 1 &&
           !(page && (page->file_id ||
                      (page->flags & (PAGE_ISOLATED | PAGE_UNEVICTABLE))));
}

static bool collapse_qualifies(const struct collapse_frame *collapse)
{
    bool is_writable = false;

    for (uint32_t i = 0; i < collapse->table->n_words; i++) {
        struct pte_slot slot = collapse_slot(collapse, i);

        if (!collapse_takes(collapse, &slot, &is_writable))
            return false;
    }
    return is_writable;
}

/* Off the lists of reclaim. */
static void collapse_isolate(const struct collapse_frame *collapse)
{
    struct reclaim *reclaim = collapse->kernel->reclaim;

    for (uint32_t i = 0; i < collapse->table->n_words; i++) {
        struct pte_slot slot = collapse_slot(collapse, i);
        struct page *page;
        struct pt_entry entry;

        if (!mmusim__pte_maps(collapse->kernel, &slot, &entry))
            continue;
        page = collapse_page(collapse, entry.pfn);
        if (!page)
            continue;
        if (page->flags & PAGE_LRU)
            mmusim__lru_remove(reclaim_lru_of(reclaim, page), page);
        if (page->flags & PAGE_PENDING)
            mmusim__lru_forget(&reclaim->pending[page->pending_cpu], page);
        page->flags |= PAGE_ISOLATED;
    }
}

/* hugepage_vma_revalidate(), and the table's lock. */
static void collapse_lock_table(struct cpu *cpu,
                                struct collapse_frame *collapse)
{
    const struct vm_area *area =
        mmusim__vm_find(collapse->mm->areas, collapse->start);
    struct pt_entry entry;
    struct pte_slot slot = mmusim__pte_deepest(collapse->kernel, collapse->mm,
                                               collapse->start, &entry);
    struct klock *lock;

    collapse->frame.pc = COLLAPSE_UNLOCK;
    if (!area || slot.table->level ||
        !mmusim__thp_wants(collapse->kernel, area, collapse->start))
        return;
    lock = mmusim__pte_lock(slot.table);
    if (!lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    collapse->table = slot.table;
    collapse->rights = TLB_USER | TLB_READ;
    if (area->flags & VM_WRITE)
        collapse->rights |= TLB_WRITE | TLB_DIRTY;
    if (area->flags & VM_EXEC)
        collapse->rights |= TLB_EXEC;
    collapse->frame.pc = COLLAPSE_DETACH;
    mmusim__lock_take(cpu, lock, &collapse->table_waiter, LOCK_WRITE,
                      BUCKET_KERNEL);
}

/* pmdp_collapse_flush(): a plain flush_tlb_range(), of tables, too. */
static void collapse_detach(struct cpu *cpu, struct collapse_frame *collapse)
{
    struct flush_span span = flush_span_of(
        collapse->start, collapse->start + thp_bytes(collapse->kernel));

    if (!collapse_qualifies(collapse)) {
        collapse->frame.pc = COLLAPSE_GIVE_UP;
        return;
    }
    collapse->frame.pc = COLLAPSE_SYNC;
    collapse_isolate(collapse);
    collapse->slot = mmusim__pte_detach(collapse->kernel, collapse->mm,
                                        collapse->start, THP_LEVEL);
    span.frees_tables = true;
    mmusim__flush_range(cpu, &collapse->mm->space, &span);
}

/* What is not there is cleared. */
static void collapse_copy(struct cpu *cpu, struct collapse_frame *collapse)
{
    const struct cost_config *cost = &cpu->system->cost;
    uint32_t order = collapse->kernel->format->granule_order;
    uint64_t cycles = 0;

    for (uint32_t i = 0; i < collapse->table->n_words; i++) {
        struct pte_slot slot = collapse_slot(collapse, i);
        struct pt_entry entry;
        bool is_there = mmusim__pte_maps(collapse->kernel, &slot, &entry) &&
                        !kernel_is_zero_page(collapse->kernel, entry.pfn);

        cycles += cost->pte_scan_cycles;
        cycles += (uint64_t) (is_there ? cost->page_copy_cycles
                                       : cost->page_zero_cycles)
                  << order;
        if (is_there && cpu->system->check)
            mmusim__check_contents_taken(collapse->kernel, entry.pfn);
    }
    mmusim__cpu_busy(cpu, cycles, BUCKET_KERNEL);
}

static void collapse_drop_small(struct collapse_frame *collapse, uint32_t index,
                                uint64_t *n_pages)
{
    struct kernel *kernel = collapse->kernel;
    struct pte_slot slot = collapse_slot(collapse, index);
    struct pt_entry entry;
    struct page *page;

    if (!mmusim__pte_maps(kernel, &slot, &entry))
        return;
    mmusim__pte_clear(kernel, &slot);
    if (kernel_is_zero_page(kernel, entry.pfn))
        return;
    page = collapse_page(collapse, entry.pfn);
    if (page)
        page->flags &= (uint16_t) ~PAGE_ISOLATED;
    mmusim__frame_unref(kernel->frames, entry.pfn);
    ++*n_pages;
}

static void collapse_install(struct cpu *cpu, struct collapse_frame *collapse)
{
    struct kernel *kernel = collapse->kernel;
    const struct cost_config *cost = &cpu->system->cost;
    uint64_t n_pages = 0;
    mmusim_status_t status;

    for (uint32_t i = 0; i < collapse->table->n_words; i++)
        collapse_drop_small(collapse, i, &n_pages);
    status = mmusim__pte_install(kernel, &collapse->slot, collapse->huge,
                                 collapse->rights);
    if (status)
        system_fail(cpu->system, status);
    collapse->huge.v = 0; /* the entry's now */
    kernel->vm.thp_collapse_alloc++;
    mmusim__lock_release(cpu, collapse->table->lock, LOCK_WRITE);
    mmusim__cpu_busy(cpu,
                     cost->pte_set_cycles +
                         n_pages * ((uint64_t) cost->page_free_cycles +
                                    cost->pte_clear_cycles),
                     BUCKET_KERNEL);
}

/* Once nobody waits for its lock any more. */
static void collapse_free_table(struct cpu *cpu,
                                struct collapse_frame *collapse)
{
    if (!klock_is_idle(collapse->table->lock)) {
        mmusim__cpu_busy(cpu, COLLAPSE_POLL_CYCLES, BUCKET_KERNEL);
        return;
    }
    collapse->frame.pc = COLLAPSE_UNLOCK;
    mmusim__pt_table_free(collapse->kernel, collapse->table->pfn);
    mmusim__cpu_busy(cpu, cpu->system->cost.table_free_cycles, BUCKET_KERNEL);
}

static void collapse_alloc(struct cpu *cpu, struct collapse_frame *collapse)
{
    struct kernel *kernel = collapse->kernel;

    collapse->frame.pc = COLLAPSE_LOCK;
    if (mmusim__page_get(kernel, thp_order(kernel), collapse->start,
                         &collapse->huge)) {
        kernel->vm.thp_collapse_alloc_failed++;
        collapse->frame.pc = COLLAPSE_PUT;
    }
    mmusim__cpu_busy(cpu, cpu->system->cost.page_alloc_cycles, BUCKET_KERNEL);
}

/* mmput(): the process may have ended meanwhile. */
static void collapse_put(struct cpu *cpu, struct collapse_frame *collapse)
{
    collapse->frame.pc = COLLAPSE_END;
    if (collapse->huge.v)
        mmusim__frame_unref(collapse->kernel->frames, collapse->huge);
    if (!mmusim__mm_leave(collapse->mm))
        return;
    collapse->frame.pc = COLLAPSE_DIED;
    mmusim__process_unmap_all(cpu, collapse->kernel, collapse->mm);
}

static enum kstep collapse_step(struct cpu *cpu, struct kframe *frame)
{
    struct collapse_frame *collapse = (struct collapse_frame *) frame;
    const struct mm_rules *rules = cpu->system->protocol->mm_rules;

    switch (frame->pc) {
    case COLLAPSE_ALLOC:
        collapse_alloc(cpu, collapse);
        return KSTEP_NEXT;
    case COLLAPSE_LOCK:
        frame->pc = COLLAPSE_LOCK_TABLE;
        mmusim__lock_take(cpu, &collapse->mm->mmap_lock, &collapse->waiter,
                          LOCK_WRITE, BUCKET_KERNEL);
        return KSTEP_NEXT;
    case COLLAPSE_LOCK_TABLE:
        collapse_lock_table(cpu, collapse);
        return KSTEP_NEXT;
    case COLLAPSE_DETACH:
        collapse_detach(cpu, collapse);
        return KSTEP_NEXT;
    case COLLAPSE_SYNC:
        frame->pc = COLLAPSE_COPY;
        if (rules->syncs_collapse)
            mmusim__table_sync_one(cpu);
        return KSTEP_NEXT;
    case COLLAPSE_COPY:
        frame->pc = COLLAPSE_INSTALL;
        collapse_copy(cpu, collapse);
        return KSTEP_NEXT;
    case COLLAPSE_INSTALL:
        frame->pc = COLLAPSE_FREE_TABLE;
        collapse_install(cpu, collapse);
        return KSTEP_NEXT;
    case COLLAPSE_FREE_TABLE:
        collapse_free_table(cpu, collapse);
        return KSTEP_NEXT;
    case COLLAPSE_GIVE_UP:
        frame->pc = COLLAPSE_UNLOCK;
        mmusim__lock_release(cpu, collapse->table->lock, LOCK_WRITE);
        return KSTEP_NEXT;
    case COLLAPSE_UNLOCK:
        frame->pc = COLLAPSE_PUT;
        mmusim__lock_release(cpu, &collapse->mm->mmap_lock, LOCK_WRITE);
        return KSTEP_NEXT;
    case COLLAPSE_PUT:
        collapse_put(cpu, collapse);
        return KSTEP_NEXT;
    case COLLAPSE_DIED:
        frame->pc = COLLAPSE_END;
        mmusim__mm_died(collapse->mm);
        mmusim__mm_reap(collapse->kernel);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

/* ---- where ---- */

/* The living address space with the least id from mm_id on. */
static struct mm *khugepaged_next_mm(const struct kernel *kernel,
                                     uint64_t mm_id)
{
    struct mm *best = NULL;

    for (struct mm *mm = kernel->mms; mm; mm = mm->next) {
        if (mm->space.id >= mm_id && mm->n_threads && !mm->is_dead &&
            (!best || mm->space.id < best->space.id))
            best = mm;
    }
    return best;
}

/* The next place of an address space that could hold a huge page. */
static bool khugepaged_next_place(const struct kernel *kernel,
                                  const struct mm *mm, uint64_t *cursor)
{
    uint64_t bytes = thp_bytes(kernel);
    const struct vm_area *area = mmusim__vm_find_from(mm->areas, *cursor);

    while (area) {
        uint64_t start = align_up(max_u64(area->start, *cursor), bytes);

        if (start < area->end && mmusim__thp_wants(kernel, area, start)) {
            *cursor = start;
            return true;
        }
        *cursor = area->end;
        area = mmusim__vm_find_from(mm->areas, area->end);
    }
    return false;
}

static void khugepaged_serve(struct cpu *cpu, struct thread *thread)
{
    struct kernel *kernel = thread->kernel;
    struct khugepaged *self = kernel->khugepaged;
    struct collapse_frame *collapse;
    struct mm *mm = khugepaged_next_mm(kernel, self->mm_id);

    while (mm && !khugepaged_next_place(kernel, mm, &self->cursor)) {
        self->mm_id = mm->space.id + 1;
        self->cursor = 0;
        mm = khugepaged_next_mm(kernel, self->mm_id);
    }
    if (!mm)
        self->mm_id = 0;
    if (!mm || !self->n_left) {
        mmusim__daemon_sleep(cpu, thread);
        return;
    }
    self->n_left--;
    self->mm_id = mm->space.id;
    mm->n_threads++; /* mmget() */
    collapse = mmusim__cpu_push(cpu, collapse_step, sizeof(*collapse));
    collapse->kernel = kernel;
    collapse->mm = mm;
    collapse->start = self->cursor;
    self->cursor += thp_bytes(kernel);
}

void mmusim__khugepaged_tick(struct kernel *kernel, struct cpu *cpu)
{
    struct khugepaged *self = kernel->khugepaged;
    struct os_cpu *os = kernel_cpu(kernel, cpu);
    uint64_t period = kernel->config.khugepaged_sleep_cycles;

    if (cpu->now < os->thp_tick_cycle)
        return;
    os->thp_tick_cycle = cycle_add(cpu->now, period);
    if (!self || cpu->now < self->next_cycle)
        return;
    self->next_cycle = cycle_add(cpu->now, period);
    self->n_left = KHUGEPAGED_PLACES;
    kernel->now = cpu->now;
    mmusim__daemon_wake(kernel, &self->daemon);
}

mmusim_status_t mmusim__khugepaged_init(struct kernel *kernel)
{
    bool is_on = kernel->config.thp && thp_is_possible(kernel->format);

    for (uint32_t i = 0; i < kernel->system->n_cpus; i++)
        kernel->cpus[i].thp_tick_cycle =
            is_on ? kernel->config.khugepaged_sleep_cycles : CYCLE_NEVER;
    if (!is_on)
        return MMUSIM_OK;
    kernel->khugepaged = calloc(1, sizeof(*kernel->khugepaged));
    if (!kernel->khugepaged)
        return MMUSIM_NOMEM;
    mmusim__daemon_init(kernel, &kernel->khugepaged->daemon, khugepaged_serve);
    return MMUSIM_OK;
}

void mmusim__khugepaged_fini(struct kernel *kernel)
{
    free(kernel->khugepaged);
    kernel->khugepaged = NULL;
}
