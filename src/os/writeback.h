/* SPDX-License-Identifier: MIT */
/*
 * Writeback of dirty file pages (Linux 4.6 mm/page-writeback.c, mm/rmap.c
 * page_mkclean): a flusher thread takes them oldest first, write-protects and
 * cleans their entries with a flush of each, and writes them. It wakes at a
 * tenth of memory (vm.dirty_background_ratio), or when reclaim meets a dirty
 * page. The device is synchronous. Left out: throttling of writers, periodic
 * writeback.
 */
#ifndef MMUSIM_OS_WRITEBACK_H
#define MMUSIM_OS_WRITEBACK_H

#include "core/types.h"

struct cpu;
struct kernel;
struct page;
struct thread;

/* Dirty pages by frame, oldest first; some are clean or gone by now. */
struct dirty_queue {
    uint64_t *pfns; /* a ring */
    uint32_t first, n, capacity;
    uint64_t n_dirty;
};

/* The page has become dirty. False: out of memory. */
bool mmusim__writeback_queue(struct dirty_queue *queue,
                             const struct page *page);
/* Wakes the flusher if there is too much. */
void mmusim__writeback_balance(struct kernel *kernel);
void mmusim__writeback_fini(struct dirty_queue *queue);
/* The flusher's thread.serve. */
void mmusim__flusher_serve(struct cpu *cpu, struct thread *thread);

#endif
