/* SPDX-License-Identifier: MIT */
/*
 * Moving pages to other frames (Linux mm/migrate.c): the `migrate` record, and
 * pages that follow who uses them (numa_balance.h).
 *
 * For each page: a frame on the wanted node; under the table's lock the entry
 * becomes a migration entry and is flushed; the page is copied; under the lock
 * again the entry maps the copy, and whoever ran into it meanwhile goes on.
 * From 6.3 on up to 512 pages are unmapped first, flushed together where the
 * protocol can defer it, and then copied (migrate_pages_batch); before, page by
 * page. An entry that is not present because it is to give a NUMA hint needs no
 * flush, but while another change of its address space still has one to come
 * (pte_accessible(); B09 without that).
 *
 * Moved are private anonymous pages that one entry maps; others are left and
 * counted in pgmigrate_fail, as move_pages(2) leaves pages of several
 * processes. Left out: the page cache's pages.
 *
 * A migration entry is the entry made not present, with its frame in the list
 * of pages on their way.
 */
#ifndef MMUSIM_OS_MIGRATE_H
#define MMUSIM_OS_MIGRATE_H

#include "os/page_table.h"

enum { MIGRATE_BATCH = 512 }; /* NR_MAX_BATCHED_MIGRATION */

/* A page on its way. */
struct migration {
    uint64_t vaddr;
    pfn_t from, to;
    uint32_t order;
    bool was_hidden;
    struct lock_waiter *waiters;
};

struct migrate_request {
    struct mm *mm;
    uint64_t start, end;
    uint32_t node;
    bool moves_local; /* also pages that are on the node already */
    bool is_hint;     /* the entry was to give a hint, and is to be present */
};

/* Pushes the frame; the caller holds mmap_lock, no table's lock. */
void mmusim__migrate(struct cpu *cpu, struct kernel *kernel,
                     const struct migrate_request *request);

/* Is the frame that a not-present entry names on its way to another? Then the
 * CPU waits for the end (migration_entry_wait) and is stepped again after it;
 * the waiter lives in its frame. */
bool mmusim__migrate_wait(struct cpu *cpu, struct kernel *kernel, pfn_t pfn,
                          struct lock_waiter *waiter);

#endif
