/* SPDX-License-Identifier: MIT */
/*
 * Page-table memory: radix tables as words of 4 or 8 bytes in simulated
 * frames.
 *
 * A table is a run of words: a part of a frame (an Armv7 second-level table is
 * 1 KiB; several may share a frame), a frame, or several frames. Reads of an
 * address that is in no table give 0 (a non-present entry): a walk through a
 * freed table finds nothing, and mmusim__pt_table tells the checker why.
 *
 * The memory costs a live table's size plus some 100 bytes of bookkeeping, and
 * a directory: 32 KiB for each 16 MiB of simulated memory that holds tables.
 */
#ifndef MMUSIM_TLB_PT_MEMORY_H
#define MMUSIM_TLB_PT_MEMORY_H

#include "core/types.h"
#include "mmusim/status.h"

enum {
    PT_WORDS = 512, /* of an x86-64 table, of an Arm one of 4 KiB */
    PT_MAX_LEVELS = 5,
    PT_WORD_LOG2 = 3, /* of most formats; 32-bit ones have 2 */
    PT_ID_CHUNK = 64, /* a table with few pages stays small */
};

/* Bookkeeping of one live table. */
struct pt_info {
    uint64_t paddr;     /* of its first word */
    pfn_t pfn;          /* frame of its first word */
    uint32_t level;     /* 0: its entries map the smallest pages */
    uint32_t n_words;   /* a power of two */
    uint32_t word_log2; /* log2 of a word's bytes: 2 or 3 */
    uint32_t n_present; /* entries with a non-zero word */
    void *lock;         /* the OS layer's lock of this table, or NULL */
    /* miss_cause.h: translation numbers of leaf entries, by chunks of
     * PT_ID_CHUNK entries; NULL until the OS layer makes one, and the OS
     * layer's to free before the table goes. */
    uint32_t **translation_ids;
    void *words;                   /* n_words, uint32_t or uint64_t */
    struct pt_info *next_in_frame; /* another table in the same frame */
};

static inline uint32_t pt_id_chunks(const struct pt_info *table)
{
    return (table->n_words + PT_ID_CHUNK - 1) / PT_ID_CHUNK;
}

/* The translation number of an entry; 0: none. */
static inline uint32_t pt_translation_id(const struct pt_info *table,
                                         uint32_t index)
{
    const uint32_t *chunk = table->translation_ids[index / PT_ID_CHUNK];

    return chunk ? chunk[index % PT_ID_CHUNK] : 0;
}

static inline uint64_t pt_word(const struct pt_info *table, uint32_t index)
{
    if (table->word_log2 == PT_WORD_LOG2)
        return ((const uint64_t *) table->words)[index];
    return ((const uint32_t *) table->words)[index];
}

/* The address of an entry, and the entry at an address inside the table. */
static inline uint64_t pt_entry_paddr(const struct pt_info *table,
                                      uint32_t index)
{
    return table->paddr + ((uint64_t) index << table->word_log2);
}

static inline uint32_t pt_entry_index(const struct pt_info *table,
                                      uint64_t paddr)
{
    return (uint32_t) ((paddr - table->paddr) >> table->word_log2);
}

struct pt_memory;

/* What a table looks like: inside one frame, or of whole frames. */
struct pt_shape {
    uint64_t paddr; /* a multiple of the table's size or of a frame */
    uint32_t level;
    uint32_t n_words;
    uint32_t word_log2;
};

/* Tables that somebody else keeps: asked for every word that lies in no table
 * of the memory's own. */
struct pt_host {
    void *context;
    /* False: it cannot be read; the entry counts as not present. */
    bool (*read)(void *context, uint64_t paddr, uint64_t *word);
    void (*write)(void *context, uint64_t paddr, uint64_t word);
    bool has_failed; /* the last read; the memory's own */
};

struct pt_memory *mmusim__pt_memory_create(void); /* NULL: out of memory */
/* host is borrowed. */
void mmusim__pt_memory_set_host(struct pt_memory *memory, struct pt_host *host);
/* Has the host refused the last word that it was asked for? */
bool mmusim__pt_host_has_failed(const struct pt_memory *memory);
void mmusim__pt_memory_destroy(struct pt_memory *memory);

/* Makes an empty table below 2^52 where none is now; NULL: out of memory, or
 * there is one: no table was made. */
struct pt_info *mmusim__pt_table_make(struct pt_memory *memory,
                                      const struct pt_shape *shape);
/* Makes a whole frame a table of PT_WORDS words of 8 bytes. */
struct pt_info *mmusim__pt_table_add(struct pt_memory *memory, pfn_t pfn,
                                     uint32_t level);
/* No table that begins in the frame is one any more; their host memory goes
 * back to the host, so pointers to their pt_info are dead. */
void mmusim__pt_table_remove(struct pt_memory *memory, pfn_t pfn);
/* The table in a frame, one of them where there are several; NULL if it holds
 * none. O(1). */
struct pt_info *mmusim__pt_table(const struct pt_memory *memory, pfn_t pfn);
/* The table that an address lies in, or NULL. */
struct pt_info *mmusim__pt_table_at(const struct pt_memory *memory,
                                    uint64_t paddr);
uint64_t mmusim__pt_table_count(const struct pt_memory *memory);

/* The word at a physical address (a multiple of its size). */
uint64_t mmusim__pt_read(const struct pt_memory *memory, uint64_t paddr);
/* Stores a word into a live table and keeps n_present. */
void mmusim__pt_write(struct pt_memory *memory, uint64_t paddr, uint64_t word);

#endif
