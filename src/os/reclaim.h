/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs short: watermarks, page reclaim and the thread that does it
 * (Linux 4.2 and 4.6 mm/vmscan.c, mm/page_alloc.c). Each node has lists,
 * watermarks and a kswapd of its own, as each zone and node of 4.x; a node has
 * one zone.
 *
 * A page comes from the first node of the zonelist (placement.h) with more free
 * pages than its low watermark. Where there is none, every node's kswapd is
 * woken, which frees up to the high one of its node, and the page comes from
 * the first node above its min watermark; where there is none of those either,
 * the allocating CPU reclaims from all nodes before it takes its page (direct
 * reclaim). What cannot be had then ends the run: there is no OOM killer.
 *
 * Left out: ALLOC_FAIR (one zone a node), throttle_direct_reclaim,
 * too_many_isolated.
 *
 * Law: frames in use = mapped + cached + tables + those a reclaimer or a gather
 * holds back.
 */
#ifndef MMUSIM_OS_RECLAIM_H
#define MMUSIM_OS_RECLAIM_H

#include "os/kernel_daemon.h"
#include "os/lru.h"
#include "os/swap.h"
#include "os/writeback.h"

struct watermarks { /* free pages, in 4 KiB frames */
    uint64_t min, low, high;
};

enum watermark { WATERMARK_MIN, WATERMARK_LOW, WATERMARK_HIGH };

struct reclaim_node {
    struct lru lru;
    struct watermarks marks;
    uint64_t n_frames;
    struct kernel_daemon kswapd;
};

struct reclaim {
    struct kernel *kernel;
    struct page_array *pages;
    struct reclaim_node *nodes;
    uint32_t n_nodes;
    struct lru_pending *pending; /* by CPU */
    uint64_t n_frames;           /* of the machine */
    struct kernel_daemon flusher;
    struct swap swap;
    struct dirty_queue dirty;
};

/* After the frames are there; kernel->reclaim is made. */
mmusim_status_t mmusim__reclaim_init(struct kernel *kernel);
void mmusim__reclaim_fini(struct kernel *kernel);

/* __setup_per_zone_wmarks() and init_per_zone_wmark_min() of 4.6 for a node
 * with that many 4 KiB frames of the machine's n_all. */
struct watermarks mmusim__watermarks_of(uint64_t n_frames, uint64_t n_all,
                                        uint32_t scale_factor);

/* Has a node n_frames more than the mark free? (Without reclaim: yes.) */
bool mmusim__reclaim_is_above(const struct kernel *kernel, uint32_t node,
                              enum watermark mark, uint64_t n_frames);

/* Before n_frames are taken: wakes the kswapds, or pushes the frame of a direct
 * reclaim (true: the caller is stepped again after it, and goes on). */
bool mmusim__reclaim_before(struct cpu *cpu, struct kernel *kernel,
                            uint64_t n_frames);
/* Pushes the frame that puts this CPU's waiting pages on their lists, if a
 * pagevec is full. True: it has. */
bool mmusim__reclaim_drain(struct cpu *cpu, struct kernel *kernel);
/* lru_add_drain(): the same for all that wait, however few. */
bool mmusim__reclaim_drain_cpu(struct cpu *cpu, struct kernel *kernel);

/* ---- hooks of page_table.c, frame_alloc.c and page_cache.c ---- */

/* An entry of the smallest pages has changed; a pfn of 0: it maps none. */
void mmusim__reclaim_on_entry(struct kernel *kernel, struct mm *mm,
                              uint64_t vaddr, pfn_t old, pfn_t now);
/* A page has come into the page cache. */
void mmusim__reclaim_on_cached(struct kernel *kernel, pfn_t pfn,
                               uint32_t file_id, uint64_t index);
/* frame_alloc's: a frame is free; context is the kernel. */
void mmusim__reclaim_on_free(void *context, pfn_t pfn);
/* set_page_dirty() of a file's page; nothing for others. */
void mmusim__reclaim_set_dirty(struct kernel *kernel, pfn_t pfn);

/* MADV_FREE: an anonymous page need not be written any more; the contrary: it
 * must be, for its slot is gone. */
void mmusim__reclaim_set_lazy(struct kernel *kernel, pfn_t pfn);
void mmusim__reclaim_set_precious(struct kernel *kernel, pfn_t pfn);
/* MADV_COLD: to the old end of its inactive list. */
void mmusim__reclaim_deactivate(struct kernel *kernel, pfn_t pfn);
/* Does a reclaimer hold a reference for a while? */
bool mmusim__reclaim_holds(const struct kernel *kernel, pfn_t pfn);

/* ---- parts ---- */

enum { RECLAIM_CLUSTER = 32 }; /* SWAP_CLUSTER_MAX, include/linux/swap.h */

enum reclaimer { RECLAIM_DIRECT, RECLAIM_KSWAPD };

/* Up to n pages from the tail of a list (shrink_inactive_list,
 * shrink_active_list). */
struct shrink_request {
    uint32_t node;
    enum lru_kind kind;
    uint32_t n_to_scan; /* <= RECLAIM_CLUSTER */
    enum reclaimer who;
    uint32_t *n_reclaimed; /* increased; lives in a frame below */
};

/* Pushes the frame. */
void mmusim__shrink_list(struct cpu *cpu, struct kernel *kernel,
                         const struct shrink_request *request);
/* Pages of one node that the caller has isolated (PAGE_ISOLATED, a reference
 * each), to be reclaimed whether referenced or not: reclaim_pages(). */
void mmusim__shrink_pages(struct cpu *cpu, struct kernel *kernel,
                          struct page *const *pages, uint32_t n,
                          uint32_t *n_reclaimed);
/* Takes a page off its list for a caller of shrink_pages; false: it is on
 * none. */
bool mmusim__shrink_isolate(struct kernel *kernel, struct page *page);

/* lru_add_drain_all(): every CPU's waiting pages of a node go to their lists;
 * the caller holds the lock. Returns how many. */
uint32_t mmusim__reclaim_drain_all(struct kernel *kernel, uint32_t node);

/* get_scan_count(): how much of each list of a node to scan at a priority. */
void mmusim__scan_targets(const struct reclaim *reclaim, uint32_t node,
                          uint32_t priority, uint64_t targets[LRU_KINDS]);
/* inactive_list_is_low() of the active list `kind`. */
bool mmusim__scan_inactive_is_low(const struct reclaim *reclaim, uint32_t node,
                                  enum lru_kind kind);

/* The lists that a page is on or goes to. */
static inline struct lru *reclaim_lru_of(struct reclaim *reclaim,
                                         const struct page *page)
{
    return &reclaim->nodes[page->node].lru;
}

#endif
