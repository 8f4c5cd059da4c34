/* SPDX-License-Identifier: MIT */
/*
 * x86 invalidation instructions on a CPU, by the rules of Intel SDM vol. 3A
 * section 4.10.4 (I9-I13 of docs/x86-rules.md): rows of x86_table.c, applied
 * at once to the issuing CPU's own structures, and only there; timing is the
 * caller's.
 */
#ifndef MMUSIM_COHERENCE_X86_OPS_H
#define MMUSIM_COHERENCE_X86_OPS_H

#include "tlb/mmu.h"

enum invpcid_type {
    INVPCID_ADDRESS = 0,       /* one address in one PCID, not globals */
    INVPCID_CONTEXT = 1,       /* one PCID, not globals */
    INVPCID_ALL = 2,           /* everything */
    INVPCID_ALL_NONGLOBAL = 3, /* everything but globals */
};

/* The page of vaddr in the current PCID and global in any; and every
 * paging-structure-cache entry of the current PCID (4.10.4.1). */
void mmusim__x86_invlpg(struct mmu *mmu, uint64_t vaddr, enum miss_cause cause);

/* INVLPG of n_pages consecutive 4 KiB pages: the same result in one pass. */
void mmusim__x86_invlpg_range(struct mmu *mmu, uint64_t vaddr, uint64_t n_pages,
                              enum miss_cause cause);

/* INVLPG of n_pages addresses, 4 KiB << stride_order apart. */
void mmusim__x86_invlpg_strides(struct mmu *mmu, uint64_t vaddr,
                                uint64_t n_pages, uint32_t stride_order,
                                enum miss_cause cause);

/* False (#GP): type 0 or 1 with pcid > 0 while CR4.PCIDE is 0. */
bool mmusim__x86_invpcid(struct mmu *mmu, enum invpcid_type type, uint16_t pcid,
                         uint64_t vaddr, enum miss_cause cause);

enum cr3_flush { CR3_FLUSH, CR3_NOFLUSH };

/* Loads root and pcid. With CR4.PCIDE = 0: drops every non-global entry of
 * PCID 0; else with bit 63 clear those of the PCID loaded, with bit 63 set
 * nothing. pcid must be 0 when PCIDE is. */
void mmusim__x86_mov_cr3(struct mmu *mmu, pfn_t root, uint16_t pcid,
                         enum cr3_flush flush, enum miss_cause cause);

/* A change of CR4.PGE, or PCIDE 1 -> 0: everything, all PCIDs. */
void mmusim__x86_flush_everything(struct mmu *mmu, enum miss_cause cause);

/* A page fault on vaddr: its TLB entries of the current PCID and global ones,
 * and the paging-structure-cache entries used for it (4.10.4.1, 4.10.4.3). */
void mmusim__x86_page_fault(struct mmu *mmu, uint64_t vaddr);

#endif
