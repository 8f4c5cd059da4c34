/* SPDX-License-Identifier: MIT */
/*
 * tlb_remove_table_sync_one() (mm/mmu_gather.c): an empty call to all other
 * CPUs, waited for. Software that walks tables without locks does so with
 * interrupts masked, so after it nobody is inside any more. It flushes no TLB,
 * and counts in no shootdown.
 */
#ifndef MMUSIM_COHERENCE_TABLE_SYNC_H
#define MMUSIM_COHERENCE_TABLE_SYNC_H

#include "coherence/cpu.h"

/* Pushes the frames that wait, if there is another CPU. */
void mmusim__table_sync_one(struct cpu *cpu);

#endif
