/* SPDX-License-Identifier: MIT */
/*
 * Bits that entries of every x86 format have (Intel SDM vol. 3A 4.3 to 4.5,
 * tables 4-5 to 4-20), and what Linux does with them alike; for pt_x86_*.c
 * only.
 */
#ifndef MMUSIM_TLB_PT_X86_H
#define MMUSIM_TLB_PT_X86_H

#include <stdint.h>

#define X86_PRESENT   (UINT64_C(1) << 0)
#define X86_WRITABLE  (UINT64_C(1) << 1)
#define X86_USER      (UINT64_C(1) << 2)
#define X86_ACCESSED  (UINT64_C(1) << 5)
#define X86_DIRTY     (UINT64_C(1) << 6) /* ignored in a table pointer */
#define X86_PAGE_SIZE (UINT64_C(1) << 7) /* PAT in a PTE */
#define X86_GLOBAL    (UINT64_C(1) << 8)
/* _PAGE_PROTNONE, a software bit where P is 0. Linux 4.6 reuses bit 8
 * (_PAGE_GLOBAL), which no user entry has set; bit 9 (_PAGE_SOFTW1) here keeps
 * G of kernel entries. */
#define X86_PROT_NONE (UINT64_C(1) << 9)

/* A pointer to a table as Linux makes it, Accessed and Dirty from the start:
 * _PAGE_TABLE, Linux 4.6 arch/x86/include/asm/pgtable_types.h. */
#define X86_TABLE                                                              \
    (X86_PRESENT | X86_WRITABLE | X86_USER | X86_ACCESSED | X86_DIRTY)

/* pt_format.set_accessed and the like. */
static inline uint64_t pt_x86_set_accessed(uint64_t word, uint32_t level)
{
    (void) level;
    return word | X86_ACCESSED;
}

static inline uint64_t pt_x86_set_dirty(uint64_t word, uint32_t level)
{
    (void) level;
    return word | X86_ACCESSED | X86_DIRTY;
}

static inline uint64_t pt_x86_hide(uint64_t word, uint32_t level)
{
    (void) level;
    return (word & ~X86_PRESENT) | X86_PROT_NONE;
}

static inline uint64_t pt_x86_reveal(uint64_t word, uint32_t level)
{
    (void) level;
    if (!(word & X86_PROT_NONE))
        return word;
    return (word & ~X86_PROT_NONE) | X86_PRESENT;
}

#endif
