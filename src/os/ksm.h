/* SPDX-License-Identifier: MIT */
/*
 * Merging of equal pages (Linux 4.6 and 6.x mm/ksm.c): ksmd, a kernel thread,
 * looks at os.ksm.pages_to_scan pages of areas with MADV_MERGEABLE, sleeps
 * os.ksm.sleep_cycles, and goes on. What is in pages: page_contents.h.
 *
 * A page looked at is sought in the stable tree, of merged pages, which are
 * read-only; if it is not there and has the checksum of last time, in the
 * unstable tree, of pages met since the last full scan. An equal one found
 * there: the page becomes a merged one, and the other is given up for it
 * (ksm_merge.c). A store to a merged page copies it, however many entries map
 * it; MADV_UNMERGEABLE and mremap to another place copy all (ksm_break.c).
 *
 * A merged page is freed with the last entry that maps it. Reclaim takes it
 * through its reverse map like others; migration, NUMA hints and huge pages
 * leave it where it is.
 *
 * Left out: use_zero_pages, merge_across_nodes=0, the smart scan and the
 * advisor of 6.7, chains of equal merged pages as a structure of their own
 * (several of the same contents are found one after the other). A huge page is
 * split when an equal of a part of it is found, and merged in the next scan.
 */
#ifndef MMUSIM_OS_KSM_H
#define MMUSIM_OS_KSM_H

#include "os/kernel_daemon.h"
#include "os/ksm_tree.h"
#include "os/page.h"
#include "os/page_table.h"

struct ksm {
    struct kernel_daemon daemon;
    struct ksm_tree stable, unstable;
    struct ksm_counters counters;
    uint64_t n_items;
    uint64_t n_written; /* page_contents.h */
    pfn_t held[2];      /* pages in hand, with a reference to each; 0: none */
    /* Where it is: in the list of the address space's items, before *link. */
    uint64_t mm_id, cursor;
    struct ksm_item **link; /* NULL: at the start */
    uint64_t next_cycle;    /* not before; CYCLE_NEVER: it is at work */
    uint32_t n_left;        /* pages of this round */
};

/* NULL in the kernel unless os.ksm.run. */
mmusim_status_t mmusim__ksm_init(struct kernel *kernel);
void mmusim__ksm_fini(struct kernel *kernel);
/* Before a CPU goes on with its thread: wakes ksmd when its time has come. */
void mmusim__ksm_tick(struct kernel *kernel, const struct cpu *cpu);
/* A merged page is free; an address space ends. */
void mmusim__ksm_on_free(struct kernel *kernel, const struct page *page);
void mmusim__ksm_forget_mm(struct kernel *kernel, struct mm *mm);

/* The page of an entry if it is a merged one, else NULL. */
struct page *mmusim__ksm_page(const struct kernel *kernel, pfn_t pfn);

/* How many references to a page ksmd holds for a while. A store to a page of
 * one entry needs no copy for them: reuse_swap_page() up to 5.8, and from 5.19
 * on PageAnonExclusive, do not count them. */
static inline uint32_t ksm_holds(const struct kernel *kernel, pfn_t pfn)
{
    const struct ksm *ksm = kernel->ksm;

    return ksm ? (uint32_t) ((ksm->held[0].v == pfn.v) +
                             (ksm->held[1].v == pfn.v))
               : 0;
}

/* ---- parts ---- */

/* Makes an entry's page a merged one (kpage.v == 0), or gives it up for one. */
struct ksm_merge {
    struct mm *mm; /* whose last thread will not go meanwhile */
    uint64_t vaddr;
    pfn_t page, kpage; /* a reference to each is held */
    bool *is_done;     /* lives in a frame below */
};

/* try_to_merge_with_ksm_page(): pushes the frame, which takes mmap_lock. */
void mmusim__ksm_merge(struct cpu *cpu, struct kernel *kernel,
                       const struct ksm_merge *merge);

/* unmerge_ksm_pages(), break_cow(): pushes a frame that copies every merged
 * page of [start, end), as a store would. The caller holds mmap_lock.
 * *is_short (may be NULL; lives in a frame below): there was no memory for
 * all. */
void mmusim__ksm_break(struct cpu *cpu, struct kernel *kernel, struct mm *mm,
                       uint64_t start, uint64_t end, bool *is_short);

#endif
