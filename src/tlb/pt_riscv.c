/* SPDX-License-Identifier: MIT */
/*
 * RISC-V: Sv39, Sv48, Sv57, and their guest-physical forms Sv39x4, Sv48x4,
 * Sv57x4 (stage 2), with Svnapot and Svpbmt: RISC-V privileged architecture,
 * "Sv39: Page-Based 39-bit Virtual-Memory System" and what follows it,
 * "Svnapot", and "Guest-Physical Address Translation".
 *
 * Made as Linux makes them: arch/riscv/include/asm/pgtable-{bits,64}.h.
 *
 * Left out: memory types (Svpbmt is only checked for the reserved encoding),
 * shadow stacks, SUM and MXR.
 */
#include "tlb/pt_table.h"

#include "core/check.h"

#include <stdio.h>

#define RISCV_BIT(n)        (UINT64_C(1) << (n))
#define RISCV_VALID         RISCV_BIT(0)
#define RISCV_READ          RISCV_BIT(1)
#define RISCV_WRITE         RISCV_BIT(2)
#define RISCV_EXECUTE       RISCV_BIT(3)
#define RISCV_USER          RISCV_BIT(4)
#define RISCV_GLOBAL        RISCV_BIT(5)
#define RISCV_ACCESSED      RISCV_BIT(6)
#define RISCV_DIRTY         RISCV_BIT(7)
#define RISCV_SOFT_NONE     RISCV_BIT(8)                 /* RSW */
#define RISCV_PPN           UINT64_C(0x003ffffffffffc00) /* 53:10 */
#define RISCV_RESERVED      UINT64_C(0x1fc0000000000000) /* 60:54 */
#define RISCV_MEMORY_TYPE   UINT64_C(0x6000000000000000) /* 62:61 */
#define RISCV_NAPOT         RISCV_BIT(63)
#define RISCV_LEAF          (RISCV_READ | RISCV_WRITE | RISCV_EXECUTE)
#define RISCV_NAPOT_LOG2    4 /* 64K, the only size defined */
#define RISCV_NAPOT_PATTERN 8 /* ppn[3:0] */

static uint64_t riscv_ppn(uint64_t word)
{
    return (word & RISCV_PPN) >> 10;
}

/* Encodings that are reserved in a word with V = 1: R = 0 and W = 1; bits
 * 60:54; memory type 3; in a pointer D, A, U, N and the memory type; in a
 * leaf, a large page whose frame is not aligned, and N but at the leaf level
 * with ppn[3:0] = 1000. */
static bool riscv_is_reserved(uint64_t word, uint32_t level)
{
    if (word & RISCV_RESERVED)
        return true;
    if ((word & (RISCV_READ | RISCV_WRITE)) == RISCV_WRITE)
        return true;
    if ((word & RISCV_MEMORY_TYPE) == RISCV_MEMORY_TYPE)
        return true;
    if (!(word & RISCV_LEAF))
        return level == 0 ||
               (word & (RISCV_DIRTY | RISCV_ACCESSED | RISCV_USER |
                        RISCV_NAPOT | RISCV_MEMORY_TYPE));
    if (word & RISCV_NAPOT)
        return level || riscv_ppn(word) % 16 != RISCV_NAPOT_PATTERN;
    return riscv_ppn(word) & (RISCV_BIT(9 * level) - 1);
}

static uint32_t riscv_leaf_rights(const struct pt_format *format, uint64_t word)
{
    uint32_t rights = 0;

    if (word & RISCV_READ)
        rights |= TLB_READ;
    if (word & RISCV_WRITE)
        rights |= TLB_WRITE;
    if (word & RISCV_EXECUTE)
        rights |= TLB_EXEC;
    if (word & RISCV_DIRTY)
        rights |= TLB_DIRTY;
    if (format->stage == PT_STAGE_2) {
        /* All accesses of a guest are user's here; G is ignored. */
        return word & RISCV_USER ? rights | TLB_USER : TLB_USER;
    }
    if (word & RISCV_USER)
        rights |= TLB_USER;
    if (word & RISCV_GLOBAL)
        rights |= TLB_GLOBAL;
    return rights;
}

static struct pt_entry riscv_decode(const struct pt_format *format,
                                    uint64_t word, uint32_t level)
{
    struct pt_entry entry = {0};
    uint64_t ppn = riscv_ppn(word);

    if (!(word & RISCV_VALID))
        return entry;
    entry.is_present = true;
    entry.is_reserved = riscv_is_reserved(word, level);
    entry.is_leaf = level == 0 || (word & RISCV_LEAF);
    if (!entry.is_leaf) {
        entry.is_accessed = true;
        entry.pfn = (pfn_t){ppn};
        entry.table = pfn_paddr(entry.pfn);
        entry.rights = PT_ALL_RIGHTS;
        if (word & RISCV_GLOBAL)
            entry.rights &= ~(uint32_t) PT_LOCAL;
        return entry;
    }
    entry.is_accessed = word & RISCV_ACCESSED;
    entry.order = (uint8_t) (9 * level);
    if (word & RISCV_NAPOT && level == 0)
        entry.order = RISCV_NAPOT_LOG2;
    entry.run_order = entry.order;
    entry.pfn = (pfn_t){ppn >> entry.order << entry.order};
    entry.rights = riscv_leaf_rights(format, word);
    return entry;
}

static uint64_t riscv_make_leaf(const struct pt_format *format, pfn_t pfn,
                                uint32_t level, uint32_t rights,
                                bool is_accessed)
{
    uint64_t ppn = pfn.v >> 9 * level << 9 * level;
    uint64_t word = ppn << 10 | RISCV_VALID;

    /* W without R is reserved. */
    if (rights & (TLB_READ | TLB_WRITE))
        word |= RISCV_READ;
    if (rights & TLB_WRITE)
        word |= RISCV_WRITE;
    if (rights & TLB_EXEC)
        word |= RISCV_EXECUTE;
    if (rights & TLB_USER || format->stage == PT_STAGE_2)
        word |= RISCV_USER;
    if (rights & TLB_GLOBAL)
        word |= RISCV_GLOBAL;
    if (rights & TLB_DIRTY)
        word |= RISCV_DIRTY;
    if (is_accessed)
        word |= RISCV_ACCESSED;
    return word;
}

static uint64_t riscv_make_table(const struct pt_format *format, uint64_t table,
                                 uint32_t level)
{
    (void) level;
    (void) format;
    return table >> BASE_PAGE_SHIFT << 10 | RISCV_VALID;
}

static uint64_t riscv_set_accessed(uint64_t word, uint32_t level)
{
    (void) level;
    return word | RISCV_ACCESSED;
}

static uint64_t riscv_set_dirty(uint64_t word, uint32_t level)
{
    (void) level;
    return word | RISCV_ACCESSED | RISCV_DIRTY;
}

/* Linux's _PAGE_PROT_NONE is G in a word with V = 0; a bit of RSW keeps the G
 * of kernel pages. A word without R, W and X would be a pointer to a table once
 * it is valid, so PAGE_NONE has R (arch/riscv/include/asm/pgtable.h). */
static uint64_t riscv_hide(uint64_t word, uint32_t level)
{
    (void) level;
    if (!(word & RISCV_LEAF))
        word |= RISCV_READ;
    return (word & ~RISCV_VALID) | RISCV_SOFT_NONE;
}

static uint64_t riscv_reveal(uint64_t word, uint32_t level)
{
    (void) level;
    if (!(word & RISCV_SOFT_NONE) || (word & RISCV_VALID))
        return word;
    return (word & ~RISCV_SOFT_NONE) | RISCV_VALID;
}

/* pte_mknapot(), arch/riscv/include/asm/pgtable.h. */
static uint64_t riscv_join(const struct pt_format *format, uint64_t word,
                           uint32_t level)
{
    uint64_t ppn = riscv_ppn(word);

    (void) format;
    if (level)
        return word;
    ppn = ppn >> RISCV_NAPOT_LOG2 << RISCV_NAPOT_LOG2 | RISCV_NAPOT_PATTERN;
    return (word & ~RISCV_PPN) | ppn << 10 | RISCV_NAPOT;
}

mmusim_status_t mmusim__pt_riscv_init(struct pt_format *format,
                                      const struct pt_options *options,
                                      mmusim_diag_t *diag)
{
    uint32_t widening = options->stage == PT_STAGE_2 ? 2 : 0;
    uint32_t n_levels = options->n_levels;

    if (!n_levels && options->vaddr_bits > 12)
        n_levels = (options->vaddr_bits - widening - 12) / 9;
    if (!n_levels)
        n_levels = 4; /* Sv48: reaches what other 64-bit systems' traces use */
    if (n_levels < 3 || n_levels > 5)
        return mmusim__pt_refuse(
            diag,
            options->n_levels ? "page_table.levels" : "page_table.vaddr_bits",
            "riscv has Sv39 of 3 levels, Sv48 of 4, Sv57 of 5");
    if (options->granule_bytes && options->granule_bytes != BASE_PAGE_BYTES)
        return mmusim__pt_refuse(diag, "page_table.granule",
                                 "the smallest riscv page is 4K");
    if (options->vaddr_bits &&
        options->vaddr_bits != 12 + 9 * n_levels + widening)
        return mmusim__pt_refuse(diag, "page_table.vaddr_bits",
                                 "riscv has 39 bits with 3 levels, 48 with 4, "
                                 "57 with 5; two more in stage 2");
    *format = (struct pt_format){
        .n_levels = n_levels,
        .vaddr_bits = 12 + 9 * n_levels + widening,
        .paddr_bits = 56,
        .word_log2 = 3,
        .stage = options->stage,
        .sets_accessed = true, /* Svadu */
        .sets_dirty = true,
        .has_global_tables = options->stage == PT_STAGE_1,
        .decode = riscv_decode,
        .make_leaf = riscv_make_leaf,
        .make_table = riscv_make_table,
        .set_accessed = riscv_set_accessed,
        .set_dirty = riscv_set_dirty,
        .hide = riscv_hide,
        .reveal = riscv_reveal,
        .join = riscv_join,
    };
    for (uint32_t level = 0; level < n_levels; level++) {
        format->levels[level] = (struct pt_level){
            .shift = (uint8_t) (12 + 9 * level),
            .bits = (uint8_t) (9 + (level + 1 == n_levels ? widening : 0)),
            .run_log2 = level ? 0 : RISCV_NAPOT_LOG2,
            .has_leaves = true,
        };
    }
    snprintf(format->name, sizeof(format->name), "riscv Sv%u%s",
             (unsigned) (12 + 9 * n_levels), widening ? "x4" : "");
    return MMUSIM_OK;
}
