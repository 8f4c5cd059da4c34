/* SPDX-License-Identifier: MIT */
/* A hash table of decoded pieces with a list in order of use. */
#include "trace/piece_cache.h"

#include <stdlib.h>
#include <string.h>

void mmusim__piece_cache_init(struct piece_cache *cache, uint64_t room_bytes)
{
    memset(cache, 0, sizeof(*cache));
    pthread_mutex_init(&cache->lock, NULL);
    cache->room_bytes = room_bytes;
}

static struct cached_piece **cache_bucket(struct piece_cache *cache,
                                          uint64_t key)
{
    return &cache->buckets[(key * 0x9e3779b97f4a7c15) >> 52];
}

static void cache_list(struct piece_cache *cache, struct cached_piece *piece)
{
    piece->older = cache->newest;
    piece->newer = NULL;
    if (cache->newest)
        cache->newest->newer = piece;
    else
        cache->oldest = piece;
    cache->newest = piece;
}

static void cache_unlist(struct piece_cache *cache, struct cached_piece *piece)
{
    if (piece->newer)
        piece->newer->older = piece->older;
    else
        cache->newest = piece->older;
    if (piece->older)
        piece->older->newer = piece->newer;
    else
        cache->oldest = piece->newer;
}

static void cache_drop(struct piece_cache *cache, struct cached_piece *piece)
{
    struct cached_piece **link = cache_bucket(cache, piece->key);

    while (*link != piece)
        link = &(*link)->next_in_bucket;
    *link = piece->next_in_bucket;
    cache_unlist(cache, piece);
    cache->n_bytes -= piece->n_bytes;
    piece->is_listed = false;
    if (piece->n_users == 0)
        free(piece);
}

void mmusim__piece_cache_fini(struct piece_cache *cache)
{
    while (cache->oldest)
        cache_drop(cache, cache->oldest);
    pthread_mutex_destroy(&cache->lock);
}

static struct cached_piece *cache_use(struct piece_cache *cache, uint64_t key)
{
    struct cached_piece *piece = *cache_bucket(cache, key);

    while (piece && piece->key != key)
        piece = piece->next_in_bucket;
    if (piece) {
        piece->n_users++;
        cache_unlist(cache, piece);
        cache_list(cache, piece);
    }
    return piece;
}

struct cached_piece *mmusim__piece_cache_find(struct piece_cache *cache,
                                              uint64_t key)
{
    struct cached_piece *piece;

    pthread_mutex_lock(&cache->lock);
    piece = cache_use(cache, key);
    pthread_mutex_unlock(&cache->lock);
    return piece;
}

/* One allocation: the piece, its operations, its records, its names. */
static struct cached_piece *cache_copy(const struct piece_stream *stream)
{
    const struct piece_buffer *from = &stream->piece;
    size_t n_sys_bytes = from->n_sys * sizeof(from->sys[0]);
    size_t n_record_bytes = from->n_records * sizeof(from->records[0]);
    size_t n_bytes = sizeof(struct cached_piece) + n_sys_bytes +
                     n_record_bytes + from->n_name_bytes;
    struct cached_piece *piece = malloc(n_bytes);
    char *names;

    if (!piece)
        return NULL;
    memset(piece, 0, sizeof(*piece));
    piece->n_bytes = n_bytes;
    piece->n_records = from->n_records;
    piece->n_sys = from->n_sys;
    piece->instructions = from->instructions;
    piece->quiet_instructions = mmusim__piece_stream_quiet(stream);
    piece->sys = (struct sys_op *) (piece + 1);
    piece->records = (struct op_record *) (piece->sys + from->n_sys);
    names = (char *) (piece->records + from->n_records);
    memcpy(piece->sys, from->sys, n_sys_bytes);
    memcpy(piece->records, from->records, n_record_bytes);
    memcpy(names, from->names, from->n_name_bytes);
    for (uint32_t i = 0; i < from->n_sys; i++) {
        if (from->sys[i].name)
            piece->sys[i].name = names + (from->sys[i].name - from->names);
    }
    return piece;
}

struct cached_piece *mmusim__piece_cache_add(struct piece_cache *cache,
                                             uint64_t key,
                                             const struct piece_stream *stream)
{
    struct cached_piece *copy = cache_copy(stream);
    struct cached_piece *piece;

    pthread_mutex_lock(&cache->lock);
    piece = cache_use(cache, key);
    if (piece || !copy) {
        free(copy);
        pthread_mutex_unlock(&cache->lock);
        return piece;
    }
    copy->key = key;
    copy->n_users = 1;
    copy->is_listed = true;
    copy->next_in_bucket = *cache_bucket(cache, key);
    *cache_bucket(cache, key) = copy;
    cache_list(cache, copy);
    cache->n_bytes += copy->n_bytes;
    while (cache->n_bytes > cache->room_bytes && cache->oldest)
        cache_drop(cache, cache->oldest);
    pthread_mutex_unlock(&cache->lock);
    return copy;
}

void mmusim__piece_cache_release(struct piece_cache *cache,
                                 struct cached_piece *piece)
{
    if (!piece)
        return;
    pthread_mutex_lock(&cache->lock);
    if (--piece->n_users == 0 && !piece->is_listed)
        free(piece);
    pthread_mutex_unlock(&cache->lock);
}
