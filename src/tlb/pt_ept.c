/* SPDX-License-Identifier: MIT */
/*
 * The second stages of x86-64: Intel's EPT, with Accessed and Dirty flags
 * (EPTP bit 6) or without, of 4 or 5 levels: Intel SDM vol. 3C 28.3.2 (29.3.2
 * in recent editions), tables 28-1 to 28-6; and AMD's nested page tables: AMD
 * APM vol. 2 15.25.5, x86-64's own format whose accesses are all user ones.
 *
 * An EPT misconfiguration is_reserved, whatever exit it takes; what EPT calls
 * not present has bits 2:0 = 0. Execute-only entries are supported
 * (IA32_VMX_EPT_VPID_CAP bit 0).
 *
 * Left out: memory types (made, and checked for reserved ones), mode-based
 * execute control, #VE, sub-page write permissions, PML.
 */
#include "tlb/pt_table.h"

#include "core/check.h"

#include <stdio.h>
#include <string.h>

#define EPT_BIT(n)       (UINT64_C(1) << (n))
#define EPT_READ         EPT_BIT(0)
#define EPT_WRITE        EPT_BIT(1)
#define EPT_EXECUTE      EPT_BIT(2)
#define EPT_PRESENT      (EPT_READ | EPT_WRITE | EPT_EXECUTE)
#define EPT_WRITE_BACK   UINT64_C(0x30) /* memory type 6, bits 5:3 */
#define EPT_LARGE        EPT_BIT(7)
#define EPT_ACCESSED     EPT_BIT(8)
#define EPT_DIRTY        EPT_BIT(9)
#define EPT_SOFT_NONE    EPT_BIT(57)
#define EPT_SOFT_RIGHTS  58 /* where a hidden word keeps bits 2:0 */
#define EPT_ADDRESS      UINT64_C(0x000ffffffffff000)
#define EPT_HIGHEST_LEAF 2

static bool ept_is_leaf(uint64_t word, uint32_t level)
{
    return !level || (level <= EPT_HIGHEST_LEAF && (word & EPT_LARGE));
}

static uint64_t ept_offset_bits(uint32_t level)
{
    return (EPT_BIT(BASE_PAGE_SHIFT + 9 * level) - 1) & EPT_ADDRESS;
}

/* 28.3.3.1: W without R; a reserved memory type in a leaf; bits 6:3 of a
 * pointer, and bit 7 of the levels without leaves; a large page's low bits. */
static bool ept_is_misconfigured(uint64_t word, uint32_t level)
{
    uint64_t memory_type = word >> 3 & 7;

    if ((word & (EPT_READ | EPT_WRITE)) == EPT_WRITE)
        return true;
    if (!ept_is_leaf(word, level))
        return word & UINT64_C(0xf8);
    if (memory_type == 2 || memory_type == 3 || memory_type == 7)
        return true;
    return word & ept_offset_bits(level);
}

static struct pt_entry ept_decode(const struct pt_format *format, uint64_t word,
                                  uint32_t level)
{
    uint64_t address = word & EPT_ADDRESS;
    struct pt_entry entry = {0};

    if (!(word & EPT_PRESENT))
        return entry;
    entry.is_present = true;
    entry.is_reserved = ept_is_misconfigured(word, level);
    entry.is_leaf = ept_is_leaf(word, level);
    entry.is_accessed = !format->sets_accessed || (word & EPT_ACCESSED);
    entry.rights = TLB_USER;
    if (word & EPT_READ)
        entry.rights |= TLB_READ;
    if (word & EPT_WRITE)
        entry.rights |= TLB_WRITE;
    if (word & EPT_EXECUTE)
        entry.rights |= TLB_EXEC;
    if (entry.is_leaf) {
        address &= ~ept_offset_bits(level);
        entry.order = entry.run_order = (uint8_t) (9 * level);
        if (!format->sets_dirty || (word & EPT_DIRTY))
            entry.rights |= TLB_DIRTY;
    } else {
        entry.table = address;
    }
    entry.pfn = (pfn_t){address >> BASE_PAGE_SHIFT};
    return entry;
}

static uint64_t ept_make_leaf(const struct pt_format *format, pfn_t pfn,
                              uint32_t level, uint32_t rights, bool is_accessed)
{
    uint64_t word = pfn_paddr(pfn) & EPT_ADDRESS & ~ept_offset_bits(level);

    mmusim_assert(level <= EPT_HIGHEST_LEAF);
    word |= EPT_WRITE_BACK | (level ? EPT_LARGE : 0);
    if (rights & (TLB_READ | TLB_WRITE))
        word |= EPT_READ;
    if (rights & TLB_WRITE)
        word |= EPT_WRITE;
    if (rights & TLB_EXEC)
        word |= EPT_EXECUTE;
    if (is_accessed && format->sets_accessed)
        word |= EPT_ACCESSED;
    if ((rights & TLB_DIRTY) && format->sets_dirty)
        word |= EPT_DIRTY;
    return word;
}

/* make_nonleaf_spte(), Linux arch/x86/kvm/mmu/spte.c: all rights, Accessed. */
static uint64_t ept_make_table(const struct pt_format *format, uint64_t table,
                               uint32_t level)
{
    (void) level;
    return (table & EPT_ADDRESS) | EPT_PRESENT |
           (format->sets_accessed ? EPT_ACCESSED : 0);
}

static uint64_t ept_set_accessed(uint64_t word, uint32_t level)
{
    (void) level;
    return word | EPT_ACCESSED;
}

static uint64_t ept_set_dirty(uint64_t word, uint32_t level)
{
    (void) level;
    return word | EPT_ACCESSED | EPT_DIRTY;
}

static uint64_t ept_hide(uint64_t word, uint32_t level)
{
    (void) level;
    return (word & ~EPT_PRESENT) | (word & EPT_PRESENT) << EPT_SOFT_RIGHTS |
           EPT_SOFT_NONE;
}

static uint64_t ept_reveal(uint64_t word, uint32_t level)
{
    (void) level;
    if (!(word & EPT_SOFT_NONE) || (word & EPT_PRESENT))
        return word;
    word |= word >> EPT_SOFT_RIGHTS & EPT_PRESENT;
    return word & ~(EPT_SOFT_NONE | EPT_PRESENT << EPT_SOFT_RIGHTS);
}

/* Levels and widths of stage 2 are those of stage 1. */
static mmusim_status_t ept_shape(struct pt_format *format,
                                 const struct pt_options *options,
                                 mmusim_diag_t *diag)
{
    struct pt_options like = *options;
    mmusim_status_t status;

    like.stage = PT_STAGE_1;
    like.variant = NULL;
    status = mmusim__pt_x86_64_init(format, &like, diag);
    if (!status)
        format->stage = PT_STAGE_2;
    return status;
}

mmusim_status_t mmusim__pt_ept_init(struct pt_format *format,
                                    const struct pt_options *options,
                                    mmusim_diag_t *diag)
{
    mmusim_status_t status = ept_shape(format, options, diag);
    bool has_flags = !options->variant || strcmp(options->variant, "ept-no-ad");

    if (status)
        return status;
    snprintf(format->name, sizeof(format->name), "ept %u-level%s",
             (unsigned) format->n_levels, has_flags ? "" : " without a/d");
    format->sets_accessed = format->sets_dirty = has_flags;
    format->decode = ept_decode;
    format->make_leaf = ept_make_leaf;
    format->make_table = ept_make_table;
    format->set_accessed = ept_set_accessed;
    format->set_dirty = ept_set_dirty;
    format->hide = ept_hide;
    format->reveal = ept_reveal;
    return MMUSIM_OK;
}

/* ---- nested page tables ---- */

/* A supervisor page gives a guest nothing; G is ignored. */
static struct pt_entry npt_decode(const struct pt_format *format, uint64_t word,
                                  uint32_t level)
{
    const struct pt_format *like = mmusim__pt_format_x86_64(format->n_levels);
    struct pt_entry entry = like->decode(like, word, level);

    if (!entry.is_present)
        return entry;
    entry.rights &= ~(uint32_t) TLB_GLOBAL;
    if (!(entry.rights & TLB_USER))
        entry.rights = TLB_USER;
    return entry;
}

static uint64_t npt_make_leaf(const struct pt_format *format, pfn_t pfn,
                              uint32_t level, uint32_t rights, bool is_accessed)
{
    const struct pt_format *like = mmusim__pt_format_x86_64(format->n_levels);

    rights &= ~(uint32_t) TLB_GLOBAL;
    return like->make_leaf(like, pfn, level, rights | TLB_USER, is_accessed);
}

mmusim_status_t mmusim__pt_npt_init(struct pt_format *format,
                                    const struct pt_options *options,
                                    mmusim_diag_t *diag)
{
    mmusim_status_t status = ept_shape(format, options, diag);

    if (status)
        return status;
    snprintf(format->name, sizeof(format->name), "npt %u-level",
             (unsigned) format->n_levels);
    format->decode = npt_decode;
    format->make_leaf = npt_make_leaf;
    return MMUSIM_OK;
}
