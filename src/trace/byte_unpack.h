/* SPDX-License-Identifier: MIT */
/*
 * How foreign files are packed: one file a packing, one row in
 * byte_unpack_table.c. A file may hold several members back to back.
 */
#ifndef MMUSIM_TRACE_BYTE_UNPACK_H
#define MMUSIM_TRACE_BYTE_UNPACK_H

#include <stddef.h>
#include <stdint.h>

enum byte_unpack_state {
    BYTE_UNPACK_MORE,
    BYTE_UNPACK_END, /* of a member; what follows begins with the magic */
    BYTE_UNPACK_DAMAGED,
    BYTE_UNPACK_TOO_LARGE, /* needs more memory than we give: see limit */
    BYTE_UNPACK_NOMEM,
};

struct byte_unpack_ops {
    /* NULL: out of memory. */
    void *(*create)(void);
    void (*destroy)(void *unpacker);
    /* Begins a member. */
    enum byte_unpack_state (*begin)(void *unpacker);
    /* Moves *in and *out on; as a stream, in any portions. */
    enum byte_unpack_state (*step)(void *unpacker, const uint8_t **in,
                                   size_t *n_in, uint8_t **out, size_t *n_out);
};

enum {
    BYTE_MAGIC_BYTES_MAX = 8,
    BYTE_UNPACK_LIMIT_BYTES = 256 << 20, /* an unpacker's memory: xz -9 has
                                            65 MiB, zstd --long 128 MiB */
};

struct byte_packing {
    const char *name;    /* "gzip" */
    const char *tool;    /* that unpacks to standard output */
    const char *package; /* Debian's, for a build that can do it */
    size_t n_magic;
    uint8_t magic[BYTE_MAGIC_BYTES_MAX];
    const struct byte_unpack_ops *ops; /* NULL: not in this build */
};

/* The packing that begins with these bytes; NULL: none known. */
const struct byte_packing *mmusim__byte_packing_of(const uint8_t *bytes,
                                                   size_t n_bytes);

#endif
