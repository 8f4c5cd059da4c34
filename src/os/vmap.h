/* SPDX-License-Identifier: MIT */
/*
 * Lazy freeing of vmalloc addresses (Linux 4.6 mm/vmalloc.c: vunmap_area,
 * free_vmap_area_noflush, __purge_vmap_area_lazy): vfree() clears the entries
 * and frees the pages at once, but leaves the TLBs alone; the addresses are not
 * given out again before a purge, one flush of everything from the lowest to
 * the highest of them. It comes when lazy_max_pages() wait, or when an address
 * is wanted again.
 *
 * Only in the vmalloc region of a kernel map (kernel_map.h): other kernel
 * addresses are flushed when they are unmapped.
 */
#ifndef MMUSIM_OS_VMAP_H
#define MMUSIM_OS_VMAP_H

#include "core/types.h"

struct cpu;
struct kernel;

struct vmap_lazy {
    uint64_t start, end; /* of what waits; n_pages 0: nothing does */
    uint64_t n_pages;
    uint64_t purges; /* statistics */
};

/* Entries of [start, end) have been cleared: flushes, now or with those that
 * wait, or lets them wait. True: a flush has begun. */
bool mmusim__vmap_unmapped(struct cpu *cpu, struct kernel *kernel,
                           uint64_t start, uint64_t end);
/* The range is wanted again: purges if some of it may wait. True: a flush has
 * begun. */
bool mmusim__vmap_wanted(struct cpu *cpu, struct kernel *kernel, uint64_t start,
                         uint64_t end);

#endif
