/* SPDX-License-Identifier: MIT */
/*
 * A CPU's mmu_gather at work: what mm/mmu_gather.c does with it besides
 * collecting (coherence/mmu_gather.h). A CPU has one gather in use at a time.
 *
 * The functions that push frames or set the activity say so; their caller is a
 * frame and returns KSTEP_NEXT.
 */
#ifndef MMUSIM_OS_TLB_GATHER_H
#define MMUSIM_OS_TLB_GATHER_H

#include "os/kernel.h"

static inline struct mmu_gather *kernel_gather(struct kernel *kernel,
                                               const struct cpu *cpu)
{
    return &kernel_cpu(kernel, cpu)->gather;
}

/* tlb_flush_mmu_tlbonly(): pushes the frame of the flush; false: nothing waits
 * for one. */
bool mmusim__tlb_flush(struct cpu *cpu, struct kernel *kernel);
/* tlb_flush_rmaps(): after the flush of dirty file pages, and under their
 * table's lock; mm is the gather's. */
void mmusim__tlb_flush_rmaps(struct cpu *cpu, struct kernel *kernel,
                             struct mm *mm);
/* tlb_flush_mmu_free(): pages and tables; charges it. */
void mmusim__tlb_free(struct cpu *cpu, struct kernel *kernel);
/* The batch of tables alone. */
void mmusim__tlb_free_tables(struct cpu *cpu, struct kernel *kernel);
/* tlb_finish_mmu(): pushes a frame that flushes what waits, frees it, and
 * gives the gather back. */
void mmusim__tlb_finish(struct cpu *cpu, struct kernel *kernel);

/* What tells a frame how to go on after free_pgtables(). */
enum free_tables {
    FREE_TABLES_DONE,
    FREE_TABLES_FLUSH_ALL, /* slots are full: flush, mmusim__tlb_free, again */
    FREE_TABLES_FLUSH,     /* flush, mmusim__tlb_free_tables, again */
    FREE_TABLES_SYNC,      /* flush, wait for walkers, free_tables, again */
    FREE_TABLES_FREE,      /* the version frees this batch before the flush */
};

struct table_range {
    struct mm *mm;
    uint64_t start, end;     /* of what has been unmapped */
    uint64_t floor, ceiling; /* the neighbours' ends */
};

/* free_pgtables(): unhooks the tables of a range without areas and gives them
 * to the gather; charges those that the version frees at once. */
enum free_tables mmusim__tlb_free_pgtables(struct cpu *cpu,
                                           struct kernel *kernel,
                                           const struct table_range *range);

#endif
