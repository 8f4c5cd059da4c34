/* SPDX-License-Identifier: MIT */
/*
 * Decoded pieces shared by the points of a sweep, at most room_bytes of them:
 * the least recently used goes first. Safe for any number of host threads. A
 * piece in use stays valid when it is dropped.
 */
#ifndef MMUSIM_TRACE_PIECE_CACHE_H
#define MMUSIM_TRACE_PIECE_CACHE_H

#include "trace/piece_stream.h"

#include <pthread.h>

enum { CACHE_BUCKETS = 4096 };

struct cached_piece {
    uint64_t key;
    struct cached_piece *next_in_bucket;
    struct cached_piece *newer, *older;
    size_t n_bytes;
    uint32_t n_users;
    bool is_listed; /* in the cache; else its last user frees it */
    uint32_t n_records;
    uint32_t n_sys;
    uint64_t instructions;
    uint64_t quiet_instructions;
    struct op_record *records;
    struct sys_op *sys;
};

struct piece_cache {
    pthread_mutex_t lock;
    uint64_t room_bytes;
    uint64_t n_bytes;
    struct cached_piece *newest, *oldest;
    struct cached_piece *buckets[CACHE_BUCKETS];
};

void mmusim__piece_cache_init(struct piece_cache *cache, uint64_t room_bytes);
void mmusim__piece_cache_fini(struct piece_cache *cache);

/* Both give one use of the piece, to be released; NULL: not there, or out of
 * memory. */
struct cached_piece *mmusim__piece_cache_find(struct piece_cache *cache,
                                              uint64_t key);
struct cached_piece *mmusim__piece_cache_add(struct piece_cache *cache,
                                             uint64_t key,
                                             const struct piece_stream *stream);
/* NULL is legal. */
void mmusim__piece_cache_release(struct piece_cache *cache,
                                 struct cached_piece *piece);

#endif
