/* SPDX-License-Identifier: MIT */
/* Members out of a pipe: see live_pipe.h. */
#include "trace/live_pipe.h"

#include "core/diag.h"
#include "trace/codec.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

mmusim_status_t mmusim__live_fail(const struct live_source *self,
                                  mmusim_status_t status, const char *text,
                                  mmusim_diag_t *diag)
{
    mmusim__diag_set(diag, status, "%s", text);
    mmusim__diag_at_block(diag, self->source.name, self->number, self->offset);
    return status;
}

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

static void live_append(struct live_thread *thread, struct live_block *block)
{
    if (thread->last)
        thread->last->next = block;
    else
        thread->first = block;
    thread->last = block;
}

/* Takes the block that has come. */
static const char *live_add_block(struct live_source *self)
{
    const struct trace_field *field = &self->block->block.field;
    struct live_thread *thread;

    if (field->ordinal >= self->source.n_threads ||
        field->tid != self->known[field->ordinal].tid)
        return "a block of a thread that has not begun";
    thread = &self->threads[field->ordinal];
    if (field->first_record != thread->n_known)
        return "records before this block are missing";
    thread->n_known += field->n_records;
    self->info.n_records += field->n_records;
    if (thread->is_released)
        return NULL;
    self->n_buffered += self->block->n_bytes;
    self->n_late -= thread->is_late;
    thread->is_late = false;
    live_append(thread, self->block);
    self->block = NULL;
    return NULL;
}

/* Does with the member that has come what its kind asks for. */
static const char *live_take_member(struct live_source *self)
{
    const struct trace_field *field = &self->block->block.field;

    switch (field->kind) {
    case TRACE_MEMBER_THREAD:
        return live_begin_thread(self, field);
    case TRACE_MEMBER_INDEX:
        self->is_over = self->info.is_complete = true;
        return NULL;
    case TRACE_MEMBER_BLOCK:
        return self->is_drained ? NULL : live_add_block(self);
    }
    return NULL;
}

static mmusim_status_t live_copy(const struct live_source *self,
                                 mmusim_diag_t *diag)
{
    const mmusim_live_options_t *options = &self->options;
    const struct live_block *block = self->block;

    errno = 0;
    if (!options->copy || block->block.field.kind == TRACE_MEMBER_THREAD ||
        !options->copy(options->context, block->bytes, block->n_bytes))
        return MMUSIM_OK;
    mmusim__diag_set(diag, MMUSIM_SYSTEM, "the copy cannot be written%s%s",
                     errno ? ": " : "", errno ? strerror(errno) : "");
    if (options->copy_name)
        mmusim__diag_at_line(diag, options->copy_name, 0);
    else
        mmusim__diag_at_block(diag, self->source.name, self->number,
                              self->offset);
    return MMUSIM_SYSTEM;
}

static mmusim_status_t live_end_member(struct live_source *self,
                                       mmusim_diag_t *diag)
{
    const char *wrong;

    self->n_header = 0;
    self->info.n_bytes += self->block->n_bytes;
    if (live_copy(self, diag))
        return MMUSIM_SYSTEM;
    wrong = live_take_member(self);
    free(self->block); /* NULL if a thread has it now */
    self->block = NULL;
    if (wrong)
        return mmusim__live_fail(self, MMUSIM_DAMAGED, wrong, diag);
    self->offset = self->info.n_bytes;
    self->number++;
    return MMUSIM_OK;
}

/* The recorder packs with nothing else. */
static const struct codec_ops *live_codec(void)
{
    return mmusim__codec_get(0);
}

/* The header has come: makes room for what follows it. */
static mmusim_status_t live_begin_member(struct live_source *self,
                                         mmusim_diag_t *diag)
{
    const struct codec_ops *codec = live_codec();
    struct trace_block block = {.offset = self->offset, .number = self->number};
    size_t size;

    if (mmusim__codec_of_header(self->header, self->n_header) != codec ||
        mmusim__trace_field_get(self->header + codec->field_at, &block.field) !=
            FIELD_GOOD)
        return mmusim__live_fail(self, MMUSIM_DAMAGED,
                                 "a block's header is damaged", diag);
    size = codec->header_bytes + block.field.packed_bytes;
    self->block = malloc(sizeof(*self->block) + size);
    if (!self->block)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    self->block->next = NULL;
    self->block->block = block;
    self->block->n_bytes = size;
    memcpy(self->block->bytes, self->header, codec->header_bytes);
    self->n_block = codec->header_bytes;
    return MMUSIM_OK;
}

/* Where the next bytes go, and how many are wanted. */
static uint8_t *live_room(struct live_source *self, size_t *wanted)
{
    if (self->block) {
        *wanted = self->block->n_bytes - self->n_block;
        return self->block->bytes + self->n_block;
    }
    *wanted = live_codec()->header_bytes - self->n_header;
    return self->header + self->n_header;
}

/* n more bytes have come where live_room() said. */
static mmusim_status_t live_advance(struct live_source *self, size_t n,
                                    mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    if (self->block) {
        self->n_block += n;
    } else {
        self->n_header += n;
        if (self->n_header < live_codec()->header_bytes)
            return MMUSIM_OK;
        status = live_begin_member(self, diag);
    }
    if (status || self->n_block < self->block->n_bytes)
        return status;
    return live_end_member(self, diag);
}

mmusim_status_t mmusim__live_read(struct live_source *self, mmusim_diag_t *diag)
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
            return mmusim__live_fail(self, MMUSIM_UNREADABLE, strerror(errno),
                                     diag);
        if (n < 0)
            return MMUSIM_OK;
        if (n == 0 && wanted)
            self->is_over = true; /* what is left of a member is lost */
        else
            status = live_advance(self, (size_t) n, diag);
    }
    return status;
}

bool mmusim__live_poll(const struct live_source *self, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = self->fd, .events = POLLIN};
    int n;

    do
        n = poll(&poll_fd, 1, timeout_ms);
    while (n < 0 && errno == EINTR && timeout_ms < 0);
    return n > 0;
}
