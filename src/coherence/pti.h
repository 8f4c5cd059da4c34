/* SPDX-License-Identifier: MIT */
/*
 * Page-table isolation (os.pti) of the x86 protocols with generations: user
 * code runs under a PCID of its own, the slot's with bit 11, and CR3 is written
 * at every entry to the kernel and every return from it. Linux 4.15 and later,
 * arch/x86/entry/calling.h, arch/x86/mm/tlb.c (invalidate_user_asid,
 * flush_tlb_one_user, clear_asid_other).
 *
 * Modelled: the PCIDs, the CR3 writes, kernel mappings that are not global,
 * invalidations of the user's PCID, at once by INVPCID or at the return. Not:
 * the second top-level table with its entry code; a thread that is switched
 * away between two records has gone back to user code first.
 */
#ifndef MMUSIM_COHERENCE_PTI_H
#define MMUSIM_COHERENCE_PTI_H

#include "coherence/cpu.h"

/* The first frame is being pushed: if that was user code, the kernel is
 * entered. What it takes is added to cpu->entry_cycles. */
void mmusim__pti_enter(struct cpu *cpu);
/* The CPU goes on with a thread: to where its code runs, user or kernel. True:
 * that takes time, and the CPU is busy. */
bool mmusim__pti_settle(struct cpu *cpu);
/* mmusim__x86_page_fault() of user code: the entry is of its PCID. */
void mmusim__pti_page_fault(struct cpu *cpu, uint64_t vaddr);

/* All three do nothing without page-table isolation. n strides are being
 * dropped from the kernel's PCID of the loaded slot: from the user's, too;
 * returns the cycles. */
uint32_t mmusim__pti_drop_pages(struct cpu *cpu, uint64_t vaddr,
                                uint64_t n_strides, uint32_t stride_order);
/* A slot's kernel PCID is: the user's goes at the next return to it. */
void mmusim__pti_drop_slot(struct cpu *cpu, uint16_t slot,
                           enum miss_cause cause);
/* A mapping of the kernel's has gone from the loaded slot alone: the others are
 * flushed when they are next used (invalidate_other). */
void mmusim__pti_drop_others(struct cpu *cpu);

#endif
