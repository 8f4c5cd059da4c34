/* SPDX-License-Identifier: MIT */
/*
 * mmu_gather of Linux 4.6 (include/asm-generic/tlb.h, mm/memory.c): collects
 * what an unmapping has cleared, says what range to flush, and holds the pages
 * back until the flush is done. Law: unhook the entry, invalidate, free.
 *
 * The range is the minimum and maximum over the entries really cleared, plus
 * one page per page table freed; with nothing cleared there is no flush.
 * Pages and freed tables share the batches: 8 on the stack, then up to 19
 * pages of 510, so that the 9,698th forces a flush.
 */
#ifndef MMUSIM_COHERENCE_MMU_GATHER_H
#define MMUSIM_COHERENCE_MMU_GATHER_H

#include "core/types.h"

enum {
    GATHER_STACK_PAGES = 8,   /* MMU_GATHER_BUNDLE */
    GATHER_BATCH_PAGES = 510, /* (4096 - 16) / 8 */
    GATHER_MAX_BATCHES = 19,  /* 10000 / 510 */
    GATHER_MAX_PAGES =
        GATHER_STACK_PAGES + GATHER_MAX_BATCHES * GATHER_BATCH_PAGES,
};

struct gathered_page {
    pfn_t pfn;
    uint8_t order; /* of the page, in 4 KiB units */
    bool is_table;
};

/* One CPU's gather; the page list is kept from use to use. */
struct mmu_gather {
    uint64_t start; /* empty: start > end */
    uint64_t end;
    bool has_tables; /* among what waits for the flush */
    bool is_full_mm;
    struct gathered_page *pages;
    uint32_t n_pages;
    uint32_t capacity;
};

enum gather_scope { GATHER_RANGE, GATHER_FULL_MM };

void mmusim__gather_begin(struct mmu_gather *gather, enum gather_scope scope);
/* An entry mapping [vaddr, vaddr + bytes) was cleared or changed. */
void mmusim__gather_entry(struct mmu_gather *gather, uint64_t vaddr,
                          uint64_t bytes);
enum gather_full { GATHER_HAS_ROOM, GATHER_MUST_FLUSH, GATHER_NOMEM };
/* Holds a page (or a table) back. */
enum gather_full mmusim__gather_page(struct mmu_gather *gather, pfn_t pfn,
                                     bool is_table);
/* The same for a page of any size. */
enum gather_full mmusim__gather_block(struct mmu_gather *gather, pfn_t pfn,
                                      uint32_t order);
bool mmusim__gather_needs_flush(const struct mmu_gather *gather);
/* The range has been flushed. */
void mmusim__gather_flushed(struct mmu_gather *gather);
void mmusim__gather_fini(struct mmu_gather *gather);

#endif
