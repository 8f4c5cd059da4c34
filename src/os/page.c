/* SPDX-License-Identifier: MIT */
/* Pages and their reverse maps: see page.h. The order of a page's mappings is a
 * function of their history alone: the first, then the others, newest first. */
#include "os/page.h"

#include "core/check.h"

#include <stdlib.h>

enum {
    PAGE_CHUNK_LOG2 = 9,
    PAGE_CHUNK = 1 << PAGE_CHUNK_LOG2,
    PAGE_MAP_SLAB = 256, /* further mappings made at a time */
};

struct page_slab {
    struct page_slab *next;
    struct page_map maps[PAGE_MAP_SLAB];
};

struct page_array {
    uint32_t granule_order;
    struct page **chunks;
    uint64_t n_chunks; /* capacity; absent ones are NULL */
    struct page_map *free_maps;
    struct page_slab *slabs;
};

struct page_array *mmusim__pages_create(uint32_t granule_order)
{
    struct page_array *pages = calloc(1, sizeof(*pages));

    if (pages)
        pages->granule_order = granule_order;
    return pages;
}

void mmusim__pages_destroy(struct page_array *pages)
{
    if (!pages)
        return;
    for (uint64_t i = 0; i < pages->n_chunks; i++)
        free(pages->chunks[i]);
    free(pages->chunks);
    while (pages->slabs) {
        struct page_slab *slab = pages->slabs;

        pages->slabs = slab->next;
        free(slab);
    }
    free(pages);
}

struct page *mmusim__page_find(const struct page_array *pages, pfn_t pfn)
{
    uint64_t number = pfn.v >> pages->granule_order;
    uint64_t chunk = number >> PAGE_CHUNK_LOG2;

    if (chunk >= pages->n_chunks || !pages->chunks[chunk])
        return NULL;
    return &pages->chunks[chunk][number & (PAGE_CHUNK - 1)];
}

static bool page_directory_grow(struct page_array *pages, uint64_t chunk)
{
    uint64_t n = max_u64(chunk + 1, pages->n_chunks * 2);
    struct page **chunks = realloc(pages->chunks, n * sizeof(*chunks));

    if (!chunks)
        return false;
    for (uint64_t i = pages->n_chunks; i < n; i++)
        chunks[i] = NULL;
    pages->chunks = chunks;
    pages->n_chunks = n;
    return true;
}

struct page *mmusim__page_make(struct page_array *pages, pfn_t pfn)
{
    struct page *page = mmusim__page_find(pages, pfn);
    uint64_t chunk = pfn.v >> pages->granule_order >> PAGE_CHUNK_LOG2;
    uint64_t first = chunk << PAGE_CHUNK_LOG2;
    struct page *made;

    if (page)
        return page;
    if (chunk >= pages->n_chunks && !page_directory_grow(pages, chunk))
        return NULL;
    made = calloc(PAGE_CHUNK, sizeof(*made));
    if (!made)
        return NULL;
    for (uint64_t i = 0; i < PAGE_CHUNK; i++)
        made[i].pfn = (first + i) << pages->granule_order;
    pages->chunks[chunk] = made;
    return mmusim__page_find(pages, pfn);
}

/* ---- the reverse map ---- */

static struct page_map *page_map_get(struct page_array *pages)
{
    struct page_map *map = pages->free_maps;

    if (!map) {
        struct page_slab *slab = malloc(sizeof(*slab));

        if (!slab)
            return NULL;
        slab->next = pages->slabs;
        pages->slabs = slab;
        for (uint32_t i = 0; i < PAGE_MAP_SLAB; i++) {
            slab->maps[i].next = pages->free_maps;
            pages->free_maps = &slab->maps[i];
        }
        map = pages->free_maps;
    }
    pages->free_maps = map->next;
    return map;
}

bool mmusim__page_map(struct page_array *pages, struct page *page,
                      struct mm *mm, uint64_t vaddr)
{
    struct page_map *last = &page->map;
    struct page_map *map;

    page->n_map_changes++;
    if (!last->mm) {
        *last = (struct page_map){mm, vaddr, NULL};
        return true;
    }
    map = page_map_get(pages);
    if (!map)
        return false;
    /* Second place: O(1), and the order stays a function of the history. */
    *map = (struct page_map){mm, vaddr, last->next};
    last->next = map;
    return true;
}

static void page_map_put(struct page_array *pages, struct page_map *map)
{
    map->next = pages->free_maps;
    pages->free_maps = map;
}

void mmusim__page_unmap(struct page_array *pages, struct page *page,
                        const struct mm *mm, uint64_t vaddr)
{
    struct page_map *first = &page->map;
    struct page_map **link = &first->next;
    struct page_map *map;

    page->n_map_changes++;
    if (first->mm == mm && first->vaddr == vaddr) {
        map = first->next;
        if (!map) {
            first->mm = NULL;
            return;
        }
        *first = *map;
        page_map_put(pages, map);
        return;
    }
    while (*link && ((*link)->mm != mm || (*link)->vaddr != vaddr))
        link = &(*link)->next;
    mmusim_assert(*link);
    if (!*link)
        return;
    map = *link;
    *link = map->next;
    page_map_put(pages, map);
}

uint32_t mmusim__page_count_maps(const struct page *page)
{
    uint32_t n = 0;

    for (const struct page_map *map = &page->map; map && map->mm;
         map = map->next)
        n++;
    return n;
}
