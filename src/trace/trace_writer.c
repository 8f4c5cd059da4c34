/* SPDX-License-Identifier: MIT */
/*
 * Writing native traces. A stream encodes into a buffer of its own and packs
 * it there; only appending the finished member takes the writer's lock.
 */
#include "trace/trace_writer.h"

#include "core/check.h"
#include "core/diag.h"
#include "trace/codec.h"
#include "trace/crc32c.h"
#include "trace/record_encoder.h"
#include "trace/record_sys.h"
#include "trace/tid_set.h"
#include "trace/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITER_FILE_MODE = 0666, WRITER_ROOM_BYTES = 2 * RECORD_BYTES_MAX };

struct trace_writer {
    pthread_mutex_t lock;
    const struct codec_ops *codec;
    int level;
    int fd;
    bool owns_file;
    bool keeps_part;
    bool is_live;
    uint32_t block_bytes;
    uint64_t open_bytes;
    char *path;
    char *part;
    struct trace_stream *streams;
    uint32_t n_threads;
    uint32_t version;                /* the greatest of the blocks */
    _Atomic uint64_t n_packed_bytes; /* written so far */
    uint8_t *index;                  /* the fields of all blocks */
    size_t n_index_bytes;
    size_t index_room;
    uint64_t n_records;
    struct tid_set created; /* threads that forks and clones have named */
    mmusim_diag_t error;    /* the first one */
};

struct trace_stream {
    struct trace_writer *writer;
    struct trace_stream *next;
    void *packer;
    uint8_t *raw;
    uint8_t *packed; /* header and what follows it */
    uint8_t *raw_limit;
    uint64_t opened_at; /* n_packed_bytes when the block was begun */
    bool has_fetch;
    bool is_created;
    struct trace_field field; /* of the open block */
    uint64_t instructions;    /* in the open block */
    struct record_encoder encoder;
};

static mmusim_status_t writer_fail(struct trace_writer *writer,
                                   mmusim_status_t status, const char *what)
{
    int error = errno;

    if (writer->error.status == MMUSIM_OK) {
        mmusim__diag_set(&writer->error, status, "%s%s%s", what,
                         status == MMUSIM_SYSTEM ? ": " : "",
                         status == MMUSIM_SYSTEM ? strerror(error) : "");
        if (writer->path)
            mmusim__diag_at_line(&writer->error, writer->path, 0);
    }
    return status;
}

/* ---- members ---- */

static bool writer_write(struct trace_writer *writer, const uint8_t *bytes,
                         size_t n_bytes)
{
    while (n_bytes) {
        ssize_t n = write(writer->fd, bytes, n_bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        n_bytes -= (size_t) n;
    }
    return true;
}

/* Packs raw behind the header into out; the size of the whole, 0: failed. */
static size_t writer_pack(const struct codec_ops *codec, void *packer,
                          const uint8_t *raw, struct trace_field *field,
                          uint8_t *out)
{
    uint8_t *packed = out + codec->header_bytes;
    size_t n = codec->pack(packer, raw, field->unpacked_bytes, packed,
                           TRACE_PACKED_BYTES);

    if (n == 0)
        return 0;
    field->packed_bytes = (uint32_t) n;
    field->packed_crc = mmusim__crc32c(0, packed, n);
    memcpy(out, codec->fixed, codec->field_at);
    mmusim__trace_field_put(field, out + codec->field_at);
    return codec->header_bytes + n;
}

static bool writer_note_field(struct trace_writer *writer, const uint8_t *field)
{
    if (writer->n_index_bytes + TRACE_FIELD_BYTES > writer->index_room) {
        size_t room = 2 * writer->index_room + 64 * TRACE_FIELD_BYTES;
        uint8_t *index = realloc(writer->index, room);

        if (!index)
            return false;
        writer->index = index;
        writer->index_room = room;
    }
    memcpy(writer->index + writer->n_index_bytes, field, TRACE_FIELD_BYTES);
    writer->n_index_bytes += TRACE_FIELD_BYTES;
    return true;
}

/* Under the lock. */
static void writer_append(struct trace_writer *writer, const uint8_t *member,
                          size_t n_bytes, uint32_t n_records)
{
    if (writer->error.status != MMUSIM_OK)
        return;
    if (!writer_note_field(writer, member + writer->codec->field_at))
        writer_fail(writer, MMUSIM_NOMEM, "out of memory");
    else if (!writer_write(writer, member, n_bytes))
        writer_fail(writer, MMUSIM_SYSTEM, "cannot write the trace");
    writer->n_records += n_records;
    atomic_fetch_add_explicit(&writer->n_packed_bytes, n_bytes,
                              memory_order_relaxed);
}

/* A member that is no block; n_bytes 0: packing it has failed. */
static void writer_put(struct trace_writer *writer, const uint8_t *member,
                       size_t n_bytes)
{
    if (n_bytes == 0)
        writer_fail(writer, MMUSIM_NOMEM, "cannot compress a member");
    else if (!writer_write(writer, member, n_bytes))
        writer_fail(writer, MMUSIM_SYSTEM, "cannot write the trace");
}

static void writer_note_created(struct trace_writer *writer, uint32_t tid)
{
    pthread_mutex_lock(&writer->lock);
    if (!mmusim__tid_set_add(&writer->created, tid))
        writer_fail(writer, MMUSIM_NOMEM, "out of memory");
    pthread_mutex_unlock(&writer->lock);
}

/* ---- streams ---- */

static void stream_open_block(struct trace_stream *stream)
{
    struct trace_field *field = &stream->field;

    field->first_record += field->n_records;
    field->n_records = 0;
    field->last_sync = 0;
    field->quiet_records = TRACE_QUIET_ALL;
    field->quiet_instructions = 0;
    field->version = 1;
    field->flags = stream->has_fetch ? TRACE_FLAG_HAD_FETCH : 0;
    stream->instructions = 0;
    stream->opened_at = atomic_load_explicit(&stream->writer->n_packed_bytes,
                                             memory_order_relaxed);
    mmusim__record_encoder_reset(&stream->encoder, stream->raw);
}

static MMUSIM_NOINLINE void stream_close_block(struct trace_stream *stream)
{
    struct trace_writer *writer = stream->writer;
    struct trace_field *field = &stream->field;
    size_t n_bytes;

    mmusim__record_encoder_finish(&stream->encoder);
    if (field->n_records == 0)
        return;
    if (field->quiet_records == TRACE_QUIET_ALL)
        field->quiet_instructions = stream->instructions;
    field->unpacked_bytes = (uint32_t) (stream->encoder.out - stream->raw);
    if (!stream->is_created) {
        pthread_mutex_lock(&writer->lock);
        stream->is_created = mmusim__tid_set_has(&writer->created, field->tid);
        pthread_mutex_unlock(&writer->lock);
    }
    if (stream->is_created)
        field->flags |= TRACE_FLAG_CREATED;
    n_bytes = writer_pack(writer->codec, stream->packer, stream->raw, field,
                          stream->packed);
    pthread_mutex_lock(&writer->lock);
    if (writer->version < field->version)
        writer->version = field->version;
    if (n_bytes == 0)
        writer_fail(writer, MMUSIM_NOMEM, "cannot compress a block");
    else
        writer_append(writer, stream->packed, n_bytes, field->n_records);
    pthread_mutex_unlock(&writer->lock);
    stream_open_block(stream);
}

static inline void stream_make_room(struct trace_stream *stream)
{
    uint64_t written = atomic_load_explicit(&stream->writer->n_packed_bytes,
                                            memory_order_relaxed);

    if (MMUSIM_UNLIKELY(stream->encoder.out > stream->raw_limit ||
                        written - stream->opened_at >
                            stream->writer->open_bytes))
        stream_close_block(stream);
}

static void stream_free(struct trace_stream *stream)
{
    if (!stream)
        return;
    if (stream->packer)
        stream->writer->codec->packer_destroy(stream->packer);
    free(stream->raw);
    free(stream->packed);
    free(stream);
}

/* Under the lock: the thread's number and place, before anything it does. */
static void stream_announce(struct trace_stream *stream)
{
    struct trace_writer *writer = stream->writer;
    struct trace_field field = stream->field;

    field.kind = TRACE_MEMBER_THREAD;
    writer_put(writer, stream->packed,
               writer_pack(writer->codec, stream->packer, stream->raw, &field,
                           stream->packed));
}

struct trace_stream *mmusim__trace_stream_begin(struct trace_writer *writer,
                                                uint32_t tid)
{
    struct trace_stream *stream = calloc(1, sizeof(*stream));

    if (!stream)
        return NULL;
    stream->writer = writer;
    stream->raw = malloc(writer->block_bytes);
    stream->packed = malloc(TRACE_HEADER_BYTES_MAX + TRACE_PACKED_BYTES);
    stream->packer = writer->codec->packer_create(writer->level);
    if (!stream->raw || !stream->packed || !stream->packer) {
        stream_free(stream);
        return NULL;
    }
    stream->raw_limit = stream->raw + writer->block_bytes - WRITER_ROOM_BYTES;
    stream->field.kind = TRACE_MEMBER_BLOCK;
    stream->field.tid = tid;
    stream_open_block(stream);
    pthread_mutex_lock(&writer->lock);
    stream->field.ordinal = writer->n_threads++;
    if (writer->is_live)
        stream_announce(stream);
    struct trace_stream **link = &writer->streams;
    while (*link)
        link = &(*link)->next;
    *link = stream;
    pthread_mutex_unlock(&writer->lock);
    return stream;
}

void mmusim__trace_stream_set_created(struct trace_stream *stream)
{
    stream->is_created = true;
}

void mmusim__trace_stream_fetch(struct trace_stream *stream, uint64_t vaddr,
                                uint32_t instructions, uint32_t bytes)
{
    stream_make_room(stream);
    record_encoder_head(&stream->encoder, OP_FETCH, vaddr, instructions, bytes);
    stream->has_fetch = true;
    stream->instructions += instructions;
    stream->field.n_records++;
}

void mmusim__trace_stream_access(struct trace_stream *stream,
                                 enum op_kind load_or_store, uint64_t vaddr,
                                 uint32_t bytes, uint32_t flags)
{
    stream_make_room(stream);
    record_encoder_access(&stream->encoder, vaddr,
                          op_meta(load_or_store, flags, bytes));
    stream->instructions += !stream->has_fetch;
    stream->field.n_records++;
}

void mmusim__trace_stream_nomem(struct trace_stream *stream,
                                uint32_t instructions)
{
    stream_make_room(stream);
    record_encoder_head(&stream->encoder, OP_NOMEM, 0, instructions, 0);
    stream->instructions += instructions;
    stream->field.n_records++;
}

void mmusim__trace_stream_sys(struct trace_stream *stream,
                              const struct sys_op *op)
{
    struct trace_field *field = &stream->field;

    stream_make_room(stream);
    mmusim__record_encoder_sys(&stream->encoder, op);
    if (field->quiet_records == TRACE_QUIET_ALL) {
        field->quiet_records = field->n_records;
        field->quiet_instructions = stream->instructions;
    }
    if (field->version < record_sys_version(op))
        field->version = record_sys_version(op);
    if (op->kind == SYS_SYNC)
        field->last_sync = max_u64(field->last_sync, op->number);
    if (op->kind == SYS_FORK || op->kind == SYS_CLONE)
        writer_note_created(stream->writer, (uint32_t) op->number);
    field->n_records++;
}

mmusim_status_t mmusim__trace_stream_flush(struct trace_stream *stream,
                                           mmusim_diag_t *diag)
{
    struct trace_writer *writer = stream->writer;
    mmusim_status_t status;

    stream_close_block(stream);
    pthread_mutex_lock(&writer->lock);
    status = writer->error.status;
    if (status != MMUSIM_OK && diag)
        *diag = writer->error;
    pthread_mutex_unlock(&writer->lock);
    return status;
}

mmusim_status_t mmusim__trace_stream_end(struct trace_stream *stream,
                                         mmusim_diag_t *diag)
{
    struct trace_writer *writer = stream->writer;
    mmusim_status_t status = mmusim__trace_stream_flush(stream, diag);
    struct trace_stream **link = &writer->streams;

    pthread_mutex_lock(&writer->lock);
    while (*link != stream)
        link = &(*link)->next;
    *link = stream->next;
    pthread_mutex_unlock(&writer->lock);
    stream_free(stream);
    return status;
}

/* ---- the writer ---- */

static void writer_free(struct trace_writer *writer)
{
    while (writer->streams) {
        struct trace_stream *stream = writer->streams;

        writer->streams = stream->next;
        stream_free(stream);
    }
    if (writer->owns_file && writer->fd >= 0)
        close(writer->fd);
    pthread_mutex_destroy(&writer->lock);
    free(writer->index);
    mmusim__tid_set_fini(&writer->created);
    free(writer->path);
    free(writer->part);
    free(writer);
}

static mmusim_status_t writer_build(const struct trace_writer_options *o,
                                    struct trace_writer **writer,
                                    mmusim_diag_t *diag)
{
    const struct codec_ops *codec = mmusim__codec_get(o ? o->codec : 0);
    struct trace_writer *self;

    *writer = NULL;
    if (!codec)
        return mmusim__diag_set(diag, MMUSIM_UNSUPPORTED,
                                "this build has no zstd (use gzip)");
    if (o && (o->level < 0 || o->level > codec->max_level))
        return mmusim__diag_set(diag, MMUSIM_USAGE, "%s has levels 1 to %d",
                                codec->name, codec->max_level);
    self = calloc(1, sizeof(*self));
    if (!self)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    pthread_mutex_init(&self->lock, NULL);
    self->fd = -1;
    self->codec = codec;
    self->level = o && o->level ? o->level : codec->default_level;
    self->keeps_part = o && o->keeps_part;
    self->is_live = o && o->is_live;
    if (o && (o->is_stored || (self->is_live && !o->is_packed)))
        self->level = 0; /* zlib's: stored */
    self->open_bytes = o && o->open_bytes ? o->open_bytes : TRACE_OPEN_BYTES;
    self->block_bytes = TRACE_BLOCK_BYTES;
    if (o && o->block_bytes)
        self->block_bytes = (uint32_t) min_u64(
            TRACE_BLOCK_BYTES,
            max_u64(o->block_bytes, WRITER_ROOM_BYTES + RECORD_BYTES_MAX));
    *writer = self;
    return MMUSIM_OK;
}

mmusim_status_t
mmusim__trace_writer_create_fd(int fd, const struct trace_writer_options *o,
                               struct trace_writer **writer,
                               mmusim_diag_t *diag)
{
    mmusim_status_t status = writer_build(o, writer, diag);

    if (!status)
        (*writer)->fd = fd;
    return status;
}

/* PATH.part beside the file behind links; what is no regular file is written
 * in place. */
static bool writer_set_path(struct trace_writer *writer, const char *path)
{
    char target[PATH_MAX];
    struct stat old;
    bool is_there = stat(path, &old) == 0;
    bool is_regular = is_there && S_ISREG(old.st_mode);
    size_t size;

    if (is_regular && !realpath(path, target))
        return false;
    errno = ENOMEM; /* until a call says otherwise */
    writer->path = mmusim__trace_file_copy_path(is_regular ? target : path);
    if (!writer->path || (is_there && !is_regular))
        return writer->path != NULL;
    size = strlen(writer->path) + sizeof(".part");
    writer->part = malloc(size);
    if (writer->part)
        snprintf(writer->part, size, "%s.part", writer->path);
    return writer->part != NULL;
}

mmusim_status_t
mmusim__trace_writer_create(const char *path,
                            const struct trace_writer_options *o,
                            struct trace_writer **writer, mmusim_diag_t *diag)
{
    mmusim_status_t status = writer_build(o, writer, diag);
    struct trace_writer *self = *writer;

    if (status)
        return status;
    self->owns_file = true;
    if (writer_set_path(self, path))
        self->fd =
            open(self->part ? self->part : self->path,
                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, WRITER_FILE_MODE);
    if (self->fd >= 0)
        return MMUSIM_OK;
    status = errno == ENOMEM
                 ? writer_fail(self, MMUSIM_NOMEM, "out of memory")
                 : writer_fail(self, MMUSIM_SYSTEM, "cannot write the trace");
    if (diag)
        *diag = self->error;
    writer_free(self);
    *writer = NULL;
    return status;
}

/* The last member: the fields of all blocks, if they fit. */
static void writer_put_index(struct trace_writer *writer)
{
    struct trace_field field = {
        .version = writer->version,
        .kind = TRACE_MEMBER_INDEX,
        .n_records = (uint32_t) (writer->n_index_bytes / TRACE_FIELD_BYTES),
        .first_record = writer->n_records,
        .quiet_records = TRACE_QUIET_ALL,
        .unpacked_bytes = (uint32_t) writer->n_index_bytes};
    void *packer = writer->codec->packer_create(writer->level);
    uint8_t *member = malloc(TRACE_HEADER_BYTES_MAX + TRACE_PACKED_BYTES);
    size_t n_bytes = 0;

    if (writer->n_index_bytes > TRACE_BLOCK_BYTES)
        field.unpacked_bytes = 0;
    if (packer && member)
        n_bytes = writer_pack(writer->codec, packer,
                              writer->index ? writer->index : (uint8_t[]){0},
                              &field, member);
    writer_put(writer, member, n_bytes);
    free(member);
    if (packer)
        writer->codec->packer_destroy(packer);
}

mmusim_status_t mmusim__trace_stream_seal(struct trace_stream *stream,
                                          const struct sys_op *ops, size_t n,
                                          struct trace_seal *seal,
                                          mmusim_diag_t *diag)
{
    struct trace_writer *writer = stream->writer;
    mmusim_status_t status = mmusim__trace_stream_flush(stream, diag);
    off_t end = lseek(writer->fd, 0, SEEK_CUR);

    if (status)
        return status;
    if (end < 0)
        return mmusim__diag_set(diag, MMUSIM_UNSUPPORTED, "cannot be cut");
    seal->file_bytes = (uint64_t) end;
    seal->n_index_bytes = writer->n_index_bytes;
    seal->n_records = writer->n_records;
    seal->n_packed_bytes = writer->n_packed_bytes;
    seal->first_record = stream->field.first_record;
    for (size_t i = 0; i < n; i++)
        mmusim__trace_stream_sys(stream, &ops[i]);
    stream_close_block(stream);
    writer_put_index(writer);
    return mmusim__trace_stream_flush(stream, diag);
}

mmusim_status_t mmusim__trace_stream_unseal(struct trace_stream *stream,
                                            const struct trace_seal *seal,
                                            mmusim_diag_t *diag)
{
    struct trace_writer *writer = stream->writer;

    if (ftruncate(writer->fd, (off_t) seal->file_bytes) ||
        lseek(writer->fd, (off_t) seal->file_bytes, SEEK_SET) < 0)
        writer_fail(writer, MMUSIM_SYSTEM, "cannot write the trace");
    writer->n_index_bytes = seal->n_index_bytes;
    writer->n_records = seal->n_records;
    writer->n_packed_bytes = seal->n_packed_bytes;
    stream->field.first_record = seal->first_record;
    stream->field.n_records = 0;
    return mmusim__trace_stream_flush(stream, diag);
}

static void writer_close_file(struct trace_writer *writer)
{
    int fd = writer->fd;

    if (!writer->owns_file)
        return;
    writer->fd = -1;
    if (close(fd) && !writer->error.status)
        writer_fail(writer, MMUSIM_SYSTEM, "cannot write the trace");
    if (writer->keeps_part || !writer->part)
        return;
    if (!writer->error.status && rename(writer->part, writer->path))
        writer_fail(writer, MMUSIM_SYSTEM, "cannot rename the trace");
    if (writer->error.status)
        unlink(writer->part);
}

mmusim_status_t mmusim__trace_writer_close(struct trace_writer *writer,
                                           mmusim_diag_t *diag)
{
    mmusim_status_t status;

    while (writer->streams)
        mmusim__trace_stream_end(writer->streams, NULL);
    if (!writer->error.status)
        writer_put_index(writer);
    writer_close_file(writer);
    status = writer->error.status;
    if (status && diag)
        *diag = writer->error;
    writer_free(writer);
    return status;
}

void mmusim__trace_writer_abandon(struct trace_writer *writer)
{
    if (!writer)
        return;
    if (writer->part)
        unlink(writer->part);
    writer_free(writer);
}
