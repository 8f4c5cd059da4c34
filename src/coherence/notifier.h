/* SPDX-License-Identifier: MIT */
/*
 * mmu_notifier, as far as secondary TLBs go (mm/mmu_notifier.c): whoever keeps
 * translations of an address space outside the CPUs hears of each flush of it.
 *
 * When: in 4.6 mmu_gather tells after the CPUs' flush,
 * ptep_clear_flush_notify() after a page's, and
 * mmu_notifier_invalidate_range_end() before the operation returns; from 6.6 on
 * the architecture's own flush functions tell, on x86 after the CPUs' flush,
 * and for a batch when an entry is added to it, of the whole address space.
 * Here each flush tells when the CPUs' part is complete; so does arm64's, which
 * in truth tells between its TLBIs and their barrier.
 */
#ifndef MMUSIM_COHERENCE_NOTIFIER_H
#define MMUSIM_COHERENCE_NOTIFIER_H

#include "coherence/cpu.h"

/* Pushes the frame that invalidates [start, end) of mm in the secondary TLBs,
 * if mm has any: to be done before the frames of the CPUs' flush are pushed. */
void mmusim__notifier_invalidate(struct cpu *cpu,
                                 const struct address_space *mm, uint64_t start,
                                 uint64_t end);
/* mmu_notifier_release(): the address space goes away. Pushes a frame as well.
 */
void mmusim__notifier_release(struct cpu *cpu, struct address_space *mm);

#endif
