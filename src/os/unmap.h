/* SPDX-License-Identifier: MIT */
/*
 * Taking mappings away through an mmu_gather, as Linux does (mm/memory.c
 * unmap_vmas, zap_pte_range, free_pgtables; mm/madvise.c), by the version's
 * rules (coherence/mm_rules.h): area by area, table by table under the table's
 * lock, flush, then free. One frame serves munmap, mremap's and brk's
 * shrinking, mmap over a mapping, MADV_DONTNEED, MADV_FREE and exit.
 */
#ifndef MMUSIM_OS_UNMAP_H
#define MMUSIM_OS_UNMAP_H

#include "os/kernel.h"

enum unmap_mode {
    UNMAP_AREAS,     /* entries, then the tables that fall empty: munmap */
    UNMAP_ENTRIES,   /* entries only: MADV_DONTNEED */
    UNMAP_MAKE_OLD,  /* clears Accessed and Dirty: MADV_FREE */
    UNMAP_MAKE_COLD, /* clears Accessed: MADV_COLD */
    UNMAP_FULL_MM,   /* everything; the address space is going away: exit */
};

struct unmap_range {
    struct mm *mm;
    uint64_t start;
    uint64_t end;
    enum unmap_mode mode;
    /* Called once, when the last entry has been cleared and before the final
     * flush: the operation has taken effect. May be NULL. */
    void (*on_effect)(struct cpu *cpu, struct kernel *kernel);
};

/* Pushes the frame. The caller holds mmap_lock (write for UNMAP_AREAS), and the
 * areas stay. */
void mmusim__unmap(struct cpu *cpu, struct kernel *kernel,
                   const struct unmap_range *range);
/* Takes the areas of the range out of the address space, and pushes the frame
 * if there were any. Fails as mmusim__vm_remove() does. */
mmusim_status_t mmusim__unmap_areas(struct cpu *cpu, struct kernel *kernel,
                                    const struct unmap_range *range,
                                    uint32_t *n_touched);

#endif
