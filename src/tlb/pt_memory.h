/* SPDX-License-Identifier: MIT */
/*
 * Page-table memory: radix tables as 64-bit words in simulated frames.
 *
 * Tables are known by their pfn; words by their physical address. Reads of an
 * address that is no table give 0 (a non-present entry): a walk through a freed
 * table finds nothing, and mmusim__pt_is_table tells the checker why.
 *
 * The memory costs 4 KiB per live table plus 32 bytes of bookkeeping, and a
 * directory: 32 KiB for each 16 MiB of simulated memory that holds tables.
 */
#ifndef MMUSIM_TLB_PT_MEMORY_H
#define MMUSIM_TLB_PT_MEMORY_H

#include "core/types.h"
#include "mmusim/status.h"

enum {
    PT_WORDS = 512,
    PT_MAX_LEVELS = 5,
    PT_ID_CHUNK = 64, /* a table with few pages stays small */
    PT_ID_CHUNKS = PT_WORDS / PT_ID_CHUNK,
};

struct pt_page {
    uint64_t words[PT_WORDS];
};

/* Bookkeeping of one live table. */
struct pt_info {
    pfn_t pfn;
    uint32_t level;     /* 0: its entries map 4K pages */
    uint32_t n_present; /* entries with a non-zero word */
    void *lock;         /* the OS layer's lock of this table, or NULL */
    /* miss_cause.h: translation numbers of leaf entries, by chunks of
     * PT_ID_CHUNK entries; NULL until the OS layer makes one, and the OS
     * layer's to free before the table goes. */
    uint32_t *translation_ids[PT_ID_CHUNKS];
    struct pt_page *page;
};

/* The translation number of an entry; 0: none. */
static inline uint32_t pt_translation_id(const struct pt_info *table,
                                         uint32_t index)
{
    const uint32_t *chunk = table->translation_ids[index / PT_ID_CHUNK];

    return chunk ? chunk[index % PT_ID_CHUNK] : 0;
}

struct pt_memory;

struct pt_memory *mmusim__pt_memory_create(void); /* NULL: out of memory */
void mmusim__pt_memory_destroy(struct pt_memory *memory);

/* Makes frame pfn (below 2^40, no table now) an empty table of a level; NULL:
 * out of memory, no table was made. */
struct pt_info *mmusim__pt_table_add(struct pt_memory *memory, pfn_t pfn,
                                     uint32_t level);
/* The frame is no table any more; its host memory goes back to the host, so
 * pointers to its pt_info are dead. */
void mmusim__pt_table_remove(struct pt_memory *memory, pfn_t pfn);
/* NULL if the frame is no table. O(1). */
struct pt_info *mmusim__pt_table(const struct pt_memory *memory, pfn_t pfn);
uint64_t mmusim__pt_table_count(const struct pt_memory *memory);

/* The word at a physical address (a multiple of 8). */
uint64_t mmusim__pt_read(const struct pt_memory *memory, uint64_t paddr);
/* Stores a word into a live table and keeps n_present. */
void mmusim__pt_write(struct pt_memory *memory, uint64_t paddr, uint64_t word);

#endif
