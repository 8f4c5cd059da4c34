/* SPDX-License-Identifier: MIT */
#include "recorder/block_table.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BUCKETS = 1 << 14 }; /* a large program has some 100,000 blocks */

static pthread_mutex_t block_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *block_buckets[BLOCK_BUCKETS];

static bool block_equals(const struct block *a, const struct block *b)
{
    return a->vaddr == b->vaddr && a->n_instructions == b->n_instructions &&
           a->n_bytes == b->n_bytes && a->begins_repeat == b->begins_repeat &&
           a->ends_repeat_vaddr == b->ends_repeat_vaddr && a->end == b->end &&
           (a->insns == NULL ||
            memcmp(a->insns, b->insns, a->n_instructions * sizeof(*a->insns)) ==
                0);
}

static struct block **block_bucket_of(const struct block *key)
{
    uint64_t hash = key->vaddr * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
    return &block_buckets[hash >> 50];
}

static struct block *block_add(struct block **bucket, const struct block *key)
{
    struct block *block = malloc(sizeof(*block));
    if (block == NULL)
        return NULL;
    *block = *key;
    if (key->insns != NULL) {
        size_t size = key->n_instructions * sizeof(*key->insns);
        block->insns = malloc(size);
        if (block->insns == NULL) {
            free(block);
            return NULL;
        }
        memcpy(block->insns, key->insns, size);
    }
    block->next = *bucket;
    *bucket = block;
    return block;
}

const struct block *mmusim__block_table_get(const struct block *key)
{
    struct block **bucket = block_bucket_of(key);
    pthread_mutex_lock(&block_lock);
    struct block *found = *bucket;
    while (found != NULL && !block_equals(found, key))
        found = found->next;
    if (found == NULL)
        found = block_add(bucket, key);
    pthread_mutex_unlock(&block_lock);
    return found;
}
