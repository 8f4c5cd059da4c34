/* SPDX-License-Identifier: MIT */
/*
 * Armv7-A's short descriptors: Arm ARM (DDI 0406C) B3.5. A first-level table
 * of 4096 words, our level 1, maps sections of 1M and supersections of 16M
 * (16 equal words); a second-level table of 256 words, our level 0, small
 * pages of 4K and large ones of 64K (16 equal words).
 *
 * Linux (arch/arm/include/asm/pgtable-2level.h) puts two second-level tables
 * at offset 2048 of one 4K page and links both at once. Below them it keeps
 * its own words, for "young", "dirty" and "writable"; here those are AP[0]
 * and TEX[2:1], which are software's while SCTLR.TRE = 1. AP[0] is read as
 * the Access flag (SCTLR.AFE = 1): Linux has AFE = 0 and clears the whole word
 * of a page that is not young; both fault, and words of pages in use agree.
 *
 * Left out: domains (all are client), memory types, NS, the AP encodings that
 * AFE = 1 does not have, and TTBCR.N.
 */
#include "tlb/pt_table.h"

#include "core/check.h"

#define SHORT_BIT(n)        (UINT32_C(1) << (n))
#define SHORT_TYPE          UINT32_C(3)
#define SHORT_TYPE_TABLE    1
#define SHORT_TYPE_SECTION  2 /* 3: with PXN */
#define SHORT_TYPE_LARGE    1
#define SHORT_TYPE_SMALL    2             /* 3: with XN */
#define SHORT_CACHED        UINT32_C(0xc) /* C and B */
#define SHORT_SUPERSECTION  SHORT_BIT(18)
#define SHORT_TABLE_PXN     SHORT_BIT(2)
#define SHORT_TABLE_DEFAULT UINT32_C(0x31) /* below */

enum {
    SHORT_SECTION_ORDER = 8,
    SHORT_SUPERSECTION_ORDER = 12,
    SHORT_LARGE_ORDER = 4,
    SHORT_RUN_LOG2 = 4,
    SHORT_HARDWARE_TABLES = 2048, /* PTE_HWTABLE_OFF */
};

/* Where the bits of a kind of leaf are: B3.5.1, figures B3-4 and B3-5. */
struct short_layout {
    uint32_t access_flag; /* AP[0] */
    uint32_t user;        /* AP[1] */
    uint32_t read_only;   /* AP[2] */
    uint32_t execute_never;
    uint32_t shared;
    uint32_t not_global;
    uint32_t tex_0;
    uint32_t soft_writable; /* TEX[1] */
    uint32_t soft_dirty;    /* TEX[2] */
};

static const struct short_layout short_section = {
    SHORT_BIT(10), SHORT_BIT(11), SHORT_BIT(15), SHORT_BIT(4),  SHORT_BIT(16),
    SHORT_BIT(17), SHORT_BIT(12), SHORT_BIT(13), SHORT_BIT(14),
};
static const struct short_layout short_small = {
    SHORT_BIT(4),  SHORT_BIT(5), SHORT_BIT(9), SHORT_BIT(0), SHORT_BIT(10),
    SHORT_BIT(11), SHORT_BIT(6), SHORT_BIT(7), SHORT_BIT(8),
};
static const struct short_layout short_large = {
    SHORT_BIT(4),  SHORT_BIT(5),  SHORT_BIT(9),  SHORT_BIT(15), SHORT_BIT(10),
    SHORT_BIT(11), SHORT_BIT(12), SHORT_BIT(13), SHORT_BIT(14),
};

/* Of a word whose type is not hidden. */
static const struct short_layout *short_layout_of(uint64_t word, uint32_t level)
{
    if (level)
        return &short_section;
    return (word & SHORT_TYPE) == SHORT_TYPE_LARGE ? &short_large
                                                   : &short_small;
}

/* ---- reading ---- */

static uint32_t short_rights(uint32_t word, uint32_t level)
{
    const struct short_layout *at = short_layout_of(word, level);
    bool is_writable = !(word & at->read_only) || (word & at->soft_writable);
    uint32_t rights = TLB_READ;

    if (is_writable)
        rights |= TLB_WRITE;
    if (is_writable ? !(word & at->read_only) : !!(word & at->soft_dirty))
        rights |= TLB_DIRTY;
    if (word & at->user)
        rights |= TLB_USER;
    if (!(word & at->not_global))
        rights |= TLB_GLOBAL;
    if (word & at->execute_never)
        return rights;
    rights |= TLB_EXEC;
    if (!level || !(word & SHORT_BIT(0))) /* a section's PXN */
        rights |= PT_PRIVILEGED_EXEC;
    return rights;
}

/* Where the page of a leaf begins, and how large it is. */
static uint64_t short_leaf_address(uint32_t word, uint32_t level,
                                   uint8_t *order)
{
    if (!level) {
        bool is_large = (word & SHORT_TYPE) == SHORT_TYPE_LARGE;

        *order = is_large ? SHORT_LARGE_ORDER : 0;
        return word & (is_large ? 0xffff0000 : 0xfffff000);
    }
    if (!(word & SHORT_SUPERSECTION)) {
        *order = SHORT_SECTION_ORDER;
        return word & 0xfff00000;
    }
    *order = SHORT_SUPERSECTION_ORDER;
    /* Bits 23:20 and 8:5 are the address's 35:32 and 39:36. */
    return (word & 0xff000000) | (uint64_t) (word >> 20 & 0xf) << 32 |
           (uint64_t) (word >> 5 & 0xf) << 36;
}

static struct pt_entry short_decode(const struct pt_format *format,
                                    uint64_t word64, uint32_t level)
{
    uint32_t word = (uint32_t) word64;
    struct pt_entry entry = {0};
    uint64_t address;

    (void) format;
    if (!(word & SHORT_TYPE))
        return entry;
    entry.is_present = true;
    if (level && (word & SHORT_TYPE) == SHORT_TYPE_TABLE) {
        entry.is_accessed = true;
        entry.table = word & 0xfffffc00;
        entry.pfn = (pfn_t){entry.table >> BASE_PAGE_SHIFT};
        entry.rights = PT_ALL_RIGHTS;
        if (word & SHORT_TABLE_PXN)
            entry.rights &= ~(uint32_t) PT_PRIVILEGED_EXEC;
        return entry;
    }
    entry.is_leaf = true;
    address = short_leaf_address(word, level, &entry.order);
    entry.run_order = entry.order;
    entry.pfn = (pfn_t){address >> BASE_PAGE_SHIFT};
    entry.rights = short_rights(word, level);
    entry.is_accessed = word & short_layout_of(word, level)->access_flag;
    return entry;
}

/* ---- making ---- */

/* As cpu_v7_set_pte_ext of Linux's arch/arm/mm/proc-v7-2level.S for a normal,
 * shared, write-allocate page: C, B, TEX[0] and S; a page that is writable but
 * clean is read-only. */
static uint64_t short_make_leaf(const struct pt_format *format, pfn_t pfn,
                                uint32_t level, uint32_t rights,
                                bool is_accessed)
{
    const struct short_layout *at = level ? &short_section : &short_small;
    uint32_t order = level ? SHORT_SECTION_ORDER : 0;
    uint32_t word = (uint32_t) (pfn_paddr(pfn) >> (12 + order) << (12 + order));

    (void) format;
    mmusim_assert(!(pfn.v >> 20)); /* no small page beyond 4G */
    word |= level ? SHORT_TYPE_SECTION : SHORT_TYPE_SMALL;
    word |= SHORT_CACHED | at->tex_0 | at->shared;
    if (is_accessed)
        word |= at->access_flag;
    if (rights & TLB_USER)
        word |= at->user;
    if (!(rights & TLB_GLOBAL))
        word |= at->not_global;
    if (!(rights & TLB_EXEC))
        word |= at->execute_never;
    if (!(rights & TLB_WRITE) || !(rights & TLB_DIRTY))
        word |= at->read_only;
    if ((rights & TLB_WRITE) && !(rights & TLB_DIRTY))
        word |= at->soft_writable;
    if (!(rights & TLB_WRITE) && (rights & TLB_DIRTY))
        word |= at->soft_dirty;
    return word;
}

/* _PAGE_USER_TABLE: the type, bit 4 and domain 1. */
static uint64_t short_make_table(const struct pt_format *format, uint64_t table,
                                 uint32_t level)
{
    (void) level;
    (void) format;
    return (table & 0xfffffc00) | SHORT_TABLE_DEFAULT;
}

static uint64_t short_set_accessed(uint64_t word, uint32_t level)
{
    return word | short_layout_of(word, level)->access_flag;
}

static uint64_t short_set_dirty(uint64_t word, uint32_t level)
{
    const struct short_layout *at = short_layout_of(word, level);

    word |= at->access_flag;
    if (!(word & at->read_only))
        return word;
    if (!(word & at->soft_writable))
        return word | at->soft_dirty;
    return word & ~(uint64_t) (at->read_only | at->soft_writable);
}

/* The type moves to bits 3:2, where every leaf made here has C and B. */
static uint64_t short_hide(uint64_t word, uint32_t level)
{
    (void) level;
    return (word & ~(uint64_t) (SHORT_TYPE | SHORT_CACHED)) |
           (word & SHORT_TYPE) << 2;
}

static uint64_t short_reveal(uint64_t word, uint32_t level)
{
    (void) level;
    if ((word & SHORT_TYPE) || !(word & SHORT_CACHED))
        return word;
    return (word & ~(uint64_t) SHORT_CACHED) | (word & SHORT_CACHED) >> 2 |
           SHORT_CACHED;
}

/* Small page to large, section to supersection: the same bits elsewhere. */
static uint64_t short_join(const struct pt_format *format, uint64_t word,
                           uint32_t level)
{
    uint64_t joined;

    (void) format;
    if (level)
        return (word & 0xff0ffe1f) | SHORT_SUPERSECTION;
    joined = (word & 0xffff0e3c) | SHORT_TYPE_LARGE;
    joined |= (word & 0x1c0) << 6; /* TEX */
    if (word & short_small.execute_never)
        joined |= short_large.execute_never;
    return joined;
}

mmusim_status_t mmusim__pt_short_init(struct pt_format *format,
                                      const struct pt_options *options,
                                      mmusim_diag_t *diag)
{
    if (options->n_levels && options->n_levels != 2)
        return mmusim__pt_refuse(diag, "page_table.levels",
                                 "armv7's short descriptors have 2 levels");
    if (options->granule_bytes && options->granule_bytes != BASE_PAGE_BYTES)
        return mmusim__pt_refuse(diag, "page_table.granule",
                                 "armv7's smallest page is 4K");
    if (options->vaddr_bits && options->vaddr_bits != 32)
        return mmusim__pt_refuse(diag, "page_table.vaddr_bits",
                                 "armv7 has 32 bits");
    *format = (struct pt_format){
        .name = "armv7 short",
        .n_levels = 2,
        .vaddr_bits = 32,
        .paddr_bits = 40,
        .word_log2 = 2,
        .has_privileged_exec = true,
        .levels = {{.shift = 12,
                    .bits = 8,
                    .run_log2 = SHORT_RUN_LOG2,
                    .joint_log2 = 1,
                    .has_leaves = true,
                    .os_offset = SHORT_HARDWARE_TABLES},
                   {.shift = 20,
                    .bits = 12,
                    .run_log2 = SHORT_RUN_LOG2,
                    .has_leaves = true}},
        .decode = short_decode,
        .make_leaf = short_make_leaf,
        .make_table = short_make_table,
        .set_accessed = short_set_accessed,
        .set_dirty = short_set_dirty,
        .hide = short_hide,
        .reveal = short_reveal,
        .join = short_join,
    };
    return MMUSIM_OK;
}
