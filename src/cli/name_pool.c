/* SPDX-License-Identifier: MIT */
#include "cli/name_pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct name_pool {
    char **names;   /* a hash table: NULL where nothing is */
    size_t n_slots; /* a power of two */
    size_t n_names;
};

enum { POOL_FIRST_SLOTS = 1024 };

struct name_pool *name_pool_create(void)
{
    struct name_pool *pool = calloc(1, sizeof(*pool));

    if (!pool)
        return NULL;
    pool->n_slots = POOL_FIRST_SLOTS;
    pool->names = calloc(pool->n_slots, sizeof(*pool->names));
    if (!pool->names) {
        free(pool);
        return NULL;
    }
    return pool;
}

void name_pool_destroy(struct name_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->n_slots; i++)
        free(pool->names[i]);
    free(pool->names);
    free(pool);
}

/* FNV-1a, 64 bits: the constants are its definition's. */
static uint64_t pool_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char) *text) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

static char **pool_slot(char **names, size_t n_slots, const char *text)
{
    size_t i = pool_hash(text) & (n_slots - 1);

    while (names[i] && strcmp(names[i], text) != 0)
        i = (i + 1) & (n_slots - 1);
    return &names[i];
}

static int pool_grow(struct name_pool *pool)
{
    size_t n_slots = 2 * pool->n_slots;
    char **names = calloc(n_slots, sizeof(*names));

    if (!names)
        return 0;
    for (size_t i = 0; i < pool->n_slots; i++) {
        if (pool->names[i])
            *pool_slot(names, n_slots, pool->names[i]) = pool->names[i];
    }
    free(pool->names);
    pool->names = names;
    pool->n_slots = n_slots;
    return 1;
}

const char *name_pool_keep(struct name_pool *pool, const char *text)
{
    char **slot = pool_slot(pool->names, pool->n_slots, text);

    if (*slot)
        return *slot;
    if (pool->n_names >= pool->n_slots / 2) {
        if (!pool_grow(pool))
            return NULL;
        slot = pool_slot(pool->names, pool->n_slots, text);
    }
    *slot = strdup(text);
    pool->n_names += *slot != NULL;
    return *slot;
}
