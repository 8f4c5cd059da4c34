/* SPDX-License-Identifier: MIT */
/* Records as lines, gathered in memory and written as whole files. */
#include "cli/store_writer.h"

#include "cli/sweep_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WRITER_FILE_BYTES = 1 << 18, /* guess: a file of more is not grown; what a
                                    slow point's flush writes again */
    WRITER_NAME_BYTES = 320,
    WRITER_HEAD_BYTES = 128,
};

/* As wide whatever the points, so that nothing behind it moves. */
#define WRITER_HEAD                                                            \
    STORE_RESULTS_MAGIC " plan=%016" PRIx64 " points=%09zu..%09zu"

void store_writer_init(struct store_writer *writer, const char *dir,
                       uint64_t plan_id)
{
    memset(writer, 0, sizeof(*writer));
    writer->dir = dir;
    writer->plan_id = plan_id;
}

static void writer_forget(struct store_writer *writer)
{
    for (size_t i = 0; i < writer->n_names; i++)
        free(writer->names[i]);
    free(writer->names);
    free(writer->text);
    free(writer->path);
    writer->names = NULL;
    writer->text = NULL;
    writer->path = NULL;
    writer->n_names = writer->length = writer->size = 0;
    writer->n_records = writer->n_unwritten = 0;
}

void store_writer_fini(struct store_writer *writer)
{
    writer_forget(writer);
}

static void writer_put(struct store_writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void writer_put(struct store_writer *writer, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || writer->has_failed) {
        writer->has_failed = true;
        return;
    }
    if (writer->length + (size_t) n >= writer->size) {
        size_t size = 2 * writer->size + (size_t) n + 1;
        char *grown = realloc(writer->text, size);

        if (!grown) {
            writer->has_failed = true;
            return;
        }
        writer->text = grown;
        writer->size = size;
    }
    va_start(args, format);
    vsnprintf(writer->text + writer->length, writer->size - writer->length,
              format, args);
    va_end(args);
    writer->length += (size_t) n;
}

/* The time in the name keeps a process number that comes again apart. */
static void writer_begin(struct store_writer *writer)
{
    char name[WRITER_NAME_BYTES];
    struct timespec now;

    if (writer->path)
        return;
    sweep_file_writer(name, sizeof(name));
    clock_gettime(CLOCK_REALTIME, &now);
    writer->path = sweep_file_path(
        writer->dir, "results/%s-%" PRIx64 "-%zu.res", name,
        (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000,
        writer->n_files++);
    if (!writer->path)
        writer->has_failed = true;
    writer->first = SIZE_MAX;
    writer->last = 0;
    writer_put(writer, WRITER_HEAD " by=%s\n", writer->plan_id, (size_t) 0,
               (size_t) 0, name);
}

/* Tells in the head which points there are, for readers that want others. */
static void writer_set_head(struct store_writer *writer)
{
    char head[WRITER_HEAD_BYTES];
    int n = snprintf(head, sizeof(head), WRITER_HEAD, writer->plan_id,
                     writer->first, writer->last);

    memcpy(writer->text, head, (size_t) n);
}

/* The number of a list of names in this file, told first if it is new. */
static size_t writer_names(struct store_writer *writer, const char *names)
{
    char **grown;
    size_t i = writer->n_names;

    while (i-- > 0)
        if (!strcmp(writer->names[i], names))
            return i;
    grown = realloc(writer->names, (writer->n_names + 1) * sizeof(*grown));
    if (grown) {
        writer->names = grown;
        grown[writer->n_names] = strdup(names);
    }
    if (!grown || !grown[writer->n_names]) {
        writer->has_failed = true;
        return 0;
    }
    writer_put(writer, "names %zu %s\n", writer->n_names, names);
    return writer->n_names++;
}

static void writer_count(struct store_writer *writer, size_t point)
{
    writer->first = point < writer->first ? point : writer->first;
    writer->last = point > writer->last ? point : writer->last;
    writer->n_records++;
    writer->n_unwritten++;
}

void store_writer_done(struct store_writer *writer, size_t point,
                       const char *names, uint64_t us, const char *values)
{
    writer_begin(writer);
    writer_put(writer, "done %zu %zu %" PRIu64 " %s\n", point,
               writer_names(writer, names), us, values);
    writer_count(writer, point);
}

void store_writer_failed(struct store_writer *writer, size_t point,
                         unsigned attempt, uint64_t us, const char *reason)
{
    writer_begin(writer);
    writer_put(writer, "failed %zu %u %" PRIu64 " %s\n", point, attempt, us,
               reason);
    writer_count(writer, point);
}

void store_writer_reopen(struct store_writer *writer, size_t point,
                         unsigned attempt)
{
    writer_begin(writer);
    writer_put(writer, "open %zu %u\n", point, attempt);
    writer_count(writer, point);
}

int store_writer_flush(struct store_writer *writer)
{
    size_t length = writer->length;
    int error;

    if (writer->has_failed)
        return ENOMEM;
    if (!writer->n_unwritten)
        return 0;
    writer_set_head(writer);
    writer_put(writer, "end %zu %08" PRIx32 "\n", writer->n_records,
               sweep_crc(writer->text, length));
    if (writer->has_failed)
        return ENOMEM;
    error = sweep_file_put(writer->path, SWEEP_FILE_REPLACE, writer->text,
                           writer->length);
    writer->length = length;
    if (error)
        return error;
    writer->n_unwritten = 0;
    if (length >= WRITER_FILE_BYTES)
        writer_forget(writer);
    return 0;
}
