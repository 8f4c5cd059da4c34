/* SPDX-License-Identifier: MIT */
/*
 * Dinero's din: `LABEL ADDR` a line, both hexadecimal, the rest of the line is
 * a comment; LABEL 0 read, 1 write, 2 instruction fetch, others are passed
 * over. As in Dinero IV (dinfmt.c) an access has 4 bytes and its address is
 * rounded down to them.
 */
#include "trace/import.h"

#include "trace/import_hex.h"
#include "trace/record_sys.h"

#include <inttypes.h>
#include <string.h>

enum { DIN_THREAD };

enum { DIN_ACCESS_BYTES = 4, DIN_LINE_BYTES_MAX = 4096, DIN_OTHERS = 3 };

static const struct import_option din_options[] = {
    [DIN_THREAD] = IMPORT_OPTION_THREAD,
    {0},
};

struct din {
    struct import_run *run;
    struct trace_stream *stream;
    uint64_t n_others;
};

static uint8_t *din_blanks(uint8_t *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

static uint8_t *din_number(uint8_t *p, uint64_t *number)
{
    if (p[0] == '0' && (p[1] | 0x20) == 'x')
        p += 2;
    return import_hex(p, number);
}

/* A terminated line; false: it is no record. */
static bool din_parse(uint8_t *p, uint64_t *label, uint64_t *vaddr)
{
    p = din_number(din_blanks(p), label);
    if (!p || (*p != ' ' && *p != '\t'))
        return false;
    p = din_number(din_blanks(p), vaddr);
    return p && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\0');
}

static mmusim_status_t din_line(struct din *self, char *line, uint64_t offset)
{
    struct import_run *run = self->run;
    uint64_t label, vaddr;

    if (!din_parse((uint8_t *) line, &label, &vaddr))
        return mmusim__import_fail_at(
            run, offset,
            "'%.40s' is no din record (LABEL ADDR, both hexadecimal, like '0 "
            "1ffefff0a8'; 0 read, 1 write, 2 fetch)",
            line);
    if (!record_is_canonical(vaddr))
        return mmusim__import_fail_at(run, offset,
                                      "0x%" PRIx64 " is not canonical (bits 63 "
                                      "to 56 are equal)",
                                      vaddr);
    run->n_records++;
    vaddr &= ~(uint64_t) (DIN_ACCESS_BYTES - 1);
    if (label >= DIN_OTHERS)
        self->n_others++;
    else if (label == 2)
        mmusim__trace_stream_fetch(self->stream, vaddr, 1, DIN_ACCESS_BYTES);
    else
        mmusim__trace_stream_access(self->stream, label ? OP_STORE : OP_LOAD,
                                    vaddr, DIN_ACCESS_BYTES, 0);
    return MMUSIM_OK;
}

/* The next line, if it is text and not too long. */
static mmusim_status_t din_next(struct din *self, char **line, uint64_t *offset)
{
    struct import_run *run = self->run;
    size_t length;
    mmusim_status_t status;

    *offset = byte_stream_offset(run->stream);
    status = mmusim__byte_stream_line(run->stream, line, &length, run->diag);
    if (status || !*line)
        return status;
    run->line++;
    if (length > DIN_LINE_BYTES_MAX || memchr(*line, '\0', length))
        return mmusim__import_fail_at(
            run, *offset, "no text, or a line too long (up to %d bytes)",
            DIN_LINE_BYTES_MAX);
    return MMUSIM_OK;
}

static mmusim_status_t din_read(struct import_run *run)
{
    struct din self = {.run = run};
    uint64_t offset = 0;
    char *line = NULL;
    mmusim_status_t status = MMUSIM_OK;

    self.stream =
        mmusim__import_begin_thread(run, (uint32_t) run->values[DIN_THREAD]);
    if (!self.stream)
        return MMUSIM_NOMEM;
    while (!status) {
        status = din_next(&self, &line, &offset);
        if (status || !line)
            break;
        if (*din_blanks((uint8_t *) line))
            status = din_line(&self, line, offset);
    }
    if (!status && run->n_records == 0)
        status = mmusim__import_fail_at(run, offset,
                                        "there is no record (is this din?)");
    if (self.n_others)
        mmusim__import_note(run->notes,
                            "%" PRIu64 " records with labels from 3 on (no "
                            "access) were passed over",
                            self.n_others);
    return status;
}

/* All whole lines must be records. */
static enum import_match din_probe(const struct import_probe *probe)
{
    const uint8_t *p = probe->bytes;
    const uint8_t *end;
    uint32_t n = 0;

    if (!p)
        return IMPORT_NO;
    for (end = p + probe->n_bytes; p < end;) {
        const uint8_t *next = memchr(p, '\n', (size_t) (end - p));
        size_t length = (size_t) ((next ? next : end) - p);
        uint8_t line[64] = {0};
        uint64_t label, vaddr;

        if (!next && !probe->is_whole)
            break;
        memcpy(line, p, length < sizeof(line) - 1 ? length : sizeof(line) - 1);
        p += length + 1;
        if (!line[strspn((char *) line, " \t\r")] && length < sizeof(line))
            continue;
        if (!din_parse(line, &label, &vaddr) || label > 5)
            return IMPORT_NO;
        n++;
    }
    return n ? IMPORT_SURE : IMPORT_NO;
}

extern const struct import_ops mmusim__import_din;
const struct import_ops mmusim__import_din = {
    .name = "din",
    .what = "Dinero's input: 0 read, 1 write, 2 fetch, and an address",
    .options = din_options,
    .probe = din_probe,
    .read = din_read,
};
