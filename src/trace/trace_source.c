/* SPDX-License-Identifier: MIT */
/*
 * One run's view of a trace. Without a cache each thread has a decoder of its
 * own. With one, the decoder of a thread is shared by all sources: who needs
 * a piece that is not there decodes it for all. A source that has fallen
 * behind the shared decoder takes one of its own, from its block's start.
 * Without a cache a helper thread of the source may unpack ahead.
 *
 * Locks: a shared stream's, then the cache's; nobody waits for another source
 * with either held.
 */
#include "core/diag.h"
#include "core/source.h"
#include "trace/trace_handle.h"

#include <stdlib.h>
#include <string.h>

struct source_place {
    struct piece_stream *stream; /* the source's own, or NULL */
    struct cached_piece *held;
    uint32_t block; /* of the thread */
    uint32_t piece; /* of the block: the next one */
    uint64_t n_records;
};

struct trace_source {
    struct mmusim_source source; /* first */
    struct mmusim_trace *trace;
    struct source_place *places;
    struct unpack_helper *helper; /* or NULL */
};

static uint64_t source_key(const struct trace_block *block, uint32_t piece)
{
    return (uint64_t) block->number << 32 | piece;
}

static void source_close_place(struct trace_source *self,
                               struct source_place *place)
{
    mmusim__piece_stream_destroy(place->stream);
    mmusim__piece_cache_release(&self->trace->cache, place->held);
    place->stream = NULL;
    place->held = NULL;
}

static void source_destroy(struct mmusim_source *source)
{
    struct trace_source *self = (struct trace_source *) source;

    for (uint32_t i = 0; self->places && i < source->n_threads; i++)
        source_close_place(self, &self->places[i]);
    mmusim__unpack_helper_destroy(self->helper);
    free(self->places);
    free(self);
}

/* *stream is opened at the block, unless it is there already, at or before
 * the piece. */
static mmusim_status_t source_seek(struct trace_source *self,
                                   struct piece_stream **stream,
                                   uint32_t thread_index, mmusim_diag_t *diag)
{
    const struct mmusim_trace *trace = self->trace;
    const struct source_place *place = &self->places[thread_index];
    const struct trace_block *block =
        trace_block_of(trace, thread_index, place->block);
    const struct trace_block *following = NULL;

    if (!*stream)
        *stream = mmusim__piece_stream_create(&trace->file, self->helper);
    if (!*stream)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    if ((*stream)->block == block && (*stream)->next_piece <= place->piece)
        return MMUSIM_OK;
    if (place->block + 1 < trace->file.threads[thread_index].n_blocks)
        following = trace_block_of(trace, thread_index, place->block + 1);
    mmusim__piece_stream_open(*stream, block, following);
    return MMUSIM_OK;
}

/* Decodes up to the piece and gives every one to the cache. */
static mmusim_status_t source_decode(struct mmusim_trace *trace,
                                     struct piece_stream *stream,
                                     uint32_t piece, struct cached_piece **held,
                                     mmusim_diag_t *diag)
{
    while (stream->next_piece <= piece) {
        uint32_t number = stream->next_piece;
        mmusim_status_t status = mmusim__piece_stream_next(stream, diag);
        struct cached_piece *added;

        if (status)
            return status;
        added = mmusim__piece_cache_add(
            &trace->cache, source_key(stream->block, number), stream);
        if (!added)
            return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
        if (number == piece)
            *held = added;
        else
            mmusim__piece_cache_release(&trace->cache, added);
    }
    return MMUSIM_OK;
}

static bool shared_is_ahead(const struct shared_stream *shared,
                            const struct source_place *place)
{
    if (!shared->stream)
        return false;
    if (shared->block != place->block)
        return shared->block > place->block;
    return shared->stream->next_piece > place->piece;
}

static mmusim_status_t source_miss(struct trace_source *self,
                                   uint32_t thread_index,
                                   const struct trace_block *block,
                                   mmusim_diag_t *diag)
{
    struct mmusim_trace *trace = self->trace;
    struct source_place *place = &self->places[thread_index];
    struct shared_stream *shared = &trace->shared[thread_index];
    struct piece_stream **stream = &shared->stream;
    mmusim_status_t status = MMUSIM_OK;
    bool is_shared = true;

    pthread_mutex_lock(&shared->lock);
    place->held = mmusim__piece_cache_find(&trace->cache,
                                           source_key(block, place->piece));
    if (place->held) {
        pthread_mutex_unlock(&shared->lock);
        return MMUSIM_OK;
    }
    if (shared_is_ahead(shared, place)) {
        pthread_mutex_unlock(&shared->lock);
        is_shared = false;
        stream = &place->stream;
    }
    status = source_seek(self, stream, thread_index, diag);
    if (is_shared)
        shared->block = place->block;
    if (!status)
        status =
            source_decode(trace, *stream, place->piece, &place->held, diag);
    if (status && *stream)
        (*stream)->block = NULL; /* opened anew by the next who comes */
    if (is_shared && !status && place->held->n_records == 0 &&
        place->block + 1 == trace->file.threads[thread_index].n_blocks) {
        mmusim__piece_stream_destroy(shared->stream); /* the thread's end */
        shared->stream = NULL;
    }
    if (is_shared)
        pthread_mutex_unlock(&shared->lock);
    return status;
}

static mmusim_status_t source_next_cached(struct trace_source *self,
                                          uint32_t thread_index,
                                          struct op_piece *piece,
                                          mmusim_diag_t *diag)
{
    struct source_place *place = &self->places[thread_index];
    const struct trace_block *block =
        trace_block_of(self->trace, thread_index, place->block);
    mmusim_status_t status = MMUSIM_OK;

    mmusim__piece_cache_release(&self->trace->cache, place->held);
    place->held = mmusim__piece_cache_find(&self->trace->cache,
                                           source_key(block, place->piece));
    if (!place->held)
        status = source_miss(self, thread_index, block, diag);
    if (status)
        return status;
    piece->records = place->held->records;
    piece->n_records = place->held->n_records;
    piece->sys = place->held->sys;
    piece->n_sys = place->held->n_sys;
    piece->instructions = place->held->instructions;
    piece->quiet_instructions = place->held->quiet_instructions;
    return MMUSIM_OK;
}

static mmusim_status_t source_next_own(struct trace_source *self,
                                       uint32_t thread_index,
                                       struct op_piece *piece,
                                       mmusim_diag_t *diag)
{
    struct source_place *place = &self->places[thread_index];
    mmusim_status_t status =
        source_seek(self, &place->stream, thread_index, diag);
    struct piece_stream *stream = place->stream;

    if (!status)
        status = mmusim__piece_stream_next(stream, diag);
    if (status)
        return status;
    piece->records = stream->piece.records;
    piece->n_records = stream->piece.n_records;
    piece->sys = stream->piece.sys;
    piece->n_sys = stream->piece.n_sys;
    piece->instructions = stream->piece.instructions;
    piece->quiet_instructions = mmusim__piece_stream_quiet(stream);
    return MMUSIM_OK;
}

static mmusim_status_t source_next(struct mmusim_source *source,
                                   uint32_t thread_index,
                                   struct op_piece *piece, mmusim_diag_t *diag)
{
    struct trace_source *self = (struct trace_source *) source;
    struct mmusim_trace *trace = self->trace;
    struct source_place *place = &self->places[thread_index];
    uint32_t n_blocks = trace->file.threads[thread_index].n_blocks;

    memset(piece, 0, sizeof(*piece));
    while (place->block < n_blocks) {
        mmusim_status_t status =
            (trace->has_cache ? source_next_cached : source_next_own)(
                self, thread_index, piece, diag);

        if (status && !(trace->salvages && status == MMUSIM_DAMAGED))
            return status;
        if (!status && piece->n_records) {
            place->piece++;
            piece->first_record = place->n_records;
            place->n_records += piece->n_records;
            return MMUSIM_OK;
        }
        memset(piece, 0, sizeof(*piece));
        place->block++;
        place->piece = 0;
    }
    source_close_place(self, place);
    return MMUSIM_OK;
}

static void source_release(struct mmusim_source *source, uint32_t thread_index)
{
    struct trace_source *self = (struct trace_source *) source;

    source_close_place(self, &self->places[thread_index]);
}

static const struct source_ops trace_source_ops = {
    .next = source_next,
    .release = source_release,
    .destroy = source_destroy,
};

mmusim_status_t mmusim_trace_source(mmusim_trace_t *trace,
                                    mmusim_source_t **source,
                                    mmusim_diag_t *diag)
{
    struct trace_source *self = calloc(1, sizeof(*self));

    *source = NULL;
    if (self)
        self->places = calloc(trace->file.n_threads + 1, sizeof(*self->places));
    if (!self || !self->places) {
        free(self);
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    }
    self->trace = trace;
    if (trace->has_helper)
        self->helper = mmusim__unpack_helper_create(trace->file.n_threads);
    self->source.ops = &trace_source_ops;
    self->source.name = trace->file.path;
    self->source.n_threads = trace->file.n_threads;
    self->source.threads = trace->threads;
    self->source.total_records = trace->file.n_records;
    *source = &self->source;
    return MMUSIM_OK;
}
