/* SPDX-License-Identifier: MIT */
/*
 * The native trace format's frame (docs/trace-format.md): members back to
 * back, each a gzip member or a zstd frame with a fixed header that carries
 * one field of FIELD_BYTES. All numbers are little-endian.
 */
#ifndef MMUSIM_TRACE_TRACE_FORMAT_H
#define MMUSIM_TRACE_TRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TRACE_VERSION = 2,
    TRACE_FIELD_BYTES = 60,
    TRACE_HEADER_BYTES_MAX = 76, /* of gzip; zstd's is 68 */
    TRACE_BLOCK_BYTES = 1 << 20, /* greatest unpacked length */
    /* Greatest packed length: the worst case of either codec and more. */
    TRACE_PACKED_BYTES = TRACE_BLOCK_BYTES + (1 << 14),
    TRACE_OPEN_BYTES = 16 << 20, /* packed bytes a block may stay open for */
    TRACE_BLOCKS_MAX = 1 << 17,  /* in a file: 128 GiB of records */
    TRACE_THREADS_MAX = 1 << 16,
    TRACE_NAME_BYTES_MAX = 1023,
};

enum trace_member_kind {
    TRACE_MEMBER_BLOCK,
    TRACE_MEMBER_INDEX,
    TRACE_MEMBER_THREAD, /* not in files: a thread begins (live_source.c) */
};

enum {
    TRACE_FLAG_HAD_FETCH = 1 << 0, /* before the block, in its thread */
    TRACE_FLAG_CREATED = 1 << 1,   /* a fork or clone names the thread; set in
                                      one of its blocks at least */
};

#define TRACE_QUIET_ALL UINT32_MAX

struct trace_field {
    /* The least that has what the member holds; 0 stands for 1. */
    uint32_t version;
    enum trace_member_kind kind;
    uint32_t flags;
    uint32_t tid;
    uint32_t ordinal; /* of the thread's first appearance */
    uint32_t n_records;
    uint64_t first_record; /* number in its thread */
    uint64_t last_sync;    /* greatest in the block, 0: none */
    /* Records before the block's first SYS; TRACE_QUIET_ALL: it has none. */
    uint32_t quiet_records;
    /* Instructions in them. */
    uint64_t quiet_instructions;
    uint32_t unpacked_bytes;
    uint32_t packed_bytes; /* what follows the header, trailer included */
    uint32_t packed_crc;
};

enum trace_field_state { FIELD_GOOD, FIELD_DAMAGED, FIELD_NEWER };

void mmusim__trace_field_put(const struct trace_field *field,
                             uint8_t bytes[TRACE_FIELD_BYTES]);
enum trace_field_state
mmusim__trace_field_get(const uint8_t bytes[TRACE_FIELD_BYTES],
                        struct trace_field *field);

#endif
