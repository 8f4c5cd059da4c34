/* SPDX-License-Identifier: MIT */
/*
 * Transparent huge pages (Linux mm/huge_memory.c): private anonymous memory
 * mapped by one entry of the level above the last (x86-64 and RISC-V 2M; Arm
 * 2M, 32M or 512M by granule). os.thp says where: always, in areas with
 * MADV_HUGEPAGE, never.
 *
 * Split, of the mapping in one address space: the entry is made not present,
 * flushed everywhere, and only then becomes a pointer to a table whose entries
 * map the pieces; so that a TLB never holds both sizes of one address (AMD
 * erratum 383; comment in __split_huge_pmd_locked). The block becomes single
 * frames there and then, where Linux waits for the last mapping or for memory
 * to run short (deferred_split_folio). The table was allocated with the huge
 * page (pgtable_trans_huge_deposit) and its cost charged there.
 *
 * Where 32-bit tables without PAE or LPAE have no such level (word of 4
 * bytes), there are no transparent huge pages, as in Linux.
 */
#ifndef MMUSIM_OS_HUGE_PAGE_H
#define MMUSIM_OS_HUGE_PAGE_H

#include "os/page_table.h"

enum { THP_LEVEL = 1 };

/* Do the machine's tables know transparent huge pages? */
static inline bool thp_is_possible(const struct pt_format *format)
{
    return format->word_log2 == PT_WORD_LOG2 &&
           format->levels[THP_LEVEL].has_leaves;
}

static inline uint32_t thp_order(const struct kernel *kernel)
{
    return pt_level_order(kernel->format, THP_LEVEL);
}

static inline uint64_t thp_bytes(const struct kernel *kernel)
{
    return UINT64_C(1) << kernel->format->levels[THP_LEVEL].shift;
}

/* May the area's page around vaddr be a huge one? vma_is_anonymous() and
 * transhuge_vma_suitable(). */
bool mmusim__thp_suits(const struct kernel *kernel, const struct vm_area *area,
                       uint64_t vaddr);
/* ... and does os.thp, or the area's advice, want one? */
bool mmusim__thp_wants(const struct kernel *kernel, const struct vm_area *area,
                       uint64_t vaddr);

/* Is the leaf in the slot a transparent huge page, in an area of which less
 * than [start, end) covers it? */
bool mmusim__thp_is_cut(const struct kernel *kernel,
                        const struct pte_slot *slot, const struct vm_area *area,
                        uint64_t start, uint64_t end);

/* flush_pmd_tlb_range() of one huge page. */
void mmusim__thp_flush(struct cpu *cpu, struct mm *mm, uint64_t vaddr);

/* Pushes a frame that splits the mapping at vaddr if it is a transparent huge
 * page by then; takes and gives back its table's lock. */
void mmusim__thp_split(struct cpu *cpu, struct kernel *kernel, struct mm *mm,
                       uint64_t vaddr);

/* The huge zero page, made at its first use; MMUSIM_EXHAUSTED. */
mmusim_status_t mmusim__thp_zero_page(struct kernel *kernel, pfn_t *pfn);

#endif
