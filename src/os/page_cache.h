/* SPDX-License-Identifier: MIT */
/*
 * The page cache: which frame holds which page of which file. Files are known
 * by name; a cached page holds one reference to its frame until reclaim takes
 * it out.
 */
#ifndef MMUSIM_OS_PAGE_CACHE_H
#define MMUSIM_OS_PAGE_CACHE_H

#include "core/types.h"
#include "mmusim/status.h"

struct frame_alloc;
struct page_cache;

struct page_cache *mmusim__page_cache_create(void);
void mmusim__page_cache_destroy(struct page_cache *cache);

/* A number >= 1 for a file's name; 0: out of memory. Pages of different orders
 * are different files: hugetlbfs files and others have no page in common. */
uint32_t mmusim__page_cache_file(struct page_cache *cache, const char *name,
                                 uint32_t order);
/* A number for memory without a name that is shared (MAP_SHARED|ANON). */
uint32_t mmusim__page_cache_unnamed(struct page_cache *cache);

/* Is file_id one of mmusim__page_cache_unnamed? */
bool mmusim__page_cache_is_unnamed(const struct page_cache *cache,
                                   uint32_t file_id);

/* The frame of a file's page of an order; false: not cached. */
bool mmusim__page_cache_find(const struct page_cache *cache, uint32_t file_id,
                             uint64_t page, pfn_t *pfn);
/* False: out of memory. */
bool mmusim__page_cache_add(struct page_cache *cache, uint32_t file_id,
                            uint64_t page, pfn_t pfn);
/* Takes a page out, if it is there; its reference is the caller's then. */
void mmusim__page_cache_remove(struct page_cache *cache, uint32_t file_id,
                               uint64_t page);
/* Has reclaim taken a page of the file? */
bool mmusim__page_cache_has_evicted(const struct page_cache *cache,
                                    uint32_t file_id);
/* 4 KiB frames that cached pages take up, for accounting. */
uint64_t mmusim__page_cache_frames(const struct page_cache *cache,
                                   const struct frame_alloc *frames);

#endif
