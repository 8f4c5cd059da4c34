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
#include "core/isa.h"

/* When is a range too large to flush it page by page? */
enum ceiling_rule {
    CEILING_NONE,     /* never: os.flush_ceiling is an error */
    CEILING_ABOVE,    /* more than os.flush_ceiling pages */
    CEILING_AT_LEAST, /* that many or more */
    CEILING_ALWAYS,   /* there is no flush of a page: an error, too */
};

enum flush_vmflag {
    FLUSH_NORMAL,
    FLUSH_HUGETLB,
    FLUSH_TABLES, /* page tables are about to be freed, too */
};

struct protocol_ops {
    const char *name;
    const char *help;
    uint32_t isas; /* 1 << enum isa, or-ed: where this kernel runs */
    enum ceiling_rule ceiling_rule;
    uint64_t default_ceiling_pages;
    /* What the protocol keeps besides struct system; NULL: nothing. Memory
     * comes from system->arena. */
    mmusim_status_t (*init)(struct system *system);
    /* flush_tlb_mm_range; end may be FLUSH_END_ALL. */
    void (*flush_mm_range)(struct cpu *cpu, struct address_space *mm,
                           uint64_t start, uint64_t end,
                           enum flush_vmflag vmflag);
    /* flush_tlb_page; order: of the page, in 4 KiB units. */
    void (*flush_page)(struct cpu *cpu, struct address_space *mm,
                       uint64_t vaddr, uint32_t order);
    /* An entry has been given more rights (or its dirty state) after a fault:
     * what is done about stale entries that still refuse; NULL: nothing. */
    void (*after_upgrade)(struct cpu *cpu, struct address_space *mm,
                          uint64_t vaddr, uint32_t order);
    /* A fault has found an entry that permits the store: this CPU's TLB may
     * still refuse it (flush_tlb_fix_spurious_fault); NULL: nothing. */
    void (*fix_spurious)(struct cpu *cpu, struct address_space *mm,
                         uint64_t vaddr, uint32_t order);
    /* The kernel counts on the hardware to look at the tables again before it
     * reports that an entry refuses an access. */
    bool relies_on_rewalk;
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
