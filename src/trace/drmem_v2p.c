/* SPDX-License-Identifier: MIT */
/*
 * `address_mapping { virtual_address: 0x.. physical_address: 0x.. }` and one
 * `page_size: 0x..`, protobuf text with # comments. Only what mmusim says of
 * it is kept: it gives frames itself, by nodes and with reuse, which a static
 * map would forbid. The numbers are checked all the same.
 */
#include "trace/drmem_v2p.h"

#include "core/diag.h"
#include "trace/byte_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct v2p_reader {
    struct drmem_v2p *v2p;
    const char *path;
    uint32_t line;
    mmusim_diag_t *diag;
};

static mmusim_status_t v2p_fail(const struct v2p_reader *reader,
                                const char *text)
{
    mmusim__diag_set(reader->diag, MMUSIM_DAMAGED, "%s", text);
    mmusim__diag_at_line(reader->diag, reader->path, reader->line);
    return MMUSIM_DAMAGED;
}

static mmusim_status_t v2p_number(const struct v2p_reader *reader, char **at,
                                  uint64_t *value)
{
    char *end;

    *at += strspn(*at, " \t:");
    errno = 0;
    *value = strtoull(*at, &end, 0);
    if (end == *at || errno || **at == '-')
        return v2p_fail(reader, "a number is expected here (v2p.textproto: "
                                "decimal or 0x)");
    *at = end;
    return MMUSIM_OK;
}

static mmusim_status_t v2p_page_size(struct v2p_reader *reader, uint64_t value)
{
    if (!value || value & (value - 1))
        return v2p_fail(reader, "page_size is no power of two");
    if (reader->v2p->page_bytes && reader->v2p->page_bytes != value)
        return v2p_fail(reader, "a second page_size (a file has one)");
    reader->v2p->page_bytes = value;
    return MMUSIM_OK;
}

static mmusim_status_t v2p_line(struct v2p_reader *reader, char *line)
{
    mmusim_status_t status = MMUSIM_OK;
    char *at = line;

    line[strcspn(line, "#")] = '\0';
    while (!status && *(at += strspn(at, " \t\r{}:,"))) {
        size_t n = strcspn(at, " \t\r{}:,");
        uint64_t value;
        char *word = at;

        at += n;
        if (n == 9 && !memcmp(word, "page_size", n)) {
            status = v2p_number(reader, &at, &value);
            if (!status)
                status = v2p_page_size(reader, value);
        } else if ((n == 15 && !memcmp(word, "virtual_address", n)) ||
                   (n == 16 && !memcmp(word, "physical_address", n))) {
            status = v2p_number(reader, &at, &value);
        } else if (n == 15 && !memcmp(word, "address_mapping", n)) {
            reader->v2p->n_pages++;
        }
    }
    return status;
}

mmusim_status_t mmusim__drmem_v2p_read(const char *path, struct drmem_v2p *v2p,
                                       mmusim_diag_t *diag)
{
    struct v2p_reader reader = {.v2p = v2p, .path = path, .diag = diag};
    struct byte_stream *stream;
    char *line = NULL;
    size_t length;
    mmusim_status_t status;

    memset(v2p, 0, sizeof(*v2p));
    status = mmusim__byte_stream_open(path, &stream, diag);
    if (status)
        return status;
    status = mmusim__byte_stream_begin(stream, diag);
    while (!status) {
        status = mmusim__byte_stream_line(stream, &line, &length, diag);
        if (status || !line)
            break;
        reader.line++;
        status = length >= BYTE_CARRY || memchr(line, '\0', length)
                     ? v2p_fail(&reader, "no text, or a line too long")
                     : v2p_line(&reader, line);
    }
    mmusim__byte_stream_close(stream);
    return status;
}
