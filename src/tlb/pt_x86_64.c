/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 page-table format, 4 and 5 levels: Intel SDM vol. 3A 4.5, tables
 * 4-14 to 4-20, with MAXPHYADDR 52 and IA32_EFER.NXE = 1, as Linux runs. Its
 * tables PML5, PML4, PDPT, PD and PT are our levels 4, 3, 2, 1 and 0.
 *
 * Left out: memory types (PWT, PCD, PAT), protection keys and HLAT; their
 * bits are ignored when read and 0 when made.
 */
#include "core/check.h"
#include "core/diag.h"
#include "tlb/pt_table.h"
#include "tlb/pt_x86.h"

#define X86_PAT_LARGE          (UINT64_C(1) << 12)
#define X86_NO_EXECUTE         (UINT64_C(1) << 63)
#define X86_ADDRESS            UINT64_C(0x000ffffffffff000) /* bits 51:12 */
#define X86_HIGHEST_LEAF_LEVEL 2                            /* 1G pages */

static bool x86_is_leaf(uint64_t word, uint32_t level)
{
    if (level == 0)
        return true;
    return level <= X86_HIGHEST_LEAF_LEVEL && (word & X86_PAGE_SIZE);
}

static uint32_t x86_order(uint32_t level)
{
    return 9 * level; /* 4K, 2M, 1G */
}

/* Address bits of an entry that lie below its page's size. */
static uint64_t x86_offset_bits(uint32_t level)
{
    uint64_t page_bytes = UINT64_C(1) << (BASE_PAGE_SHIFT + x86_order(level));

    return X86_ADDRESS & (page_bytes - 1);
}

static bool x86_is_reserved(uint64_t word, uint32_t level)
{
    /* Tables 4-14, 4-15: PS must be 0. Tables 4-16, 4-18: bits 20:13 or
     * 29:13 must be 0. */
    if (level > X86_HIGHEST_LEAF_LEVEL)
        return word & X86_PAGE_SIZE;
    if (level == 0 || !x86_is_leaf(word, level))
        return false;
    return word & x86_offset_bits(level) & ~X86_PAT_LARGE;
}

static uint32_t x86_rights(uint64_t word, bool is_leaf)
{
    uint32_t rights = TLB_READ;

    if (word & X86_WRITABLE)
        rights |= TLB_WRITE;
    if (!(word & X86_NO_EXECUTE))
        rights |= TLB_EXEC;
    if (word & X86_USER)
        rights |= TLB_USER;
    if (is_leaf && word & X86_DIRTY)
        rights |= TLB_DIRTY;
    if (is_leaf && word & X86_GLOBAL)
        rights |= TLB_GLOBAL;
    return rights;
}

static struct pt_entry x86_decode(const struct pt_format *format, uint64_t word,
                                  uint32_t level)
{
    struct pt_entry entry = {0};
    uint64_t address = word & X86_ADDRESS;

    (void) format;
    if (!(word & X86_PRESENT))
        return entry;
    entry.is_present = true;
    entry.is_reserved = x86_is_reserved(word, level);
    entry.is_leaf = x86_is_leaf(word, level);
    entry.is_accessed = word & X86_ACCESSED;
    if (entry.is_leaf) {
        address &= ~x86_offset_bits(level);
        entry.order = entry.run_order = (uint8_t) x86_order(level);
    } else {
        entry.table = address;
    }
    entry.pfn = (pfn_t){address >> BASE_PAGE_SHIFT};
    entry.rights = x86_rights(word, entry.is_leaf);
    return entry;
}

/* A page that must not be read has no leaf: P implies READ. */
static uint64_t x86_make_leaf(const struct pt_format *format, pfn_t pfn,
                              uint32_t level, uint32_t rights, bool is_accessed)
{
    uint64_t word = X86_PRESENT;

    (void) format;
    mmusim_assert(level <= X86_HIGHEST_LEAF_LEVEL);
    word |= pfn.v << BASE_PAGE_SHIFT & X86_ADDRESS & ~x86_offset_bits(level);
    if (level > 0)
        word |= X86_PAGE_SIZE;
    if (rights & TLB_WRITE)
        word |= X86_WRITABLE;
    if (rights & TLB_USER)
        word |= X86_USER;
    if (rights & TLB_DIRTY)
        word |= X86_DIRTY;
    if (rights & TLB_GLOBAL)
        word |= X86_GLOBAL;
    if (!(rights & TLB_EXEC))
        word |= X86_NO_EXECUTE;
    if (is_accessed)
        word |= X86_ACCESSED;
    return word;
}

static uint64_t x86_make_table(const struct pt_format *format, uint64_t table,
                               uint32_t level)
{
    (void) level;
    (void) format;
    return (table & X86_ADDRESS) | X86_TABLE;
}

#define X86_LEVEL(number)                                                      \
    {                                                                          \
        .shift = 12 + 9 * (number), .bits = 9,                                 \
        .has_leaves = (number) <= X86_HIGHEST_LEAF_LEVEL,                      \
    }

#define X86_FORMAT(text, levels_, bits_)                                       \
    {                                                                          \
        .name = text, .n_levels = levels_, .vaddr_bits = bits_,                \
        .paddr_bits = 52, .word_log2 = 3, .sets_accessed = true,               \
        .sets_dirty = true,                                                    \
        .levels = {X86_LEVEL(0), X86_LEVEL(1), X86_LEVEL(2), X86_LEVEL(3),     \
                   X86_LEVEL(4)},                                              \
        .decode = x86_decode, .make_leaf = x86_make_leaf,                      \
        .make_table = x86_make_table, .set_accessed = pt_x86_set_accessed,     \
        .set_dirty = pt_x86_set_dirty, .hide = pt_x86_hide,                    \
        .reveal = pt_x86_reveal,                                               \
    }

static const struct pt_format x86_formats[] = {
    X86_FORMAT("x86-64 4-level", 4, 48),
    X86_FORMAT("x86-64 5-level", 5, 57),
};

const struct pt_format *mmusim__pt_format_x86_64(uint32_t n_levels)
{
    if (n_levels < 4 || n_levels > 5)
        return NULL;
    return &x86_formats[n_levels - 4];
}

mmusim_status_t mmusim__pt_x86_64_init(struct pt_format *format,
                                       const struct pt_options *options,
                                       mmusim_diag_t *diag)
{
    uint32_t n_levels = options->n_levels;

    if (!n_levels)
        n_levels = options->vaddr_bits == 57 ? 5 : 4;
    if (n_levels < 4 || n_levels > 5)
        return mmusim__pt_refuse(diag, "page_table.levels",
                                 "x86-64 has 4 or 5 levels");
    if (options->granule_bytes && options->granule_bytes != BASE_PAGE_BYTES)
        return mmusim__pt_refuse(diag, "page_table.granule",
                                 "the smallest x86-64 page is 4K");
    if (options->vaddr_bits &&
        options->vaddr_bits != x86_formats[n_levels - 4].vaddr_bits)
        return mmusim__pt_refuse(diag, "page_table.vaddr_bits",
                                 "x86-64 has 48 bits with 4 levels, 57 with 5");
    *format = x86_formats[n_levels - 4];
    return MMUSIM_OK;
}
