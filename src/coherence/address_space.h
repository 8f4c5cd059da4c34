/* SPDX-License-Identifier: MIT */
/* An address space (mm) as the shootdown protocols see it. The OS layer's
 * struct mm embeds it as its first member. */
#ifndef MMUSIM_COHERENCE_ADDRESS_SPACE_H
#define MMUSIM_COHERENCE_ADDRESS_SPACE_H

#include "core/cpu_mask.h"

struct address_space {
    uint64_t id;         /* unique, never reused; 0 is the kernel's (init_mm) */
    pfn_t root;          /* top-level table */
    uint64_t context_id; /* asid_alloc.h: generation | asid; 0: none yet */
    struct cpu_mask cpus; /* mm_cpumask: CPUs that must get flush requests */
    uint32_t n_flushes_pending; /* mm_tlb_flush_pending: mmu_gather.h */
    /* mm_tlb_flush_batched: entries that batches have cleared, and how many of
     * them are known to be flushed (flush.h). */
    uint64_t n_batched, n_batched_flushed;
};

#endif
