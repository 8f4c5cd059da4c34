/* SPDX-License-Identifier: MIT */
/* The field of a member: layout, checksum and the limits of each number. */
#include "trace/trace_format.h"

#include "trace/crc32c.h"

#include <string.h>

enum { FIELD_CRC_AT = TRACE_FIELD_BYTES - 4 };

static uint8_t *field_put(uint8_t *p, uint64_t value, unsigned n_bytes)
{
    for (unsigned i = 0; i < n_bytes; i++)
        *p++ = (uint8_t) (value >> (8 * i));
    return p;
}

static uint64_t field_get(const uint8_t **p, unsigned n_bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < n_bytes; i++)
        value |= (uint64_t) * (*p)++ << (8 * i);
    return value;
}

void mmusim__trace_field_put(const struct trace_field *field,
                             uint8_t bytes[TRACE_FIELD_BYTES])
{
    uint8_t *p = bytes;

    p = field_put(p, field->version ? field->version : 1, 2);
    p = field_put(p, field->kind, 1);
    p = field_put(p, field->flags, 1);
    p = field_put(p, field->tid, 4);
    p = field_put(p, field->ordinal, 4);
    p = field_put(p, field->n_records, 4);
    p = field_put(p, field->first_record, 8);
    p = field_put(p, field->last_sync, 8);
    p = field_put(p, field->quiet_records, 4);
    p = field_put(p, field->quiet_instructions, 8);
    p = field_put(p, field->unpacked_bytes, 4);
    p = field_put(p, field->packed_bytes, 4);
    p = field_put(p, field->packed_crc, 4);
    field_put(p, mmusim__crc32c(0, bytes, FIELD_CRC_AT), 4);
}

static bool field_is_sensible(const struct trace_field *field)
{
    bool is_block = field->kind == TRACE_MEMBER_BLOCK;

    return field->unpacked_bytes <= TRACE_BLOCK_BYTES &&
           field->packed_bytes <= TRACE_PACKED_BYTES &&
           field->first_record <= UINT64_MAX / 2 &&
           field->quiet_instructions <= UINT64_MAX / 2 &&
           (!is_block || (field->n_records > 0 && field->unpacked_bytes > 0)) &&
           (field->quiet_records == TRACE_QUIET_ALL ||
            field->quiet_records < field->n_records);
}

enum trace_field_state
mmusim__trace_field_get(const uint8_t bytes[TRACE_FIELD_BYTES],
                        struct trace_field *field)
{
    const uint8_t *p = bytes;
    const uint8_t *crc = bytes + FIELD_CRC_AT;
    unsigned version = (unsigned) field_get(&p, 2);
    unsigned kind = (unsigned) field_get(&p, 1);

    memset(field, 0, sizeof(*field));
    if (field_get(&crc, 4) != mmusim__crc32c(0, bytes, FIELD_CRC_AT))
        return FIELD_DAMAGED;
    if (version > TRACE_VERSION)
        return FIELD_NEWER;
    if (version == 0 || kind > TRACE_MEMBER_THREAD)
        return FIELD_DAMAGED;
    field->version = version;
    field->kind = (enum trace_member_kind) kind;
    field->flags = (uint32_t) field_get(&p, 1);
    field->tid = (uint32_t) field_get(&p, 4);
    field->ordinal = (uint32_t) field_get(&p, 4);
    field->n_records = (uint32_t) field_get(&p, 4);
    field->first_record = field_get(&p, 8);
    field->last_sync = field_get(&p, 8);
    field->quiet_records = (uint32_t) field_get(&p, 4);
    field->quiet_instructions = field_get(&p, 8);
    field->unpacked_bytes = (uint32_t) field_get(&p, 4);
    field->packed_bytes = (uint32_t) field_get(&p, 4);
    field->packed_crc = (uint32_t) field_get(&p, 4);
    return field_is_sensible(field) ? FIELD_GOOD : FIELD_DAMAGED;
}
