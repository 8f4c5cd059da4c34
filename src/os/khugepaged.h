/* SPDX-License-Identifier: MIT */
/*
 * khugepaged (Linux mm/khugepaged.c): a kernel thread that makes huge pages of
 * small ones where os.thp wants them. Every os.khugepaged_sleep_cycles it looks
 * at the next 8 places (pages_to_scan, 4096).
 *
 * Collapse, under mmap_lock for writing: the pointer to the table is cleared,
 * the range is flushed everywhere, from 6.1 on every CPU is made to answer so
 * that no lock-free walker is left in the table (B17 without that), the pages
 * are copied, and the huge entry is installed; then the table is freed.
 *
 * A place qualifies when all its pages are private to one entry, present, and
 * at least one is there and writable (max_ptes_none is 511, as in Linux).
 */
#ifndef MMUSIM_OS_KHUGEPAGED_H
#define MMUSIM_OS_KHUGEPAGED_H

#include "os/kernel_daemon.h"

struct khugepaged {
    struct kernel_daemon daemon;
    uint64_t mm_id, cursor; /* where it is */
    uint64_t next_cycle;    /* not before */
    uint32_t n_left;        /* places of this round */
};

/* NULL in the kernel without os.thp. */
mmusim_status_t mmusim__khugepaged_init(struct kernel *kernel);
void mmusim__khugepaged_fini(struct kernel *kernel);
/* Before a CPU goes on with its thread: wakes it when its time has come. */
void mmusim__khugepaged_tick(struct kernel *kernel, struct cpu *cpu);

#endif
