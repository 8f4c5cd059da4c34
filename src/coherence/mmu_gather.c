/* SPDX-License-Identifier: MIT */
/* mmu_gather: see mmu_gather.h. */
#include "coherence/mmu_gather.h"

#include "coherence/ipi.h"
#include "coherence/mm_rules.h"
#include "core/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- the shape ---- */

/* struct mmu_gather_batch: a pointer and two 32-bit counts. */
static uint32_t gather_page_slots(uint64_t page_bytes, uint32_t pointer_bytes)
{
    return (uint32_t) ((page_bytes - pointer_bytes - 8) / pointer_bytes);
}

/* struct mmu_table_batch: an rcu_head of two pointers, and a count. */
static uint32_t gather_table_slots(uint64_t page_bytes, uint32_t pointer_bytes)
{
    return (uint32_t) ((page_bytes - 3 * (uint64_t) pointer_bytes) /
                       pointer_bytes);
}

/* HAVE_RCU_TABLE_FREE, MMU_GATHER_RCU_TABLE_FREE: arm64 3.19, Armv7 with long
 * descriptors, RISC-V 6.10; x86 under a hypervisor that flushes for preempted
 * virtual CPUs 4.14, always 6.15. */
static bool gather_batches_tables(const struct mm_rules *rules,
                                  const struct gather_habitat *habitat)
{
    switch (habitat->isa) {
    case ISA_X86_64:
    case ISA_I386:
        return rules->batches_tables ||
               (habitat->has_pv_flush && rules->gather_counts_nested);
    case ISA_ARMV8:
        return rules->frees_pages_late;
    case ISA_ARMV7:
        return rules->frees_pages_late && !habitat->has_joint_tables;
    case ISA_RISCV:
        return rules->batches_tables;
    case ISA_COUNT:
        break;
    }
    return false;
}

static bool gather_is_32_bit(enum isa isa)
{
    return isa == ISA_I386 || isa == ISA_ARMV7;
}

struct gather_shape mmusim__gather_shape(const struct mm_rules *rules,
                                         const struct gather_habitat *habitat)
{
    uint32_t pointer_bytes = gather_is_32_bit(habitat->isa) ? 4 : 8;
    uint64_t page_bytes = habitat->page_bytes;
    struct gather_shape shape = {
        .rules = rules,
        .stack_slots = rules->gather_stack_pages,
        .page_slots = gather_page_slots(page_bytes, pointer_bytes),
        .flushes_areas = habitat->isa != ISA_X86_64 && habitat->isa != ISA_I386,
        .failures_per_million = habitat->failures_per_million,
    };

    shape.max_pages = rules->gather_total_pages / shape.page_slots;
    if (rules->gather_takes_page) {
        shape.page_slots = (uint32_t) (page_bytes / pointer_bytes);
        shape.max_pages = 0;
    }
    if (gather_batches_tables(rules, habitat))
        shape.table_slots = gather_table_slots(page_bytes, pointer_bytes);
    return shape;
}

/* ---- mm_tlb_flush_pending ---- */

void mmusim__flush_pending_begin(const struct mm_rules *rules,
                                 struct address_space *mm, enum pending_by by)
{
    if (rules->gather_counts_nested)
        mm->n_flushes_pending++;
    else if (by == PENDING_BY_PROTECT)
        mm->n_flushes_pending = 1;
}

void mmusim__flush_pending_end(const struct mm_rules *rules,
                               struct address_space *mm, enum pending_by by)
{
    if (!rules->gather_counts_nested) {
        if (by == PENDING_BY_PROTECT)
            mm->n_flushes_pending = 0;
        return;
    }
    mmusim_assert(mm->n_flushes_pending);
    mm->n_flushes_pending--;
}

/* ---- one gather ---- */

void mmusim__gather_init(struct mmu_gather *gather,
                         const struct gather_shape *shape, uint64_t seed,
                         uint64_t stream)
{
    memset(gather, 0, sizeof(*gather));
    gather->shape = shape;
    mmusim__rng_init(&gather->rng, seed, stream);
}

void mmusim__gather_fini(struct mmu_gather *gather)
{
    free(gather->pages);
    free(gather->tables);
    gather->pages = NULL;
    gather->tables = NULL;
    gather->capacity = 0;
    gather->table_capacity = 0;
}

static void gather_reset_range(struct mmu_gather *gather)
{
    gather->start = UINT64_MAX; /* TASK_SIZE in the kernel */
    gather->end = 0;
    gather->frees_tables = false;
    gather->cleared_levels = 0;
    gather->stride_order = GATHER_NO_STRIDE;
}

/* A page without waiting (GFP_NOWAIT); false: there is none. */
static bool gather_allocate(struct mmu_gather *gather)
{
    uint32_t failures_per_million = gather->shape->failures_per_million;

    if (failures_per_million &&
        mmusim__rng_below(&gather->rng, 1000000) < failures_per_million) {
        gather->n_failures++;
        return false;
    }
    gather->n_allocated++;
    return true;
}

static uint32_t gather_batch_slots(const struct mmu_gather *gather)
{
    const struct gather_shape *shape = gather->shape;
    bool is_page = gather->batch_index || gather->has_page;
    uint32_t slots = is_page ? shape->page_slots : shape->stack_slots;

    return slots - shape->rules->gather_leaves_one_slot;
}

/* __tlb_alloc_page() of arch/arm. */
static void gather_take_page(struct mmu_gather *gather)
{
    if (gather->shape->rules->gather_takes_page && !gather->has_page)
        gather->has_page = gather_allocate(gather);
}

void mmusim__gather_begin(struct mmu_gather *gather, struct address_space *mm,
                          enum gather_scope scope, uint64_t start, uint64_t end)
{
    mmusim_assert(!gather->mm && !gather->n_pages && !gather->n_tables);
    mmusim__flush_pending_begin(gather->shape->rules, mm, PENDING_BY_GATHER);
    gather->mm = mm;
    gather->asked_start = start;
    gather->asked_end = end;
    gather->is_full_mm = scope == GATHER_FULL_MM;
    gather->has_area = false;
    gather->has_delayed_rmap = false;
    gather->n_batches = 0;
    gather->has_page = false;
    gather->has_table_batch = false;
    gather_reset_range(gather);
    gather_take_page(gather);
    gather->batch_index = 0;
    gather->slots_left = gather_batch_slots(gather);
}

static void gather_extend(struct mmu_gather *gather, uint64_t vaddr,
                          uint64_t bytes)
{
    gather->start = min_u64(gather->start, vaddr);
    gather->end = max_u64(gather->end, vaddr + bytes);
}

static void gather_note_level(struct mmu_gather *gather, uint64_t bytes,
                              uint32_t level)
{
    uint32_t order = 0;

    if (!gather->shape->rules->gather_tracks_levels)
        return;
    while (bytes >> (BASE_PAGE_SHIFT + order) > 1)
        order++;
    gather->cleared_levels |= 1U << level;
    if (order < gather->stride_order)
        gather->stride_order = order;
}

void mmusim__gather_entry(struct mmu_gather *gather, uint64_t vaddr,
                          uint64_t bytes, uint32_t level)
{
    gather_extend(gather, vaddr, bytes);
    gather_note_level(gather, bytes, level);
}

/* ---- pages ---- */

static bool gather_grow(struct mmu_gather *gather)
{
    uint32_t capacity = gather->capacity ? gather->capacity * 4 : 16;
    struct gathered_page *pages;

    if (gather->n_pages < gather->capacity)
        return true;
    pages = realloc(gather->pages, capacity * sizeof(*pages));
    if (!pages)
        return false;
    gather->pages = pages;
    gather->capacity = capacity;
    return true;
}

/* tlb_next_batch() */
static bool gather_next_batch(struct mmu_gather *gather)
{
    if (gather->has_delayed_rmap && gather->batch_index)
        return false;
    if (gather->batch_index == gather->n_batches) {
        if (gather->n_batches == gather->shape->max_pages ||
            !gather_allocate(gather))
            return false;
        gather->n_batches++;
    }
    gather->batch_index++;
    gather->slots_left = gather_batch_slots(gather);
    return true;
}

static enum gather_full gather_add(struct mmu_gather *gather,
                                   struct gathered_page page)
{
    if (!gather_grow(gather))
        return GATHER_NOMEM;
    mmusim_assert(gather->slots_left);
    gather->pages[gather->n_pages++] = page;
    if (--gather->slots_left || gather_next_batch(gather))
        return GATHER_HAS_ROOM;
    return GATHER_MUST_FLUSH;
}

enum gather_full mmusim__gather_block(struct mmu_gather *gather, pfn_t pfn,
                                      uint32_t order)
{
    return gather_add(
        gather, (struct gathered_page){.pfn = pfn, .order = (uint8_t) order});
}

enum gather_full mmusim__gather_delayed(struct mmu_gather *gather, pfn_t pfn,
                                        uint64_t vaddr)
{
    gather->has_delayed_rmap = true;
    return gather_add(
        gather,
        (struct gathered_page){.pfn = pfn, .vaddr = vaddr, .has_rmap = true});
}

/* ---- tables ---- */

/* pte_free_tlb() and its kin: one page at the table's address; on Armv7, with
 * a table under two entries of 1 MiB each, the page on either side of the
 * border between them. */
static void gather_extend_table(struct mmu_gather *gather,
                                const struct gather_table *table)
{
    uint64_t vaddr = table->vaddr;
    uint64_t half = table->entry_bytes / 2;

    if (table->is_joint && gather->shape->rules->knows_joint_tables)
        gather_extend(gather, vaddr + half - BASE_PAGE_BYTES,
                      UINT64_C(2) * BASE_PAGE_BYTES);
    else
        gather_extend(gather, vaddr, BASE_PAGE_BYTES);
    gather->frees_tables = true;
    gather_note_level(gather, table->entry_bytes, table->level);
}

static bool gather_grow_tables(struct mmu_gather *gather)
{
    pfn_t *tables = gather->tables;

    if (gather->table_capacity)
        return true;
    tables = calloc(gather->shape->table_slots, sizeof(*tables));
    if (!tables)
        return false;
    gather->tables = tables;
    gather->table_capacity = gather->shape->table_slots;
    return true;
}

/* tlb_remove_table() */
static enum gather_full gather_batch_table(struct mmu_gather *gather,
                                           const struct gather_table *table)
{
    bool is_late = gather->shape->rules->frees_tables_late;

    if (!is_late && table->n_users < 2)
        return GATHER_TABLE_NOW;
    if (!gather_grow_tables(gather))
        return GATHER_NOMEM;
    if (!gather->has_table_batch)
        gather->has_table_batch = gather_allocate(gather);
    gather->tables[gather->n_tables++] = table->pfn;
    if (!gather->has_table_batch)
        return GATHER_TABLE_SYNC;
    return gather->n_tables == gather->shape->table_slots ? GATHER_TABLE_FLUSH
                                                          : GATHER_HAS_ROOM;
}

enum gather_full mmusim__gather_table(struct mmu_gather *gather,
                                      const struct gather_table *table)
{
    if (!gather->shape->rules->frees_pages_late)
        return GATHER_TABLE_NOW; /* pte_free() of arch/arm, 2.6.37 */
    gather_extend_table(gather, table);
    if (gather->shape->table_slots)
        return gather_batch_table(gather, table);
    return gather_add(
        gather, (struct gathered_page){.pfn = table->pfn, .is_table = true});
}

/* ---- flushing ---- */

bool mmusim__gather_is_nested(const struct mmu_gather *gather)
{
    return gather->shape->rules->gather_counts_nested &&
           gather->mm->n_flushes_pending > 1;
}

void mmusim__gather_force(struct mmu_gather *gather)
{
    gather_reset_range(gather);
    if (!gather->shape->rules->nested_flush_is_full) {
        gather_extend(gather, gather->asked_start,
                      gather->asked_end - gather->asked_start);
        return;
    }
    gather->is_full_mm = true;
    gather->frees_tables = true;
    gather_extend(gather, 0, UINT64_MAX);
}

bool mmusim__gather_needs_flush(const struct mmu_gather *gather)
{
    return gather->end != 0; /* tlb_flush_mmu_tlbonly() tests end alone */
}

struct flush_span mmusim__gather_span(const struct mmu_gather *gather)
{
    struct flush_span span = {
        .start = gather->start,
        .end = gather->end,
        .cleared_levels = gather->cleared_levels,
        .frees_tables = gather->frees_tables,
        .is_full_mm = gather->is_full_mm,
        .has_no_area = !gather->has_area && !gather->is_full_mm,
    };

    if (gather->stride_order != GATHER_NO_STRIDE)
        span.stride_order = gather->stride_order;
    if (gather->is_full_mm) {
        span.start = 0;
        span.end = FLUSH_END_ALL;
    }
    return span;
}

void mmusim__gather_flushed(struct mmu_gather *gather)
{
    gather_reset_range(gather);
}

void mmusim__gather_emptied(struct mmu_gather *gather)
{
    gather->n_pages = 0;
    gather->batch_index = 0;
    gather->has_delayed_rmap = false;
    gather_take_page(gather);
    gather->slots_left = gather_batch_slots(gather);
}

void mmusim__gather_tables_emptied(struct mmu_gather *gather)
{
    gather->n_tables = 0;
    gather->has_table_batch = false; /* RCU frees it */
}

void mmusim__gather_end(struct mmu_gather *gather)
{
    mmusim_assert(!gather->n_pages && !gather->n_tables);
    mmusim__flush_pending_end(gather->shape->rules, gather->mm,
                              PENDING_BY_GATHER);
    gather->mm = NULL;
}

uint32_t mmusim__gather_take_allocated(struct mmu_gather *gather)
{
    uint32_t n = gather->n_allocated;

    gather->n_allocated = 0;
    return n;
}
