/* SPDX-License-Identifier: MIT */
/*
 * The 32-bit x86 formats: two levels of 4-byte words, Intel SDM vol. 3A 4.3,
 * tables 4-3 to 4-6: without large or global pages ("plain", 80386 and 80486),
 * or with pages of 4M, PSE-36 and G ("pse"); and PAE, three levels of 8-byte
 * words, SDM 4.4, tables 4-7 to 4-11, with XD.
 *
 * Left out: memory types; that MOV CR3 loads the four PDPTEs into registers
 * (a walk here reads them as it reads any table).
 */
#include "tlb/pt_table.h"
#include "tlb/pt_x86.h"

#include "core/check.h"

#include <string.h>

#define X86_LARGE_ORDER 10

/* ---- two levels ---- */

/* Machines before 4M pages had no global ones either: bit 8 came with the P6
 * (CR4.PGE) and was reserved, to be 0. */
static bool i386_is_plain(const struct pt_format *format)
{
    return !format->levels[1].has_leaves;
}

static uint32_t i386_rights(const struct pt_format *format, uint32_t word,
                            bool is_leaf)
{
    uint32_t rights = TLB_READ | TLB_EXEC; /* no XD */

    if (word & X86_WRITABLE)
        rights |= TLB_WRITE;
    if (word & X86_USER)
        rights |= TLB_USER;
    if (is_leaf && word & X86_DIRTY)
        rights |= TLB_DIRTY;
    if (is_leaf && (word & X86_GLOBAL) && !i386_is_plain(format))
        rights |= TLB_GLOBAL;
    return rights;
}

static struct pt_entry i386_decode(const struct pt_format *format,
                                   uint64_t word64, uint32_t level)
{
    uint32_t word = (uint32_t) word64;
    struct pt_entry entry = {0};

    if (!(word & X86_PRESENT))
        return entry;
    entry.is_present = true;
    entry.is_accessed = word & X86_ACCESSED;
    entry.is_leaf =
        !level || (format->levels[level].has_leaves && word & X86_PAGE_SIZE);
    entry.rights = i386_rights(format, word, entry.is_leaf);
    entry.pfn = (pfn_t){word >> BASE_PAGE_SHIFT};
    if (!entry.is_leaf)
        entry.table = pfn_paddr(entry.pfn);
    if (!entry.is_leaf || !level)
        return entry;
    /* Table 4-4: bits 31:22 are the address's, bits 20:13 its bits 39:32,
     * bit 12 is PAT, bit 21 is reserved. */
    entry.order = entry.run_order = X86_LARGE_ORDER;
    entry.is_reserved = word & UINT32_C(1) << 21;
    entry.pfn = (pfn_t){(uint64_t) (word >> 13 & 0xff) << 20 |
                        (word >> 22 << X86_LARGE_ORDER)};
    return entry;
}

static uint64_t i386_make_leaf(const struct pt_format *format, pfn_t pfn,
                               uint32_t level, uint32_t rights,
                               bool is_accessed)
{
    uint64_t word = X86_PRESENT;

    mmusim_assert(format->levels[level].has_leaves);
    if (level) {
        word |= (uint32_t) (pfn.v >> X86_LARGE_ORDER << 22) | X86_PAGE_SIZE;
        word |= (uint32_t) (pfn.v >> 20 & 0xff) << 13;
    } else {
        mmusim_assert(!(pfn.v >> 20));
        word |= (uint32_t) pfn.v << BASE_PAGE_SHIFT;
    }
    if (rights & TLB_WRITE)
        word |= X86_WRITABLE;
    if (rights & TLB_USER)
        word |= X86_USER;
    if (rights & TLB_DIRTY)
        word |= X86_DIRTY;
    if ((rights & TLB_GLOBAL) && !i386_is_plain(format))
        word |= X86_GLOBAL;
    if (is_accessed)
        word |= X86_ACCESSED;
    return word;
}

static uint64_t i386_make_table(const struct pt_format *format, uint64_t table,
                                uint32_t level)
{
    (void) level;
    (void) format;
    return (table & 0xfffff000) | X86_TABLE;
}

static mmusim_status_t x86_32_check(const struct pt_options *options,
                                    uint32_t n_levels, const char *levels_text,
                                    mmusim_diag_t *diag)
{
    if (options->n_levels && options->n_levels != n_levels)
        return mmusim__pt_refuse(diag, "page_table.levels", levels_text);
    if (options->granule_bytes && options->granule_bytes != BASE_PAGE_BYTES)
        return mmusim__pt_refuse(diag, "page_table.granule",
                                 "the smallest i386 page is 4K");
    if (options->vaddr_bits && options->vaddr_bits != 32)
        return mmusim__pt_refuse(diag, "page_table.vaddr_bits",
                                 "i386 has 32 bits");
    return MMUSIM_OK;
}

mmusim_status_t mmusim__pt_i386_init(struct pt_format *format,
                                     const struct pt_options *options,
                                     mmusim_diag_t *diag)
{
    mmusim_status_t status =
        x86_32_check(options, 2, "i386 has 2 levels, 3 with pae", diag);
    bool has_large = !options->variant || strcmp(options->variant, "plain");

    if (status)
        return status;
    *format = (struct pt_format){
        .name = "i386",
        .n_levels = 2,
        .vaddr_bits = 32,
        .paddr_bits = has_large ? 40 : 32,
        .word_log2 = 2,
        .sets_accessed = true,
        .sets_dirty = true,
        .levels = {{.shift = 12, .bits = 10, .has_leaves = true},
                   {.shift = 22, .bits = 10, .has_leaves = has_large}},
        .decode = i386_decode,
        .make_leaf = i386_make_leaf,
        .make_table = i386_make_table,
        .set_accessed = pt_x86_set_accessed,
        .set_dirty = pt_x86_set_dirty,
        .hide = pt_x86_hide,
        .reveal = pt_x86_reveal,
    };
    return MMUSIM_OK;
}

/* ---- PAE ---- */

/* Bits 62:52 of PDEs and PTEs are reserved, not ignored as in x86-64's; bits
 * 63:52, 8:5 and 2:1 of a PDPTE. */
#define PAE_RESERVED       UINT64_C(0x7ff0000000000000)
#define PAE_PDPTE_RESERVED UINT64_C(0xfff00000000001e6)
#define PAE_ADDRESS        UINT64_C(0x000ffffffffff000)

static struct pt_entry pae_decode(const struct pt_format *format, uint64_t word,
                                  uint32_t level)
{
    struct pt_entry entry = {0};

    if (level < 2) {
        const struct pt_format *like = mmusim__pt_format_x86_64(4);

        (void) format;
        entry = like->decode(like, word, level);
        entry.is_reserved |= entry.is_present && (word & PAE_RESERVED);
        return entry;
    }
    if (!(word & X86_PRESENT))
        return entry;
    entry.is_present = entry.is_accessed = true;
    entry.is_reserved = word & PAE_PDPTE_RESERVED;
    entry.table = word & PAE_ADDRESS;
    entry.pfn = (pfn_t){entry.table >> BASE_PAGE_SHIFT};
    entry.rights = TLB_READ | TLB_WRITE | TLB_EXEC | TLB_USER;
    return entry;
}

/* A PDPTE has no R/W, U/S, A and D. */
static uint64_t pae_make_table(const struct pt_format *format, uint64_t table,
                               uint32_t level)
{
    if (level == 2)
        return (table & PAE_ADDRESS) | X86_PRESENT;
    return mmusim__pt_format_x86_64(4)->make_table(format, table, level);
}

mmusim_status_t mmusim__pt_pae_init(struct pt_format *format,
                                    const struct pt_options *options,
                                    mmusim_diag_t *diag)
{
    mmusim_status_t status =
        x86_32_check(options, 3, "i386's pae has 3 levels", diag);

    if (status)
        return status;
    *format = *mmusim__pt_format_x86_64(4);
    strcpy(format->name, "i386 pae");
    format->n_levels = 3;
    format->vaddr_bits = 32;
    format->levels[2].bits = 2;
    format->levels[2].has_leaves = false;
    format->decode = pae_decode;
    format->make_table = pae_make_table;
    return MMUSIM_OK;
}
