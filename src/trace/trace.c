/* SPDX-License-Identifier: MIT */
/*
 * Opening a trace of any readable format. Text becomes a native trace in a
 * temporary file first: one reader serves all.
 */
#include "core/diag.h"
#include "core/source.h"
#include "trace/text_trace.h"
#include "trace/trace_handle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BLOCK_BYTES = 64 << 10 };

static void trace_ignore_damage(void *context, const mmusim_diag_t *diag)
{
    (void) context;
    (void) diag;
}

/* Text has no byte that text cannot have, and does not look like a member. */
static bool trace_looks_like_text(const struct trace_file *file)
{
    uint8_t start[256];
    size_t n = mmusim__trace_file_read(file, start, sizeof(start), 0);

    for (size_t i = 0; i < n; i++) {
        if (start[i] < ' ' && start[i] != '\n' && start[i] != '\t' &&
            start[i] != '\r')
            return false;
    }
    return (start[0] >= '0' && start[0] <= '9') || start[0] == '#' ||
           start[0] == ' ' || start[0] == '\t' || start[0] == '\n' ||
           start[0] == '\r';
}

static FILE *trace_open_text(struct trace_file *file, mmusim_diag_t *diag)
{
    FILE *in = file->memory
                   ? fmemopen(file->memory, (size_t) file->n_bytes, "r")
                   : fopen(file->path, "re");

    if (!in)
        mmusim__diag_set(diag, MMUSIM_UNREADABLE, "%s", strerror(errno));
    return in;
}

/* Replaces the text in file by a temporary native trace. */
static mmusim_status_t trace_convert_text(struct trace_file *file,
                                          mmusim_diag_t *diag)
{
    const struct trace_writer_options options = {
        .level = 1, .block_bytes = TEXT_BLOCK_BYTES};
    struct trace_writer *writer = NULL;
    char *path = NULL;
    FILE *in = trace_open_text(file, diag);
    FILE *out = tmpfile();
    mmusim_status_t status = in ? MMUSIM_OK : MMUSIM_UNREADABLE;

    if (!status && !out)
        status = mmusim__diag_set(diag, MMUSIM_SYSTEM, "no temporary file: %s",
                                  strerror(errno));
    if (!status)
        status = mmusim__trace_writer_create_fd(fileno(out), &options, &writer,
                                                diag);
    if (!status)
        status = mmusim__text_read(in, file->path, writer, diag);
    if (status)
        mmusim__trace_writer_abandon(writer);
    else
        status = mmusim__trace_writer_close(writer, diag);
    if (in)
        fclose(in);
    if (!status)
        path = mmusim__trace_file_copy_path(file->path);
    if (!status && !path)
        status = mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    if (!status) {
        mmusim__trace_file_close(file);
        status = mmusim__trace_file_open(file, path, out, diag);
    } else if (out) {
        fclose(out);
    }
    free(path);
    return status;
}

static mmusim_status_t trace_choose_format(struct mmusim_trace *self,
                                           const char *format,
                                           mmusim_diag_t *diag)
{
    bool is_text =
        format ? !strcmp(format, "text") : trace_looks_like_text(&self->file);

    if (format && !is_text && strcmp(format, "native") != 0)
        return mmusim__diag_set(diag, MMUSIM_UNSUPPORTED,
                                "unknown format '%.40s' (native or text)",
                                format);
    return is_text ? trace_convert_text(&self->file, diag) : MMUSIM_OK;
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

mmusim_status_t mmusim_trace_open(const char *path,
                                  const mmusim_trace_options_t *options,
                                  mmusim_trace_t **trace, mmusim_diag_t *diag)
{
    static const mmusim_trace_options_t none = {0};
    const struct trace_damage_sink sink = {trace_ignore_damage, NULL};
    struct mmusim_trace *self = calloc(1, sizeof(*self));
    mmusim_status_t status;

    *trace = NULL;
    if (!options)
        options = &none;
    if (!self)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    mmusim__piece_cache_init(&self->cache, options->cache_bytes);
    self->has_cache = options->cache_bytes != 0;
    self->has_helper = options->uses_helper_thread && !self->has_cache;
    self->salvages = options->salvages;
    status = mmusim__trace_file_open(&self->file, path, NULL, diag);
    if (!status)
        status = trace_choose_format(self, options->format, diag);
    if (!status)
        status = mmusim__trace_file_scan(
            &self->file, options->salvages ? &sink : NULL, diag);
    if (!status)
        status = trace_build(self, diag);
    if (status) {
        mmusim_trace_close(self);
        return status;
    }
    *trace = self;
    return MMUSIM_OK;
}

bool mmusim_trace_is_complete(const mmusim_trace_t *trace)
{
    return trace->file.has_index;
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
