/* SPDX-License-Identifier: MIT */
/*
 * Records -> bytes: a unit that follows as predicted costs one token; a known
 * one is found by a hash of its head and the shape of its accesses.
 */
#include "trace/record_encoder.h"

#include "trace/record_sys.h"

#include <string.h>

static uint8_t *encoder_put(uint8_t *p, uint64_t value)
{
    while (value >= 0x80) {
        *p++ = (uint8_t) (value | 0x80);
        value >>= 7;
    }
    *p++ = (uint8_t) value;
    return p;
}

void mmusim__record_encoder_reset(struct record_encoder *encoder, uint8_t *out)
{
    encoder->out = out;
    encoder->has_unit = false;
    encoder->n_accesses = 0;
    for (unsigned i = 0; i < ENCODER_BUCKETS; i++)
        encoder->buckets[i] = DICT_NONE;
    dict_reset(&encoder->dict);
}

static uint32_t encoder_hash(const struct record_encoder *encoder)
{
    const uint64_t factor = 0x9e3779b97f4a7c15; /* 2^64 / golden ratio */
    uint64_t hash = encoder->head.vaddr + encoder->head.count;

    hash = hash * factor ^ encoder->head.meta;
    for (uint32_t i = 0; i < encoder->n_accesses; i++)
        hash = (hash ^ encoder->metas[i]) * factor;
    return (uint32_t) ((hash * factor) >> 32) % ENCODER_BUCKETS;
}

static bool encoder_is_unit(const struct record_encoder *encoder,
                            uint32_t index)
{
    const struct dict_unit *unit = &encoder->dict.units[index];

    return unit->vaddr == encoder->head.vaddr &&
           unit->n_slots == encoder->n_accesses &&
           unit->count == encoder->head.count &&
           unit->meta == encoder->head.meta &&
           !memcmp(&encoder->dict.slot_metas[unit->first_slot], encoder->metas,
                   encoder->n_accesses * sizeof(encoder->metas[0]));
}

static void encoder_unlink(struct record_encoder *encoder, uint32_t index)
{
    uint16_t *link = &encoder->buckets[encoder->hashes[index]];

    while (*link != index)
        link = &encoder->chain[*link];
    *link = encoder->chain[index];
}

/* The shape of an access: bit 0 a store, 1 dependent, 7:2 the size. */
static uint8_t *encoder_put_shape(uint8_t *p, uint32_t meta)
{
    uint32_t bytes = meta >> 8;
    uint32_t shape = (meta & 0xf) == OP_STORE;

    shape |= (meta >> 4 & OP_FLAG_DEPENDENT) << 1;
    if (bytes & (bytes - 1)) {
        p = encoder_put(p, shape | SIZE_CODE_EXPLICIT << 2);
        return encoder_put(p, bytes);
    }
    return encoder_put(p, shape | (uint32_t) __builtin_ctz(bytes) << 2);
}

static uint32_t encoder_define(struct record_encoder *encoder, uint32_t hash)
{
    struct record_dict *dict = &encoder->dict;
    uint32_t head_kind = encoder->head.meta & 0xf;
    uint32_t bytes = encoder->head.meta >> 8;
    uint32_t n = encoder->n_accesses;
    uint8_t *p = encoder_put(encoder->out, TOKEN_DEFINE);
    uint32_t index;

    p = encoder_put(p, head_kind | n << 4);
    if (head_kind == OP_FETCH) {
        p = encoder_put(p, zigzag(encoder->head.vaddr - dict->last_head_end));
        p = encoder_put(p, bytes);
    }
    if (head_kind != UNIT_HEAD_NONE)
        p = encoder_put(p, encoder->head.count);
    for (uint32_t i = 0; i < n; i++)
        p = encoder_put_shape(p, encoder->metas[i]);
    encoder->out = p;
    while ((index = dict_victim(dict, n)) != DICT_NONE) {
        encoder_unlink(encoder, index);
        dict_evict_oldest(dict);
    }
    index = dict_place(dict, &encoder->head, n);
    memcpy(&dict->slot_metas[dict->units[index].first_slot], encoder->metas,
           n * sizeof(encoder->metas[0]));
    encoder->hashes[index] = (uint16_t) hash;
    encoder->chain[index] = encoder->buckets[hash];
    encoder->buckets[hash] = (uint16_t) index;
    return index;
}

/* Puts the token, and what it takes to define a new unit. */
static uint32_t encoder_name_unit(struct record_encoder *encoder)
{
    const struct dict_unit *previous =
        &encoder->dict.units[encoder->dict.previous];
    uint32_t index, hash;

    for (uint32_t i = 0; i < 2; i++) {
        if (encoder_is_unit(encoder, previous->successors[i])) {
            *encoder->out++ = (uint8_t) (TOKEN_SUCCESSOR + i);
            return previous->successors[i];
        }
    }
    hash = encoder_hash(encoder);
    index = encoder->buckets[hash];
    while (index != DICT_NONE && !encoder_is_unit(encoder, index))
        index = encoder->chain[index];
    if (index == DICT_NONE)
        return encoder_define(encoder, hash);
    encoder->out = encoder_put(encoder->out, TOKEN_KNOWN + index);
    return index;
}

void mmusim__record_encoder_finish(struct record_encoder *encoder)
{
    struct record_dict *dict = &encoder->dict;
    const struct dict_unit *unit;
    uint8_t *p;
    uint32_t index;

    if (!encoder->has_unit)
        return;
    index = encoder_name_unit(encoder);
    unit = &dict->units[index];
    p = encoder->out;
    for (uint32_t i = 0; i < encoder->n_accesses; i++) {
        uint64_t *last = &dict->slot_vaddrs[unit->first_slot + i];

        p = encoder_put(p, zigzag(encoder->vaddrs[i] - *last));
        *last = encoder->vaddrs[i];
        dict->last_vaddr = encoder->vaddrs[i];
    }
    if ((unit->meta & 0xf) == OP_FETCH)
        dict->last_head_end = unit->vaddr + (unit->meta >> 8);
    dict_follow(dict, index);
    encoder->out = p;
    encoder->has_unit = false;
    encoder->n_accesses = 0;
}

void mmusim__record_encoder_sys(struct record_encoder *encoder,
                                const struct sys_op *op)
{
    uint32_t fields = mmusim__record_sys_fields(op->kind);
    uint64_t values[RECORD_SYS_FIELDS];
    size_t length;
    uint8_t *p;

    mmusim__record_encoder_finish(encoder);
    p = encoder_put(encoder->out, TOKEN_SYS);
    p = encoder_put(p, op->kind);
    record_sys_get(op, values);
    if (op->kind == SYS_SYNC) {
        values[RECORD_SYS_NUMBER] =
            zigzag(op->number - encoder->dict.last_sync);
        encoder->dict.last_sync = op->number;
    }
    for (unsigned i = 0; i < RECORD_SYS_FIELDS; i++) {
        if (fields >> i & 1)
            p = encoder_put(p, values[i]);
    }
    if (record_sys_has_name(op->kind, op->flags)) {
        length = strnlen(op->name, TRACE_NAME_BYTES_MAX);
        p = encoder_put(p, length);
        memcpy(p, op->name, length);
        p += length;
    }
    encoder->out = p;
}
