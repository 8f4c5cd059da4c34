/* SPDX-License-Identifier: MIT */
/*
 * Which format a file has, and running its reader. Formats are told by the
 * first unpacked bytes; a format that is sure wins over those that are likely,
 * and two that are as likely are a question to the user.
 */
#include "trace/import.h"

#include "core/check.h"
#include "trace/import_spec.h"
#include "trace/trace_file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- for readers ---- */

mmusim_status_t mmusim__import_fail_at(struct import_run *run, uint64_t offset,
                                       const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (run->line)
        mmusim__diag_set(run->diag, MMUSIM_DAMAGED, "offset %" PRIu64 ": %s",
                         offset, text);
    else
        mmusim__diag_set(run->diag, MMUSIM_DAMAGED,
                         "record %" PRIu64 ", offset %" PRIu64 ": %s",
                         run->n_records, offset, text);
    mmusim__diag_at_line(run->diag, run->path, run->line);
    return MMUSIM_DAMAGED;
}

mmusim_status_t mmusim__import_fail(struct import_run *run,
                                    mmusim_status_t status, const char *format,
                                    ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    mmusim__diag_set(run->diag, status, "%s", text);
    mmusim__diag_at_line(run->diag, run->path, 0);
    return status;
}

void mmusim__import_note(struct import_notes *notes, const char *format, ...)
{
    va_list args;

    if (notes->n == IMPORT_NOTES_MAX)
        return;
    va_start(args, format);
    vsnprintf(notes->texts[notes->n++], IMPORT_NOTE_BYTES, format, args);
    va_end(args);
}

struct trace_stream *mmusim__import_begin_thread(struct import_run *run,
                                                 uint32_t tid)
{
    struct trace_stream *stream = mmusim__trace_stream_begin(run->writer, tid);

    if (!stream)
        mmusim__diag_set(run->diag, MMUSIM_NOMEM, "out of memory");
    return stream;
}

/* ---- telling the format ---- */

static mmusim_status_t import_fail(const struct import *import,
                                   mmusim_diag_t *diag, const char *text)
{
    mmusim__diag_set(diag, MMUSIM_DAMAGED, "%s", text);
    mmusim__diag_at_line(diag, import->path, 0);
    return MMUSIM_DAMAGED;
}

/* The names of the formats that match as well as wanted. */
static uint32_t import_count(const struct import_probe *probe,
                             enum import_match wanted,
                             const struct import_ops **found, char *names,
                             size_t size)
{
    uint32_t n = 0;

    names[0] = '\0';
    for (uint32_t i = 0; i < mmusim__import_table_size; i++) {
        const struct import_ops *ops = mmusim__import_table[i];
        size_t length = strlen(names);

        if (!ops->probe || ops->probe(probe) != wanted)
            continue;
        *found = ops;
        snprintf(names + length, size - length, "%s%s", n++ ? " or " : "",
                 ops->name);
    }
    return n;
}

/* What the first bytes are like, for the message that nobody knows them. */
static void import_describe(const struct import_probe *probe, char *text,
                            size_t size)
{
    size_t n = 0;
    size_t length;

    while (n < probe->n_bytes && n < 40 && probe->bytes[n] >= ' ' &&
           probe->bytes[n] < 127)
        n++;
    if (n == 40 || (n && (n == probe->n_bytes || probe->bytes[n] == '\n' ||
                          probe->bytes[n] == '\r'))) {
        snprintf(text, size, "'%.*s'", (int) n, (const char *) probe->bytes);
        return;
    }
    length = (size_t) snprintf(text, size, "bytes");
    for (size_t i = 0; i < probe->n_bytes && i < 8; i++)
        length += (size_t) snprintf(text + length, size - length, " %02x",
                                    probe->bytes[i]);
}

static mmusim_status_t import_unknown(const struct import *import,
                                      const struct import_probe *probe,
                                      mmusim_diag_t *diag)
{
    char names[256];
    char seen[128];
    char text[480];

    mmusim__import_spec_names(names, sizeof(names));
    if (probe->bytes)
        import_describe(probe, seen, sizeof(seen));
    if (!probe->bytes)
        snprintf(text, sizeof(text),
                 "is a directory that holds no trace of a known format (name a "
                 "file in it)");
    else
        snprintf(text, sizeof(text),
                 "is no trace of a known format: it begins with %s%s%s (known: "
                 "%s; --from FORMAT forces one)",
                 seen, import->stream->packing ? ", unpacked by " : "",
                 import->stream->packing ? import->stream->packing->name : "",
                 names);
    return import_fail(import, diag, text);
}

static mmusim_status_t import_detect(struct import *import, mmusim_diag_t *diag)
{
    const struct byte_stream *stream = import->stream;
    struct import_probe probe = {.path = import->path};
    char names[256];
    char text[480];
    enum import_match match = IMPORT_SURE;
    uint32_t n;

    if (stream) {
        size_t left = byte_stream_left(stream);

        probe.bytes = stream->at;
        probe.n_bytes = left < IMPORT_PROBE_BYTES ? left : IMPORT_PROBE_BYTES;
        probe.is_whole = stream->is_over && left <= IMPORT_PROBE_BYTES;
    }
    do {
        n = import_count(&probe, match--, &import->ops, names, sizeof(names));
    } while (!n && match != IMPORT_NO);
    if (n == 1) {
        mmusim__import_spec_defaults(import->ops, import->values);
        return MMUSIM_OK;
    }
    import->ops = NULL;
    if (!n)
        return import_unknown(import, &probe, diag);
    snprintf(text, sizeof(text), "could be %s (say which: --from FORMAT)",
             names);
    return import_fail(import, diag, text);
}

/* Native traces have no reader here; one whose first header is damaged may
 * have others. */
static bool import_is_native(const struct import *import)
{
    size_t n;
    const uint8_t *head = mmusim__byte_stream_head(import->stream, &n);

    return mmusim__trace_file_has_header(head, n);
}

mmusim_status_t mmusim__import_open(struct import *import, const char *path,
                                    const char *format, mmusim_diag_t *diag)
{
    bool is_native = false;
    struct stat info;
    mmusim_status_t status;

    memset(import, 0, sizeof(*import));
    import->path = path;
    status = mmusim__import_spec_parse(format, &import->ops, &is_native,
                                       import->values, diag);
    if (status)
        return status;
    if (strcmp(path, "-") != 0 && !stat(path, &info) && S_ISDIR(info.st_mode))
        return import->ops || is_native ? MMUSIM_OK
                                        : import_detect(import, diag);
    status = mmusim__byte_stream_open(path, &import->stream, diag);
    if (!status && !is_native && !import->ops)
        is_native = import_is_native(import);
    if (status || is_native)
        return status;
    status = mmusim__byte_stream_begin(import->stream, diag);
    if (!status && !import->ops)
        status = import_detect(import, diag);
    return status;
}

/* ---- reading ---- */

mmusim_status_t mmusim__import_run(struct import *import,
                                   struct trace_writer *writer, bool salvages,
                                   mmusim_diag_t *diag)
{
    mmusim_diag_t damage = {0};
    struct import_run run = {
        .path = import->path,
        .stream = import->stream,
        .writer = writer,
        .values = import->values,
        .notes = &import->notes,
        .diag = &damage,
        .watch = import->watch,
        .watch_context = import->watch_context,
    };
    mmusim_status_t status;

    mmusim_assert(import->ops);
    if (run.stream) {
        run.stream->watch = run.watch;
        run.stream->watch_context = run.watch_context;
    }
    status = import->ops->read(&run);
    if (status == MMUSIM_DAMAGED && salvages) {
        char text[IMPORT_NOTE_BYTES];

        if (!strcmp(damage.file, import->path))
            damage.file[0] = '\0'; /* notes are printed behind it */
        mmusim_diag_format(&damage, text, sizeof(text));
        mmusim__import_note(&import->notes, "%s; what comes before is used",
                            text);
        import->is_cut = true;
        return MMUSIM_OK;
    }
    if (status && diag)
        *diag = damage;
    return status;
}

void mmusim__import_close(struct import *import)
{
    mmusim__byte_stream_close(import->stream);
    import->stream = NULL;
}
