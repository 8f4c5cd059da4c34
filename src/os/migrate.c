/* SPDX-License-Identifier: MIT */
/* Moving pages: see migrate.h. Steps from Linux 4.6 mm/migrate.c
 * (unmap_and_move, __unmap_and_move, remove_migration_ptes) and 6.8's
 * migrate_pages_batch. */
#include "os/migrate.h"

#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "os/check_hooks.h"
#include "os/huge_page.h"
#include "os/page_contents.h"
#include "os/placement.h"
#include "os/reclaim.h"

#include <stdlib.h>

struct migrate_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct migrate_request request;
    uint64_t cursor;
    uint32_t index;    /* of the page being copied */
    uint32_t n_wanted; /* pages a batch */
    bool has_deferred;
    struct pte_slot slot;
    struct klock *lock;
    struct lock_waiter waiter;
};

enum {
    MIGRATE_NEXT,
    MIGRATE_LOCK,
    MIGRATE_UNMAP,
    MIGRATE_UNLOCK,
    MIGRATE_FLUSH,
    MIGRATE_COPY,
    MIGRATE_RELOCK,
    MIGRATE_REMAP,
    MIGRATE_RELEASE,
    MIGRATE_END,
};

static struct migration_batch *migrate_batch(struct cpu *cpu,
                                             const struct migrate_frame *move)
{
    return &kernel_cpu(move->kernel, cpu)->migration;
}

/* The one being prepared, or by index. */
static struct migration *migrate_page_at(struct cpu *cpu,
                                         const struct migrate_frame *move,
                                         uint32_t index)
{
    return &migrate_batch(cpu, move)->pages[index];
}

static const struct mm_rules *migrate_rules(const struct migrate_frame *move)
{
    return move->kernel->system->protocol->mm_rules;
}

static struct migration *migrate_find(const struct kernel *kernel, pfn_t pfn)
{
    for (uint32_t i = 0; i < kernel->system->n_cpus; i++) {
        const struct migration_batch *batch = &kernel->cpus[i].migration;

        for (uint32_t at = 0; at < batch->n; at++) {
            if (batch->pages[at].from.v == pfn.v)
                return &batch->pages[at];
        }
    }
    return NULL;
}

/* ---- which pages ---- */

/* What the reverse map and the LRU lists know of it; a huge page is on none. */
static struct page *migrate_page_of(const struct migrate_frame *move, pfn_t pfn)
{
    return mmusim__page_find(move->kernel->reclaim->pages, pfn);
}

/* isolate_lru_page() would do, and no one else has it. n_refs: that are known.
 */
static bool migrate_is_movable(const struct migrate_frame *move,
                               const struct pt_entry *entry, uint32_t n_refs)
{
    const struct kernel *kernel = move->kernel;
    const struct page *page = migrate_page_of(move, entry->pfn);

    if (mmusim__frame_order(kernel->frames, entry->pfn) != entry->order ||
        mmusim__frame_refs(kernel->frames, entry->pfn) != n_refs)
        return false;
    return !page ||
           !(page->file_id ||
             (page->flags & (PAGE_ISOLATED | PAGE_UNEVICTABLE | PAGE_KSM)));
}

static bool migrate_is_wanted(const struct migrate_frame *move,
                              const struct pt_entry *entry)
{
    const struct kernel *kernel = move->kernel;

    return !kernel_is_zero_page(kernel, entry->pfn) &&
           (move->request.moves_local ||
            mmusim__frame_node(kernel->frames, entry->pfn) !=
                move->request.node);
}

/* A frame for the copy; false: the page stays. */
static bool migrate_prepare(struct cpu *cpu, struct migrate_frame *move,
                            const struct pt_entry *entry)
{
    struct kernel *kernel = move->kernel;
    struct migration_batch *batch = migrate_batch(cpu, move);
    struct migration *page = &batch->pages[batch->n];

    if (!migrate_is_wanted(move, entry))
        return false;
    *page = (struct migration){
        .vaddr = move->cursor, .from = entry->pfn, .order = entry->order};
    if (!migrate_is_movable(move, entry, 1) ||
        mmusim__page_get_on(kernel, entry->order, move->cursor,
                            move->request.node, &page->to)) {
        kernel->vm.pgmigrate_fail += UINT64_C(1) << entry->order;
        return false;
    }
    mmusim__frame_ref(kernel->frames, page->from);
    return true;
}

/* Huge pages move as such since 4.14; NUMA hints always moved them
 * (migrate_misplaced_transhuge_page). */
static bool migrate_must_split(const struct migrate_frame *move,
                               const struct pte_slot *slot)
{
    const struct vm_area *area =
        mmusim__vm_find(move->request.mm->areas, slot->vaddr);

    return mmusim__thp_is_cut(move->kernel, slot, area, move->request.start,
                              move->request.end) ||
           (!move->request.is_hint && !migrate_rules(move)->migrates_huge &&
            mmusim__thp_is_cut(move->kernel, slot, area, 0, 0));
}

/* From the cursor to the next page that is to move, in one table. True: it is
 * prepared. */
static bool migrate_scan(struct cpu *cpu, struct migrate_frame *move)
{
    struct pte_slot *slot = &move->slot;
    uint64_t bytes = mmusim__pte_bytes(slot, move->kernel->format);
    uint64_t n_scanned = 0;
    bool is_found = false;

    do {
        struct pt_entry entry;

        n_scanned++;
        slot->vaddr = move->cursor;
        if (mmusim__pte_maps(move->kernel, slot, &entry))
            is_found = migrate_prepare(cpu, move, &entry);
        if (is_found)
            break;
        slot->index++;
        move->cursor += bytes;
    } while (!slot->table->level && slot->index < slot->table->n_words &&
             move->cursor < move->request.end);
    mmusim__cpu_busy(cpu,
                     n_scanned * cpu->system->cost.pte_scan_cycles +
                         is_found * cpu->system->cost.page_alloc_cycles,
                     BUCKET_KERNEL);
    return is_found;
}

static void migrate_next(struct cpu *cpu, struct migrate_frame *move)
{
    const struct vm_area *area;

    if (migrate_batch(cpu, move)->n == move->n_wanted ||
        !mmusim__pte_next_table(move->kernel, move->request.mm, move->cursor,
                                move->request.end, &move->slot,
                                &move->cursor)) {
        move->frame.pc = MIGRATE_FLUSH;
        return;
    }
    area = mmusim__vm_find(move->request.mm->areas, move->slot.vaddr);
    if (area && (area->flags & VM_HUGETLB)) {
        move->cursor += mmusim__pte_bytes(&move->slot, move->kernel->format);
        return;
    }
    if (migrate_must_split(move, &move->slot)) {
        move->cursor = move->slot.vaddr; /* found again as a table */
        mmusim__thp_split(cpu, move->kernel, move->request.mm, move->cursor);
        return;
    }
    if (migrate_scan(cpu, move))
        move->frame.pc = MIGRATE_LOCK;
}

/* ---- unmap ---- */

static void migrate_take_lock(struct cpu *cpu, struct migrate_frame *move)
{
    move->lock = mmusim__pte_lock(move->slot.table);
    if (!move->lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    mmusim__lock_take(cpu, move->lock, &move->waiter, LOCK_WRITE,
                      BUCKET_KERNEL);
}

/* Off the lists of reclaim, which finds it nowhere until it has moved. */
static void migrate_isolate(const struct migrate_frame *move, pfn_t pfn)
{
    struct reclaim *reclaim = move->kernel->reclaim;
    struct page *page = migrate_page_of(move, pfn);

    if (!page)
        return;
    if (page->flags & PAGE_LRU)
        mmusim__lru_remove(reclaim_lru_of(reclaim, page), page);
    if (page->flags & PAGE_PENDING)
        mmusim__lru_forget(&reclaim->pending[page->pending_cpu], page);
    page->flags |= PAGE_ISOLATED;
}

/* ptep_clear_flush(), or later for many. */
static void migrate_begin_flush(struct cpu *cpu, struct migrate_frame *move,
                                const struct migration *page)
{
    struct mm *mm = move->request.mm;

    if (page->was_hidden && !(migrate_rules(move)->migrate_knows_pending &&
                              mm->space.n_flushes_pending))
        return;
    if (page->order != move->kernel->format->granule_order) {
        mmusim__thp_flush(cpu, mm, page->vaddr);
    } else if (move->n_wanted > 1 &&
               mmusim__flush_batch_defers(cpu, &mm->space)) {
        move->has_deferred = true;
        mmusim__cpu_busy(
            cpu,
            mmusim__flush_batch_add(cpu, &mm->space, page->vaddr, page->order),
            BUCKET_KERNEL);
    } else {
        mmusim__flush_page(cpu, &mm->space, page->vaddr, page->order);
    }
}

/* The entry is as it was when the page was prepared, or on its way. */
static bool migrate_finds(struct migrate_frame *move,
                          const struct migration *page, struct pt_entry *entry)
{
    move->slot =
        mmusim__pte_deepest(move->kernel, move->request.mm, page->vaddr, entry);
    return mmusim__pte_maps(move->kernel, &move->slot, entry) &&
           entry->pfn.v == page->from.v && entry->order == page->order;
}

static void migrate_unmap(struct cpu *cpu, struct migrate_frame *move)
{
    struct kernel *kernel = move->kernel;
    struct migration_batch *batch = migrate_batch(cpu, move);
    struct migration *page = &batch->pages[batch->n];
    const struct pt_info *locked = move->slot.table;
    uint64_t bytes = UINT64_C(1) << (BASE_PAGE_SHIFT + page->order);
    struct pt_entry entry;
    uint64_t word;

    move->cursor = page->vaddr + bytes;
    if (!migrate_finds(move, page, &entry) || move->slot.table != locked ||
        !migrate_is_movable(move, &entry, 2) ||
        migrate_find(kernel, page->from)) {
        kernel->vm.pgmigrate_fail += UINT64_C(1) << page->order;
        mmusim__frame_unref_span(kernel->frames, page->from, page->order);
        mmusim__frame_unref_span(kernel->frames, page->to, page->order);
        return;
    }
    batch->n++;
    migrate_isolate(move, page->from);
    word = mmusim__pte_word(&move->slot);
    page->was_hidden =
        kernel->format->reveal(word, move->slot.table->level) != word;
    if (!page->was_hidden)
        mmusim__pte_rewrite(
            kernel, &move->slot,
            kernel->format->hide(word, move->slot.table->level));
    migrate_begin_flush(cpu, move, page);
}

/* ---- copy, and map the copy ---- */

static void migrate_flush(struct cpu *cpu, struct migrate_frame *move)
{
    move->index = 0;
    move->frame.pc = migrate_batch(cpu, move)->n ? MIGRATE_COPY : MIGRATE_END;
    if (move->has_deferred)
        mmusim__flush_batch(cpu); /* try_to_unmap_flush() */
    move->has_deferred = false;
}

static void migrate_copy(struct cpu *cpu, const struct migrate_frame *move)
{
    const struct cost_config *cost = &cpu->system->cost;
    const struct migration *page = migrate_page_at(cpu, move, move->index);

    if (cpu->system->check)
        mmusim__check_contents_taken(move->kernel, page->from);
    mmusim__cpu_busy(cpu,
                     cost->migrate_page_cycles +
                         ((uint64_t) cost->page_copy_cycles << page->order),
                     BUCKET_KERNEL);
}

static void migrate_wake(struct cpu *cpu, struct migration *page)
{
    while (page->waiters) {
        struct lock_waiter *waiter = page->waiters;

        page->waiters = waiter->next;
        mmusim__cpu_wake(waiter->cpu, cpu->now,
                         cpu->system->cost.lock_handover_cycles);
    }
}

/* What the lists of reclaim know goes over, what is in the page, and both
 * frames of ours are given up: the entry's reference is now on the copy, or
 * nobody's. */
static void migrate_finish(const struct migrate_frame *move,
                           const struct migration *page, bool is_mapped)
{
    struct kernel *kernel = move->kernel;
    struct page *old = migrate_page_of(move, page->from);
    const uint16_t kept = PAGE_DIRTY | PAGE_REFERENCED;

    if (old && is_mapped) {
        struct page *copy = migrate_page_of(move, page->to);

        if (copy)
            copy->flags |= old->flags & kept;
        mmusim__contents_copied(kernel, page->from, page->to);
    }
    if (old)
        old->flags &= (uint16_t) ~PAGE_ISOLATED;
    if (is_mapped)
        mmusim__frame_unref_span(kernel->frames, page->from, page->order);
    else
        mmusim__frame_unref_span(kernel->frames, page->to, page->order);
    /* it may have been taken to pieces meanwhile */
    mmusim__frame_unref_span(kernel->frames, page->from, page->order);
}

/* remove_migration_pte(): unless somebody has unmapped it. */
static void migrate_remap(struct cpu *cpu, struct migrate_frame *move)
{
    struct kernel *kernel = move->kernel;
    struct migration *page = migrate_page_at(cpu, move, move->index);
    struct pt_entry entry;
    bool is_there = migrate_finds(move, page, &entry);

    if (is_there) {
        mmusim_status_t status =
            mmusim__pte_install(kernel, &move->slot, page->to, entry.rights);

        if (status)
            system_fail(cpu->system, status);
        if (page->was_hidden && !move->request.is_hint)
            mmusim__pte_rewrite(
                kernel, &move->slot,
                kernel->format->hide(mmusim__pte_word(&move->slot),
                                     move->slot.table->level));
        kernel->vm.pgmigrate_success += UINT64_C(1) << page->order;
        if (move->request.is_hint)
            kernel->vm.numa_pages_migrated += UINT64_C(1) << page->order;
    }
    migrate_finish(move, page, is_there);
    migrate_wake(cpu, page);
    page->from.v = 0; /* on its way no more */
    mmusim__cpu_busy(cpu, cpu->system->cost.pte_set_cycles, BUCKET_KERNEL);
}

static void migrate_release(struct cpu *cpu, struct migrate_frame *move)
{
    struct migration_batch *batch = migrate_batch(cpu, move);

    mmusim__lock_release(cpu, move->lock, LOCK_WRITE);
    move->frame.pc = MIGRATE_COPY;
    if (++move->index < batch->n)
        return;
    batch->n = 0;
    move->frame.pc = MIGRATE_NEXT;
}

static enum kstep migrate_step(struct cpu *cpu, struct kframe *frame)
{
    struct migrate_frame *move = (struct migrate_frame *) frame;
    struct pt_entry entry;

    switch (frame->pc) {
    case MIGRATE_NEXT:
        migrate_next(cpu, move);
        return KSTEP_NEXT;
    case MIGRATE_LOCK:
        frame->pc = MIGRATE_UNMAP;
        migrate_take_lock(cpu, move);
        return KSTEP_NEXT;
    case MIGRATE_UNMAP:
        frame->pc = MIGRATE_UNLOCK;
        migrate_unmap(cpu, move);
        return KSTEP_NEXT;
    case MIGRATE_UNLOCK:
        frame->pc = MIGRATE_NEXT;
        mmusim__lock_release(cpu, move->lock, LOCK_WRITE);
        return KSTEP_NEXT;
    case MIGRATE_FLUSH:
        migrate_flush(cpu, move);
        return KSTEP_NEXT;
    case MIGRATE_COPY:
        frame->pc = MIGRATE_RELOCK;
        migrate_copy(cpu, move);
        return KSTEP_NEXT;
    case MIGRATE_RELOCK:
        frame->pc = MIGRATE_REMAP;
        migrate_finds(move, migrate_page_at(cpu, move, move->index), &entry);
        migrate_take_lock(cpu, move);
        return KSTEP_NEXT;
    case MIGRATE_REMAP:
        frame->pc = MIGRATE_RELEASE;
        migrate_remap(cpu, move);
        return KSTEP_NEXT;
    case MIGRATE_RELEASE:
        migrate_release(cpu, move);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

void mmusim__migrate(struct cpu *cpu, struct kernel *kernel,
                     const struct migrate_request *request)
{
    struct migrate_frame *move =
        mmusim__cpu_push(cpu, migrate_step, sizeof(*move));
    struct migration_batch *batch = &kernel_cpu(kernel, cpu)->migration;

    move->kernel = kernel;
    move->request = *request;
    move->cursor = request->start;
    move->n_wanted =
        migrate_rules(move)->migrates_in_batches ? MIGRATE_BATCH : 1;
    if (!batch->pages)
        batch->pages = calloc(MIGRATE_BATCH, sizeof(*batch->pages));
    if (!batch->pages)
        system_fail(kernel->system, MMUSIM_NOMEM);
}

bool mmusim__migrate_wait(struct cpu *cpu, struct kernel *kernel, pfn_t pfn,
                          struct lock_waiter *waiter)
{
    struct migration *page = migrate_find(kernel, pfn);

    if (!page)
        return false;
    waiter->cpu = cpu;
    waiter->next = page->waiters;
    page->waiters = waiter;
    mmusim__cpu_wait(cpu, BUCKET_LOCK);
    return true;
}
