/* SPDX-License-Identifier: MIT */
/*
 * A file of trace events: the JSON of Chrome's "Trace Event Format" (Google,
 * 2013-2016), which the Perfetto UI opens. One event a line, in gzip or plain.
 */
#ifndef MMUSIM_CLI_EVENT_FILE_H
#define MMUSIM_CLI_EVENT_FILE_H

#include <stddef.h>
#include <stdint.h>

struct event_file;

enum event_packing { EVENT_PLAIN, EVENT_GZIP };

/* stream: a FILE *, borrowed. members: of the JSON object that says what the
 * file is about, or "". NULL: out of memory. */
struct event_file *event_file_create(void *stream, enum event_packing packing,
                                     const char *members);
/* Gives it up, or releases it after its end. NULL is legal. */
void event_file_destroy(struct event_file *file);
/* One event: the members of its object. A write that fails shows in ferror()
 * of the stream. */
void event_file_put(struct event_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* How many there are. */
uint64_t event_file_count(const struct event_file *file);
/* Writes what is left, and the file's end. */
void event_file_end(struct event_file *file);

/* text as the inside of a JSON string, cut to fit, always terminated; bytes
 * that are no UTF-8 become '?'. Returns buffer. */
const char *event_text(char *buffer, size_t size_bytes, const char *text);

#endif
