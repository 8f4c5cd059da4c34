/* SPDX-License-Identifier: MIT */
/*
 * What `valgrind --tool=lackey --trace-mem=yes` writes: one access a line,
 * `I  ADDR,SIZE`, ` L ADDR,SIZE`, ` S ADDR,SIZE` or ` M ADDR,SIZE`, ADDR in
 * hexadecimal, SIZE in decimal (valgrind 3.19, lackey/lk_main.c, "Stuff for
 * --trace-mem"). An I is a fetch of one instruction, an M a load and a store.
 * Lines of valgrind's own (==PID==, --PID--, **PID**) and those of
 * --trace-superblocks (SB ADDR) are passed over.
 */
#include "trace/import.h"

#include "trace/import_hex.h"
#include "trace/record_sys.h"

#include <inttypes.h>
#include <string.h>

enum { LACKEY_THREAD, LACKEY_SKIP_LINES };

enum { LACKEY_LINE_BYTES_MAX = 4096, LACKEY_SIZE_DIGITS_MAX = 8 };

static const struct import_option lackey_options[] = {
    [LACKEY_THREAD] = IMPORT_OPTION_THREAD,
    [LACKEY_SKIP_LINES] =
        {"skip-lines", 0, UINT32_MAX, 0,
         "how many lines that are no records may be passed over"},
    {0},
};

struct lackey {
    struct import_run *run;
    struct trace_stream *stream;
    uint64_t n_skipped;
};

struct lackey_record {
    uint8_t kind; /* I, L, S or M */
    uint64_t vaddr;
    uint64_t bytes;
};

/* Parses a record; NULL: the line is none. Returns behind its newline. */
static inline uint8_t *lackey_parse(uint8_t *p, struct lackey_record *record)
{
    unsigned digit;
    uint64_t bytes = 0;
    const uint8_t *start;

    record->kind = p[0] == 'I' ? 'I' : p[1];
    if (p[0] == 'I'
            ? p[1] != ' '
            : p[0] != ' ' || (p[1] != 'L' && p[1] != 'S' && p[1] != 'M'))
        return NULL;
    if (p[2] != ' ')
        return NULL;
    p = import_hex(p + 3, &record->vaddr);
    if (!p || *p != ',')
        return NULL;
    start = ++p;
    while ((digit = *p - (unsigned) '0') < 10) {
        bytes = bytes * 10 + digit;
        p++;
    }
    if (p == start || p - start > LACKEY_SIZE_DIGITS_MAX)
        return NULL;
    p += *p == '\r';
    record->bytes = bytes;
    return *p == '\n' ? p + 1 : NULL;
}

/* Lines of valgrind's own: == -- ** and the PID, and the empty one. */
static bool lackey_is_chatter(const uint8_t *line, size_t n)
{
    if (n && line[n - 1] == '\r')
        n--;
    if (n == 0)
        return true;
    if (n >= 4 && line[0] == line[1] && memchr("=-*", line[0], 3) &&
        line[2] >= '0' && line[2] <= '9')
        return true;
    return n > 3 && !memcmp(line, "SB ", 3);
}

static void lackey_put(struct lackey *self, const struct lackey_record *record)
{
    uint32_t bytes = (uint32_t) record->bytes;

    if (record->kind == 'I') {
        mmusim__trace_stream_fetch(self->stream, record->vaddr, 1, bytes);
        return;
    }
    if (record->kind != 'S')
        mmusim__trace_stream_access(self->stream, OP_LOAD, record->vaddr, bytes,
                                    0);
    if (record->kind != 'L')
        mmusim__trace_stream_access(self->stream, OP_STORE, record->vaddr,
                                    bytes, 0);
}

static inline bool lackey_is_good(const struct lackey_record *record)
{
    return record->bytes - 1 < OP_MAX_BYTES &&
           record_is_canonical(record->vaddr) &&
           record->vaddr + (record->bytes - 1) >= record->vaddr;
}

/* A line that is no record, or one that cannot be. */
static mmusim_status_t lackey_other(struct lackey *self, uint8_t *line,
                                    size_t n)
{
    struct import_run *run = self->run;
    uint64_t offset = byte_stream_offset(run->stream);
    struct lackey_record record;

    if (lackey_is_chatter(line, n))
        return MMUSIM_OK;
    if (lackey_parse(line, &record))
        return mmusim__import_fail_at(
            run, offset,
            "an access of %" PRIu64 " bytes at 0x%" PRIx64
            " (1 to %d bytes; bits 63 to 56 are equal)",
            record.bytes, record.vaddr, OP_MAX_BYTES);
    if (self->n_skipped < run->values[LACKEY_SKIP_LINES]) {
        self->n_skipped++;
        return MMUSIM_OK;
    }
    return mmusim__import_fail_at(
        run, offset,
        "'%.*s' is no lackey record (like ' L 1ffefff0a8,8'; a program's own "
        "output does not get in between with valgrind --log-file=FILE; --from "
        "lackey,skip-lines=N passes over N lines)",
        (int) (n < 40 ? n : 40), (const char *) line);
}

/* All whole lines of the window; the stream is left at what it is not. */
static mmusim_status_t lackey_window(struct lackey *self)
{
    struct import_run *run = self->run;
    struct byte_stream *stream = run->stream;
    uint8_t *p = stream->at;
    struct lackey_record record;

    while (p < stream->end) {
        uint8_t *next = lackey_parse(p, &record);
        mmusim_status_t status;

        if (next > stream->end && !stream->is_over)
            break;
        run->line++;
        if (next && lackey_is_good(&record)) {
            run->n_records++;
            lackey_put(self, &record);
            p = next;
            continue;
        }
        next = memchr(p, '\n', (size_t) (stream->end - p) + stream->is_over);
        stream->at = p;
        if (!next) {
            run->line--;
            break;
        }
        status = lackey_other(self, p, (size_t) (next - p));
        if (status)
            return status;
        p = next + 1;
    }
    stream->at = p < stream->end ? p : stream->end;
    return MMUSIM_OK;
}

static mmusim_status_t lackey_read(struct import_run *run)
{
    struct lackey self = {.run = run};
    struct byte_stream *stream = run->stream;
    mmusim_status_t status = MMUSIM_OK;

    self.stream =
        mmusim__import_begin_thread(run, (uint32_t) run->values[LACKEY_THREAD]);
    if (!self.stream)
        return MMUSIM_NOMEM;
    while (!status) {
        status = lackey_window(&self);
        if (status || stream->is_over)
            break;
        if (byte_stream_left(stream) > LACKEY_LINE_BYTES_MAX) {
            run->line++;
            return mmusim__import_fail_at(
                run, byte_stream_offset(stream),
                "a line too long (up to %d bytes; is this lackey's output?)",
                LACKEY_LINE_BYTES_MAX);
        }
        status = mmusim__byte_stream_more(stream, run->diag);
    }
    if (!status && run->n_records == 0) {
        run->line++;
        status = mmusim__import_fail_at(
            run, byte_stream_offset(stream),
            "there is no record (valgrind --tool=lackey --trace-mem=yes)");
    }
    if (self.n_skipped)
        mmusim__import_note(run->notes,
                            "%" PRIu64 " lines that are no records were passed "
                            "over",
                            self.n_skipped);
    return status;
}

/* Its own lines first, records sooner or later. */
static enum import_match lackey_probe(const struct import_probe *probe)
{
    const uint8_t *p = probe->bytes;
    const uint8_t *end;
    uint32_t n_records = 0;
    uint32_t n_others = 0;

    if (!p)
        return IMPORT_NO;
    end = p + probe->n_bytes;
    while (p < end) {
        const uint8_t *next = memchr(p, '\n', (size_t) (end - p));
        uint8_t line[64] = {0};
        struct lackey_record record;
        size_t n;

        if (!next && !probe->is_whole)
            break;
        n = (size_t) ((next ? next : end) - p);
        if (n < sizeof(line))
            memcpy(line, p, n);
        line[n < sizeof(line) ? n : 0] = '\n';
        if (lackey_parse(line, &record))
            n_records++;
        else
            n_others += !lackey_is_chatter(p, n);
        p += n + 1;
    }
    if (n_others > n_records)
        return IMPORT_NO;
    return n_records ? IMPORT_SURE : IMPORT_NO;
}

extern const struct import_ops mmusim__import_lackey;
const struct import_ops mmusim__import_lackey = {
    .name = "lackey",
    .what = "valgrind --tool=lackey --trace-mem=yes --log-file=FILE PROGRAM",
    .options = lackey_options,
    .probe = lackey_probe,
    .read = lackey_read,
};
