/* SPDX-License-Identifier: MIT */
/* The page cache: see page_cache.h. Open addressing, linear probing. */
#include "os/page_cache.h"

#include "os/frame_alloc.h"

#include <stdlib.h>
#include <string.h>

struct cached_page {
    uint64_t page;
    uint64_t pfn; /* 0: free cell (frame 0 is never handed out) */
    uint32_t file_id;
};

struct cached_file {
    char *name; /* NULL: unnamed */
    uint32_t order;
    bool has_evicted;
};

struct page_cache {
    struct cached_page *cells;
    uint64_t mask;
    uint64_t n_pages;
    struct cached_file *files; /* [file_id - 1] */
    uint32_t n_files;
    uint32_t capacity;
};

enum { CACHE_FIRST_CELLS = 1024 };

struct page_cache *mmusim__page_cache_create(void)
{
    struct page_cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return NULL;
    cache->cells = calloc(CACHE_FIRST_CELLS, sizeof(*cache->cells));
    cache->mask = CACHE_FIRST_CELLS - 1;
    if (!cache->cells) {
        free(cache);
        return NULL;
    }
    return cache;
}

void mmusim__page_cache_destroy(struct page_cache *cache)
{
    if (!cache)
        return;
    for (uint32_t i = 0; i < cache->n_files; i++)
        free(cache->files[i].name);
    free(cache->files);
    free(cache->cells);
    free(cache);
}

static bool cache_reserve_name(struct page_cache *cache)
{
    uint32_t capacity = cache->capacity ? cache->capacity * 2 : 16;
    struct cached_file *files;

    if (cache->n_files < cache->capacity)
        return true;
    files = realloc(cache->files, capacity * sizeof(*files));
    if (!files)
        return false;
    cache->files = files;
    cache->capacity = capacity;
    return true;
}

uint32_t mmusim__page_cache_unnamed(struct page_cache *cache)
{
    if (!cache_reserve_name(cache))
        return 0;
    cache->files[cache->n_files++] = (struct cached_file){NULL, 0, false};
    return cache->n_files;
}

uint32_t mmusim__page_cache_file(struct page_cache *cache, const char *name,
                                 uint32_t order)
{
    size_t size = strlen(name) + 1;
    char *copy;

    for (uint32_t i = 0; i < cache->n_files; i++) {
        const struct cached_file *file = &cache->files[i];

        if (file->name && file->order == order && !strcmp(file->name, name))
            return i + 1;
    }
    copy = malloc(size);
    if (!copy || !cache_reserve_name(cache)) {
        free(copy);
        return 0;
    }
    memcpy(copy, name, size);
    cache->files[cache->n_files++] = (struct cached_file){copy, order, false};
    return cache->n_files;
}

bool mmusim__page_cache_is_unnamed(const struct page_cache *cache,
                                   uint32_t file_id)
{
    return !cache->files[file_id - 1].name;
}

static uint64_t cache_home(uint64_t mask, uint32_t file_id, uint64_t page)
{
    uint64_t hash =
        (page ^ (uint64_t) file_id << 40) * UINT64_C(0x9e3779b97f4a7c15);

    return (hash >> 20) & mask;
}

static struct cached_page *cache_cell(struct cached_page *cells, uint64_t mask,
                                      uint32_t file_id, uint64_t page)
{
    uint64_t i = cache_home(mask, file_id, page);

    while (cells[i].pfn &&
           (cells[i].file_id != file_id || cells[i].page != page))
        i = (i + 1) & mask;
    return &cells[i];
}

bool mmusim__page_cache_find(const struct page_cache *cache, uint32_t file_id,
                             uint64_t page, pfn_t *pfn)
{
    const struct cached_page *cell =
        cache_cell(cache->cells, cache->mask, file_id, page);

    pfn->v = cell->pfn;
    return cell->pfn;
}

static bool cache_grow(struct page_cache *cache)
{
    uint64_t mask = cache->mask * 2 + 1;
    struct cached_page *cells = calloc(mask + 1, sizeof(*cells));

    if (!cells)
        return false;
    for (uint64_t i = 0; i <= cache->mask; i++) {
        const struct cached_page *old = &cache->cells[i];

        if (old->pfn)
            *cache_cell(cells, mask, old->file_id, old->page) = *old;
    }
    free(cache->cells);
    cache->cells = cells;
    cache->mask = mask;
    return true;
}

bool mmusim__page_cache_add(struct page_cache *cache, uint32_t file_id,
                            uint64_t page, pfn_t pfn)
{
    if (cache->n_pages >= cache->mask / 4 * 3 && !cache_grow(cache))
        return false;
    *cache_cell(cache->cells, cache->mask, file_id, page) =
        (struct cached_page){page, pfn.v, file_id};
    cache->n_pages++;
    return true;
}

/* Cells behind the hole that a look-up would not find across it move up. */
void mmusim__page_cache_remove(struct page_cache *cache, uint32_t file_id,
                               uint64_t page)
{
    struct cached_page *cells = cache->cells;
    uint64_t mask = cache->mask;
    uint64_t hole = (uint64_t) (cache_cell(cells, mask, file_id, page) - cells);

    if (!cells[hole].pfn)
        return;
    cache->n_pages--;
    cache->files[file_id - 1].has_evicted = true;
    for (uint64_t i = (hole + 1) & mask; cells[i].pfn; i = (i + 1) & mask) {
        uint64_t home = cache_home(mask, cells[i].file_id, cells[i].page);

        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        cells[hole] = cells[i];
        hole = i;
    }
    cells[hole].pfn = 0;
}

bool mmusim__page_cache_has_evicted(const struct page_cache *cache,
                                    uint32_t file_id)
{
    return cache->files[file_id - 1].has_evicted;
}

uint64_t mmusim__page_cache_frames(const struct page_cache *cache,
                                   const struct frame_alloc *frames)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i <= cache->mask; i++) {
        pfn_t pfn = {cache->cells[i].pfn};

        if (pfn.v)
            n += UINT64_C(1) << mmusim__frame_order(frames, pfn);
    }
    return n;
}
