/* SPDX-License-Identifier: MIT */
/*
 * A shootdown protocol: what the operating system does about TLBs when it
 * changes a mapping or an address space. One `static const struct
 * protocol_ops` per kernel version in its own file, plus one line in
 * protocol_table.c.
 *
 * The flush functions are called through flush.h, which says what they do to
 * the calling CPU.
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

/* What is to be flushed of one address space, and what the caller knows of it.
 * All zero but the range: plain pages of an area. */
struct flush_span {
    uint64_t start;
    uint64_t end;            /* FLUSH_END_ALL: the whole space, start is 0 */
    uint32_t stride_order;   /* of the smallest entry changed, in 4 KiB units; 0
                                also if it was not kept track of */
    uint32_t cleared_levels; /* 1 << level of the entries changed; 0: unknown */
    bool frees_tables;       /* page tables are about to be freed, too */
    bool is_hugetlb;         /* the area's VM_HUGETLB */
    bool is_full_mm;         /* mmu_gather of exit_mmap() */
    bool has_no_area;        /* mmu_gather without a tlb_start_vma() */
};

struct mm_rules;

struct protocol_ops {
    const char *name;
    const char *help;
    uint32_t isas; /* 1 << enum isa, or-ed: where this kernel runs */
    enum ceiling_rule ceiling_rule;
    uint64_t default_ceiling_pages;
    bool uses_pcid; /* where the machine has them */
    /* What the protocol keeps besides struct system; NULL: nothing. Memory
     * comes from system->arena. */
    mmusim_status_t (*init)(struct system *system);
    /* What the rest of that kernel's memory management does. */
    const struct mm_rules *mm_rules;
    /* Entries of the bug corpus that this version contains, as "B01 B02"; NULL
     * or "": none. */
    const char *bugs;
    /* The same version with those repaired: NAME-fixed. */
    bool is_fixed;
    /* flush_tlb_mm_range(). */
    void (*flush_mm_range)(struct cpu *cpu, struct address_space *mm,
                           const struct flush_span *span);
    /* tlb_flush() of an mmu_gather; NULL: as flush_mm_range. */
    void (*flush_gather)(struct cpu *cpu, struct address_space *mm,
                         const struct flush_span *span);
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
    void (*flush_kernel_range)(struct cpu *cpu, uint64_t start, uint64_t end);
    void (*flush_all)(struct cpu *cpu);
    /* Batched unmapping (arch_tlbbatch_*): flush.h. NULL: this version has
     * none. */
    bool (*batch_defers)(const struct cpu *cpu, const struct address_space *mm);
    uint32_t (*batch_add)(struct cpu *cpu, struct address_space *mm,
                          uint64_t vaddr, uint32_t order);
    void (*batch_flush)(struct cpu *cpu);
    /* arch_flush_tlb_batched_pending(); NULL: flush_tlb_mm(). */
    void (*batch_pending)(struct cpu *cpu, struct address_space *mm);
    /* Loads next in place of what is loaded, in one event; returns the cycles
     * of the loads and invalidations. Interrupts are masked. */
    uint32_t (*switch_mm)(struct cpu *cpu, struct address_space *next);
    /* The same step by step: pushes a frame. NULL: nothing that others see lies
     * between the steps. */
    void (*switch_steps)(struct cpu *cpu, struct address_space *next,
                         enum bucket bucket);
    /* Nobody uses an mm any more; NULL: nothing to give back. */
    void (*mm_ends)(struct system *system, struct address_space *mm);
    /* A kernel thread or the idle thread borrows what is loaded. */
    void (*enter_lazy)(struct cpu *cpu);
};

/* NULL if there is none of that name. */
const struct protocol_ops *mmusim__protocol_find(const char *name);
/* The index-th name, NULL past the end. */
const char *mmusim__protocol_name_at(size_t index);

#endif
