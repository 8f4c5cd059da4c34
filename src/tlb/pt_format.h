/* SPDX-License-Identifier: MIT */
/*
 * A page-table format: how a word is read and made. One `static const struct
 * pt_format` per architecture in its own file plus one line in pt_table.c.
 * Only the format knows where bits lie and which combinations are legal.
 */
#ifndef MMUSIM_TLB_PT_FORMAT_H
#define MMUSIM_TLB_PT_FORMAT_H

#include "tlb/pt_memory.h"
#include "tlb/tlb_entry.h"

/* A decoded entry. rights are this entry's own, TLB_* of tlb_entry.h; a walk
 * combines levels by AND of READ, WRITE, EXEC, USER. DIRTY and GLOBAL are
 * those of a leaf. */
struct pt_entry {
    bool is_present;
    bool is_reserved; /* present with a reserved bit set: faults */
    bool is_leaf;
    bool is_accessed;
    pfn_t pfn; /* of the page, or of the next table */
    uint32_t rights;
};

struct pt_format {
    const char *name;
    uint32_t n_levels; /* 4 or 5 for x86-64 */
    uint32_t vaddr_bits;
    /* The entry read at a level (0 = leaf level of 4K pages). */
    struct pt_entry (*decode)(uint64_t word, uint32_t level);
    /* A leaf mapping a page of the level's size, one that may be read (x86:
     * P implies it; PROT_NONE has no leaf); a table pointer, Accessed from the
     * start as Linux makes them. */
    uint64_t (*make_leaf)(pfn_t pfn, uint32_t level, uint32_t rights,
                          bool is_accessed);
    uint64_t (*make_table)(pfn_t pfn);
    /* The word with Accessed set; with Accessed and Dirty set. */
    uint64_t (*set_accessed)(uint64_t word);
    uint64_t (*set_dirty)(uint64_t word);
    /* A leaf made not present that keeps its frame and rights (PROT_NONE), and
     * back; reveal of a word that was never hidden gives it unchanged. */
    uint64_t (*hide)(uint64_t word);
    uint64_t (*reveal)(uint64_t word);
};

static inline uint32_t pt_index(uint64_t vaddr, uint32_t level)
{
    return (uint32_t) (vaddr >> (BASE_PAGE_SHIFT + TABLE_LEVEL_BITS * level)) &
           (PT_WORDS - 1);
}

static inline uint64_t pt_word_paddr(pfn_t table, uint64_t vaddr,
                                     uint32_t level)
{
    return table.v << BASE_PAGE_SHIFT | (uint64_t) pt_index(vaddr, level) << 3;
}

static inline uint32_t pt_level_order(uint32_t level)
{
    return TABLE_LEVEL_BITS * level;
}

/* x86-64 with 4 or 5 levels; NULL for any other number. */
const struct pt_format *mmusim__pt_format_x86_64(uint32_t n_levels);

/* The format of an architecture (isa of the configuration: "x86-64") with a
 * number of levels; NULL if there is none. */
const struct pt_format *mmusim__pt_format(const char *isa, uint32_t n_levels);

#endif
