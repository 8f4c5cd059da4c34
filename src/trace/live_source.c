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
#include "core/check.h"
#include "core/diag.h"
#include "core/source.h"
#include "mmusim/trace.h"
#include "trace/codec.h"
#include "trace/piece_stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LIVE_BUFFER_BYTES = 64 << 20,
    LIVE_LOOK_PIECES = 8, /* pieces handed out between looks at the pipe */
    /* Nobody can go on and the buffer is full: it grows by as much. */
    LIVE_LAST_BYTES = 64 << 20,
};

struct live_block {
    struct live_block *next;
    struct trace_block block;
    size_t n_bytes;
    uint8_t bytes[];
};

struct live_thread {
    struct live_block *first, *last; /* not opened yet */
    struct live_block *open;         /* that stream reads */
    struct piece_stream *stream;     /* NULL: not begun, or over */
    struct trace_file file;          /* the open block, as a file */
    uint64_t n_known;                /* records, in blocks that have come */
    uint64_t n_done;                 /* in pieces handed out */
    bool is_late;                    /* and nothing has come since */
    bool is_released;                /* what still comes is dropped */
};

struct live_source {
    struct mmusim_source source; /* first */
    struct source_thread *known; /* = source.threads */
    struct live_thread *threads;
    int fd;
    mmusim_live_options_t options;
    mmusim_live_info_t info;
    uint64_t n_buffered; /* bytes of blocks */
    uint32_t n_late;     /* threads that are */
    uint64_t offset;     /* of the member that is coming */
    uint32_t number;     /* of it */
    uint32_t n_pieces;
    bool is_over;
    bool is_drained; /* blocks are not kept any more */
    /* The member that is coming: its header, then all of it. */
    uint8_t header[TRACE_HEADER_BYTES_MAX];
    size_t n_header;
    struct trace_block coming;
    struct live_block *block; /* NULL: the header is not complete */
    size_t n_block;           /* bytes of it that have come */
};

static mmusim_status_t live_fail(const struct live_source *self,
                                 mmusim_status_t status, const char *text,
                                 mmusim_diag_t *diag)
{
    mmusim__diag_set(diag, status, "%s", text);
    mmusim__diag_at_block(diag, self->source.name, self->number, self->offset);
    return status;
}

/* ---- members ---- */

static const char *live_begin_thread(struct live_source *self,
                                     const struct trace_field *field)
{
    struct source_thread *thread = &self->known[self->source.n_threads];

    if (self->source.n_threads == self->source.max_threads)
        return "more threads than this version follows (65,536)";
    if (field->ordinal != self->source.n_threads)
        return "a thread comes out of its turn";
    thread->tid = field->tid;
    thread->last_sync = UINT64_MAX;
    thread->is_created = self->source.n_threads > 0;
    self->source.n_threads++;
    self->info.n_threads++;
    return NULL;
}

/* Takes the block that has come. */
static const char *live_add_block(struct live_source *self)
{
    struct live_block *block = self->block;
    const struct trace_field *field = &block->block.field;
    struct live_thread *thread = &self->threads[field->ordinal];

    if (field->ordinal >= self->source.n_threads ||
        field->tid != self->known[field->ordinal].tid)
        return "a block of a thread that has not begun";
    if (field->first_record != thread->n_known)
        return "records before this block are missing";
    thread->n_known += field->n_records;
    self->info.n_records += field->n_records;
    if (thread->is_released)
        return NULL;
    self->n_buffered += block->n_bytes;
    self->n_late -= thread->is_late;
    thread->is_late = false;
    if (thread->last)
        thread->last->next = block;
    else
        thread->first = block;
    thread->last = block;
    self->block = NULL;
    return NULL;
}

static const char *live_take_member(struct live_source *self)
{
    const struct trace_field *field = &self->block->block.field;
    const char *wrong = NULL;

    if (field->kind == TRACE_MEMBER_THREAD)
        wrong = live_begin_thread(self, field);
    else if (self->options.copy &&
             self->options.copy(self->options.context, self->block->bytes,
                                self->block->n_bytes))
        wrong = "the copy cannot be written";
    if (!wrong && field->kind == TRACE_MEMBER_INDEX)
        self->is_over = self->info.is_complete = true;
    if (!wrong && field->kind == TRACE_MEMBER_BLOCK && !self->is_drained)
        wrong = live_add_block(self);
    free(self->block); /* NULL if a thread has it now */
    self->block = NULL;
    return wrong;
}

/* The header has come: makes room for what follows it. */
static mmusim_status_t live_begin_member(struct live_source *self,
                                         const struct codec_ops *codec,
                                         mmusim_diag_t *diag)
{
    struct trace_block *block = &self->coming;
    size_t size;

    if (mmusim__trace_field_get(self->header + codec->field_at,
                                &block->field) != FIELD_GOOD)
        return live_fail(self, MMUSIM_DAMAGED, "a block's header is damaged",
                         diag);
    block->offset = self->offset;
    block->number = self->number;
    block->codec = codec == mmusim__codec_get(0) ? 0 : 1;
    size = codec->header_bytes + block->field.packed_bytes;
    self->block = malloc(sizeof(*self->block) + size);
    if (!self->block)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    self->block->next = NULL;
    self->block->block = *block;
    self->block->n_bytes = size;
    memcpy(self->block->bytes, self->header, codec->header_bytes);
    self->n_block = codec->header_bytes;
    return MMUSIM_OK;
}

/* ---- the pipe ---- */

/* Where the next bytes go, and how many are wanted. */
static uint8_t *live_room(struct live_source *self, size_t *wanted)
{
    size_t fixed = mmusim__codec_get(0)->header_bytes;
    const struct codec_ops *codec =
        mmusim__codec_of_header(self->header, self->n_header);

    if (self->block) {
        *wanted = self->block->n_bytes - self->n_block;
        return self->block->bytes + self->n_block;
    }
    *wanted = (codec ? codec->header_bytes : fixed) - self->n_header;
    return self->header + self->n_header;
}

/* n more bytes have come where live_room() said. */
static mmusim_status_t live_advance(struct live_source *self, size_t n,
                                    mmusim_diag_t *diag)
{
    const struct codec_ops *codec;
    mmusim_status_t status = MMUSIM_OK;
    const char *wrong;

    if (!self->block) {
        self->n_header += n;
        codec = mmusim__codec_of_header(self->header, self->n_header);
        if (!codec && self->n_header < mmusim__codec_get(0)->header_bytes)
            return MMUSIM_OK;
        if (!codec)
            return live_fail(self, MMUSIM_DAMAGED,
                             "a block's header is damaged", diag);
        if (self->n_header < codec->header_bytes)
            return MMUSIM_OK;
        status = live_begin_member(self, codec, diag);
    } else {
        self->n_block += n;
    }
    if (status || self->n_block < self->block->n_bytes)
        return status;
    self->n_header = 0;
    self->info.n_bytes += self->n_block;
    wrong = live_take_member(self);
    if (wrong)
        return live_fail(self, MMUSIM_DAMAGED, wrong, diag);
    self->offset = self->info.n_bytes;
    self->number++;
    return MMUSIM_OK;
}

/* Reads what there is, up to the end of a member. */
static mmusim_status_t live_read(struct live_source *self, mmusim_diag_t *diag)
{
    uint32_t number = self->number;
    mmusim_status_t status = MMUSIM_OK;

    while (!status && !self->is_over && number == self->number) {
        size_t wanted;
        uint8_t *room = live_room(self, &wanted);
        ssize_t n = wanted ? read(self->fd, room, wanted) : 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return live_fail(self, MMUSIM_UNREADABLE, strerror(errno), diag);
        if (n < 0)
            return MMUSIM_OK;
        if (n == 0 && wanted)
            self->is_over = true; /* what is left of a member is lost */
        else
            status = live_advance(self, (size_t) n, diag);
    }
    return status;
}

/* Waits for bytes, or only looks. */
static bool live_poll(const struct live_source *self, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = self->fd, .events = POLLIN};
    int n;

    do
        n = poll(&poll_fd, 1, timeout_ms);
    while (n < 0 && errno == EINTR && timeout_ms < 0);
    return n > 0;
}

static bool live_is_full(const struct live_source *self)
{
    return self->n_buffered >= self->options.buffer_bytes;
}

/* Takes what has come, so that the program need not wait. */
static mmusim_status_t live_look(struct live_source *self, mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    while (!status && !self->is_over && !live_is_full(self) &&
           live_poll(self, 0))
        status = live_read(self, diag);
    return status;
}

/* Fills the buffer: what a late thread waits for is to be known before it
 * happens. */
static mmusim_status_t live_look_ahead(struct live_source *self,
                                       mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    while (!status && self->n_late && !self->is_over && !live_is_full(self)) {
        live_poll(self, -1);
        status = live_read(self, diag);
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
        live_poll(self, -1);
        status = live_read(self, diag);
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
        return live_fail(self, MMUSIM_EXHAUSTED,
                         "no thread can go on, and the buffer is full", diag);
    if (self->is_over || self->n_buffered >= room)
        return MMUSIM_OK;
    live_poll(self, -1);
    status = live_read(self, diag);
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
        live_poll(self, -1);
        status = live_read(self, diag);
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
        live_poll(self, -1);
        status = live_read(self, diag);
    }
    return status;
}

void mmusim_live_info(const mmusim_source_t *source, mmusim_live_info_t *info)
{
    memset(info, 0, sizeof(*info));
    if (source->ops == &live_source_ops)
        *info = ((const struct live_source *) source)->info;
}
