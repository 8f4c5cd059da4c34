/* SPDX-License-Identifier: MIT */
/* Tag-only caches: see mem_cache.h. A set is kept in order of use, so that
 * recency needs no stamps and a repeated hit is one comparison. */
#include "tlb/mem_cache.h"

#include "core/arena.h"

#include <string.h>

enum {
    MEM_CACHE_MAX_WAYS = 64,
    MEM_CACHE_MAX_LINES = 1 << 24, /* 1 GiB: 64 MiB of host memory */
};

#define MEM_CACHE_SEED UINT32_C(0x2545f491) /* any but 0 */

static uint32_t mem_cache_tag(uint64_t line, uint32_t version)
{
    uint32_t folded = (uint32_t) line ^
                      (uint32_t) (line >> 32) * UINT32_C(0x85ebca6b) ^
                      version * UINT32_C(0x9e3779b1);

    return folded + 1 ? folded + 1 : 1; /* 0 is an empty way */
}

uint64_t mmusim__mem_cache_set_of(const struct mem_cache *cache, uint64_t line)
{
    uint64_t set = line & ((UINT64_C(1) << cache->plain_bits) - 1);

    if (cache->n_groups > 1) {
        uint64_t hash =
            (line >> cache->plain_bits) * UINT64_C(0x9e3779b97f4a7c15);

        /* once more: a single product spreads lines of one stride far too
         * evenly */
        hash = (hash ^ hash >> 31) * UINT64_C(0xbf58476d1ce4e5b9) >> 32;
        set |= (hash * cache->n_groups >> 32) << cache->plain_bits;
    }
    return set;
}

static uint32_t *mem_cache_set(const struct mem_cache *cache, uint64_t line)
{
    return &cache->tags[mmusim__mem_cache_set_of(cache, line) * cache->n_ways];
}

/* Marsaglia, "Xorshift RNGs" (2003): full period over 32 bits. */
static uint32_t mem_cache_random(struct mem_cache *cache)
{
    uint32_t x = cache->random;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return cache->random = x;
}

uint32_t mmusim__mem_cache_plain_bits(const struct cache_config *config)
{
    uint64_t n_sets = (config->size_bytes >> CACHE_LINE_SHIFT) / config->n_ways;
    uint32_t limit =
        config->hash_from_bit ? config->hash_from_bit - CACHE_LINE_SHIFT : 64;
    uint32_t bits = 0;

    while (bits < limit && n_sets && !(n_sets >> bits & 1))
        bits++;
    return bits;
}

const char *mmusim__mem_cache_refuses(uint64_t size_bytes, uint32_t n_ways)
{
    uint64_t n_lines = size_bytes >> CACHE_LINE_SHIFT;

    if (!size_bytes)
        return NULL;
    if (!n_ways || n_ways > MEM_CACHE_MAX_WAYS)
        return "ways must be 1 to 64";
    if (n_lines > MEM_CACHE_MAX_LINES)
        return "size must be at most 1G";
    if (n_lines << CACHE_LINE_SHIFT != size_bytes || n_lines % n_ways)
        return "size must be a multiple of 64 bytes times ways";
    return NULL;
}

mmusim_status_t mmusim__mem_cache_init(struct mem_cache *cache,
                                       const struct cache_config *config,
                                       struct arena *arena)
{
    struct mem_cache built = {.n_ways = config->n_ways,
                              .random = MEM_CACHE_SEED,
                              .is_random = config->replacement == CACHE_RANDOM};
    uint64_t n_lines = config->size_bytes >> CACHE_LINE_SHIFT;

    if (mmusim__mem_cache_refuses(config->size_bytes, config->n_ways))
        return MMUSIM_CONFIG;
    if (n_lines) {
        built.n_sets = (uint32_t) (n_lines / config->n_ways);
        built.plain_bits = mmusim__mem_cache_plain_bits(config);
        built.n_groups = built.n_sets >> built.plain_bits;
        built.bypass =
            (uint32_t) (UINT32_MAX / 100 * (uint64_t) config->bypass_percent);
        built.tags = mmusim__arena_alloc(arena, n_lines, sizeof(*built.tags));
        if (!built.tags)
            return MMUSIM_NOMEM;
    }
    *cache = built;
    return MMUSIM_OK;
}

/* The way of a tag, or n_ways. */
static uint32_t mem_cache_find(const struct mem_cache *cache,
                               const uint32_t *set, uint32_t tag)
{
    uint32_t way = 0;

    while (way < cache->n_ways && set[way] != tag)
        way++;
    return way;
}

/* Moves what lies before a way one back and puts the tag first. */
static void mem_cache_promote(uint32_t *set, uint32_t way, uint32_t tag)
{
    memmove(set + 1, set, way * sizeof(*set));
    set[0] = tag;
}

bool mmusim__mem_cache_touch(struct mem_cache *cache, uint64_t line,
                             uint32_t version)
{
    uint32_t tag = mem_cache_tag(line, version);
    uint32_t *set;
    uint32_t way;

    if (!cache->n_sets)
        return false;
    set = mem_cache_set(cache, line);
    way = mem_cache_find(cache, set, tag);
    if (way == cache->n_ways)
        return false;
    if (way && !cache->is_random)
        mem_cache_promote(set, way, tag);
    return true;
}

/* A miss of a full set. */
static void mem_cache_replace(struct mem_cache *cache, uint32_t *set,
                              uint32_t tag)
{
    bool is_bypassed = cache->bypass && mem_cache_random(cache) < cache->bypass;
    uint32_t last = cache->n_ways - 1;

    if (cache->is_random && !is_bypassed)
        set[(uint64_t) mem_cache_random(cache) * cache->n_ways >> 32] = tag;
    else if (!cache->is_random && is_bypassed)
        set[last] = tag;
    else if (!cache->is_random)
        mem_cache_promote(set, last, tag);
}

void mmusim__mem_cache_fill(struct mem_cache *cache, uint64_t line,
                            uint32_t version)
{
    uint32_t tag = mem_cache_tag(line, version);
    uint32_t *set;
    uint32_t way;

    if (!cache->n_sets)
        return;
    set = mem_cache_set(cache, line);
    way = mem_cache_find(cache, set, tag);
    if (way < cache->n_ways)
        mem_cache_promote(set, way, tag);
    else if (set[cache->n_ways - 1]) /* empty ways are at the end */
        mem_cache_replace(cache, set, tag);
    else
        mem_cache_promote(set, cache->n_ways - 1, tag);
}

bool mmusim__mem_cache_drop(struct mem_cache *cache, uint64_t line,
                            uint32_t version)
{
    uint32_t *set;
    uint32_t way;

    if (!cache->n_sets)
        return false;
    set = mem_cache_set(cache, line);
    way = mem_cache_find(cache, set, mem_cache_tag(line, version));
    if (way == cache->n_ways)
        return false;
    memmove(set + way, set + way + 1, (cache->n_ways - 1 - way) * sizeof(*set));
    set[cache->n_ways - 1] = 0;
    return true;
}
