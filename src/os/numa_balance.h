/* SPDX-License-Identifier: MIT */
/*
 * NUMA balancing (Linux kernel/sched/fair.c task_numa_work, mm/mprotect.c
 * change_prot_numa, mm/memory.c do_numa_page): entries of a process are made
 * not present a piece at a time, so that the next use of each page says which
 * node it comes from; a page used twice in a row from another node moves there.
 *
 * Every os.numa_scan_period_cycles the first thread of an address space that
 * comes by takes the next os.numa_scan_size of it, under mmap_lock for reading:
 * table by table under the table's lock, then one flush of each area's part.
 *
 * Left out: the period that adapts to the faults (it is fixed), preferred nodes
 * of tasks and groups, moving tasks to memory.
 */
#ifndef MMUSIM_OS_NUMA_BALANCE_H
#define MMUSIM_OS_NUMA_BALANCE_H

#include "os/page_table.h"

/* Before a CPU goes on with its thread: pushes the frame of a scan if one is
 * due. True: it has. */
bool mmusim__numa_tick(struct kernel *kernel, struct cpu *cpu);

/* A hint fault on a page of an order: counts it. True: the page should move to
 * the CPU's node. */
bool mmusim__numa_hint(struct kernel *kernel, const struct cpu *cpu, pfn_t pfn);

#endif
