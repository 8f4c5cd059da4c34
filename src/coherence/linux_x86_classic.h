/* SPDX-License-Identifier: MIT */
/*
 * Linux on x86 before PCIDs: kernels up to 4.13, reference 4.6.2
 * (arch/x86/mm/tlb.c, arch/x86/include/asm/{tlbflush,mmu_context}.h,
 * kernel/smp.c). No PCID; CR3 writes flush every non-global entry; per CPU
 * active_mm and a state OK/LAZY; per mm a CPU mask.
 */
#ifndef MMUSIM_COHERENCE_LINUX_X86_CLASSIC_H
#define MMUSIM_COHERENCE_LINUX_X86_CLASSIC_H

#include "coherence/protocol.h"

extern const struct protocol_ops mmusim__protocol_linux_4_6,
    mmusim__protocol_linux_4_6_fixed;

/* All of generic memory management, not of arch/x86. */
#define LINUX_4_6_BUGS "B01 B02 B04 B06 B07 B08 B12 B13 B15 B16"

/* Functions of that kernel that no OS operation here calls, for users of the
 * library's protocol level: flush_tlb() and flush_tlb_mm(). Same rules as
 * protocol_ops. */
void mmusim__linux_4_6_flush_tlb(struct cpu *cpu);
void mmusim__linux_4_6_flush_tlb_mm(struct cpu *cpu, struct address_space *mm);
/* leave_mm: a lazy CPU lets go of its active_mm; returns the cycles. */
uint32_t mmusim__linux_4_6_leave_mm(struct cpu *cpu);

#endif
