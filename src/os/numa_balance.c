/* SPDX-License-Identifier: MIT */
/* NUMA balancing: see numa_balance.h. */
#include "os/numa_balance.h"

#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "coherence/mmu_gather.h"
#include "os/huge_page.h"
#include "os/ksm.h"
#include "os/reclaim.h"

struct scan_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct mm *mm;
    uint64_t cursor;
    uint64_t left_bytes; /* of this scan */
    uint64_t start, end; /* of the piece of an area */
    uint64_t changed_start, changed_end;
    struct pte_slot slot;
    struct lock_waiter waiter, table_waiter;
};

enum {
    SCAN_LOCK,
    SCAN_AREA,
    SCAN_TABLE,
    SCAN_ENTRIES,
    SCAN_UNLOCK_TABLE,
    SCAN_FLUSH,
    SCAN_AFTER_FLUSH,
    SCAN_UNLOCK,
    SCAN_END,
};

static const struct mm_rules *scan_rules(const struct scan_frame *scan)
{
    return scan->kernel->system->protocol->mm_rules;
}

/* vma_migratable(), and not PROT_NONE. */
static bool scan_takes(const struct vm_area *area)
{
    return !(area->flags & VM_HUGETLB) &&
           (area->flags & (VM_READ | VM_WRITE | VM_EXEC));
}

/* The next piece of an area; false: the scan is through, with the mm (the next
 * one begins at its start) or with its share. */
static bool scan_next_area(struct scan_frame *scan)
{
    const struct vm_area *area;

    if (!scan->left_bytes)
        return false;
    do {
        area = mmusim__vm_find_from(scan->mm->areas, scan->cursor);
        if (!area) {
            scan->cursor = 0;
            return false;
        }
        scan->start = max_u64(area->start, scan->cursor);
        scan->cursor = area->end;
    } while (!scan_takes(area));
    scan->end = align_up(scan->start + scan->left_bytes,
                         thp_is_possible(scan->kernel->format)
                             ? thp_bytes(scan->kernel)
                             : kernel_page_bytes(scan->kernel));
    scan->end = min_u64(scan->end, area->end);
    scan->left_bytes -= min_u64(scan->left_bytes, scan->end - scan->start);
    scan->cursor = scan->start;
    scan->changed_start = UINT64_MAX;
    scan->changed_end = 0;
    return true;
}

static void scan_lock_table(struct cpu *cpu, struct scan_frame *scan)
{
    struct klock *lock;

    if (!mmusim__pte_next_table(scan->kernel, scan->mm, scan->cursor, scan->end,
                                &scan->slot, &scan->cursor)) {
        scan->frame.pc = SCAN_FLUSH;
        return;
    }
    lock = mmusim__pte_lock(scan->slot.table);
    if (!lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    scan->frame.pc = SCAN_ENTRIES;
    mmusim__lock_take(cpu, lock, &scan->table_waiter, LOCK_WRITE,
                      BUCKET_KERNEL);
}

/* One entry; not those of the zero pages, of merged ones, nor what is hidden
 * already. */
static bool scan_entry(struct scan_frame *scan, uint64_t bytes)
{
    const struct pt_format *format = scan->kernel->format;
    uint32_t level = scan->slot.table->level;
    uint64_t word = mmusim__pte_word(&scan->slot);
    struct pt_entry entry;

    if (!mmusim__pte_maps(scan->kernel, &scan->slot, &entry) ||
        format->reveal(word, level) != word ||
        kernel_is_zero_page(scan->kernel, entry.pfn) ||
        mmusim__ksm_page(scan->kernel, entry.pfn))
        return false;
    mmusim__pte_rewrite(scan->kernel, &scan->slot, format->hide(word, level));
    scan->changed_start = min_u64(scan->changed_start, scan->cursor);
    scan->changed_end = max_u64(scan->changed_end, scan->cursor + bytes);
    if (level)
        scan->kernel->vm.numa_huge_pte_updates++;
    scan->kernel->vm.numa_pte_updates +=
        bytes / kernel_page_bytes(scan->kernel);
    return true;
}

/* change_pte_range() of one table; a huge page that the piece cuts stays. */
static void scan_entries(struct cpu *cpu, struct scan_frame *scan)
{
    const struct cost_config *cost = &cpu->system->cost;
    uint64_t bytes = mmusim__pte_bytes(&scan->slot, scan->kernel->format);
    bool is_cut = mmusim__thp_is_cut(scan->kernel, &scan->slot, NULL,
                                     scan->start, scan->end);
    uint64_t n_scanned = 0;
    uint64_t n_changed = 0;

    do {
        n_changed += !is_cut && scan_entry(scan, bytes);
        n_scanned++;
        scan->slot.index++;
        scan->cursor += bytes;
    } while (!scan->slot.table->level &&
             scan->slot.index < scan->slot.table->n_words &&
             scan->cursor < scan->end);
    mmusim__cpu_busy(cpu,
                     n_scanned * cost->pte_scan_cycles +
                         n_changed * cost->pte_set_cycles,
                     BUCKET_KERNEL);
}

/* flush_tlb_range() of the piece; since 5.19 of what has changed. */
static void scan_flush(struct cpu *cpu, struct scan_frame *scan)
{
    struct flush_span span = flush_span_of(scan->start, scan->end);

    scan->cursor = scan->end;
    if (!scan->changed_end)
        return;
    if (scan_rules(scan)->protect_gathers)
        span = flush_span_of(scan->changed_start, scan->changed_end);
    mmusim__flush_range(cpu, &scan->mm->space, &span);
}

/* A period from now, however long this one took: the thread gets on. */
static void scan_plan_next(const struct cpu *cpu, struct kernel *kernel,
                           struct mm *mm)
{
    uint64_t next = cycle_add(cpu->now, kernel->config.numa_scan_period_cycles);

    kernel_cpu(kernel, cpu)->numa_tick_cycle = next;
    mm->numa_next_cycle = next;
}

static enum kstep scan_step(struct cpu *cpu, struct kframe *frame)
{
    struct scan_frame *scan = (struct scan_frame *) frame;

    switch (frame->pc) {
    case SCAN_LOCK:
        frame->pc = SCAN_AREA;
        mmusim__lock_take(cpu, &scan->mm->mmap_lock, &scan->waiter, LOCK_READ,
                          BUCKET_KERNEL);
        return KSTEP_NEXT;
    case SCAN_AREA:
        frame->pc = scan_next_area(scan) ? SCAN_TABLE : SCAN_UNLOCK;
        if (frame->pc == SCAN_TABLE)
            mmusim__flush_pending_begin(scan_rules(scan), &scan->mm->space,
                                        PENDING_BY_PROTECT);
        mmusim__cpu_busy(cpu, cpu->system->cost.vma_cycles, BUCKET_KERNEL);
        return KSTEP_NEXT;
    case SCAN_TABLE:
        scan_lock_table(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_ENTRIES:
        frame->pc = SCAN_UNLOCK_TABLE;
        scan_entries(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_UNLOCK_TABLE:
        frame->pc = SCAN_TABLE;
        mmusim__lock_release(cpu, scan->slot.table->lock, LOCK_WRITE);
        return KSTEP_NEXT;
    case SCAN_FLUSH:
        frame->pc = SCAN_AFTER_FLUSH;
        scan_flush(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_AFTER_FLUSH:
        frame->pc = SCAN_AREA;
        mmusim__flush_pending_end(scan_rules(scan), &scan->mm->space,
                                  PENDING_BY_PROTECT);
        return KSTEP_NEXT;
    case SCAN_UNLOCK:
        frame->pc = SCAN_END;
        scan->mm->numa_cursor = scan->cursor;
        scan_plan_next(cpu, scan->kernel, scan->mm);
        mmusim__lock_release(cpu, &scan->mm->mmap_lock, LOCK_READ);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

bool mmusim__numa_tick(struct kernel *kernel, struct cpu *cpu)
{
    struct os_cpu *os = kernel_cpu(kernel, cpu);
    uint64_t period = kernel->config.numa_scan_period_cycles;
    struct mm *mm = os->current->mm;
    struct scan_frame *scan;

    if (cpu->now < os->numa_tick_cycle)
        return false;
    os->numa_tick_cycle = cycle_add(cpu->now, period);
    if (!mm || cpu->now < mm->numa_next_cycle)
        return false;
    mm->numa_next_cycle = CYCLE_NEVER; /* this one is at it */
    scan = mmusim__cpu_push(cpu, scan_step, sizeof(*scan));
    scan->kernel = kernel;
    scan->mm = mm;
    scan->cursor = mm->numa_cursor;
    scan->left_bytes = kernel->config.numa_scan_bytes;
    return true;
}

bool mmusim__numa_hint(struct kernel *kernel, const struct cpu *cpu, pfn_t pfn)
{
    uint32_t home = mmusim__frame_node(kernel->frames, pfn);
    struct page *page = mmusim__page_find(kernel->reclaim->pages, pfn);
    bool is_again;

    kernel->vm.numa_hint_faults++;
    kernel->vm.numa_hint_faults_local += home == cpu->socket;
    if (!page) /* a huge one */
        return home != cpu->socket;
    /* should_numa_migrate_memory(): the first of all, or the second in a row
     * from this node */
    is_again = !page->hint_node || page->hint_node == cpu->socket + 1;
    page->hint_node = (uint16_t) (cpu->socket + 1);
    return is_again && home != cpu->socket;
}
