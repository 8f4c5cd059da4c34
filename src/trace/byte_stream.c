/* SPDX-License-Identifier: MIT */
/* The window over a ring's chunks. */
#include "trace/byte_stream.h"

#include "core/diag.h"
#include "trace/byte_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct stream_body {
    struct byte_stream stream; /* first: what others see */
    struct byte_chunk *held;   /* that the window lies in; NULL: none yet */
    bool is_pipe;
    char path[]; /* a copy */
};

static mmusim_status_t stream_fail(const struct byte_stream *stream,
                                   mmusim_status_t status, const char *text,
                                   mmusim_diag_t *diag)
{
    mmusim__diag_set(diag, status, "%s", text);
    mmusim__diag_at_line(diag, stream->path, 0);
    return status;
}

static mmusim_status_t stream_open_file(struct stream_body *self,
                                        mmusim_diag_t *diag)
{
    struct byte_stream *stream = &self->stream;
    bool is_stdin = !strcmp(self->path, "-");
    int fd = is_stdin ? STDIN_FILENO : open(self->path, O_RDONLY | O_CLOEXEC);
    struct stat info = {0};
    int error = fd < 0 || fstat(fd, &info) ? errno : 0;

    if (!error && S_ISDIR(info.st_mode))
        error = EISDIR;
    if (!error)
        stream->ring = mmusim__byte_ring_create(fd, !is_stdin);
    if (!stream->ring && fd >= 0 && !is_stdin)
        close(fd);
    if (!error && !stream->ring)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    self->is_pipe = is_stdin || !S_ISREG(info.st_mode);
    if (stream->ring)
        stream->ring->is_pipe = self->is_pipe;
    if (S_ISREG(info.st_mode))
        stream->packed_bytes = (uint64_t) info.st_size;
    if (!error)
        error = mmusim__byte_ring_read_head(stream->ring);
    if (error)
        return stream_fail(stream, MMUSIM_UNREADABLE,
                           error == EISDIR
                               ? "is a directory (a trace is a file)"
                               : strerror(error),
                           diag);
    if (!stream->ring->n_in)
        return stream_fail(stream, MMUSIM_DAMAGED, "is empty (no trace)", diag);
    return MMUSIM_OK;
}

mmusim_status_t mmusim__byte_stream_open(const char *path,
                                         struct byte_stream **stream,
                                         mmusim_diag_t *diag)
{
    size_t n_path = strlen(path) + 1;
    struct stream_body *self = calloc(1, sizeof(*self) + n_path);
    mmusim_status_t status;

    *stream = NULL;
    if (!self)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    memcpy(self->path, path, n_path);
    self->stream.path = self->path;
    status = stream_open_file(self, diag);
    if (status) {
        mmusim__byte_stream_close(&self->stream);
        return status;
    }
    *stream = &self->stream;
    return MMUSIM_OK;
}

void mmusim__byte_stream_close(struct byte_stream *stream)
{
    if (stream && stream->ring)
        mmusim__byte_ring_destroy(stream->ring);
    free(stream);
}

const uint8_t *mmusim__byte_stream_head(const struct byte_stream *stream,
                                        size_t *n_bytes)
{
    *n_bytes = stream->ring->n_in;
    return stream->ring->in_at;
}

int mmusim__byte_stream_pipe(const struct byte_stream *stream)
{
    return ((const struct stream_body *) stream)->is_pipe ? stream->ring->fd
                                                          : -1;
}

mmusim_status_t mmusim__byte_stream_begin(struct byte_stream *stream,
                                          mmusim_diag_t *diag)
{
    struct byte_ring *ring = stream->ring;

    ring->packing = mmusim__byte_packing_of(ring->in_at, ring->n_in);
    stream->packing = ring->packing;
    if (ring->packing && !ring->packing->ops) {
        mmusim__diag_set(diag, MMUSIM_UNSUPPORTED,
                         "is packed by %s, which this build cannot unpack "
                         "(install %s and build again, or: %s FILE | mmusim "
                         "... -)",
                         ring->packing->name, ring->packing->package,
                         ring->packing->tool);
        mmusim__diag_at_line(diag, stream->path, 0);
        return MMUSIM_UNSUPPORTED;
    }
    if (ring->is_pipe)
        mmusim__byte_ring_start(ring);
    return mmusim__byte_stream_more(stream, diag);
}

static int stream_wait(void *context)
{
    const struct byte_stream *stream = context;

    return stream->watch ? stream->watch(stream->watch_context, stream) : 0;
}

mmusim_status_t mmusim__byte_stream_more(struct byte_stream *stream,
                                         mmusim_diag_t *diag)
{
    struct stream_body *self = (struct stream_body *) stream;
    struct byte_chunk *chunk;
    size_t left = byte_stream_left(stream);

    if (self->held && self->held->status)
        return stream_fail(stream, self->held->status, self->held->wrong, diag);
    if (stream->is_over)
        return MMUSIM_OK;
    if (self->held) /* the first chunk may be all there is */
        mmusim__byte_ring_start(stream->ring);
    chunk = stream_wait(stream)
                ? NULL
                : mmusim__byte_ring_take(stream->ring, stream_wait, stream);
    if (!chunk)
        return stream_fail(stream, MMUSIM_INTERRUPTED, "interrupted", diag);
    if (left)
        memcpy(chunk->bytes + BYTE_CARRY - left, stream->at, left);
    if (self->held)
        mmusim__byte_ring_release(stream->ring);
    self->held = chunk;
    stream->at = chunk->bytes + BYTE_CARRY - left;
    stream->end = chunk->bytes + BYTE_CARRY + chunk->n_bytes;
    stream->end_offset += chunk->n_bytes;
    stream->packed_offset = chunk->packed_offset;
    stream->is_over = chunk->is_last && !chunk->status;
    memset(stream->end, 0, BYTE_PAD);
    *stream->end = '\n';
    if (chunk->n_bytes == 0 && chunk->status)
        return stream_fail(stream, chunk->status, chunk->wrong, diag);
    return MMUSIM_OK;
}

mmusim_status_t mmusim__byte_stream_need(struct byte_stream *stream,
                                         size_t n_bytes, mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    while (!status && byte_stream_left(stream) < n_bytes && !stream->is_over)
        status = mmusim__byte_stream_more(stream, diag);
    return status;
}

mmusim_status_t mmusim__byte_stream_skip(struct byte_stream *stream,
                                         uint64_t *n_bytes, mmusim_diag_t *diag)
{
    uint64_t to_go = *n_bytes;
    mmusim_status_t status = MMUSIM_OK;

    while (!status) {
        size_t left = byte_stream_left(stream);

        if (left >= to_go) {
            stream->at += to_go;
            return MMUSIM_OK;
        }
        to_go -= left;
        stream->at = stream->end;
        if (stream->is_over) {
            *n_bytes -= to_go;
            return MMUSIM_OK;
        }
        status = mmusim__byte_stream_more(stream, diag);
    }
    return status;
}

mmusim_status_t mmusim__byte_stream_line(struct byte_stream *stream,
                                         char **line, size_t *length,
                                         mmusim_diag_t *diag)
{
    size_t searched = 0;
    mmusim_status_t status = MMUSIM_OK;

    *line = NULL;
    *length = 0;
    while (!status) {
        size_t left = byte_stream_left(stream);
        /* Behind the last line the newline of the padding ends it. */
        uint8_t *end = memchr(stream->at + searched, '\n',
                              left - searched + (stream->is_over && left));

        if (end && end - stream->at < BYTE_CARRY) {
            *end = '\0';
            *line = (char *) stream->at;
            *length = (size_t) (end - stream->at);
            stream->at = end < stream->end ? end + 1 : end;
            return MMUSIM_OK;
        }
        if (left >= BYTE_CARRY) {
            *line = (char *) stream->at;
            *length = BYTE_CARRY;
            return MMUSIM_OK;
        }
        if (stream->is_over)
            return MMUSIM_OK;
        searched = left;
        status = mmusim__byte_stream_more(stream, diag);
    }
    return status;
}
