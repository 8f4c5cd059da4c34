/* SPDX-License-Identifier: MIT */
/*
 * The LRU lists of one node, as Linux 4.6 has them (mm/swap.c,
 * include/linux/mmzone.h): an inactive and an active one for anonymous memory
 * and for files. A page comes to its list through its CPU's pagevec: 14 wait
 * there before one holder of lru_lock puts them all at the head, so the lists
 * hold runs of 14 pages of one CPU.
 *
 * The heads are the young ends; reclaim takes from the tails. Left out: the
 * unevictable list, memory cgroups.
 */
#ifndef MMUSIM_OS_LRU_H
#define MMUSIM_OS_LRU_H

#include "os/locks.h"
#include "os/page.h"

enum lru_kind { /* bit 0: active; bit 1: file */
                LRU_INACTIVE_ANON,
                LRU_ACTIVE_ANON,
                LRU_INACTIVE_FILE,
                LRU_ACTIVE_FILE,
                LRU_KINDS
};

enum { LRU_PAGEVEC = 14 }; /* PAGEVEC_SIZE, include/linux/pagevec.h */

struct lru_list {
    struct page *head, *tail;
    uint64_t n_pages;
};

struct lru {
    struct lru_list lists[LRU_KINDS];
    struct klock lock; /* zone->lru_lock */
    uint32_t node;     /* whose pages these are */
    /* struct zone_reclaim_stat, by anon and file: how much of what was scanned
     * was worth keeping. */
    uint64_t n_scanned[2], n_rotated[2];
};

/* Pages of one CPU on their way to the lists, oldest first. Longer than a
 * pagevec only until the holder has the lock. */
struct lru_pending {
    struct page *head, *tail;
    uint32_t n_pages;
};

static inline enum lru_kind lru_kind_of(const struct page *page)
{
    return (enum lru_kind)(
        (page->file_id ? LRU_INACTIVE_FILE : LRU_INACTIVE_ANON) +
        (page->flags & PAGE_ACTIVE ? 1 : 0));
}

static inline bool lru_is_file(enum lru_kind kind)
{
    return kind >= LRU_INACTIVE_FILE;
}

static inline bool lru_is_active(enum lru_kind kind)
{
    return kind & 1;
}

/* spin_lock_irq(&zone->lru_lock): interrupts are masked for the wait, too. */
void mmusim__lru_lock(struct cpu *cpu, struct lru *lru,
                      struct lock_waiter *waiter);
void mmusim__lru_unlock(struct cpu *cpu, struct lru *lru);

/* On its list, at the young or the old end. */
void mmusim__lru_add_head(struct lru *lru, struct page *page);
void mmusim__lru_add_tail(struct lru *lru, struct page *page);
/* Off its list of these; it must be on one. */
void mmusim__lru_remove(struct lru *lru, struct page *page);

/* lru_cache_add(): waits in the CPU's pagevec. */
void mmusim__lru_defer(struct lru_pending *pending, struct page *page,
                       uint32_t cpu);
/* Of the n that have waited longest, those of this node go to their lists; the
 * caller holds the lock. Returns how many. (pagevec_lru_move_fn changes the
 * lock whenever the next page is of another node; here once a node.) */
uint32_t mmusim__lru_drain(struct lru *lru, struct lru_pending *pending,
                           uint32_t n);
/* A page that goes away while it waits. */
void mmusim__lru_forget(struct lru_pending *pending, struct page *page);

/* For tests: links and counts agree. */
bool mmusim__lru_is_valid(const struct lru *lru);

#endif
