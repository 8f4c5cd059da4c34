/* SPDX-License-Identifier: MIT */
/* Records -> bytes of a block -> records: limits, and the dictionary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trace/record_decoder.h"
#include "trace/record_encoder.h"
#include "trace/record_sys.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_BYTES = 1 << 20, N_ADDRESSES = 5 };

/* Both ends of both halves, and 0. */
static const uint64_t addresses[N_ADDRESSES] = {
    0, 1, 0x00ffffffffffffff, 0xff00000000000000, 0xffffffffffffffff};

struct rig {
    struct record_encoder encoder;
    struct record_decoder decoder;
    struct piece_buffer piece;
    uint8_t bytes[ROOM_BYTES + RECORD_BYTES_MAX];
};

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    *state = rig;
    if (!rig)
        return -1;
    mmusim__record_encoder_reset(&rig->encoder, rig->bytes);
    mmusim__record_decoder_reset(&rig->decoder, false);
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/* What the encoder wrote, as one piece from the block's start. */
static void decode(struct rig *rig)
{
    const uint8_t *end;

    mmusim__record_encoder_finish(&rig->encoder);
    assert_true(rig->encoder.out <= rig->bytes + ROOM_BYTES);
    mmusim__record_decoder_reset(&rig->decoder, false);
    piece_buffer_clear(&rig->piece);
    end = mmusim__record_decoder_run(&rig->decoder, rig->bytes,
                                     rig->encoder.out, &rig->piece);
    assert_ptr_equal(end, rig->encoder.out);
}

static void begin_again(struct rig *rig)
{
    mmusim__record_encoder_reset(&rig->encoder, rig->bytes);
}

static void check_record(const struct op_record *got, uint64_t vaddr,
                         uint32_t count, uint32_t meta)
{
    assert_true(got->vaddr == vaddr);
    assert_int_equal(got->count, count);
    assert_int_equal(got->meta, meta);
}

static void fetches_round_trip_at_their_limits(void **state)
{
    static const uint32_t counts[] = {0, 1, UINT32_MAX};
    static const uint32_t sizes[] = {1, 127, 128, OP_MAX_BYTES};
    struct rig *rig = *state;
    uint32_t n = 0;

    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            decode(rig);
        for (unsigned i = 0; i < N_ADDRESSES * 12; i++) {
            uint64_t vaddr = addresses[i % N_ADDRESSES];
            uint32_t count = counts[i / N_ADDRESSES % 3];
            uint32_t bytes = sizes[i / N_ADDRESSES / 3];

            if (vaddr + (bytes - 1) < vaddr)
                continue;
            if (pass == 0)
                record_encoder_head(&rig->encoder, OP_FETCH, vaddr, count,
                                    bytes);
            else
                check_record(&rig->piece.records[n++], vaddr, count,
                             op_meta(OP_FETCH, 0, bytes));
        }
    }
    assert_int_equal(n, rig->piece.n_records);
    assert_true(n > 45);
}

static void accesses_round_trip_at_their_limits(void **state)
{
    static const uint32_t sizes[] = {1, 2, 3, 1 << 23, OP_MAX_BYTES};
    struct rig *rig = *state;
    uint32_t n = 0;

    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            decode(rig);
        for (unsigned i = 0; i < N_ADDRESSES * 20; i++) {
            uint64_t vaddr = addresses[i % N_ADDRESSES];
            uint32_t bytes = sizes[i / N_ADDRESSES % 5];
            uint32_t meta = op_meta(i / 25 & 1 ? OP_STORE : OP_LOAD,
                                    i / 50 ? OP_FLAG_DEPENDENT : 0, bytes);

            if (vaddr + (bytes - 1) < vaddr)
                continue;
            if (pass == 0)
                record_encoder_access(&rig->encoder, vaddr, meta);
            else /* without a fetch each is an instruction */
                check_record(&rig->piece.records[n++], vaddr, 1, meta);
        }
    }
    assert_int_equal(n, rig->piece.n_records);
    assert_int_equal(n, rig->piece.instructions);
}

static void instructions_without_memory_round_trip_at_their_limits(void **state)
{
    static const uint32_t counts[] = {0, 1, 127, 128, UINT32_MAX};
    struct rig *rig = *state;

    for (unsigned i = 0; i < 5; i++)
        record_encoder_head(&rig->encoder, OP_NOMEM, 0, counts[i], 0);
    decode(rig);
    assert_int_equal(rig->piece.n_records, 5);
    for (unsigned i = 0; i < 5; i++)
        check_record(&rig->piece.records[i], 0, counts[i],
                     op_meta(OP_NOMEM, 0, 0));
    assert_true(rig->piece.instructions == (uint64_t) UINT32_MAX + 256);
}

/* The greatest (is_high) or the least legal value of every field. */
static struct sys_op limit_op(enum sys_kind kind, bool is_high)
{
    static char name[TRACE_NAME_BYTES_MAX + 1];
    uint32_t fields = mmusim__record_sys_fields(kind);
    uint64_t values[RECORD_SYS_FIELDS] = {0};
    struct sys_op op = {.kind = kind};

    memset(name, 0xff, TRACE_NAME_BYTES_MAX);
    values[RECORD_SYS_FLAGS] =
        !is_high           ? 0
        : kind == SYS_MMAP ? SYS_PROT_READ | SYS_PROT_WRITE | SYS_PROT_EXEC |
                                 SYS_MAP_SHARED | SYS_MAP_FILE
        : kind == SYS_IMAGE ? SYS_PROT_EXEC | SYS_MAP_FILE | SYS_IMAGE_LINES
        : kind == SYS_DMA   ? SYS_PROT_WRITE
                            : SYS_PROT_READ | SYS_PROT_WRITE | SYS_PROT_EXEC;
    values[RECORD_SYS_ADVICE] = is_high ? MADVICE_COUNT - 1 : 0;
    values[RECORD_SYS_HUGE_ORDER] = is_high ? (uint64_t) PAGE_ORDER_1G : 0;
    values[RECORD_SYS_VADDR] = is_high ? UINT64_MAX : 0;
    values[RECORD_SYS_LENGTH] = is_high ? 1 : UINT64_MAX;
    values[RECORD_SYS_NEW_VADDR] = is_high ? UINT64_MAX : 0;
    values[RECORD_SYS_NEW_LENGTH] = is_high ? 1 : UINT64_MAX;
    values[RECORD_SYS_NUMBER] = is_high ? UINT64_MAX : 0;
    if (is_high && (kind == SYS_FORK || kind == SYS_CLONE))
        values[RECORD_SYS_NUMBER] = UINT32_MAX;
    values[RECORD_SYS_FILE_OFFSET] = is_high ? UINT64_MAX : 0;
    for (unsigned i = 0; i < RECORD_SYS_FIELDS; i++)
        values[i] = fields >> i & 1 ? values[i] : 0;
    record_sys_set(&op, values);
    if (record_sys_has_name(kind, op.flags))
        op.name = is_high ? name : "n";
    return op;
}

static void check_sys(const struct sys_op *got, const struct sys_op *expected)
{
    uint64_t a[RECORD_SYS_FIELDS], b[RECORD_SYS_FIELDS];

    assert_int_equal(got->kind, expected->kind);
    record_sys_get(got, a);
    record_sys_get(expected, b);
    assert_memory_equal(a, b, sizeof(a));
    assert_int_equal(!got->name, !expected->name);
    if (got->name)
        assert_string_equal(got->name, expected->name);
}

static void every_operation_round_trips_at_its_limits(void **state)
{
    struct rig *rig = *state;

    for (unsigned kind = 0; kind < SYS_KIND_COUNT; kind++) {
        struct sys_op low = limit_op((enum sys_kind) kind, false);
        struct sys_op high = limit_op((enum sys_kind) kind, true);

        assert_null(mmusim__record_sys_check(&low));
        assert_null(mmusim__record_sys_check(&high));
        begin_again(rig);
        mmusim__record_encoder_sys(&rig->encoder, &high);
        assert_true(rig->encoder.out - rig->bytes <= RECORD_BYTES_MAX);
        mmusim__record_encoder_sys(&rig->encoder, &low);
        decode(rig);
        assert_int_equal(rig->piece.n_sys, 2);
        check_sys(&rig->piece.sys[0], &high);
        check_sys(&rig->piece.sys[1], &low);
        assert_int_equal(rig->piece.sys[1].record_index, 1);
    }
}

static void a_unit_of_the_greatest_size_has_room(void **state)
{
    struct rig *rig = *state;

    record_encoder_head(&rig->encoder, OP_FETCH, addresses[3], UINT32_MAX,
                        OP_MAX_BYTES);
    for (unsigned i = 0; i < UNIT_SLOTS_MAX; i++)
        record_encoder_access(&rig->encoder, addresses[2 + i % 2],
                              op_meta(OP_STORE, OP_FLAG_DEPENDENT, 1));
    mmusim__record_encoder_finish(&rig->encoder);
    assert_true(rig->encoder.out - rig->bytes <= RECORD_BYTES_MAX);
    decode(rig);
    assert_int_equal(rig->piece.n_records, UNIT_RECORDS_MAX);
}

static void accesses_past_a_units_sixteen_follow_without_a_head(void **state)
{
    struct rig *rig = *state;
    uint32_t n = 2 * UNIT_SLOTS_MAX + 1;

    record_encoder_head(&rig->encoder, OP_FETCH, 0x1000, 1, 4);
    for (uint32_t i = 0; i < n; i++)
        record_encoder_access(&rig->encoder, 64 * i, op_meta(OP_LOAD, 0, 8));
    decode(rig);
    assert_int_equal(rig->piece.n_records, n + 1);
    for (uint32_t i = 0; i < n; i++)
        check_record(&rig->piece.records[1 + i], 64 * i, 0,
                     op_meta(OP_LOAD, 0, 8));
    assert_int_equal(rig->piece.instructions, 1);
}

/* ---- the dictionary ---- */

static void put_unit(struct rig *rig, uint32_t number, uint32_t n_slots)
{
    record_encoder_head(&rig->encoder, OP_FETCH, 0x400000 + 64 * number, 1, 4);
    for (uint32_t i = 0; i < n_slots; i++)
        record_encoder_access(&rig->encoder, 4096 * number + 8 * i,
                              op_meta(OP_LOAD, 0, 8));
}

/* The token that the unit gets now. */
static unsigned token_of(struct rig *rig, uint32_t number, uint32_t n_slots)
{
    const uint8_t *at;

    mmusim__record_encoder_finish(&rig->encoder);
    at = rig->encoder.out;
    put_unit(rig, number, n_slots);
    mmusim__record_encoder_finish(&rig->encoder);
    return *at < 0x80 ? *at : TOKEN_KNOWN;
}

/* Decodes all and compares: units come as in numbers. */
static void check_units(struct rig *rig, const uint32_t *numbers, uint32_t n,
                        uint32_t n_slots)
{
    const uint8_t *p = rig->bytes;
    uint32_t at = 0;

    mmusim__record_decoder_reset(&rig->decoder, false);
    while (p < rig->encoder.out) {
        piece_buffer_clear(&rig->piece);
        p = mmusim__record_decoder_run(&rig->decoder, p, rig->encoder.out,
                                       &rig->piece);
        assert_non_null(p);
        for (uint32_t i = 0; i < rig->piece.n_records; i++, at++) {
            uint32_t number = numbers[at / (n_slots + 1)];
            uint32_t slot = at % (n_slots + 1);
            uint64_t vaddr =
                slot ? 4096 * number + 8 * (slot - 1) : 0x400000 + 64 * number;

            assert_true(rig->piece.records[i].vaddr == vaddr);
        }
    }
    assert_int_equal(at, n * (n_slots + 1));
}

/* n_full units fill the dictionary; the next one replaces the oldest. */
static void check_replacement(struct rig *rig, uint32_t n_full,
                              uint32_t n_slots)
{
    uint32_t *numbers = calloc(n_full + 8, sizeof(*numbers));
    uint32_t n = 0;

    assert_non_null(numbers);
    for (; n < n_full; n++) {
        numbers[n] = n;
        put_unit(rig, n, n_slots);
    }
    numbers[n] = n_full - 2; /* known, and so is the oldest */
    assert_true(token_of(rig, numbers[n++], n_slots) >= TOKEN_KNOWN);
    numbers[n] = 0;
    assert_int_equal(token_of(rig, numbers[n++], n_slots), TOKEN_KNOWN);
    numbers[n] = n_full; /* new: the oldest goes, used or not */
    assert_int_equal(token_of(rig, numbers[n++], n_slots), TOKEN_DEFINE);
    numbers[n] = 0;
    assert_int_equal(token_of(rig, numbers[n++], n_slots), TOKEN_DEFINE);
    numbers[n] = 1; /* gone for unit 0 */
    assert_int_equal(token_of(rig, numbers[n++], n_slots), TOKEN_DEFINE);
    numbers[n] = 3;
    assert_true(token_of(rig, numbers[n++], n_slots) >= TOKEN_KNOWN);
    check_units(rig, numbers, n, n_slots);
    free(numbers);
}

static void a_dictionary_full_of_units_replaces_the_oldest(void **state)
{
    check_replacement(*state, DICT_UNITS, 0);
}

static void a_dictionary_full_of_slots_replaces_the_oldest(void **state)
{
    check_replacement(*state, DICT_SLOTS / UNIT_SLOTS_MAX, UNIT_SLOTS_MAX);
}

static void units_many_times_the_dictionary_round_trip(void **state)
{
    enum { N_UNITS = 3 * DICT_UNITS + 7 };
    static uint32_t numbers[2 * N_UNITS];
    struct rig *rig = *state;

    for (uint32_t i = 0; i < 2 * N_UNITS; i++) {
        numbers[i] = i % N_UNITS;
        put_unit(rig, numbers[i], 3);
    }
    mmusim__record_encoder_finish(&rig->encoder);
    check_units(rig, numbers, 2 * N_UNITS, 3);
    assert_true(rig->decoder.dict.n_live <= DICT_UNITS);
}

static void what_came_after_twice_is_predicted(void **state)
{
    struct rig *rig = *state;

    for (uint32_t i = 0; i < 3; i++)
        put_unit(rig, i, 1); /* 0 1 2 */
    put_unit(rig, 0, 1);
    assert_int_equal(token_of(rig, 1, 1), TOKEN_SUCCESSOR);
    put_unit(rig, 0, 1);
    put_unit(rig, 2, 1); /* now 2 came after 0, and 1 before that */
    put_unit(rig, 0, 1);
    assert_int_equal(token_of(rig, 1, 1), TOKEN_OTHER);
}

/* ---- bytes that cannot be ---- */

static void bytes_that_cannot_be_are_refused_at_their_record(void **state)
{
    static const struct {
        uint8_t bytes[8];
        const char *error;
    } rows[] = {
        {{TOKEN_SUCCESSOR}, "a unit that does not exist"},
        {{TOKEN_KNOWN + 1}, "a unit that does not exist"},
        {{0xff, 0xff, 0xff, 0x7f}, "a unit that does not exist"},
        {{TOKEN_DEFINE, UNIT_HEAD_NONE}, "an empty unit"},
        {{TOKEN_DEFINE, 0x9f, 0x02}, "a unit of too many accesses"},
        {{TOKEN_DEFINE, OP_FETCH, 0, 0, 1}, "a fetch of no or too many bytes"},
        {{TOKEN_DEFINE, OP_SYS, 1}, "a record of unknown kind"},
        {{TOKEN_DEFINE, OP_NOMEM, 0xff, 0xff, 0xff, 0xff, 0x7f},
         "too many instructions in a record"},
        {{TOKEN_DEFINE, 0x1f, 24 << 2}, "an access of no or too many bytes"},
        {{TOKEN_DEFINE, 0x1f, SIZE_CODE_EXPLICIT << 2, 0},
         "an access of no or too many bytes"},
        {{TOKEN_DEFINE, 0x1f, 1 << 2, 1}, "a non-canonical address"},
        {{TOKEN_SYS, SYS_KIND_COUNT}, "an operation of unknown kind"},
        {{TOKEN_SYS, SYS_MUNMAP, 0, 0}, "a length of zero"},
        {{TOKEN_SYS, SYS_MARK, 0}, "a name that cannot be"},
        {{TOKEN_SYS, SYS_MARK, 2, 'a', 0}, "a name that cannot be"},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bytes[sizeof(rows[i].bytes) + RECORD_BYTES_MAX + 4] = {
            TOKEN_SYS, SYS_SYSCALL};

        memcpy(bytes + 2, rows[i].bytes, sizeof(rows[i].bytes));
        mmusim__record_decoder_reset(&rig->decoder, false);
        piece_buffer_clear(&rig->piece);
        assert_null(mmusim__record_decoder_run(&rig->decoder, bytes, bytes + 10,
                                               &rig->piece));
        assert_string_equal(rig->decoder.error, rows[i].error);
        assert_int_equal(rig->piece.n_records, 1);
    }
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(fetches_round_trip_at_their_limits),
        T(accesses_round_trip_at_their_limits),
        T(instructions_without_memory_round_trip_at_their_limits),
        T(every_operation_round_trips_at_its_limits),
        T(a_unit_of_the_greatest_size_has_room),
        T(accesses_past_a_units_sixteen_follow_without_a_head),
        T(a_dictionary_full_of_units_replaces_the_oldest),
        T(a_dictionary_full_of_slots_replaces_the_oldest),
        T(units_many_times_the_dictionary_round_trip),
        T(what_came_after_twice_is_predicted),
        T(bytes_that_cannot_be_are_refused_at_their_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
