/* SPDX-License-Identifier: MIT */
/* Life of an address space. */
#ifndef MMUSIM_OS_MM_H
#define MMUSIM_OS_MM_H

#include "os/kernel.h"

/* A new, empty one; NULL after system_fail(). */
struct mm *mmusim__mm_create(struct kernel *kernel);
/* init_mm. */
mmusim_status_t mmusim__mm_init_kernel(struct kernel *kernel);
/* One thread less; true if it was the last, and the caller must unmap all
 * (UNMAP_FULL_MM) and then call mmusim__mm_died(). */
bool mmusim__mm_leave(struct mm *mm);
void mmusim__mm_died(struct mm *mm);
/* Frees dead address spaces that no CPU borrows any more. */
void mmusim__mm_reap(struct kernel *kernel);
/* Drops every page and table of one that no CPU uses but lazily; it is dead. */
void mmusim__mm_discard(struct kernel *kernel, struct mm *mm);
/* Frees the host's memory of one, whatever its state; with the machine. */
void mmusim__mm_release(struct kernel *kernel, struct mm *mm);

#endif
