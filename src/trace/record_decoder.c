/* SPDX-License-Identifier: MIT */
/*
 * Bytes -> records: the hot half of reading a trace. A unit's accesses are
 * decoded without a branch on their validity; the unit is checked at its end.
 */
#include "trace/record_decoder.h"

#include "core/check.h"
#include "trace/record_sys.h"

#include <string.h>

static MMUSIM_NOINLINE const uint8_t *decoder_get_long(const uint8_t *p,
                                                       uint64_t *value)
{
    uint64_t sum = 0;
    unsigned shift = 0;

    while (*p & 0x80 && shift < 63) {
        sum |= (uint64_t) (*p++ & 0x7f) << shift;
        shift += 7;
    }
    *value = sum | (uint64_t) *p << shift;
    return p + 1;
}

/* At most 10 bytes, whatever they are. */
static inline const uint8_t *decoder_get(const uint8_t *p, uint64_t *value)
{
    uint64_t first = *p;

    if (MMUSIM_LIKELY(first < 0x80)) {
        *value = first;
        return p + 1;
    }
    if (MMUSIM_LIKELY(p[1] < 0x80)) {
        *value = (first & 0x7f) | (uint64_t) p[1] << 7;
        return p + 2;
    }
    return decoder_get_long(p, value);
}

void mmusim__record_decoder_reset(struct record_decoder *decoder,
                                  bool has_fetch)
{
    dict_reset(&decoder->dict);
    decoder->has_fetch = has_fetch;
    decoder->error = NULL;
}

static const uint8_t *decoder_fail(struct record_decoder *decoder,
                                   const char *error)
{
    decoder->error = error;
    return NULL;
}

static const uint8_t *decoder_define_head(struct record_decoder *decoder,
                                          const uint8_t *p, uint32_t kind,
                                          struct dict_unit *head)
{
    uint64_t value, bytes = 0;

    memset(head, 0, sizeof(*head));
    if (kind == UNIT_HEAD_NONE) {
        head->meta = UNIT_HEAD_NONE;
        return p;
    }
    if (kind == OP_FETCH) {
        p = decoder_get(p, &value);
        head->vaddr = decoder->dict.last_head_end + unzigzag(value);
        p = decoder_get(p, &bytes);
        if (bytes == 0 || bytes > OP_MAX_BYTES)
            return decoder_fail(decoder, "a fetch of no or too many bytes");
        if (!record_is_canonical(head->vaddr) ||
            head->vaddr + (bytes - 1) < head->vaddr)
            return decoder_fail(decoder, "a non-canonical address");
    } else if (kind != OP_NOMEM) {
        return decoder_fail(decoder, "a record of unknown kind");
    }
    p = decoder_get(p, &value);
    if (value > UINT32_MAX)
        return decoder_fail(decoder, "too many instructions in a record");
    head->count = (uint32_t) value;
    head->meta = op_meta((enum op_kind) kind, 0, (uint32_t) bytes);
    return p;
}

static const uint8_t *decoder_get_shape(struct record_decoder *decoder,
                                        const uint8_t *p, uint32_t *meta)
{
    uint64_t shape, bytes;

    p = decoder_get(p, &shape);
    if (shape >> 2 == SIZE_CODE_EXPLICIT)
        p = decoder_get(p, &bytes);
    else
        bytes = shape >> 2 < 24 ? (uint64_t) 1 << (shape >> 2) : 0;
    if (bytes == 0 || bytes > OP_MAX_BYTES)
        return decoder_fail(decoder, "an access of no or too many bytes");
    *meta =
        op_meta(shape & 1 ? OP_STORE : OP_LOAD,
                shape & 2 ? (uint32_t) OP_FLAG_DEPENDENT : 0, (uint32_t) bytes);
    return p;
}

static const uint8_t *decoder_define(struct record_decoder *decoder,
                                     const uint8_t *p, uint64_t *index)
{
    struct record_dict *dict = &decoder->dict;
    struct dict_unit head;
    uint32_t metas[UNIT_SLOTS_MAX];
    uint64_t first;
    uint32_t n;

    p = decoder_get(p, &first);
    if (first >> 4 > UNIT_SLOTS_MAX)
        return decoder_fail(decoder, "a unit of too many accesses");
    n = (uint32_t) (first >> 4);
    if (n == 0 && (first & 0xf) == UNIT_HEAD_NONE)
        return decoder_fail(decoder, "an empty unit");
    p = decoder_define_head(decoder, p, first & 0xf, &head);
    for (uint32_t i = 0; p && i < n; i++)
        p = decoder_get_shape(decoder, p, &metas[i]);
    if (!p)
        return NULL;
    while (dict_victim(dict, n) != DICT_NONE)
        dict_evict_oldest(dict);
    *index = dict_place(dict, &head, n);
    memcpy(&dict->slot_metas[dict->units[*index].first_slot], metas,
           n * sizeof(metas[0]));
    return p;
}

static const uint8_t *decoder_get_name(struct record_decoder *decoder,
                                       const uint8_t *p, struct sys_op *op,
                                       struct piece_buffer *piece)
{
    char *name = &piece->names[piece->n_name_bytes];
    uint64_t length;

    p = decoder_get(p, &length);
    if (length == 0 || length > TRACE_NAME_BYTES_MAX || memchr(p, 0, length))
        return decoder_fail(decoder, "a name that cannot be");
    memcpy(name, p, length);
    name[length] = '\0';
    piece->n_name_bytes += (uint32_t) length + 1;
    op->name = name;
    return p + length;
}

static const uint8_t *decoder_get_sys(struct record_decoder *decoder,
                                      const uint8_t *p,
                                      struct piece_buffer *piece)
{
    struct sys_op op = {0};
    uint64_t values[RECORD_SYS_FIELDS] = {0};
    uint64_t kind;
    uint32_t fields;

    p = decoder_get(p, &kind);
    if (kind >= SYS_KIND_COUNT)
        return decoder_fail(decoder, "an operation of unknown kind");
    op.kind = (enum sys_kind) kind;
    fields = mmusim__record_sys_fields(op.kind);
    for (unsigned i = 0; i < RECORD_SYS_FIELDS; i++) {
        if (fields >> i & 1)
            p = decoder_get(p, &values[i]);
    }
    if (values[RECORD_SYS_FLAGS] > UINT32_MAX ||
        values[RECORD_SYS_ADVICE] > UINT32_MAX ||
        values[RECORD_SYS_HUGE_ORDER] > UINT32_MAX)
        return decoder_fail(decoder, "flags that do not exist");
    record_sys_set(&op, values);
    if (op.kind == SYS_SYNC) {
        op.number = decoder->dict.last_sync + unzigzag(op.number);
        decoder->dict.last_sync = op.number;
    }
    decoder->error = mmusim__record_sys_check(&op);
    if (decoder->error)
        return NULL;
    if (record_sys_has_name(op.kind, op.flags))
        p = decoder_get_name(decoder, p, &op, piece);
    if (!p)
        return NULL;
    op.record_index = piece->n_records;
    op.instructions_before = piece->instructions;
    piece->records[piece->n_records++] =
        (struct op_record){0, piece->n_sys, op_meta(OP_SYS, 0, 0)};
    piece->sys[piece->n_sys++] = op;
    return p;
}

/* Everything but a predicted unit. Sets *index, or DICT_NONE after a SYS. */
static MMUSIM_NOINLINE const uint8_t *
decoder_get_token(struct record_decoder *decoder, const uint8_t *p,
                  struct piece_buffer *piece, uint64_t *index)
{
    uint64_t token;

    p = decoder_get(p, &token);
    *index = DICT_NONE;
    if (token == TOKEN_SYS)
        return decoder_get_sys(decoder, p, piece);
    if (token == TOKEN_DEFINE)
        return decoder_define(decoder, p, index);
    *index = token - TOKEN_KNOWN;
    if (*index >= DICT_UNITS)
        return decoder_fail(decoder, "a unit that does not exist");
    return p;
}

/* Puts a unit's records; piece->n_records moves only if all is well. */
static inline const uint8_t *decoder_put_unit(struct record_decoder *decoder,
                                              const struct dict_unit *unit,
                                              const uint8_t *p,
                                              struct piece_buffer *piece)
{
    struct record_dict *dict = &decoder->dict;
    struct op_record *record = &piece->records[piece->n_records];
    uint64_t *vaddrs = &dict->slot_vaddrs[unit->first_slot];
    const uint32_t *metas = &dict->slot_metas[unit->first_slot];
    uint32_t n = unit->n_slots;
    uint64_t vaddr = dict->last_vaddr;
    uint64_t wrong = 0;
    uint32_t count;

    if (unit->meta != UNIT_HEAD_NONE) {
        *record++ = (struct op_record){unit->vaddr, unit->count, unit->meta};
        if ((unit->meta & 0xf) == OP_FETCH) {
            decoder->has_fetch = true;
            dict->last_head_end = unit->vaddr + (unit->meta >> 8);
        }
    }
    count = !decoder->has_fetch;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t difference;

        p = decoder_get(p, &difference);
        vaddr = vaddrs[i] + unzigzag(difference);
        vaddrs[i] = vaddr;
        *record++ = (struct op_record){vaddr, count, metas[i]};
        /* not canonical, or the last byte lies behind the end of all */
        wrong |= (vaddr + ((uint64_t) 1 << 56)) >> 57 |
                 (vaddr & ~(vaddr + (metas[i] >> 8) - 1)) >> 63;
    }
    dict->last_vaddr = vaddr;
    if (MMUSIM_UNLIKELY(wrong))
        return decoder_fail(decoder, "a non-canonical address");
    piece->n_records = (uint32_t) (record - piece->records);
    piece->instructions += unit->count + (uint64_t) count * n;
    return p;
}

const uint8_t *mmusim__record_decoder_run(struct record_decoder *decoder,
                                          const uint8_t *p,
                                          const uint8_t *limit,
                                          struct piece_buffer *piece)
{
    struct record_dict *dict = &decoder->dict;

    while (p < limit && !piece_buffer_is_full(piece)) {
        uint64_t index;

        if (MMUSIM_LIKELY(*p <= TOKEN_OTHER)) {
            index = dict->units[dict->previous].successors[*p++];
        } else {
            p = decoder_get_token(decoder, p, piece, &index);
            if (!p)
                return NULL;
            if (index == DICT_NONE)
                continue;
        }
        if (MMUSIM_UNLIKELY(dict->units[index].n_slots == DICT_DEAD))
            return decoder_fail(decoder, "a unit that does not exist");
        p = decoder_put_unit(decoder, &dict->units[index], p, piece);
        if (!p)
            return NULL;
        dict_follow(dict, (uint32_t) index);
    }
    return p;
}
