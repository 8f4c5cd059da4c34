/* SPDX-License-Identifier: MIT */
/* mmu_gather of 4.6: see mmu_gather.h. */
#include "coherence/mmu_gather.h"

#include <stdlib.h>

static void gather_reset_range(struct mmu_gather *gather)
{
    gather->start = UINT64_MAX; /* TASK_SIZE in the kernel */
    gather->end = 0;
    gather->has_tables = false;
}

void mmusim__gather_begin(struct mmu_gather *gather, enum gather_scope scope)
{
    gather->is_full_mm = scope == GATHER_FULL_MM;
    gather->n_pages = 0;
    gather_reset_range(gather);
}

void mmusim__gather_entry(struct mmu_gather *gather, uint64_t vaddr,
                          uint64_t bytes)
{
    gather->start = min_u64(gather->start, vaddr);
    gather->end = max_u64(gather->end, vaddr + bytes);
}

static bool gather_grow(struct mmu_gather *gather)
{
    uint32_t capacity = gather->capacity ? gather->capacity * 4 : 16;
    struct gathered_page *pages;

    if (capacity > GATHER_MAX_PAGES)
        capacity = GATHER_MAX_PAGES;
    pages = realloc(gather->pages, capacity * sizeof(*pages));
    if (!pages)
        return false;
    gather->pages = pages;
    gather->capacity = capacity;
    return true;
}

static enum gather_full gather_add(struct mmu_gather *gather,
                                   struct gathered_page page)
{
    if (gather->n_pages == gather->capacity && !gather_grow(gather))
        return GATHER_NOMEM;
    gather->has_tables |= page.is_table;
    gather->pages[gather->n_pages++] = page;
    return gather->n_pages == GATHER_MAX_PAGES ? GATHER_MUST_FLUSH
                                               : GATHER_HAS_ROOM;
}

enum gather_full mmusim__gather_page(struct mmu_gather *gather, pfn_t pfn,
                                     bool is_table)
{
    const struct gathered_page page = {.pfn = pfn, .is_table = is_table};

    return gather_add(gather, page);
}

enum gather_full mmusim__gather_block(struct mmu_gather *gather, pfn_t pfn,
                                      uint32_t order)
{
    const struct gathered_page page = {.pfn = pfn, .order = (uint8_t) order};

    return gather_add(gather, page);
}

bool mmusim__gather_needs_flush(const struct mmu_gather *gather)
{
    return gather->end != 0; /* tlb_flush_mmu_tlbonly() tests end alone */
}

void mmusim__gather_flushed(struct mmu_gather *gather)
{
    gather_reset_range(gather);
}

void mmusim__gather_fini(struct mmu_gather *gather)
{
    free(gather->pages);
    gather->pages = NULL;
    gather->capacity = 0;
}
