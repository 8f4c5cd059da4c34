/* SPDX-License-Identifier: MIT */
/* An address space (mm) as the shootdown protocols see it. The OS layer's
 * struct mm embeds it as its first member. */
#ifndef MMUSIM_COHERENCE_ADDRESS_SPACE_H
#define MMUSIM_COHERENCE_ADDRESS_SPACE_H

#include "core/cpu_mask.h"

/* mm_context_t of x86 from 4.14 on (x86_tlbgen.h). */
struct x86_context {
    uint64_t tlb_gen;         /* flushes that have been asked for */
    uint64_t next_trim_jiffy; /* of the mask; 0: none was looked at yet */
    uint16_t global_asid;     /* 0: none */
    bool is_in_transition;    /* not all CPUs use global_asid yet */
};

struct address_space {
    uint64_t id;         /* unique, never reused; 0 is the kernel's (init_mm) */
    pfn_t root;          /* top-level table */
    uint64_t context_id; /* asid_alloc.h: generation | asid; 0: none yet */
    struct cpu_mask cpus; /* mm_cpumask: CPUs that must get flush requests */
    bool has_device;      /* translations of it are kept outside the CPUs */
    uint32_t n_flushes_pending; /* mm_tlb_flush_pending: mmu_gather.h */
    /* mm_tlb_flush_batched: entries that batches have cleared, and how many of
     * them are known to be flushed (flush.h). */
    uint64_t n_batched, n_batched_flushed;
    struct x86_context x86;
};

#endif
