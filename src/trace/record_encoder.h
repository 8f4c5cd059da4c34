/* SPDX-License-Identifier: MIT */
/*
 * Records of one thread -> bytes of a block. Units are encoded when the next
 * head comes, so finish() must end a block.
 */
#ifndef MMUSIM_TRACE_RECORD_ENCODER_H
#define MMUSIM_TRACE_RECORD_ENCODER_H

#include "trace/record_dict.h"

enum { ENCODER_BUCKETS = 2048 };

struct record_encoder {
    /* Where the bytes go: the caller sees to RECORD_BYTES_MAX of room before
     * each call. */
    uint8_t *out;
    /* The unit being collected. */
    bool has_unit;
    struct dict_unit head;
    uint32_t n_accesses;
    uint64_t vaddrs[UNIT_SLOTS_MAX];
    uint32_t metas[UNIT_SLOTS_MAX];
    uint16_t buckets[ENCODER_BUCKETS]; /* first unit of a hash, DICT_NONE */
    uint16_t chain[DICT_UNITS];        /* next unit of the same hash */
    uint16_t hashes[DICT_UNITS];
    struct record_dict dict;
};

void mmusim__record_encoder_reset(struct record_encoder *encoder, uint8_t *out);
void mmusim__record_encoder_finish(struct record_encoder *encoder);
void mmusim__record_encoder_sys(struct record_encoder *encoder,
                                const struct sys_op *op);

/* kind: OP_FETCH or OP_NOMEM. */
static inline void record_encoder_head(struct record_encoder *encoder,
                                       enum op_kind kind, uint64_t vaddr,
                                       uint32_t count, uint32_t bytes)
{
    mmusim__record_encoder_finish(encoder);
    encoder->has_unit = true;
    encoder->head.vaddr = vaddr;
    encoder->head.count = count;
    encoder->head.meta = op_meta(kind, 0, bytes);
}

static inline void record_encoder_access(struct record_encoder *encoder,
                                         uint64_t vaddr, uint32_t meta)
{
    if (!encoder->has_unit || encoder->n_accesses == UNIT_SLOTS_MAX) {
        mmusim__record_encoder_finish(encoder);
        encoder->head.vaddr = 0;
        encoder->head.count = 0;
        encoder->head.meta = UNIT_HEAD_NONE;
    }
    encoder->vaddrs[encoder->n_accesses] = vaddr;
    encoder->metas[encoder->n_accesses++] = meta;
    if (!encoder->has_unit) { /* without a head: one access, one unit */
        encoder->has_unit = true;
        mmusim__record_encoder_finish(encoder);
    }
}

#endif
