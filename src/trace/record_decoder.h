/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a block -> pieces of records. Safe on any bytes: the input ends in
 * RECORD_BYTES_MAX readable bytes, indices are checked, and what cannot be is
 * reported with the record's number.
 */
#ifndef MMUSIM_TRACE_RECORD_DECODER_H
#define MMUSIM_TRACE_RECORD_DECODER_H

#include "trace/record_dict.h"
#include "trace/trace_format.h"

enum {
    PIECE_RECORDS = 1024,
    PIECE_SYS = 32,
    PIECE_NAME_BYTES = 3 * (TRACE_NAME_BYTES_MAX + 1),
};

struct piece_buffer {
    uint32_t n_records;
    uint32_t n_sys;
    uint32_t n_name_bytes;
    uint64_t instructions;
    struct op_record records[PIECE_RECORDS];
    struct sys_op sys[PIECE_SYS];
    char names[PIECE_NAME_BYTES];
};

struct record_decoder {
    struct record_dict dict;
    bool has_fetch; /* in the thread so far: accesses count 0 */
    const char *error;
};

void mmusim__record_decoder_reset(struct record_decoder *decoder,
                                  bool has_fetch);

static inline void piece_buffer_clear(struct piece_buffer *piece)
{
    piece->n_records = 0;
    piece->n_sys = 0;
    piece->n_name_bytes = 0;
    piece->instructions = 0;
}

static inline bool piece_buffer_is_full(const struct piece_buffer *piece)
{
    return piece->n_records + UNIT_RECORDS_MAX > PIECE_RECORDS ||
           piece->n_sys == PIECE_SYS ||
           piece->n_name_bytes + TRACE_NAME_BYTES_MAX + 1 > PIECE_NAME_BYTES;
}

/*
 * Appends to piece what begins before limit, until the piece is full. Returns
 * where it stopped (it may be past limit, by less than RECORD_BYTES_MAX), or
 * NULL: damage, told by decoder->error; record number piece->n_records of the
 * piece is the bad one.
 */
const uint8_t *mmusim__record_decoder_run(struct record_decoder *decoder,
                                          const uint8_t *p,
                                          const uint8_t *limit,
                                          struct piece_buffer *piece);

#endif
