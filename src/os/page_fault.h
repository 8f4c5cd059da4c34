/* SPDX-License-Identifier: MIT */
/* Page faults: demand paging, copy on write, protection, spurious faults. */
#ifndef MMUSIM_OS_PAGE_FAULT_H
#define MMUSIM_OS_PAGE_FAULT_H

#include "os/kernel.h"

/* Pushes the fault's frame. When it is done, *is_failed (the caller's, living
 * until then) says whether the access failed for good; else it is retried. */
void mmusim__page_fault(struct cpu *cpu, struct kernel *kernel, uint64_t vaddr,
                        enum access_kind kind, bool *is_failed);

#endif
