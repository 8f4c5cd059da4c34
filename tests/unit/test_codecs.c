/* SPDX-License-Identifier: MIT */
/* Members' compression: gzip always, zstd where it is built in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/rng.h"
#include "support/temp_folder.h"
#include "trace/codec.h"
#include "trace/crc32c.h"
#include "trace/unpack_stream.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { RAW_BYTES = 100000 };

static uint8_t raw[RAW_BYTES], packed[TRACE_PACKED_BYTES], back[RAW_BYTES + 1];
static uint8_t member[TRACE_HEADER_BYTES_MAX + TRACE_PACKED_BYTES];
static struct temp_folder *folder;

/* Half of it repeats, half is random. */
static int setup(void **state)
{
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 1, 0);
    for (size_t i = 0; i < RAW_BYTES; i++)
        raw[i] = (uint8_t) (i & 512 ? mmusim__rng_next(&rng) : i);
    return temp_folder_create(&folder);
}

static int teardown(void **state)
{
    (void) state;
    temp_folder_destroy(folder);
    return 0;
}

static size_t pack(const struct codec_ops *codec, int level, size_t n_raw)
{
    void *packer = codec->packer_create(level);
    size_t n;

    assert_non_null(packer);
    n = codec->pack(packer, raw, n_raw, packed, sizeof(packed));
    assert_true(n > 0);
    codec->packer_destroy(packer);
    return n;
}

/* In portions of step bytes, both sides. */
static void check_unpack(const struct codec_ops *codec, void *unpacker,
                         size_t n_packed, size_t n_raw, size_t step)
{
    enum codec_state state = CODEC_MORE;
    const uint8_t *in = packed;
    uint8_t *out = back;
    size_t calls = 0;

    codec->unpack_begin(unpacker);
    while (state == CODEC_MORE && calls++ < 4 * RAW_BYTES) {
        size_t n_in = (size_t) (packed + n_packed - in);
        size_t n_out = (size_t) (back + sizeof(back) - out);

        n_in = n_in < step ? n_in : step;
        n_out = n_out < step ? n_out : step;
        state = codec->unpack(unpacker, &in, &n_in, &out, &n_out);
    }
    assert_int_equal(state, CODEC_END);
    assert_int_equal(out - back, n_raw);
    assert_memory_equal(back, raw, n_raw);
    assert_int_equal(packed + n_packed - in, codec->trailer_bytes);
}

static void what_is_packed_unpacks_in_any_portions(void **state)
{
    static const size_t sizes[] = {1, 2, 4096, RAW_BYTES};
    static const size_t steps[] = {1, 7, 4096, 1 << 20};

    (void) state;
    for (unsigned c = 0; c < CODEC_COUNT; c++) {
        const struct codec_ops *codec = mmusim__codec_get(c);
        void *unpacker = codec ? codec->unpacker_create() : NULL;

        if (!codec)
            continue;
        assert_non_null(unpacker);
        for (unsigned i = 0; i < 16; i++)
            check_unpack(
                codec, unpacker,
                pack(codec, i & 1 ? codec->max_level : 1, sizes[i % 4]),
                sizes[i % 4], steps[i / 4]);
        codec->unpacker_destroy(unpacker);
    }
}

static void packing_into_too_little_room_fails(void **state)
{
    (void) state;
    for (unsigned c = 0; c < CODEC_COUNT; c++) {
        const struct codec_ops *codec = mmusim__codec_get(c);
        void *packer = codec ? codec->packer_create(1) : NULL;

        if (!codec)
            continue;
        assert_non_null(packer);
        assert_int_equal(codec->pack(packer, raw, RAW_BYTES, packed, 5), 0);
        assert_int_equal(codec->pack(packer, raw, RAW_BYTES, packed, 100), 0);
        assert_true(
            codec->pack(packer, raw, RAW_BYTES, packed, sizeof(packed)) > 0);
        codec->packer_destroy(packer);
    }
}

static void headers_are_fixed_byte_for_byte(void **state)
{
    static const uint8_t gzip[] = {0x1f, 0x8b, 8,  4, 0,   0,   0,  0,
                                   0,    255,  64, 0, 'M', 'T', 60, 0};
    static const uint8_t zstd[] = {0x50, 0x2a, 0x4d, 0x18, 60, 0, 0, 0};
    const struct codec_ops *codec = mmusim__codec_get(0);

    (void) state;
    assert_int_equal(codec->field_at, sizeof(gzip));
    assert_memory_equal(codec->fixed, gzip, sizeof(gzip));
    assert_int_equal(codec->header_bytes, 76);
    codec = mmusim__codec_get(1);
    if (!codec)
        return;
    assert_int_equal(codec->field_at, sizeof(zstd));
    assert_memory_equal(codec->fixed, zstd, sizeof(zstd));
    assert_int_equal(codec->header_bytes, 68);
}

static void any_other_header_is_of_no_codec(void **state)
{
    (void) state;
    for (unsigned c = 0; c < CODEC_COUNT; c++) {
        const struct codec_ops *codec = mmusim__codec_get(c);
        uint8_t header[TRACE_HEADER_BYTES_MAX] = {0};

        if (!codec)
            continue;
        memcpy(header, codec->fixed, codec->field_at);
        assert_ptr_equal(mmusim__codec_of_header(header, codec->header_bytes),
                         codec);
        assert_null(mmusim__codec_of_header(header, codec->header_bytes - 1));
        for (size_t bit = 0; bit < 8 * codec->field_at; bit++) {
            header[bit / 8] ^= (uint8_t) (1u << bit % 8);
            assert_null(mmusim__codec_of_header(header, codec->header_bytes));
            header[bit / 8] ^= (uint8_t) (1u << bit % 8);
        }
    }
}

/* ---- a member that says what is not so ---- */

/* The member as a file's only block, unpacked; what is wrong, or NULL. */
static const char *unpack_member(unsigned c, uint32_t unpacked_bytes,
                                 size_t n_packed)
{
    static struct unpack_stream stream;
    static struct raw_chunk chunk;
    const struct codec_ops *codec = mmusim__codec_get(c);
    struct trace_block block = {
        .codec = c,
        .field = {.unpacked_bytes = unpacked_bytes,
                  .packed_bytes = (uint32_t) n_packed,
                  .packed_crc = mmusim__crc32c(0, packed, n_packed)}};
    struct trace_file file = {.fd = -1, .memory = member};

    memcpy(member + codec->header_bytes, packed, n_packed);
    file.n_bytes = codec->header_bytes + n_packed;
    mmusim__unpack_stream_init(&stream, &file);
    mmusim__unpack_stream_begin(&stream, &block);
    while (!stream.is_over)
        mmusim__unpack_stream_fill(&stream, &chunk);
    mmusim__unpack_stream_fini(&stream);
    return chunk.wrong;
}

static void a_header_that_lies_about_a_length_is_damage(void **state)
{
    const char *lie = "the block does not unpack to what its header says";

    (void) state;
    for (unsigned c = 0; c < CODEC_COUNT; c++) {
        size_t n;

        if (!mmusim__codec_get(c))
            continue;
        n = pack(mmusim__codec_get(c), 1, RAW_BYTES);
        assert_null(unpack_member(c, RAW_BYTES, n));
        assert_string_equal(unpack_member(c, RAW_BYTES - 1, n), lie);
        assert_string_equal(unpack_member(c, RAW_BYTES + 1, n), lie);
        assert_string_equal(unpack_member(c, 1, n), lie);
        packed[n] = 0;
        assert_string_equal(unpack_member(c, RAW_BYTES, n + 1), lie);
        assert_non_null(unpack_member(c, RAW_BYTES, n - 1));
        assert_non_null(unpack_member(c, RAW_BYTES, n / 2));
    }
}

static void any_flipped_bit_of_the_packed_bytes_is_damage(void **state)
{
    (void) state;
    for (unsigned c = 0; c < CODEC_COUNT; c++) {
        const struct codec_ops *codec = mmusim__codec_get(c);
        size_t n = codec ? pack(codec, 1, 200) : 0;
        uint32_t crc = mmusim__crc32c(0, packed, n);

        for (size_t bit = 0; bit < 8 * n; bit++) {
            packed[bit / 8] ^= (uint8_t) (1u << bit % 8);
            assert_true(mmusim__crc32c(0, packed, n) != crc);
            packed[bit / 8] ^= (uint8_t) (1u << bit % 8);
        }
    }
}

/* A frame of one raw byte, RFC 8878 3.1.1; its window is window: exponent
 * above 2^10 in bits 7:3, eighths in 2:0. */
static enum codec_state unpack_window(uint8_t window)
{
    const uint8_t frame[] = {0x28,   0xb5, 0x2f, 0xfd, 0,
                             window, 0x09, 0,    0,    'a'};
    const struct codec_ops *codec = mmusim__codec_get(1);
    void *unpacker = codec->unpacker_create();
    const uint8_t *in = frame;
    uint8_t *out = back;
    size_t n_in = sizeof(frame), n_out = sizeof(back);
    enum codec_state state;

    assert_non_null(unpacker);
    codec->unpack_begin(unpacker);
    do {
        state = codec->unpack(unpacker, &in, &n_in, &out, &n_out);
    } while (state == CODEC_MORE && n_in);
    codec->unpacker_destroy(unpacker);
    return state;
}

static void a_zstd_window_above_32_kib_is_damage(void **state)
{
    (void) state;
    if (!mmusim__codec_get(1))
        skip();
    assert_int_equal(unpack_window(0 << 3), CODEC_END);
    assert_int_equal(unpack_window(5 << 3), CODEC_END);
    assert_int_equal(back[0], 'a');
    assert_int_equal(unpack_window(5 << 3 | 1), CODEC_DAMAGED);
    assert_int_equal(unpack_window(6 << 3), CODEC_DAMAGED);
    assert_int_equal(unpack_window(31 << 3 | 7), CODEC_DAMAGED);
}

static void gzip_members_are_what_zlib_reads(void **state)
{
    const struct codec_ops *codec = mmusim__codec_get(0);
    size_t n = pack(codec, 6, RAW_BYTES);
    const char *path;
    gzFile in;

    (void) state;
    memcpy(member, codec->fixed, codec->field_at);
    memset(member + codec->field_at, 0x5a, TRACE_FIELD_BYTES);
    memcpy(member + codec->header_bytes, packed, n);
    path = temp_folder_write(folder, "m.gz", (const char *) member,
                             codec->header_bytes + n);
    assert_non_null(path);
    in = gzopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(gzread(in, back, sizeof(back)), RAW_BYTES);
    assert_int_equal(gzclose(in), Z_OK); /* its CRC and length are right */
    assert_memory_equal(back, raw, RAW_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_unpacks_in_any_portions),
        cmocka_unit_test(packing_into_too_little_room_fails),
        cmocka_unit_test(headers_are_fixed_byte_for_byte),
        cmocka_unit_test(any_other_header_is_of_no_codec),
        cmocka_unit_test(a_header_that_lies_about_a_length_is_damage),
        cmocka_unit_test(any_flipped_bit_of_the_packed_bytes_is_damage),
        cmocka_unit_test(a_zstd_window_above_32_kib_is_damage),
        cmocka_unit_test(gzip_members_are_what_zlib_reads),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
