/* SPDX-License-Identifier: MIT */
/*
 * What the kernel knows of a page in use besides its frame: which entries map
 * it (the reverse map), which file's page it is, and its place on the LRU lists
 * (struct page of Linux, with its anon_vma and i_mmap look-ups made exact).
 *
 * Only pages of the smallest size have a reverse map; hugetlb pages, tables and
 * the kernel's own pages have none, and are on no list. The reverse map is kept
 * by page_table.c wherever a leaf word changes, so whoever edits entries need
 * not think of it.
 *
 * Memory on the host: 72 bytes for each page of the smallest size in a 512-page
 * chunk that was ever mapped, 24 for each further mapping of a shared page.
 */
#ifndef MMUSIM_OS_PAGE_H
#define MMUSIM_OS_PAGE_H

#include "core/types.h"

struct mm;

enum {                            /* page.flags */
       PAGE_LRU = 1 << 0,         /* on one of the lists */
       PAGE_ACTIVE = 1 << 1,      /* on an active list, or going there */
       PAGE_REFERENCED = 1 << 2,  /* seen accessed once */
       PAGE_DIRTY = 1 << 3,       /* must be written before it goes */
       PAGE_PENDING = 1 << 4,     /* in a CPU's pagevec, on its way to a list */
       PAGE_ISOLATED = 1 << 5,    /* a reclaimer has it */
       PAGE_READAHEAD = 1 << 6,   /* its first use reads the next window */
       PAGE_UNEVICTABLE = 1 << 7, /* never on a list: shared memory */
       PAGE_WRITEBACK = 1 << 8,   /* the flusher has it */
       PAGE_KSM = 1 << 9,         /* merged, or to be: ksm.h */
};

struct page_map {
    struct mm *mm; /* NULL: nobody */
    uint64_t vaddr;
    struct page_map *next;
};

struct page {
    struct page_map map;      /* the first; the rest behind it */
    struct page *next, *prev; /* on its list */
    uint64_t pfn;
    uint64_t index;   /* file: which of its pages, 4 KiB units; anonymous:
                         what is in it, 0: not said yet (page_contents.h) */
    uint32_t file_id; /* 0: anonymous */
    uint16_t flags;
    uint16_t pending_cpu;
    uint16_t hint_node;     /* of the last NUMA hint, plus 1; 0: none yet */
    uint16_t node;          /* of its frame: whose LRU lists it goes to */
    uint32_t n_map_changes; /* of the reverse map; wraps */
};

struct page_array;

/* granule_order: of the smallest page. NULL: out of memory. */
struct page_array *mmusim__pages_create(uint32_t granule_order);
void mmusim__pages_destroy(struct page_array *pages);

/* The page of a frame, made if there is none; NULL: out of memory. */
struct page *mmusim__page_make(struct page_array *pages, pfn_t pfn);
/* NULL: nothing is known of it. */
struct page *mmusim__page_find(const struct page_array *pages, pfn_t pfn);

/* An entry maps the page, or does no more. False: out of memory. */
bool mmusim__page_map(struct page_array *pages, struct page *page,
                      struct mm *mm, uint64_t vaddr);
void mmusim__page_unmap(struct page_array *pages, struct page *page,
                        const struct mm *mm, uint64_t vaddr);

/* How many entries map it. O(n). */
uint32_t mmusim__page_count_maps(const struct page *page);

static inline bool page_is_mapped(const struct page *page)
{
    return page->map.mm;
}

static inline pfn_t page_pfn(const struct page *page)
{
    return (pfn_t){page->pfn};
}

#endif
