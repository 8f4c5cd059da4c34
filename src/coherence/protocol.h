/* SPDX-License-Identifier: MIT */
/*
 * A shootdown protocol: what the operating system does about TLBs when it
 * changes a mapping or an address space. One `static const struct
 * protocol_ops` per kernel version in its own file, plus one line in
 * protocol_table.c.
 *
 * The flush functions begin an operation on the calling CPU, which is in
 * kernel mode with interrupts enabled: they act locally, charge what that
 * costs, and push the frame that waits for the others. The caller returns
 * KSTEP_NEXT at once, and is stepped again when the flush is complete.
 */
#ifndef MMUSIM_COHERENCE_PROTOCOL_H
#define MMUSIM_COHERENCE_PROTOCOL_H

#include "coherence/system.h"

enum flush_vmflag { FLUSH_NORMAL, FLUSH_HUGETLB };

struct protocol_ops {
    const char *name;
    const char *help;
    uint64_t default_ceiling_pages;
    /* flush_tlb_mm_range; end may be FLUSH_END_ALL. */
    void (*flush_mm_range)(struct cpu *cpu, struct address_space *mm,
                           uint64_t start, uint64_t end,
                           enum flush_vmflag vmflag);
    void (*flush_page)(struct cpu *cpu, struct address_space *mm,
                       uint64_t vaddr);
    void (*flush_kernel_range)(struct cpu *cpu, uint64_t start, uint64_t end);
    void (*flush_all)(struct cpu *cpu);
    /* Loads next in place of what is loaded; returns the cycles of the loads
     * and invalidations. Interrupts are masked. */
    uint32_t (*switch_mm)(struct cpu *cpu, struct address_space *next);
    /* A kernel thread or the idle thread borrows what is loaded. */
    void (*enter_lazy)(struct cpu *cpu);
};

/* NULL if there is none of that name. */
const struct protocol_ops *mmusim__protocol_find(const char *name);
/* The index-th name, NULL past the end. */
const char *mmusim__protocol_name_at(size_t index);

#endif
