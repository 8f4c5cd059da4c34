/* SPDX-License-Identifier: MIT */
/*
 * A zip archive as one stream: its members one after the other, in the order
 * of the file, as DynamoRIO's zip of chunks is meant (PKWARE
 * APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3). Local headers alone are read, so
 * it works from a pipe, which libraries for zip do not; zlib inflates. CRC-32
 * and lengths of each member are checked, those of zip64 and of data
 * descriptors, too. The central directory must follow; what it says is passed
 * over.
 *
 * Not read: encryption, methods other than stored and deflate, stored members
 * whose length is not in front of them.
 */
#include "trace/byte_unpack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    ZIP_LOCAL = 0x04034b50,
    ZIP_DESCRIPTOR = 0x08074b50,
    ZIP_CENTRAL = 0x02014b50,
    ZIP_END64 = 0x06064b50,
    ZIP_LOCATOR64 = 0x07064b50,
    ZIP_END = 0x06054b50,
};

enum {
    ZIP_LOCAL_BYTES = 30,
    ZIP_CENTRAL_BYTES = 46,
    ZIP_END64_BYTES = 12, /* up to where its own length stands */
    ZIP_LOCATOR64_BYTES = 20,
    ZIP_END_BYTES = 22,
    ZIP_HEAD_MAX = 64,
    ZIP_EXTRA_MAX = 1024, /* guess: zip64's 20 bytes stand near the front */
    ZIP64_EXTRA = 1,
};

enum { ZIP_IS_ENCRYPTED = 1 << 0, ZIP_HAS_DESCRIPTOR = 1 << 3 };
enum { ZIP_STORED = 0, ZIP_DEFLATED = 8 };

enum zip_state {
    ZIP_SIGNATURE, /* of whatever comes next */
    ZIP_HEAD,      /* its fixed part */
    ZIP_NAME,      /* passed over */
    ZIP_EXTRA,     /* of a local header */
    ZIP_DATA,
    ZIP_TAIL, /* a data descriptor */
    ZIP_SKIP, /* skip_bytes of no interest, then the next signature */
    ZIP_REST, /* the end record's comment */
};

struct zip {
    z_stream inflater;
    enum zip_state state;
    uint32_t signature;
    uint8_t head[ZIP_EXTRA_MAX];
    uint32_t n_head;
    uint32_t n_wanted; /* of head */
    uint64_t skip_bytes;
    uint32_t n_extra;
    uint16_t method;
    bool has_descriptor;
    bool is_zip64;
    uint32_t crc;
    uint64_t packed_bytes, plain_bytes; /* as the header says */
    uint32_t crc_seen;
    uint64_t packed_seen, plain_seen;
};

struct zip_io {
    const uint8_t **in;
    size_t *n_in;
    uint8_t **out;
    size_t *n_out;
};

static uint64_t zip_number(const uint8_t *bytes, unsigned n)
{
    uint64_t value = 0;

    while (n--)
        value = value << 8 | bytes[n];
    return value;
}

static void *zip_create(void)
{
    struct zip *self = calloc(1, sizeof(*self));

    if (self && inflateInit2(&self->inflater, -MAX_WBITS) == Z_OK)
        return self;
    free(self);
    return NULL;
}

static void zip_destroy(void *unpacker)
{
    struct zip *self = unpacker;

    inflateEnd(&self->inflater);
    free(self);
}

static void zip_want(struct zip *self, enum zip_state state, uint32_t n)
{
    self->state = state;
    self->n_head = 0;
    self->n_wanted = n;
}

static enum byte_unpack_state zip_begin(void *unpacker)
{
    zip_want(unpacker, ZIP_SIGNATURE, 4);
    return BYTE_UNPACK_MORE;
}

/* False: head is not whole yet. */
static bool zip_take_head(struct zip *self, const struct zip_io *io)
{
    uint32_t n = self->n_wanted - self->n_head;

    if (n > *io->n_in)
        n = (uint32_t) *io->n_in;
    memcpy(self->head + self->n_head, *io->in, n);
    *io->in += n;
    *io->n_in -= n;
    self->n_head += n;
    return self->n_head == self->n_wanted;
}

static bool zip_skip(struct zip *self, const struct zip_io *io)
{
    size_t n =
        self->skip_bytes < *io->n_in ? (size_t) self->skip_bytes : *io->n_in;

    *io->in += n;
    *io->n_in -= n;
    self->skip_bytes -= n;
    return !self->skip_bytes;
}

static enum byte_unpack_state zip_signature(struct zip *self)
{
    static const struct {
        uint32_t signature, n_bytes;
    } known[] = {
        {ZIP_LOCAL, ZIP_LOCAL_BYTES}, {ZIP_CENTRAL, ZIP_CENTRAL_BYTES},
        {ZIP_END64, ZIP_END64_BYTES}, {ZIP_LOCATOR64, ZIP_LOCATOR64_BYTES},
        {ZIP_END, ZIP_END_BYTES},
    };

    self->signature = (uint32_t) zip_number(self->head, 4);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].signature == self->signature) {
            zip_want(self, ZIP_HEAD, known[i].n_bytes - 4);
            return BYTE_UNPACK_MORE;
        }
    }
    return BYTE_UNPACK_DAMAGED;
}

/* Offsets in head are those of APPNOTE less 4, the signature's bytes. */
static enum byte_unpack_state zip_local(struct zip *self)
{
    const uint8_t *head = self->head;
    uint32_t flags = (uint32_t) zip_number(head + 2, 2);

    self->method = (uint16_t) zip_number(head + 4, 2);
    self->has_descriptor = flags & ZIP_HAS_DESCRIPTOR;
    self->is_zip64 = false;
    self->crc = (uint32_t) zip_number(head + 10, 4);
    self->packed_bytes = zip_number(head + 14, 4);
    self->plain_bytes = zip_number(head + 18, 4);
    self->skip_bytes = zip_number(head + 22, 2);
    self->n_extra = (uint32_t) zip_number(head + 24, 2);
    self->crc_seen = 0;
    self->packed_seen = 0;
    self->plain_seen = 0;
    if (flags & ZIP_IS_ENCRYPTED ||
        (self->method != ZIP_DEFLATED &&
         (self->method != ZIP_STORED || self->has_descriptor)) ||
        self->n_extra > ZIP_EXTRA_MAX || inflateReset(&self->inflater) != Z_OK)
        return BYTE_UNPACK_DAMAGED;
    self->state = ZIP_NAME;
    return BYTE_UNPACK_MORE;
}

static enum byte_unpack_state zip_head(struct zip *self)
{
    const uint8_t *head = self->head;

    switch (self->signature) {
    case ZIP_LOCAL:
        return zip_local(self);
    case ZIP_CENTRAL:
        self->skip_bytes = zip_number(head + 24, 2) + zip_number(head + 26, 2) +
                           zip_number(head + 28, 2);
        break;
    case ZIP_END64:
        self->skip_bytes = zip_number(head, 8);
        break;
    case ZIP_LOCATOR64:
        self->skip_bytes = 0;
        break;
    default:
        self->skip_bytes = zip_number(head + 16, 2);
        self->state = ZIP_REST;
        return BYTE_UNPACK_MORE;
    }
    self->state = ZIP_SKIP;
    return BYTE_UNPACK_MORE;
}

/* The lengths in zip64's field stand for those that are all ones, in the order
 * plain, packed (APPNOTE 4.5.3). */
static void zip_extra(struct zip *self)
{
    const uint8_t *at = self->head;
    const uint8_t *end = at + self->n_extra;

    while (end - at >= 4) {
        uint32_t id = (uint32_t) zip_number(at, 2);
        uint32_t n = (uint32_t) zip_number(at + 2, 2);

        at += 4;
        if (n > (size_t) (end - at))
            break;
        if (id == ZIP64_EXTRA) {
            const uint8_t *field = at;

            self->is_zip64 = true;
            if (self->plain_bytes == UINT32_MAX && n >= 8) {
                self->plain_bytes = zip_number(field, 8);
                field += 8;
            }
            if (self->packed_bytes == UINT32_MAX && at + n - field >= 8)
                self->packed_bytes = zip_number(field, 8);
        }
        at += n;
    }
    self->state = ZIP_DATA;
}

/* The member's data are over. */
static enum byte_unpack_state zip_end_data(struct zip *self)
{
    if (self->has_descriptor) {
        zip_want(self, ZIP_TAIL, self->is_zip64 ? 24 : 16);
        return BYTE_UNPACK_MORE;
    }
    if (self->crc_seen != self->crc ||
        self->packed_seen != self->packed_bytes ||
        self->plain_seen != self->plain_bytes)
        return BYTE_UNPACK_DAMAGED;
    zip_want(self, ZIP_SIGNATURE, 4);
    return BYTE_UNPACK_MORE;
}

static enum byte_unpack_state zip_tail(struct zip *self)
{
    unsigned n = self->is_zip64 ? 8 : 4;

    if (zip_number(self->head, 4) != ZIP_DESCRIPTOR)
        return BYTE_UNPACK_DAMAGED;
    self->crc = (uint32_t) zip_number(self->head + 4, 4);
    self->packed_bytes = zip_number(self->head + 8, n);
    self->plain_bytes = zip_number(self->head + 8 + n, n);
    self->has_descriptor = false;
    return zip_end_data(self);
}

static void zip_account(struct zip *self, const uint8_t *out, size_t n_in,
                        size_t n_out)
{
    self->crc_seen = (uint32_t) crc32_z(self->crc_seen, out, n_out);
    self->packed_seen += n_in;
    self->plain_seen += n_out;
}

static enum byte_unpack_state zip_copy(struct zip *self,
                                       const struct zip_io *io)
{
    uint64_t left = self->packed_bytes - self->packed_seen;
    size_t n = *io->n_in < *io->n_out ? *io->n_in : *io->n_out;

    if (n > left)
        n = (size_t) left;
    memcpy(*io->out, *io->in, n);
    zip_account(self, *io->out, n, n);
    *io->in += n;
    *io->n_in -= n;
    *io->out += n;
    *io->n_out -= n;
    return self->packed_seen == self->packed_bytes ? zip_end_data(self)
                                                   : BYTE_UNPACK_MORE;
}

static enum byte_unpack_state zip_inflate(struct zip *self,
                                          const struct zip_io *io)
{
    z_stream *z = &self->inflater;
    size_t n_in = *io->n_in;
    size_t n_out = *io->n_out;
    uint8_t *out = *io->out;
    int result;

    z->next_in = (z_const Bytef *) *io->in;
    z->avail_in = (uInt) n_in;
    z->next_out = out;
    z->avail_out = (uInt) n_out;
    result = inflate(z, Z_NO_FLUSH);
    *io->in = z->next_in;
    *io->n_in = z->avail_in;
    *io->out = z->next_out;
    *io->n_out = z->avail_out;
    zip_account(self, out, n_in - *io->n_in, n_out - *io->n_out);
    if (result == Z_STREAM_END)
        return zip_end_data(self);
    if (result == Z_MEM_ERROR)
        return BYTE_UNPACK_NOMEM;
    return result == Z_OK || result == Z_BUF_ERROR ? BYTE_UNPACK_MORE
                                                   : BYTE_UNPACK_DAMAGED;
}

/* What can be done with these bytes in one state. */
static enum byte_unpack_state zip_turn(struct zip *self,
                                       const struct zip_io *io)
{
    switch (self->state) {
    case ZIP_SIGNATURE:
        return zip_take_head(self, io) ? zip_signature(self) : BYTE_UNPACK_MORE;
    case ZIP_HEAD:
        return zip_take_head(self, io) ? zip_head(self) : BYTE_UNPACK_MORE;
    case ZIP_NAME:
        if (zip_skip(self, io))
            zip_want(self, ZIP_EXTRA, self->n_extra);
        return BYTE_UNPACK_MORE;
    case ZIP_EXTRA:
        if (zip_take_head(self, io))
            zip_extra(self);
        return BYTE_UNPACK_MORE;
    case ZIP_DATA:
        return self->method == ZIP_STORED ? zip_copy(self, io)
                                          : zip_inflate(self, io);
    case ZIP_TAIL:
        return zip_take_head(self, io) ? zip_tail(self) : BYTE_UNPACK_MORE;
    case ZIP_SKIP:
        if (zip_skip(self, io))
            zip_want(self, ZIP_SIGNATURE, 4);
        return BYTE_UNPACK_MORE;
    case ZIP_REST:
        return zip_skip(self, io) ? BYTE_UNPACK_END : BYTE_UNPACK_MORE;
    }
    return BYTE_UNPACK_DAMAGED;
}

static enum byte_unpack_state zip_step(void *unpacker, const uint8_t **in,
                                       size_t *n_in, uint8_t **out,
                                       size_t *n_out)
{
    struct zip *self = unpacker;
    const struct zip_io io = {in, n_in, out, n_out};
    enum byte_unpack_state result;
    enum zip_state before;
    size_t n_before;

    do { /* states that need no byte follow at once */
        before = self->state;
        n_before = *n_in + *n_out;
        result = zip_turn(self, &io);
    } while (result == BYTE_UNPACK_MORE &&
             (self->state != before || *n_in + *n_out != n_before));
    return result;
}

extern const struct byte_unpack_ops mmusim__byte_unpack_zip;
const struct byte_unpack_ops mmusim__byte_unpack_zip = {
    .create = zip_create,
    .destroy = zip_destroy,
    .begin = zip_begin,
    .step = zip_step,
};
