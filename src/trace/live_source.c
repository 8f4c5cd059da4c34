/* SPDX-License-Identifier: MIT */
/*
 * A trace as a source while it is being written: members come through a pipe,
 * are kept by thread, packed as they came, and are decoded when the machine
 * asks. A thread's member TRACE_MEMBER_THREAD comes before whatever names it.
 *
 * While one thread is waited for, the blocks of the others pile up, to
 * buffer_bytes: then the thread is late (op_piece.is_late), and the machine
 * goes on without it, but never nearer to the present than the buffer holds.
 * Neither side ever waits for the other in a circle.
 */
#include "core/diag.h"
#include "trace/live_pipe.h"

#include <stdlib.h>
#include <string.h>

enum {
    LIVE_BUFFER_BYTES = 64 << 20,
    LIVE_LOOK_PIECES = 8, /* pieces handed out between looks at the pipe */
    /* Nobody can go on and the buffer is full: it grows by as much. */
    LIVE_LAST_BYTES = 64 << 20,
};

static bool live_is_full(const struct live_source *self)
{
    return self->n_buffered >= self->options.buffer_bytes;
}

/* Takes what has come, so that the program need not wait. */
static mmusim_status_t live_look(struct live_source *self, mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    while (!status && !self->is_over && !live_is_full(self) &&
           mmusim__live_poll(self, 0))
        status = mmusim__live_read(self, diag);
    return status;
}

/* Fills the buffer: what a late thread waits for is to be known before it
 * happens. */
static mmusim_status_t live_look_ahead(struct live_source *self,
                                       mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    while (!status && self->n_late && !self->is_over && !live_is_full(self)) {
        mmusim__live_poll(self, -1);
        status = mmusim__live_read(self, diag);
    }
    return status;
}

/* ---- pieces ---- */

static void live_close_block(struct live_source *self,
                             struct live_thread *thread)
{
    if (thread->open)
        self->n_buffered -= thread->open->n_bytes;
    free(thread->open);
    thread->open = NULL;
    thread->file.memory = NULL;
}

static mmusim_status_t live_open_block(struct live_thread *thread,
                                       const char *name, mmusim_diag_t *diag)
{
    struct live_block *block = thread->first;

    if (!thread->stream)
        thread->stream = mmusim__piece_stream_create(&thread->file, NULL);
    if (!thread->stream)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    thread->first = block->next;
    if (!thread->first)
        thread->last = NULL;
    thread->open = block;
    thread->file.path = (char *) (uintptr_t) name;
    thread->file.fd = -1;
    thread->file.memory = block->bytes;
    thread->file.memory_offset = block->block.offset;
    thread->file.n_bytes = block->block.offset + block->n_bytes;
    mmusim__piece_stream_open(thread->stream, &block->block, NULL);
    return MMUSIM_OK;
}

static void live_count_forks(struct live_source *self,
                             const struct op_piece *piece)
{
    for (uint32_t i = 0; i < piece->n_sys; i++)
        self->info.n_forks += piece->sys[i].kind == SYS_FORK;
}

/* The next piece of what has come; piece->n_records stays 0 if there is none.
 */
static mmusim_status_t live_decode(struct live_source *self,
                                   struct live_thread *thread,
                                   struct op_piece *piece, mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    while (!status && !piece->n_records && (thread->open || thread->first)) {
        const struct piece_buffer *decoded;

        if (!thread->open)
            status = live_open_block(thread, self->source.name, diag);
        if (!status)
            status = mmusim__piece_stream_next(thread->stream, diag);
        if (status)
            return status;
        decoded = &thread->stream->piece;
        if (!decoded->n_records)
            live_close_block(self, thread);
        piece->records = decoded->records;
        piece->n_records = decoded->n_records;
        piece->sys = decoded->sys;
        piece->n_sys = decoded->n_sys;
        piece->instructions = decoded->instructions;
        piece->quiet_instructions =
            thread->open ? mmusim__piece_stream_quiet(thread->stream) : 0;
    }
    piece->first_record = thread->n_done;
    thread->n_done += piece->n_records;
    live_count_forks(self, piece);
    return status;
}

static mmusim_status_t live_next(struct mmusim_source *source,
                                 uint32_t thread_index, struct op_piece *piece,
                                 mmusim_diag_t *diag)
{
    struct live_source *self = (struct live_source *) source;
    struct live_thread *thread = &self->threads[thread_index];
    mmusim_status_t status = MMUSIM_OK;

    memset(piece, 0, sizeof(*piece));
    if (self->n_late)
        status = live_look_ahead(self, diag);
    else if (self->n_pieces++ % LIVE_LOOK_PIECES == 0)
        status = live_look(self, diag);
    if (!status)
        status = live_decode(self, thread, piece, diag);
    while (!status && !piece->n_records && !self->is_over) {
        if (live_is_full(self)) {
            self->info.n_late++;
            self->n_late++;
            thread->is_late = true;
            piece->is_late = true;
            return MMUSIM_OK;
        }
        mmusim__live_poll(self, -1);
        status = mmusim__live_read(self, diag);
        if (!status)
            status = live_decode(self, thread, piece, diag);
    }
    if (!status && !piece->n_records) {
        mmusim__piece_stream_destroy(thread->stream);
        thread->stream = NULL;
    }
    return status;
}

static bool live_is_ready(const struct mmusim_source *source,
                          uint32_t thread_index)
{
    const struct live_source *self = (const struct live_source *) source;
    const struct live_thread *thread = &self->threads[thread_index];

    return self->is_over || thread->open || thread->first;
}

static mmusim_status_t live_await(struct mmusim_source *source,
                                  enum source_patience patience, bool *has_come,
                                  mmusim_diag_t *diag)
{
    struct live_source *self = (struct live_source *) source;
    uint64_t room = self->options.buffer_bytes;
    mmusim_status_t status;

    if (patience == SOURCE_LAST_RESORT)
        room += LIVE_LAST_BYTES;
    *has_come = false;
    if (patience == SOURCE_LAST_RESORT && self->n_buffered >= room)
        return mmusim__live_fail(self, MMUSIM_EXHAUSTED,
                                 "no thread can go on, and the buffer is full",
                                 diag);
    if (self->is_over || self->n_buffered >= room)
        return MMUSIM_OK;
    mmusim__live_poll(self, -1);
    status = mmusim__live_read(self, diag);
    *has_come = !status;
    return status;
}

/* ---- beginning and end ---- */

static void live_close_thread(struct live_source *self,
                              struct live_thread *thread)
{
    live_close_block(self, thread);
    while (thread->first) {
        struct live_block *block = thread->first;

        thread->first = block->next;
        self->n_buffered -= block->n_bytes;
        free(block);
    }
    thread->last = NULL;
    mmusim__piece_stream_destroy(thread->stream);
    thread->stream = NULL;
}

static void live_release(struct mmusim_source *source, uint32_t thread_index)
{
    struct live_source *self = (struct live_source *) source;

    live_close_thread(self, &self->threads[thread_index]);
    self->threads[thread_index].is_released = true;
}

static void live_destroy(struct mmusim_source *source)
{
    struct live_source *self = (struct live_source *) source;

    for (uint32_t i = 0; self->threads && i < source->n_threads; i++)
        live_close_thread(self, &self->threads[i]);
    free(self->block);
    free((void *) (uintptr_t) source->name);
    free(self->known);
    free(self->threads);
    free(self);
}

static const struct source_ops live_source_ops = {
    .next = live_next,
    .release = live_release,
    .is_ready = live_is_ready,
    .await = live_await,
    .destroy = live_destroy,
};

static mmusim_status_t live_build(struct live_source *self, int fd,
                                  const char *name,
                                  const mmusim_live_options_t *options)
{
    char *copy = mmusim__trace_file_copy_path(name);

    self->source.ops = &live_source_ops;
    self->source.name = copy;
    self->source.max_threads = TRACE_THREADS_MAX;
    self->fd = fd;
    if (options)
        self->options = *options;
    if (!self->options.buffer_bytes)
        self->options.buffer_bytes = LIVE_BUFFER_BYTES;
    /* Touched only as far as there are threads. */
    self->known = calloc(TRACE_THREADS_MAX, sizeof(*self->known));
    self->threads = calloc(TRACE_THREADS_MAX, sizeof(*self->threads));
    if (!copy || !self->known || !self->threads)
        return MMUSIM_NOMEM;
    self->source.threads = self->known;
    return MMUSIM_OK;
}

mmusim_status_t mmusim_live_source(int fd, const char *name,
                                   const mmusim_live_options_t *options,
                                   mmusim_source_t **source,
                                   mmusim_diag_t *diag)
{
    struct live_source *self = calloc(1, sizeof(*self));
    mmusim_status_t status = MMUSIM_NOMEM;

    *source = NULL;
    if (self)
        status = live_build(self, fd, name, options);
    if (status)
        mmusim__diag_set(diag, status, "out of memory");
    /* The machine starts with the first thread. */
    while (!status && !self->is_over && !self->source.n_threads) {
        mmusim__live_poll(self, -1);
        status = mmusim__live_read(self, diag);
    }
    if (status && self)
        live_destroy(&self->source);
    if (status)
        return status;
    *source = &self->source;
    return MMUSIM_OK;
}

mmusim_status_t mmusim_live_drain(mmusim_source_t *source, mmusim_diag_t *diag)
{
    struct live_source *self = (struct live_source *) source;
    mmusim_status_t status = MMUSIM_OK;

    self->is_drained = true;
    while (!status && !self->is_over) {
        mmusim__live_poll(self, -1);
        status = mmusim__live_read(self, diag);
    }
    return status;
}

void mmusim_live_info(const mmusim_source_t *source, mmusim_live_info_t *info)
{
    memset(info, 0, sizeof(*info));
    if (source->ops == &live_source_ops)
        *info = ((const struct live_source *) source)->info;
}
