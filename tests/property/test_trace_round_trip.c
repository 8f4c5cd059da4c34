/* SPDX-License-Identifier: MIT */
/* Random records through the native format and back, and what damage does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/source.h"
#include "mmusim/trace.h"
#include "support/synth_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_THREADS = 3, N_RECORDS = 40000 };

static char folder[] = "/tmp/mmusim-trace-XXXXXX";
static char path[64];

static int setup(void **state)
{
    (void) state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/t.mmt", folder);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    unlink(path);
    return rmdir(folder);
}

static void write_trace(enum trace_codec codec, uint32_t n_records,
                        uint64_t seed)
{
    const struct trace_writer_options options = {.codec = codec,
                                                 .block_bytes = 16384};
    struct trace_writer *writer;
    struct trace_stream *streams[N_THREADS];
    struct synth synths[N_THREADS];

    assert_int_equal(mmusim__trace_writer_create(path, &options, &writer, NULL),
                     MMUSIM_OK);
    for (uint32_t t = 0; t < N_THREADS; t++) {
        streams[t] = mmusim__trace_stream_begin(writer, 100 + t);
        assert_non_null(streams[t]);
        synth_init(&synths[t], seed, t, t != 1);
        if (synths[t].has_fetch)
            mmusim__trace_stream_fetch(streams[t], 0x400000, 3, 12);
    }
    for (uint32_t i = 0; i < n_records * N_THREADS; i++) {
        struct synth *synth = &synths[i % N_THREADS];
        struct op_record record = synth_next(synth);

        synth_write(streams[i % N_THREADS], &record, &synth->sys);
    }
    assert_int_equal(mmusim__trace_writer_close(writer, NULL), MMUSIM_OK);
}

static void check_sys(const struct sys_op *got, const struct sys_op *expected)
{
    assert_int_equal(got->kind, expected->kind);
    assert_int_equal(got->flags, expected->flags);
    assert_int_equal(got->advice, expected->advice);
    assert_int_equal(got->vaddr, expected->vaddr);
    assert_int_equal(got->length_bytes, expected->length_bytes);
    assert_int_equal(got->new_vaddr, expected->new_vaddr);
    assert_int_equal(got->new_length_bytes, expected->new_length_bytes);
    assert_int_equal(got->number, expected->number);
    assert_int_equal(got->file_offset, expected->file_offset);
    assert_int_equal(!got->name, !expected->name);
    if (got->name)
        assert_string_equal(got->name, expected->name);
}

/* The piece is what synth says; the first fetch is the test's own. */
static void check_piece(const struct op_piece *piece, struct synth *synth)
{
    uint32_t n_sys = 0;
    uint64_t instructions = 0;

    for (uint32_t i = 0; i < piece->n_records; i++) {
        const struct op_record *got = &piece->records[i];
        struct op_record expected;

        if (piece->first_record + i == 0 && synth->has_fetch) {
            assert_int_equal(got->vaddr, 0x400000);
            instructions += got->count;
            continue;
        }
        expected = synth_next(synth);
        assert_int_equal(got->meta, expected.meta);
        if (op_kind_of(got) == OP_SYS) {
            assert_int_equal(got->count, n_sys);
            assert_int_equal(piece->sys[n_sys].record_index, i);
            assert_int_equal(piece->sys[n_sys].instructions_before,
                             instructions);
            check_sys(&piece->sys[n_sys++], &synth->sys);
            continue;
        }
        assert_int_equal(got->vaddr, expected.vaddr);
        assert_int_equal(got->count, expected.count);
        instructions += got->count;
    }
    assert_int_equal(n_sys, piece->n_sys);
    assert_int_equal(instructions, piece->instructions);
}

static void check_trace(const char *file, uint64_t cache_bytes,
                        uint32_t n_records, uint64_t seed)
{
    const mmusim_trace_options_t options = {.cache_bytes = cache_bytes};
    mmusim_trace_t *trace;
    mmusim_source_t *source;
    mmusim_diag_t diag = {0};

    if (mmusim_trace_open(file, &options, &trace, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(mmusim_trace_source(trace, &source, &diag), MMUSIM_OK);
    assert_int_equal(source->n_threads, N_THREADS);
    for (uint32_t t = 0; t < N_THREADS; t++) {
        struct synth synth;
        struct op_piece piece;
        uint64_t n = 0;

        synth_init(&synth, seed, t, t != 1);
        assert_int_equal(source->threads[t].tid, 100 + t);
        do {
            if (source->ops->next(source, t, &piece, &diag))
                fail_msg("%s", diag.text);
            assert_true(piece.n_records == 0 || piece.first_record == n);
            check_piece(&piece, &synth);
            n += piece.n_records;
        } while (piece.n_records);
        assert_int_equal(n, n_records + synth.has_fetch);
        assert_int_equal(source->threads[t].last_sync, synth.sync);
    }
    mmusim_source_destroy(source);
    mmusim_trace_close(trace);
}

static void gzip_trace_gives_back_every_record(void **state)
{
    (void) state;
    write_trace(TRACE_CODEC_GZIP, N_RECORDS, 1);
    check_trace(path, 0, N_RECORDS, 1);
}

static void cached_pieces_are_the_same_records(void **state)
{
    (void) state;
    write_trace(TRACE_CODEC_GZIP, N_RECORDS, 2);
    check_trace(path, 1 << 30, N_RECORDS, 2);
    check_trace(path, 1, N_RECORDS, 2);
}

static void zstd_trace_gives_back_every_record(void **state)
{
    const struct trace_writer_options options = {.codec = TRACE_CODEC_ZSTD};
    struct trace_writer *writer;

    (void) state;
    if (mmusim__trace_writer_create(path, &options, &writer, NULL))
        skip();
    mmusim__trace_writer_abandon(writer);
    write_trace(TRACE_CODEC_ZSTD, N_RECORDS, 3);
    check_trace(path, 0, N_RECORDS, 3);
}

/* ---- damage ---- */

struct bytes {
    uint8_t *data;
    size_t n;
};

static struct bytes load(void)
{
    FILE *file = fopen(path, "rb");
    struct bytes bytes = {malloc(1 << 24), 0};

    assert_non_null(file);
    assert_non_null(bytes.data);
    bytes.n = fread(bytes.data, 1, 1 << 24, file);
    fclose(file);
    return bytes;
}

static void store(const uint8_t *data, size_t n)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    fclose(file);
}

/* Reads everything; whether there was no error. */
static bool is_readable(bool salvages)
{
    const mmusim_trace_options_t options = {.salvages = salvages};
    mmusim_trace_t *trace;
    mmusim_source_t *source;
    mmusim_diag_t diag = {0};
    mmusim_status_t status = mmusim_trace_open(path, &options, &trace, &diag);
    struct op_piece piece = {.n_records = 1};

    if (status)
        return false;
    assert_int_equal(mmusim_trace_source(trace, &source, &diag), MMUSIM_OK);
    for (uint32_t t = 0; !status && t < source->n_threads; t++) {
        do {
            status = source->ops->next(source, t, &piece, &diag);
        } while (!status && piece.n_records);
    }
    if (status)
        assert_true(diag.has_offset && diag.text[0]);
    mmusim_source_destroy(source);
    mmusim_trace_close(trace);
    return status == MMUSIM_OK;
}

static void every_flipped_bit_is_noticed(void **state)
{
    struct bytes bytes;
    struct rng rng;
    const char *runs = getenv("MMUSIM_CORRUPTIONS");
    uint32_t n_runs = runs ? (uint32_t) strtoul(runs, NULL, 10) : 300;

    (void) state;
    write_trace(TRACE_CODEC_GZIP, 300, 4);
    bytes = load();
    mmusim__rng_init(&rng, 4, 0);
    for (uint32_t i = 0; i < n_runs; i++) {
        size_t at = mmusim__rng_below(&rng, (uint32_t) bytes.n);
        uint8_t flip = (uint8_t) (1u << mmusim__rng_below(&rng, 8));

        bytes.data[at] ^= flip;
        store(bytes.data, bytes.n);
        if (is_readable(false))
            fail_msg("run %u: byte %zu", i, at);
        assert_true(is_readable(true) || at < 100);
        bytes.data[at] ^= flip;
    }
    free(bytes.data);
}

/* At a member's end the rest is whole; anywhere else it is damage. */
static void every_truncation_is_noticed_or_leaves_whole_blocks(void **state)
{
    struct bytes bytes;
    uint32_t n_whole = 0;

    (void) state;
    write_trace(TRACE_CODEC_GZIP, 60, 5);
    bytes = load();
    for (size_t n = 0; n < bytes.n; n++) {
        store(bytes.data, n);
        n_whole += is_readable(false);
        assert_true(is_readable(true) || n < 76);
    }
    assert_int_equal(n_whole, N_THREADS); /* one block a thread */
    free(bytes.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_trace_gives_back_every_record),
        cmocka_unit_test(zstd_trace_gives_back_every_record),
        cmocka_unit_test(cached_pieces_are_the_same_records),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(every_truncation_is_noticed_or_leaves_whole_blocks),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
