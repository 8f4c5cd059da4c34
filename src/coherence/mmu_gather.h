/* SPDX-License-Identifier: MIT */
/*
 * mmu_gather (include/asm-generic/tlb.h, mm/mmu_gather.c): collects what an
 * unmapping has cleared, says what to flush, and holds pages and page tables
 * back until the flush is done. Law: unhook the entry, invalidate, free.
 * Sizes and habits are the version's (mm_rules.h); docs/mmu-gather.md.
 *
 * The range is the minimum and maximum over the entries really cleared, plus
 * one page at the address of each page table freed; with nothing cleared there
 * is no flush.
 *
 * Pages wait in slots: a few on the stack, then pages of pointers, allocated
 * one by one without waiting (an allocation may fail). Tables wait in the same
 * slots, or where walkers need not take interrupts in a batch of their own.
 */
#ifndef MMUSIM_COHERENCE_MMU_GATHER_H
#define MMUSIM_COHERENCE_MMU_GATHER_H

#include "coherence/protocol.h"
#include "core/rng.h"

struct gathered_page {
    pfn_t pfn;
    uint64_t vaddr; /* where it was mapped; meant for has_rmap alone */
    bool is_table;
    bool has_rmap; /* its reverse map still names it: delays_rmap */
    uint8_t order; /* of a page */
};

/* What is the same for all gathers of a machine. */
struct gather_shape {
    const struct mm_rules *rules;
    uint32_t stack_slots;
    uint32_t page_slots;  /* of a page of pointers */
    uint32_t max_pages;   /* of pointers */
    uint32_t table_slots; /* of a batch of tables; 0: they wait as pages do */
    bool flushes_areas;   /* at the end of each area, not once for all */
    uint32_t failures_per_million; /* of the allocations of pages of pointers */
};

/* What the isa and the size of its pages make of a version's rules.
 * has_pv_flush: x86 leaves out interrupts to preempted virtual CPUs, so that
 * they do not hold walkers off. */
struct gather_habitat {
    enum isa isa;
    uint64_t page_bytes;
    bool has_joint_tables; /* Armv7's short descriptors */
    bool has_pv_flush;
    uint32_t failures_per_million;
};

struct gather_shape mmusim__gather_shape(const struct mm_rules *rules,
                                         const struct gather_habitat *habitat);

enum gather_scope { GATHER_RANGE, GATHER_FULL_MM };

/* One CPU's gather; the lists are kept from use to use. */
struct mmu_gather {
    const struct gather_shape *shape;
    struct rng rng;           /* of failing allocations */
    struct address_space *mm; /* NULL: not in use */
    uint64_t asked_start, asked_end;

    /* What waits for a flush. */
    uint64_t start; /* empty: start > end */
    uint64_t end;
    uint32_t cleared_levels; /* 1 << level */
    uint32_t stride_order;   /* of the smallest entry; GATHER_NO_STRIDE */
    bool frees_tables;
    bool is_full_mm;
    bool has_area; /* some area has been begun */
    bool has_delayed_rmap;

    struct gathered_page *pages;
    uint32_t n_pages;
    uint32_t capacity;
    uint32_t slots_left;  /* of the batch being filled */
    uint32_t n_batches;   /* pages of pointers allocated */
    uint32_t batch_index; /* being filled; 0: the stack's */
    bool has_page;        /* gather_takes_page: in place of the stack's */

    pfn_t *tables;
    uint32_t n_tables;
    uint32_t table_capacity;
    bool has_table_batch;

    uint32_t n_allocated; /* pages of pointers, batches; since last asked */
    uint64_t n_failures;  /* of allocations, ever */
};

#define GATHER_NO_STRIDE UINT32_MAX

/* seed and stream: see rng.h. */
void mmusim__gather_init(struct mmu_gather *gather,
                         const struct gather_shape *shape, uint64_t seed,
                         uint64_t stream);
void mmusim__gather_fini(struct mmu_gather *gather);

/* tlb_gather_mmu(); [start, end) is what the caller is going to look at. */
void mmusim__gather_begin(struct mmu_gather *gather, struct address_space *mm,
                          enum gather_scope scope, uint64_t start,
                          uint64_t end);
/* An entry of a level mapping [vaddr, vaddr + bytes) was cleared or changed. */
void mmusim__gather_entry(struct mmu_gather *gather, uint64_t vaddr,
                          uint64_t bytes, uint32_t level);

enum gather_full {
    GATHER_HAS_ROOM,
    GATHER_MUST_FLUSH, /* held back, and that was the last slot */
    GATHER_NOMEM,
    /* Of a table alone: */
    GATHER_TABLE_FLUSH, /* held back, and the batch is full: flush, free it */
    GATHER_TABLE_SYNC,  /* held back alone, for want of memory for a batch:
                           flush, wait for the walkers, free it */
    GATHER_TABLE_NOW,   /* not held back: the version frees it at once */
};

/* Holds back a page of an order. */
enum gather_full mmusim__gather_block(struct mmu_gather *gather, pfn_t pfn,
                                      uint32_t order);
/* Holds back a dirty page of a shared file whose reverse map goes only after
 * the flush (tlb_delay_rmap()). */
enum gather_full mmusim__gather_delayed(struct mmu_gather *gather, pfn_t pfn,
                                        uint64_t vaddr);

struct gather_table {
    pfn_t pfn;
    uint64_t vaddr;       /* of the first page it translates */
    uint64_t entry_bytes; /* that the entry above translated */
    uint32_t level;       /* of that entry */
    bool is_joint;        /* two hardware entries above name it */
    uint32_t n_users;     /* threads of the address space */
};

/* A table that has been unhooked. */
enum gather_full mmusim__gather_table(struct mmu_gather *gather,
                                      const struct gather_table *table);

/* Is another gather of the same address space in flight, as far as the version
 * knows? Then all that was asked for must go, or everything. */
bool mmusim__gather_is_nested(const struct mmu_gather *gather);
void mmusim__gather_force(struct mmu_gather *gather);
bool mmusim__gather_needs_flush(const struct mmu_gather *gather);
/* What to flush. */
struct flush_span mmusim__gather_span(const struct mmu_gather *gather);
/* That has been flushed. */
void mmusim__gather_flushed(struct mmu_gather *gather);
/* The pages, or the batch of tables, have been freed. */
void mmusim__gather_emptied(struct mmu_gather *gather);
void mmusim__gather_tables_emptied(struct mmu_gather *gather);
/* Nothing waits any more. */
void mmusim__gather_end(struct mmu_gather *gather);
/* Pages taken for pointers since it was last asked. */
uint32_t mmusim__gather_take_allocated(struct mmu_gather *gather);

/* mm_tlb_flush_pending: changes of entries whose flush is to come. A counter
 * of gathers from 4.13 on, before that a flag of mprotect and NUMA balancing,
 * which the first to end clears. */
enum pending_by { PENDING_BY_GATHER, PENDING_BY_PROTECT };
void mmusim__flush_pending_begin(const struct mm_rules *rules,
                                 struct address_space *mm, enum pending_by by);
void mmusim__flush_pending_end(const struct mm_rules *rules,
                               struct address_space *mm, enum pending_by by);

static inline bool flush_is_pending(const struct address_space *mm)
{
    return mm->n_flushes_pending > 0;
}

#endif
