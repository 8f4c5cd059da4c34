/* SPDX-License-Identifier: MIT */
/* Page faults: demand paging, copy on write, protection, spurious faults. */
#ifndef MMUSIM_OS_PAGE_FAULT_H
#define MMUSIM_OS_PAGE_FAULT_H

#include "os/kernel.h"

/* A thread would fault for ever where a lost flush makes its CPU walk tables
 * that are no more: an access whose faults have found this many times that the
 * tables permit it has failed (guess: Linux has no bound; a flush on its way
 * takes a few). */
enum { PAGE_FAULT_IN_VAIN = 64 };

/* Of all faults of one access; zero before the first. */
struct fault_outcome {
    bool is_failed;     /* for good; else it is retried */
    uint32_t n_in_vain; /* that had nothing to repair */
};

/* Pushes the fault's frame. When it is done, *outcome (the caller's, living
 * until then) says what has come of it. */
void mmusim__page_fault(struct cpu *cpu, struct kernel *kernel, uint64_t vaddr,
                        enum access_kind kind, struct fault_outcome *outcome);

#endif
