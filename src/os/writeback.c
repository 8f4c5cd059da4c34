/* SPDX-License-Identifier: MIT */
/* Writeback: see writeback.h. */
#include "os/writeback.h"

#include "coherence/flush.h"
#include "os/check_hooks.h"
#include "os/page_table.h"
#include "os/reclaim.h"

#include <stdlib.h>

enum { WRITEBACK_BACKGROUND_PERCENT = 10 }; /* vm.dirty_background_ratio */

static bool writeback_grow(struct dirty_queue *queue)
{
    uint32_t capacity = queue->capacity ? queue->capacity * 2 : 64;
    uint64_t *pfns = malloc(capacity * sizeof(*pfns));

    if (!pfns)
        return false;
    for (uint32_t i = 0; i < queue->n; i++)
        pfns[i] = queue->pfns[(queue->first + i) % queue->capacity];
    free(queue->pfns);
    queue->pfns = pfns;
    queue->first = 0;
    queue->capacity = capacity;
    return true;
}

bool mmusim__writeback_queue(struct dirty_queue *queue, const struct page *page)
{
    if (queue->n == queue->capacity && !writeback_grow(queue))
        return false;
    queue->pfns[(queue->first + queue->n++) % queue->capacity] = page->pfn;
    queue->n_dirty++;
    return true;
}

void mmusim__writeback_fini(struct dirty_queue *queue)
{
    free(queue->pfns);
    *queue = (struct dirty_queue){0};
}

void mmusim__writeback_balance(struct kernel *kernel)
{
    struct reclaim *reclaim = kernel->reclaim;

    if (reclaim->dirty.n_dirty * 100 >
        reclaim->n_frames * WRITEBACK_BACKGROUND_PERCENT)
        mmusim__daemon_wake(kernel, &reclaim->flusher);
}

/* Its turn comes again: a reclaimer has it (lock_page()). There is room. */
static void writeback_put_off(struct dirty_queue *queue, pfn_t pfn)
{
    queue->pfns[(queue->first + queue->n++) % queue->capacity] = pfn.v;
}

/* The oldest dirty page that no reclaimer has, with a reference; NULL: there is
 * none. */
static struct page *writeback_take(struct reclaim *reclaim)
{
    struct dirty_queue *queue = &reclaim->dirty;

    for (uint32_t n_left = queue->n; n_left; n_left--) {
        pfn_t pfn = {queue->pfns[queue->first]};
        struct page *page = mmusim__page_find(reclaim->pages, pfn);

        queue->first = (queue->first + 1) % queue->capacity;
        queue->n--;
        if (!page->file_id || !(page->flags & PAGE_DIRTY))
            continue;
        if (page->flags & PAGE_ISOLATED) {
            writeback_put_off(queue, pfn);
            continue;
        }
        page->flags |= PAGE_WRITEBACK;
        mmusim__frame_ref(reclaim->kernel->frames, pfn);
        return page;
    }
    return NULL;
}

/* ---- one page: page_mkclean(), then the write ---- */

struct clean_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct page *page;
    uint32_t map_index;
    uint32_t n_map_changes; /* of the page, when map_index was counted */
    struct page_map map;
    struct pte_slot slot;
    struct lock_waiter waiter, table_waiter;
};

enum {
    CLEAN_NEXT,
    CLEAN_TABLE,
    CLEAN_ENTRY,
    CLEAN_UNLOCK,
    CLEAN_WRITE,
    CLEAN_DONE,
};

/* The next mapping, from the first on when some have come or gone: none that
 * is there all the time is left out. */
static bool clean_find_map(struct clean_frame *clean)
{
    const struct page_map *map = &clean->page->map;

    if (clean->n_map_changes != clean->page->n_map_changes)
        clean->map_index = 0;
    clean->n_map_changes = clean->page->n_map_changes;

    for (uint32_t i = clean->map_index; map && map->mm && i; i--)
        map = map->next;
    if (!map || !map->mm)
        return false;
    clean->map = *map;
    clean->map_index++;
    return true;
}

static void clean_lock_table(struct cpu *cpu, struct clean_frame *clean)
{
    struct klock *lock;

    clean->slot =
        mmusim__pte_slot(clean->kernel, clean->map.mm, clean->map.vaddr);
    lock = clean->slot.table ? mmusim__pte_lock(clean->slot.table) : NULL;
    if (clean->slot.table && !lock)
        system_fail(cpu->system, MMUSIM_NOMEM);
    if (!lock) {
        clean->slot.table = NULL;
        clean->frame.pc = CLEAN_UNLOCK;
        return;
    }
    clean->frame.pc = CLEAN_ENTRY;
    mmusim__lock_take(cpu, lock, &clean->table_waiter, LOCK_WRITE,
                      BUCKET_KERNEL);
}

/* page_mkclean_one(): neither writable nor dirty, and flushed. */
static void clean_entry(struct cpu *cpu, struct clean_frame *clean)
{
    const struct pt_format *format = clean->kernel->format;
    uint64_t word = mmusim__pte_word(&clean->slot);
    struct pt_entry entry;
    uint64_t clear;

    mmusim__cpu_busy(cpu, cpu->system->cost.rmap_walk_cycles, BUCKET_KERNEL);
    if (!mmusim__pte_maps(clean->kernel, &clean->slot, &entry) ||
        entry.pfn.v != clean->page->pfn ||
        !(entry.rights & (TLB_DIRTY | TLB_WRITE)))
        return;
    clear = format->make_leaf(
        format, entry.pfn, 0,
        entry.rights & ~(uint32_t) (TLB_DIRTY | TLB_WRITE), entry.is_accessed);
    if (format->reveal(word, 0) != word)
        clear = format->hide(clear, 0);
    mmusim__pte_rewrite(clean->kernel, &clean->slot, clear);
    mmusim__flush_page(cpu, &clean->map.mm->space, clean->map.vaddr,
                       format->granule_order);
}

static void clean_write(struct cpu *cpu, struct clean_frame *clean)
{
    struct reclaim *reclaim = clean->kernel->reclaim;

    if (cpu->system->check)
        mmusim__check_contents_taken(clean->kernel, page_pfn(clean->page));
    /* clear_page_dirty_for_io() */
    if (clean->page->flags & PAGE_DIRTY)
        reclaim->dirty.n_dirty--;
    clean->page->flags &= (uint16_t) ~PAGE_DIRTY;
    clean->kernel->vm.nr_written++;
    mmusim__cpu_busy(cpu, cpu->system->cost.page_write_cycles, BUCKET_KERNEL);
}

static enum kstep clean_step(struct cpu *cpu, struct kframe *frame)
{
    struct clean_frame *clean = (struct clean_frame *) frame;

    switch (frame->pc) {
    case CLEAN_NEXT:
        if (!clean_find_map(clean)) {
            frame->pc = CLEAN_WRITE;
            break;
        }
        frame->pc = CLEAN_TABLE;
        mmusim__lock_take(cpu, &clean->map.mm->rmap_lock, &clean->waiter,
                          LOCK_READ, BUCKET_KERNEL);
        break;
    case CLEAN_TABLE:
        clean_lock_table(cpu, clean);
        break;
    case CLEAN_ENTRY:
        frame->pc = CLEAN_UNLOCK;
        clean_entry(cpu, clean);
        break;
    case CLEAN_UNLOCK:
        frame->pc = CLEAN_NEXT;
        if (clean->slot.table)
            mmusim__lock_release(cpu, clean->slot.table->lock, LOCK_WRITE);
        mmusim__lock_release(cpu, &clean->map.mm->rmap_lock, LOCK_READ);
        break;
    case CLEAN_WRITE:
        frame->pc = CLEAN_DONE;
        clean_write(cpu, clean);
        break;
    default:
        clean->page->flags &= (uint16_t) ~PAGE_WRITEBACK;
        mmusim__frame_unref(clean->kernel->frames, page_pfn(clean->page));
        return KSTEP_DONE;
    }
    return KSTEP_NEXT;
}

void mmusim__flusher_serve(struct cpu *cpu, struct thread *thread)
{
    struct kernel *kernel = thread->kernel;
    struct page *page = writeback_take(kernel->reclaim);
    struct clean_frame *clean;

    if (!page) {
        mmusim__daemon_sleep(cpu, thread);
        return;
    }
    clean = mmusim__cpu_push(cpu, clean_step, sizeof(*clean));
    clean->kernel = kernel;
    clean->page = page;
    clean->n_map_changes = page->n_map_changes;
}
