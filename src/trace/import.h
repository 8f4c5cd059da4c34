/* SPDX-License-Identifier: MIT */
/*
 * Foreign traces -> native ones. A format is one file with one struct
 * import_ops, and one line in import_table.c. What a format says nothing about
 * (a thread's number, sizes) are options of its own, which users write behind
 * its name: --from champsim,thread=2.
 */
#ifndef MMUSIM_TRACE_IMPORT_H
#define MMUSIM_TRACE_IMPORT_H

#include "core/diag.h"
#include "trace/byte_stream.h"
#include "trace/trace_writer.h"

#include <stdbool.h>

enum {
    IMPORT_OPTIONS_MAX = 12,
    IMPORT_NOTES_MAX = 8,
    IMPORT_NOTE_BYTES = 320,
    IMPORT_PROBE_BYTES = 32 << 10, /* at most, that probes look at */
};

enum import_match {
    IMPORT_NO,
    IMPORT_LIKELY, /* taken if no other format is as likely */
    IMPORT_SURE,
};

struct import_option {
    const char *name; /* NULL ends the table */
    uint64_t min;
    uint64_t max;
    uint64_t dflt;
    const char *help;
};

/* For formats without threads. */
#define IMPORT_OPTION_THREAD                                                   \
    {                                                                          \
        "thread", 0, UINT32_MAX, 1, "number of the one thread"                 \
    }

struct import_probe {
    const char *path;     /* for what its name tells */
    const uint8_t *bytes; /* the first ones, unpacked; NULL: a directory */
    size_t n_bytes;
    bool is_whole; /* nothing follows them */
};

struct import_notes {
    uint32_t n;
    char texts[IMPORT_NOTES_MAX][IMPORT_NOTE_BYTES];
};

struct import_run {
    const char *path;           /* as the user gave it */
    struct byte_stream *stream; /* with its first window; NULL: a directory */
    struct trace_writer *writer;
    const uint64_t *values;     /* of the options, in table order */
    struct import_notes *notes; /* what to tell the user */
    mmusim_diag_t *diag;
    /* For the streams of a directory's files: byte_stream.watch. */
    int (*watch)(void *context, const struct byte_stream *stream);
    void *watch_context;
    uint64_t n_records; /* of the foreign file; the reader counts them */
    uint32_t line;      /* of a format of lines, 1-based; else 0 */
};

struct import_ops {
    const char *name; /* as in --from NAME */
    const char *what; /* one line: what it is, and what writes it */
    const struct import_option *options; /* NULL: none */
    bool is_many_threads; /* its threads' records are mixed in the file */
    /* NULL: only by name. */
    enum import_match (*probe)(const struct import_probe *probe);
    /* Reads all; streams it has begun and not ended are ended by the caller,
     * also on failure: what came before damage is kept with --salvage. */
    mmusim_status_t (*read)(struct import_run *run);
};

extern const struct import_ops *const mmusim__import_table[];
extern const uint32_t mmusim__import_table_size;

/* ---- for readers ---- */

/*
 * The failure of reading: names the file, and the place, which is the line or
 * the record, and its offset among the unpacked bytes. Returns status.
 */
mmusim_status_t mmusim__import_fail_at(struct import_run *run, uint64_t offset,
                                       const char *format, ...)
    MMUSIM_PRINTF(3, 4);
/* The same without a place inside the file. */
mmusim_status_t mmusim__import_fail(struct import_run *run,
                                    mmusim_status_t status, const char *format,
                                    ...) MMUSIM_PRINTF(3, 4);
/* A line for the user; those beyond IMPORT_NOTES_MAX are dropped. */
void mmusim__import_note(struct import_notes *notes, const char *format, ...)
    MMUSIM_PRINTF(2, 3);
/* Begins the stream of thread tid; NULL after a failure that is told. */
struct trace_stream *mmusim__import_begin_thread(struct import_run *run,
                                                 uint32_t tid);

/* ---- for those who import ---- */

struct import {
    struct byte_stream *stream;   /* NULL: a directory */
    const struct import_ops *ops; /* NULL: it is a native trace */
    uint64_t values[IMPORT_OPTIONS_MAX];
    struct import_notes notes;
    int (*watch)(void *context, const struct byte_stream *stream);
    void *watch_context;
    bool is_cut;      /* damage ended it, and what came before is kept */
    const char *path; /* borrowed */
};

/* Opens path and finds out its format; format NULL, "auto" or "" tells by
 * content. import is to be closed after a failure, too. */
mmusim_status_t mmusim__import_open(struct import *import, const char *path,
                                    const char *format, mmusim_diag_t *diag);
/* Feeds writer. salvages: damage ends it early, with a note and is_cut. */
mmusim_status_t mmusim__import_run(struct import *import,
                                   struct trace_writer *writer, bool salvages,
                                   mmusim_diag_t *diag);
void mmusim__import_close(struct import *import);

#endif
