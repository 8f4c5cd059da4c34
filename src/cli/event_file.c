/* SPDX-License-Identifier: MIT */
/* A file of trace events: see event_file.h. */
#include "cli/event_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    EVENT_BUFFER_BYTES = 1 << 16,
    EVENT_LINE_BYTES = 4096, /* longest event */
    GZIP_WINDOW_BITS = 15 + 16,
    GZIP_LEVEL = 3, /* a timeline packs to a tenth at any level */
    GZIP_MEMORY = 8,
};

struct event_file {
    FILE *stream;
    uint64_t n_events;
    enum event_packing packing;
    int has_failed; /* a write has: ferror() knows */
    z_stream pack;
    size_t n_buffered;
    char buffer[EVENT_BUFFER_BYTES];
    unsigned char packed[EVENT_BUFFER_BYTES];
};

static void event_write(struct event_file *file, const void *bytes, size_t n)
{
    if (fwrite(bytes, 1, n, file->stream) != n)
        file->has_failed = 1;
}

/* Packs what is in the buffer; the last time, what zlib holds back, too. */
static void event_pack(struct event_file *file, int flush)
{
    file->pack.next_in = (unsigned char *) file->buffer;
    file->pack.avail_in = (uInt) file->n_buffered;
    do {
        file->pack.next_out = file->packed;
        file->pack.avail_out = sizeof(file->packed);
        (void) deflate(&file->pack, flush);
        event_write(file, file->packed,
                    sizeof(file->packed) - file->pack.avail_out);
    } while (!file->pack.avail_out && !file->has_failed);
}

static void event_flush(struct event_file *file)
{
    if (file->packing == EVENT_GZIP)
        event_pack(file, Z_NO_FLUSH);
    else
        event_write(file, file->buffer, file->n_buffered);
    file->n_buffered = 0;
}

static void event_append(struct event_file *file, const char *text, size_t n)
{
    if (file->has_failed)
        return;
    if (file->n_buffered + n > sizeof(file->buffer))
        event_flush(file);
    memcpy(file->buffer + file->n_buffered, text, n);
    file->n_buffered += n;
}

static void event_append_text(struct event_file *file, const char *text)
{
    event_append(file, text, strlen(text));
}

struct event_file *event_file_create(void *stream, enum event_packing packing,
                                     const char *members)
{
    struct event_file *file = calloc(1, sizeof(*file));

    if (!file)
        return NULL;
    file->stream = stream;
    file->packing = packing;
    if (packing == EVENT_GZIP &&
        deflateInit2(&file->pack, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS,
                     GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(file);
        return NULL;
    }
    event_append_text(file, "{\"otherData\":{");
    event_append_text(file, members);
    event_append_text(file, "},\n\"traceEvents\":[");
    return file;
}

void event_file_destroy(struct event_file *file)
{
    if (file && file->packing == EVENT_GZIP)
        deflateEnd(&file->pack);
    free(file);
}

void event_file_put(struct event_file *file, const char *format, ...)
{
    char line[EVENT_LINE_BYTES];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t) length >= sizeof(line)) {
        file->has_failed = 1;
        return;
    }
    event_append_text(file, file->n_events ? ",\n{" : "\n{");
    event_append(file, line, (size_t) length);
    event_append_text(file, "}");
    file->n_events++;
}

uint64_t event_file_count(const struct event_file *file)
{
    return file->n_events;
}

void event_file_end(struct event_file *file)
{
    event_append_text(file, "\n]}\n");
    if (file->packing == EVENT_GZIP)
        event_pack(file, Z_FINISH);
    else
        event_flush(file);
}

/* Bytes of the UTF-8 character at text; 0: none (overlong forms and surrogates
 * are let through: no reader minds). */
static size_t event_utf8(const unsigned char *text)
{
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xc2 ? 0
                    : text[0] < 0xe0 ? 2
                    : text[0] < 0xf0 ? 3
                    : text[0] < 0xf5 ? 4
                                     : 0;

    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

const char *event_text(char *buffer, size_t size_bytes, const char *text)
{
    size_t at = 0;

    while (*text) {
        size_t n = event_utf8((const unsigned char *) text);
        int is_plain = n && (unsigned char) *text >= ' ' && *text != 0x7f;
        int is_escaped = *text == '"' || *text == '\\';

        if (at + n + 2 > size_bytes)
            break;
        if (is_escaped)
            buffer[at++] = '\\';
        if (is_plain)
            memcpy(buffer + at, text, n);
        else
            buffer[at] = '?';
        at += is_plain ? n : 1;
        text += n ? n : 1;
    }
    buffer[at] = '\0';
    return buffer;
}
