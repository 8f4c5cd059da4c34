/* SPDX-License-Identifier: MIT */
/*
 * Opening a trace of any readable format. Others than the native one become a
 * native trace in a temporary file first (import.h): one reader serves all.
 */
#include "core/diag.h"
#include "core/source.h"
#include "trace/trace_handle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IMPORT_BLOCK_BYTES = 64 << 10 };

static void trace_ignore_damage(void *context, const mmusim_diag_t *diag)
{
    (void) context;
    (void) diag;
}

static int trace_watch(void *context, const struct byte_stream *stream)
{
    const mmusim_trace_options_t *options = context;

    return options->watch(options->watch_context, stream->packed_offset,
                          stream->packed_bytes);
}

/* Into a temporary native trace. */
static mmusim_status_t trace_import_into(struct import *import, FILE *out,
                                         bool salvages, mmusim_diag_t *diag)
{
    const struct trace_writer_options options = {
        .level = 1, .block_bytes = IMPORT_BLOCK_BYTES};
    struct trace_writer *writer = NULL;
    mmusim_status_t status =
        mmusim__trace_writer_create_fd(fileno(out), &options, &writer, diag);

    if (!status)
        status = mmusim__import_run(import, writer, salvages, diag);
    if (!status)
        return mmusim__trace_writer_close(writer, diag);
    mmusim__trace_writer_abandon(writer);
    return status;
}

static mmusim_trace_foreign_t trace_foreign_of(const struct byte_stream *stream)
{
    mmusim_trace_foreign_t foreign = {0};

    if (!stream)
        return foreign;
    if (stream->packing)
        foreign.packing = stream->packing->name;
    foreign.bytes =
        stream->packed_bytes ? stream->packed_bytes : stream->packed_offset;
    return foreign;
}

static mmusim_status_t trace_fill_import(struct mmusim_trace *self,
                                         struct import *import,
                                         mmusim_diag_t *diag)
{
    FILE *out = tmpfile();
    mmusim_status_t status;

    if (!out)
        return mmusim__diag_set(diag, MMUSIM_SYSTEM, "no temporary file: %s",
                                strerror(errno));
    status = trace_import_into(import, out, self->salvages, diag);
    if (status) {
        fclose(out);
        return status;
    }
    self->format = import->ops->name;
    self->is_foreign = true;
    self->foreign = trace_foreign_of(import->stream);
    self->is_cut = import->is_cut;
    self->notes = import->notes;
    return mmusim__trace_file_open(&self->file, import->path, out, diag);
}

mmusim_status_t mmusim__trace_open_native(struct trace_file *file,
                                          const struct import *import,
                                          mmusim_diag_t *diag)
{
    int fd = import->stream ? mmusim__byte_stream_pipe(import->stream) : -1;
    const uint8_t *head;
    size_t n_head;

    if (fd < 0)
        return mmusim__trace_file_open(file, import->path, NULL, diag);
    head = mmusim__byte_stream_head(import->stream, &n_head);
    return mmusim__trace_file_open_pipe(file, import->path, fd, head, n_head,
                                        diag);
}

mmusim_status_t mmusim__trace_find_import(struct import *import,
                                          const char *path,
                                          const mmusim_trace_options_t *options,
                                          mmusim_diag_t *diag)
{
    mmusim_status_t status =
        mmusim__import_open(import, path, options->format, diag);

    if (!status && options->watch) {
        import->watch = trace_watch;
        import->watch_context = (void *) (uintptr_t) options;
    }
    return status;
}

static mmusim_status_t trace_build(struct mmusim_trace *self,
                                   mmusim_diag_t *diag)
{
    uint32_t n = self->file.n_threads;

    self->threads = calloc(n + 1, sizeof(*self->threads));
    self->shared = calloc(n + 1, sizeof(*self->shared));
    if (!self->threads || !self->shared)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        self->threads[i].tid = self->file.threads[i].tid;
        self->threads[i].last_sync = self->file.threads[i].last_sync;
        self->threads[i].is_created = self->file.threads[i].is_created;
        pthread_mutex_init(&self->shared[i].lock, NULL);
    }
    return MMUSIM_OK;
}

/* Reads what an opened file is made of, unless opening has failed; then, and if
 * this fails, the trace is closed. */
static mmusim_status_t trace_finish(struct mmusim_trace *self,
                                    mmusim_status_t status,
                                    const struct trace_damage_sink *sink,
                                    mmusim_trace_t **trace, mmusim_diag_t *diag)
{
    if (!status)
        status = mmusim__trace_file_scan(&self->file, sink, diag);
    if (!status)
        status = trace_build(self, diag);
    if (status)
        mmusim_trace_close(self);
    else
        *trace = self;
    return status;
}

mmusim_status_t mmusim__trace_open_import(struct import *import,
                                          const mmusim_trace_options_t *options,
                                          mmusim_trace_t **trace,
                                          mmusim_diag_t *diag)
{
    const struct trace_damage_sink sink = {trace_ignore_damage, NULL};
    struct mmusim_trace *self = calloc(1, sizeof(*self));
    mmusim_status_t status;

    if (!self)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    mmusim__piece_cache_init(&self->cache, options->cache_bytes);
    self->has_cache = options->cache_bytes != 0;
    self->has_helper = options->uses_helper_thread && !self->has_cache;
    self->salvages = options->salvages;
    self->file.fd = -1;
    self->format = "native";
    if (import->ops)
        status = trace_fill_import(self, import, diag);
    else
        status = mmusim__trace_open_native(&self->file, import, diag);
    return trace_finish(self, status, options->salvages ? &sink : NULL, trace,
                        diag);
}

mmusim_status_t mmusim__trace_open_written(FILE *out, const char *path,
                                           mmusim_trace_t **trace,
                                           mmusim_diag_t *diag)
{
    struct mmusim_trace *self = calloc(1, sizeof(*self));
    mmusim_status_t status;

    if (!self) {
        fclose(out);
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    }
    mmusim__piece_cache_init(&self->cache, 0);
    self->file.fd = -1;
    self->format = "native";
    status = mmusim__trace_file_open(&self->file, path, out, diag);
    return trace_finish(self, status, NULL, trace, diag);
}

mmusim_status_t mmusim_trace_open(const char *path,
                                  const mmusim_trace_options_t *options,
                                  mmusim_trace_t **trace, mmusim_diag_t *diag)
{
    static const mmusim_trace_options_t none = {0};
    struct import import;
    mmusim_status_t status;

    *trace = NULL;
    if (!options)
        options = &none;
    status = mmusim__trace_find_import(&import, path, options, diag);
    if (!status)
        status = mmusim__trace_open_import(&import, options, trace, diag);
    mmusim__import_close(&import);
    return status;
}

bool mmusim_trace_is_complete(const mmusim_trace_t *trace)
{
    return trace->file.has_index && !trace->is_cut;
}

const char *mmusim_trace_format(const mmusim_trace_t *trace)
{
    return trace->format;
}

bool mmusim_trace_foreign(const mmusim_trace_t *trace,
                          mmusim_trace_foreign_t *foreign)
{
    *foreign = trace->foreign;
    return trace->is_foreign;
}

const char *mmusim_trace_note(const mmusim_trace_t *trace, size_t i)
{
    return i < trace->notes.n ? trace->notes.texts[i] : NULL;
}

void mmusim_trace_close(mmusim_trace_t *trace)
{
    if (!trace)
        return;
    for (uint32_t i = 0; trace->shared && i < trace->file.n_threads; i++) {
        mmusim__piece_stream_destroy(trace->shared[i].stream);
        pthread_mutex_destroy(&trace->shared[i].lock);
    }
    mmusim__piece_cache_fini(&trace->cache);
    mmusim__trace_file_close(&trace->file);
    free(trace->shared);
    free(trace->threads);
    free(trace);
}

void mmusim_source_destroy(mmusim_source_t *source)
{
    if (source)
        source->ops->destroy(source);
}
