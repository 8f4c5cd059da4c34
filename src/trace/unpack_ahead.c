/* SPDX-License-Identifier: MIT */
/* The helper thread and its queue of streams that have an empty chunk. */
#include "trace/unpack_ahead.h"

#include "core/check.h"

#include <pthread.h>
#include <stdlib.h>

/* guess: what the codecs need is a few KiB; sanitizers need more */
enum { HELPER_STACK_BYTES = 256 << 10 };

struct unpack_helper {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    pthread_cond_t has_filled;
    struct unpack_ahead *first;
    struct unpack_ahead *last;
    unsigned n_chunks; /* of a stream */
    bool is_idle;      /* waits for work */
    bool is_awaited;   /* somebody waits for a chunk */
    bool is_ending;
};

/* ---- all of these under the lock ---- */

static void helper_queue(struct unpack_helper *helper,
                         struct unpack_ahead *ahead)
{
    if (ahead->is_queued || ahead->is_running || ahead->stream.is_over ||
        ahead->chunks[ahead->fill].state != CHUNK_EMPTY)
        return;
    ahead->is_queued = true;
    ahead->next = NULL;
    if (helper->last)
        helper->last->next = ahead;
    else
        helper->first = ahead;
    helper->last = ahead;
    if (helper->is_idle)
        pthread_cond_signal(&helper->has_work);
}

static struct unpack_ahead *helper_pop(struct unpack_helper *helper)
{
    struct unpack_ahead *ahead = helper->first;

    helper->first = ahead->next;
    if (!helper->first)
        helper->last = NULL;
    ahead->is_queued = false;
    return ahead;
}

static void helper_unqueue(struct unpack_helper *helper,
                           struct unpack_ahead *ahead)
{
    struct unpack_ahead **link = &helper->first;
    struct unpack_ahead *before = NULL;

    if (!ahead->is_queued)
        return;
    while (*link != ahead) {
        before = *link;
        link = &before->next;
    }
    *link = ahead->next;
    if (helper->last == ahead)
        helper->last = before;
    ahead->is_queued = false;
}

static void helper_await(struct unpack_helper *helper)
{
    helper->is_awaited = true;
    pthread_cond_wait(&helper->has_filled, &helper->lock);
}

/* Waits until the helper has nothing to do with the stream. */
static void helper_stop(struct unpack_helper *helper,
                        struct unpack_ahead *ahead)
{
    helper_unqueue(helper, ahead);
    while (ahead->is_running)
        helper_await(helper);
    helper_unqueue(helper, ahead);
}

/* Fills the next chunk, without the lock meanwhile. */
static void helper_fill(struct unpack_helper *helper,
                        struct unpack_ahead *ahead)
{
    struct raw_chunk *chunk = &ahead->chunks[ahead->fill];

    ahead->is_running = true;
    pthread_mutex_unlock(&helper->lock);
    mmusim__unpack_stream_fill(&ahead->stream, chunk);
    pthread_mutex_lock(&helper->lock);
    ahead->is_running = false;
    chunk->state = CHUNK_FULL;
    ahead->n_empty--;
    ahead->fill = (ahead->fill + 1) % ahead->n_chunks;
    if (ahead->stream.is_over && ahead->following) {
        mmusim__unpack_stream_begin(&ahead->stream, ahead->following);
        ahead->following = NULL;
        ahead->is_following = true;
    }
}

/* ---- the thread ---- */

static void *helper_main(void *context)
{
    struct unpack_helper *helper = context;

    pthread_mutex_lock(&helper->lock);
    while (!helper->is_ending) {
        struct unpack_ahead *ahead;

        if (!helper->first) {
            helper->is_idle = true;
            pthread_cond_wait(&helper->has_work, &helper->lock);
            helper->is_idle = false;
            continue;
        }
        ahead = helper_pop(helper);
        helper_fill(helper, ahead);
        helper_queue(helper, ahead);
        if (helper->is_awaited) {
            helper->is_awaited = false;
            pthread_cond_signal(&helper->has_filled);
        }
    }
    pthread_mutex_unlock(&helper->lock);
    return NULL;
}

static bool helper_start(struct unpack_helper *helper)
{
    pthread_attr_t attributes;
    bool has_started;

    if (pthread_attr_init(&attributes))
        return false;
    pthread_attr_setstacksize(&attributes, HELPER_STACK_BYTES);
    has_started =
        !pthread_create(&helper->thread, &attributes, helper_main, helper);
    pthread_attr_destroy(&attributes);
    return has_started;
}

static void helper_free(struct unpack_helper *helper)
{
    pthread_cond_destroy(&helper->has_work);
    pthread_cond_destroy(&helper->has_filled);
    pthread_mutex_destroy(&helper->lock);
    free(helper);
}

struct unpack_helper *mmusim__unpack_helper_create(uint32_t n_streams)
{
    struct unpack_helper *helper = calloc(1, sizeof(*helper));

    if (!helper)
        return NULL;
    pthread_mutex_init(&helper->lock, NULL);
    pthread_cond_init(&helper->has_work, NULL);
    pthread_cond_init(&helper->has_filled, NULL);
    helper->n_chunks = (unsigned) min_u64(
        AHEAD_CHUNKS_MAX, max_u64(2, HELPER_BYTES / sizeof(struct raw_chunk) /
                                         max_u64(1, n_streams)));
    if (helper_start(helper))
        return helper;
    helper_free(helper);
    return NULL;
}

void mmusim__unpack_helper_destroy(struct unpack_helper *helper)
{
    if (!helper)
        return;
    pthread_mutex_lock(&helper->lock);
    helper->is_ending = true;
    pthread_cond_signal(&helper->has_work);
    pthread_mutex_unlock(&helper->lock);
    pthread_join(helper->thread, NULL);
    helper_free(helper);
}

/* ---- one stream ---- */

bool mmusim__unpack_ahead_init(struct unpack_ahead *ahead,
                               const struct trace_file *file,
                               struct unpack_helper *helper)
{
    ahead->helper = helper;
    ahead->next = NULL;
    ahead->is_queued = false;
    ahead->is_running = false;
    ahead->is_following = false;
    ahead->following = NULL;
    ahead->fill = 0;
    ahead->take = 0;
    ahead->n_chunks = helper ? helper->n_chunks : 2;
    ahead->n_empty = ahead->n_chunks;
    ahead->chunks = malloc(ahead->n_chunks * sizeof(*ahead->chunks));
    if (!ahead->chunks)
        return false;
    for (unsigned i = 0; i < ahead->n_chunks; i++)
        ahead->chunks[i].state = CHUNK_EMPTY;
    mmusim__unpack_stream_init(&ahead->stream, file);
    return true;
}

static void ahead_lock(const struct unpack_ahead *ahead)
{
    if (ahead->helper)
        pthread_mutex_lock(&ahead->helper->lock);
}

static void ahead_unlock(const struct unpack_ahead *ahead)
{
    if (ahead->helper)
        pthread_mutex_unlock(&ahead->helper->lock);
}

void mmusim__unpack_ahead_fini(struct unpack_ahead *ahead)
{
    ahead_lock(ahead);
    if (ahead->helper)
        helper_stop(ahead->helper, ahead);
    ahead_unlock(ahead);
    mmusim__unpack_stream_fini(&ahead->stream);
    free(ahead->chunks);
}

static void ahead_empty(struct unpack_ahead *ahead, struct raw_chunk *chunk)
{
    ahead->n_empty += chunk->state != CHUNK_EMPTY;
    chunk->state = CHUNK_EMPTY;
}

/* Drops what is not of the block, in order of filling. */
static void ahead_drop_others(struct unpack_ahead *ahead,
                              const struct trace_block *block)
{
    struct raw_chunk *chunk = &ahead->chunks[ahead->take];

    for (unsigned i = 0; i < ahead->n_chunks; i++) {
        if (ahead->chunks[i].state == CHUNK_HELD)
            ahead_empty(ahead, &ahead->chunks[i]);
    }
    while (chunk->state == CHUNK_FULL && chunk->block != block) {
        ahead_empty(ahead, chunk);
        ahead->take = (ahead->take + 1) % ahead->n_chunks;
        chunk = &ahead->chunks[ahead->take];
    }
}

void mmusim__unpack_ahead_begin(struct unpack_ahead *ahead,
                                const struct trace_block *block,
                                const struct trace_block *following)
{
    ahead_lock(ahead);
    if (ahead->helper)
        helper_stop(ahead->helper, ahead);
    ahead_drop_others(ahead, block);
    if (!ahead->is_following || ahead->stream.block != block) {
        for (unsigned i = 0; i < ahead->n_chunks; i++)
            ahead_empty(ahead, &ahead->chunks[i]);
        ahead->fill = ahead->take;
        mmusim__unpack_stream_begin(&ahead->stream, block);
    }
    ahead->is_following = false;
    ahead->following = following;
    if (ahead->helper)
        helper_queue(ahead->helper, ahead);
    ahead_unlock(ahead);
}

/* A chunk that the helper has not begun is filled here and now: waking it up
 * may take longer. */
static void helper_get(struct unpack_helper *helper, struct unpack_ahead *ahead)
{
    while (ahead->chunks[ahead->take].state != CHUNK_FULL) {
        if (ahead->is_running) {
            helper_await(helper);
            continue;
        }
        helper_unqueue(helper, ahead);
        helper_fill(helper, ahead);
    }
}

struct raw_chunk *mmusim__unpack_ahead_take(struct unpack_ahead *ahead)
{
    struct raw_chunk *chunk = &ahead->chunks[ahead->take];

    ahead_lock(ahead);
    if (ahead->helper)
        helper_get(ahead->helper, ahead);
    else
        mmusim__unpack_stream_fill(&ahead->stream, chunk);
    ahead->n_empty -= chunk->state == CHUNK_EMPTY;
    chunk->state = CHUNK_HELD;
    ahead->take = (ahead->take + 1) % ahead->n_chunks;
    ahead_unlock(ahead);
    return chunk;
}

void mmusim__unpack_ahead_release(struct unpack_ahead *ahead,
                                  struct raw_chunk *chunk)
{
    ahead_lock(ahead);
    mmusim_assert(chunk->state == CHUNK_HELD);
    ahead_empty(ahead, chunk);
    /* Waking the helper up costs microseconds: not for every chunk. */
    if (ahead->helper && 2 * ahead->n_empty >= ahead->n_chunks)
        helper_queue(ahead->helper, ahead);
    ahead_unlock(ahead);
}
