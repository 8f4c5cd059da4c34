/* SPDX-License-Identifier: MIT */
/*
 * What arm64 kernels do to flush (arch/arm64/include/asm/tlbflush.h, tlb.h):
 * the functions of protocol_ops, each as its version (arm64_switch.h) has it.
 */
#ifndef MMUSIM_COHERENCE_ARM64_FLUSH_H
#define MMUSIM_COHERENCE_ARM64_FLUSH_H

#include "coherence/protocol.h"

void mmusim__arm64_flush_mm_range(struct cpu *cpu, struct address_space *mm,
                                  const struct flush_span *span);
void mmusim__arm64_flush_gather(struct cpu *cpu, struct address_space *mm,
                                const struct flush_span *span);
void mmusim__arm64_flush_page(struct cpu *cpu, struct address_space *mm,
                              uint64_t vaddr, uint32_t order);
/* local_flush_tlb_page_nonotify() */
void mmusim__arm64_flush_page_here(struct cpu *cpu, struct address_space *mm,
                                   uint64_t vaddr, uint32_t order);
/* ptep_set_access_flags() */
void mmusim__arm64_after_upgrade(struct cpu *cpu, struct address_space *mm,
                                 uint64_t vaddr, uint32_t order);
void mmusim__arm64_flush_all(struct cpu *cpu);
void mmusim__arm64_flush_kernel_range(struct cpu *cpu, uint64_t start,
                                      uint64_t end);

/* Batched unmapping, 6.6 on. */
bool mmusim__arm64_batch_defers(const struct cpu *cpu,
                                const struct address_space *mm);
uint32_t mmusim__arm64_batch_add(struct cpu *cpu, struct address_space *mm,
                                 uint64_t vaddr, uint32_t order);
void mmusim__arm64_batch_flush(struct cpu *cpu);
/* arch_flush_tlb_batched_pending() of 6.6 to 6.15 [B05]: a barrier of this CPU,
 * which waits for this CPU's operations and not for those of the one that
 * unmapped. */
void mmusim__arm64_batch_barrier_only(struct cpu *cpu,
                                      struct address_space *mm);

#endif
