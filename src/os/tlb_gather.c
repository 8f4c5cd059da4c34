/* SPDX-License-Identifier: MIT */
/* A CPU's mmu_gather at work: see tlb_gather.h. */
#include "os/tlb_gather.h"

#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "os/page_table.h"
#include "os/reclaim.h"

/* ---- flush and free ---- */

bool mmusim__tlb_flush(struct cpu *cpu, struct kernel *kernel)
{
    struct mmu_gather *gather = kernel_gather(kernel, cpu);
    struct flush_span span = mmusim__gather_span(gather);

    if (!mmusim__gather_needs_flush(gather))
        return false;
    mmusim__gather_flushed(gather);
    if (gather->mm == cpu->system->init_mm &&
        !mmusim__vmap_unmapped(cpu, kernel, span.start, span.end))
        return false;
    if (gather->mm != cpu->system->init_mm)
        mmusim__flush_gather(cpu, gather->mm, &span);
    kernel->gathers.flushes++;
    return true;
}

void mmusim__tlb_flush_rmaps(struct cpu *cpu, struct kernel *kernel,
                             struct mm *mm)
{
    struct mmu_gather *gather = kernel_gather(kernel, cpu);

    for (uint32_t i = 0; gather->has_delayed_rmap && i < gather->n_pages; i++) {
        struct gathered_page *page = &gather->pages[i];

        if (!page->has_rmap)
            continue;
        page->has_rmap = false;
        mmusim__reclaim_on_entry(kernel, mm, page->vaddr, page->pfn,
                                 (pfn_t){0});
    }
    gather->has_delayed_rmap = false;
}

static uint64_t tlb_drop_tables(const struct cpu *cpu, struct kernel *kernel,
                                struct mmu_gather *gather)
{
    uint32_t n = gather->n_tables;

    for (uint32_t i = 0; i < n; i++)
        mmusim__pt_table_free(kernel, gather->tables[i]);
    mmusim__gather_tables_emptied(gather);
    return (uint64_t) n * cpu->system->cost.table_free_cycles;
}

static uint64_t tlb_drop_pages(const struct cpu *cpu, struct kernel *kernel,
                               struct mmu_gather *gather)
{
    const struct cost_config *cost = &cpu->system->cost;
    uint64_t cycles = 0;

    for (uint32_t i = 0; i < gather->n_pages; i++) {
        const struct gathered_page *page = &gather->pages[i];

        if (page->is_table) {
            mmusim__pt_table_free(kernel, page->pfn);
            cycles += cost->table_free_cycles;
        } else {
            mmusim__frame_unref_span(kernel->frames, page->pfn, page->order);
            cycles += cost->page_free_cycles;
        }
    }
    mmusim__gather_emptied(gather);
    return cycles;
}

/* The pages of pointers, taken meanwhile and given back at the end. */
static uint64_t tlb_slot_cycles(const struct cpu *cpu,
                                struct mmu_gather *gather)
{
    const struct cost_config *cost = &cpu->system->cost;

    return (uint64_t) mmusim__gather_take_allocated(gather) *
           ((uint64_t) cost->page_alloc_cycles + cost->page_free_cycles);
}

void mmusim__tlb_free(struct cpu *cpu, struct kernel *kernel)
{
    struct mmu_gather *gather = kernel_gather(kernel, cpu);
    uint64_t cycles = tlb_drop_tables(cpu, kernel, gather);

    cycles += tlb_drop_pages(cpu, kernel, gather);
    cycles += tlb_slot_cycles(cpu, gather);
    mmusim__cpu_busy(cpu, cycles, BUCKET_KERNEL);
}

void mmusim__tlb_free_tables(struct cpu *cpu, struct kernel *kernel)
{
    struct mmu_gather *gather = kernel_gather(kernel, cpu);

    mmusim__cpu_busy(cpu, tlb_drop_tables(cpu, kernel, gather), BUCKET_KERNEL);
}

/* ---- tlb_finish_mmu() ---- */

struct tlb_finish_frame {
    struct kframe frame;
    struct kernel *kernel;
};

enum { FINISH_FLUSH, FINISH_FREE, FINISH_END };

static enum kstep tlb_finish_step(struct cpu *cpu, struct kframe *frame)
{
    struct tlb_finish_frame *finish = (struct tlb_finish_frame *) frame;
    struct kernel *kernel = finish->kernel;
    struct mmu_gather *gather = kernel_gather(kernel, cpu);

    switch (frame->pc) {
    case FINISH_FLUSH:
        frame->pc = FINISH_FREE;
        if (mmusim__gather_is_nested(gather)) {
            kernel->gathers.nested++;
            mmusim__gather_force(gather);
        }
        mmusim__tlb_flush(cpu, kernel);
        return KSTEP_NEXT;
    case FINISH_FREE:
        frame->pc = FINISH_END;
        mmusim__tlb_free(cpu, kernel);
        return KSTEP_NEXT;
    default:
        mmusim__gather_end(gather);
        return KSTEP_DONE;
    }
}

void mmusim__tlb_finish(struct cpu *cpu, struct kernel *kernel)
{
    struct tlb_finish_frame *finish =
        mmusim__cpu_push(cpu, tlb_finish_step, sizeof(*finish));

    finish->kernel = kernel;
}

/* ---- free_pgtables() ---- */

struct tables_visit {
    struct kernel *kernel;
    struct mmu_gather *gather;
    const struct mm *mm;
    enum gather_full full;
    uint64_t n_freed;
};

static struct gather_table tlb_describe_table(const struct tables_visit *visit,
                                              pfn_t pfn, uint64_t vaddr)
{
    const struct kernel *kernel = visit->kernel;
    const struct pt_info *table = mmusim__pt_table(kernel->tables, pfn);
    uint32_t joint_log2 = kernel->format->levels[table->level].joint_log2;
    uint32_t level = table->level + 1U;

    return (struct gather_table){
        .pfn = pfn,
        .vaddr = vaddr,
        .entry_bytes = UINT64_C(1)
                       << (kernel->format->levels[level].shift + joint_log2),
        .level = level,
        .is_joint = joint_log2 > 0,
        .n_users = visit->mm->n_threads,
    };
}

static bool tlb_take_table(void *context, pfn_t pfn, uint64_t vaddr)
{
    struct tables_visit *visit = context;
    const struct gather_table table = tlb_describe_table(visit, pfn, vaddr);

    visit->full = mmusim__gather_table(visit->gather, &table);
    if (visit->full == GATHER_TABLE_NOW || visit->full == GATHER_NOMEM) {
        mmusim__pt_table_free(visit->kernel, pfn);
        visit->n_freed++;
        return visit->full == GATHER_TABLE_NOW;
    }
    return visit->full == GATHER_HAS_ROOM;
}

static enum free_tables tlb_how_to_go_on(const struct tables_visit *visit)
{
    bool is_late = visit->gather->shape->rules->frees_tables_late;

    switch (visit->full) {
    case GATHER_MUST_FLUSH:
        return FREE_TABLES_FLUSH_ALL;
    case GATHER_TABLE_FLUSH:
        return is_late ? FREE_TABLES_FLUSH : FREE_TABLES_FREE;
    case GATHER_TABLE_SYNC:
        return FREE_TABLES_SYNC;
    case GATHER_NOMEM:
        system_fail(visit->kernel->system, MMUSIM_NOMEM);
        break;
    case GATHER_HAS_ROOM:
    case GATHER_TABLE_NOW:
        break;
    }
    return FREE_TABLES_DONE;
}

enum free_tables mmusim__tlb_free_pgtables(struct cpu *cpu,
                                           struct kernel *kernel,
                                           const struct table_range *range)
{
    struct tables_visit visit = {
        .kernel = kernel,
        .gather = kernel_gather(kernel, cpu),
        .mm = range->mm,
        .full = GATHER_HAS_ROOM,
    };

    mmusim__pt_unlink_tables(kernel, range->mm, range->start, range->end,
                             range->floor, range->ceiling, tlb_take_table,
                             &visit);
    mmusim__cpu_busy(cpu, visit.n_freed * cpu->system->cost.table_free_cycles,
                     BUCKET_KERNEL);
    return tlb_how_to_go_on(&visit);
}
