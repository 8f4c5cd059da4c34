/* SPDX-License-Identifier: MIT */
/* Unpacking ahead in a helper thread changes nothing but the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/source.h"
#include "mmusim/trace.h"
#include "support/synth_trace.h"
#include "support/temp_folder.h"
#include "trace/unpack_ahead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_RECORDS = 60000, BLOCK_BYTES = 48 << 10 };

static struct temp_folder *folder;
static const char *path;
static char *bytes;
static size_t n_bytes;

static void write_trace(const char *name, uint32_t n_threads)
{
    const struct trace_writer_options options = {.block_bytes = BLOCK_BYTES};
    struct trace_writer *writer;

    assert_int_equal(mmusim__trace_writer_create(name, &options, &writer, NULL),
                     MMUSIM_OK);
    for (uint32_t t = 0; t < n_threads; t++) {
        struct trace_stream *stream = mmusim__trace_stream_begin(writer, t + 1);
        struct synth synth;

        assert_non_null(stream);
        synth_init(&synth, 7, t, t != 1);
        for (uint32_t i = 0; i < N_RECORDS; i++) {
            struct op_record record = synth_next(&synth);

            synth_write(stream, &record, &synth.sys);
        }
    }
    assert_int_equal(mmusim__trace_writer_close(writer, NULL), MMUSIM_OK);
}

static int setup(void **state)
{
    FILE *file;

    (void) state;
    if (temp_folder_create(&folder))
        return -1;
    path = temp_folder_write(folder, "t.mmt", "", 0);
    write_trace(path, 3);
    file = fopen(path, "rb");
    bytes = malloc(1 << 24);
    n_bytes = file && bytes ? fread(bytes, 1, 1 << 24, file) : 0;
    if (file)
        fclose(file);
    return n_bytes ? 0 : -1;
}

static int teardown(void **state)
{
    (void) state;
    free(bytes);
    temp_folder_destroy(folder);
    return 0;
}

static mmusim_source_t *open_source(bool has_helper, bool salvages,
                                    mmusim_trace_t **trace)
{
    const mmusim_trace_options_t options = {.uses_helper_thread = has_helper,
                                            .salvages = salvages};
    mmusim_source_t *source;

    assert_int_equal(mmusim_trace_open(path, &options, trace, NULL), MMUSIM_OK);
    assert_int_equal(mmusim_trace_source(*trace, &source, NULL), MMUSIM_OK);
    return source;
}

/* Both give the same pieces and the same end, threads in turns. */
static void compare(bool salvages, uint64_t *n_records, mmusim_diag_t *diag)
{
    mmusim_trace_t *traces[2];
    mmusim_source_t *plain = open_source(false, salvages, &traces[0]);
    mmusim_source_t *helped = open_source(true, salvages, &traces[1]);
    mmusim_status_t status = MMUSIM_OK;
    uint64_t n_before = 1;

    *n_records = 0;
    while (!status && *n_records != n_before) {
        n_before = *n_records;
        for (uint32_t t = 0; !status && t < plain->n_threads; t++) {
            mmusim_diag_t other = {0};
            struct op_piece a, b;

            memset(diag, 0, sizeof(*diag));
            status = plain->ops->next(plain, t, &a, diag);
            assert_int_equal(helped->ops->next(helped, t, &b, &other), status);
            assert_string_equal(diag->text, other.text);
            assert_int_equal(diag->offset, other.offset);
            if (status)
                break;
            assert_int_equal(a.n_records, b.n_records);
            assert_int_equal(a.n_sys, b.n_sys);
            assert_int_equal(a.quiet_instructions, b.quiet_instructions);
            assert_int_equal(a.first_record, b.first_record);
            if (a.n_records)
                assert_memory_equal(a.records, b.records,
                                    a.n_records * sizeof(*a.records));
            *n_records += a.n_records;
        }
    }
    mmusim_source_destroy(plain);
    mmusim_source_destroy(helped);
    mmusim_trace_close(traces[0]);
    mmusim_trace_close(traces[1]);
}

static void records_are_the_same(void **state)
{
    mmusim_diag_t diag;
    uint64_t n_records;

    (void) state;
    temp_folder_write(folder, "t.mmt", bytes, n_bytes);
    compare(false, &n_records, &diag);
    assert_int_equal(n_records, 3 * N_RECORDS);
}

static void damage_is_told_with_the_same_words(void **state)
{
    mmusim_diag_t diag;
    uint64_t n_records;

    (void) state;
    bytes[n_bytes / 2] = (char) (bytes[n_bytes / 2] ^ 4);
    temp_folder_write(folder, "t.mmt", bytes, n_bytes);
    bytes[n_bytes / 2] = (char) (bytes[n_bytes / 2] ^ 4);
    compare(false, &n_records, &diag);
    assert_int_equal(diag.status, MMUSIM_DAMAGED);
    compare(true, &n_records, &diag);
    assert_true(n_records > N_RECORDS && n_records < 3 * N_RECORDS);
}

static void a_source_may_end_at_any_piece(void **state)
{
    (void) state;
    temp_folder_write(folder, "t.mmt", bytes, n_bytes);
    for (uint32_t n = 0; n < 120; n++) {
        mmusim_trace_t *trace;
        mmusim_source_t *source = open_source(true, false, &trace);

        for (uint32_t i = 0; i < n; i++) {
            struct op_piece piece;

            assert_int_equal(source->ops->next(source, i % 3, &piece, NULL),
                             MMUSIM_OK);
        }
        mmusim_source_destroy(source);
        mmusim_trace_close(trace);
    }
}

static void rings_share_a_fixed_room(void **state)
{
    static struct unpack_ahead ahead;
    const struct trace_file file = {.fd = -1};
    const uint32_t counts[] = {1, 5, 20, 100, 65536};

    (void) state;
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct unpack_helper *helper = mmusim__unpack_helper_create(counts[i]);

        assert_non_null(helper);
        assert_true(mmusim__unpack_ahead_init(&ahead, &file, helper));
        assert_true(ahead.n_chunks >= 2);
        assert_true(ahead.n_chunks == 2 ||
                    ahead.n_chunks * sizeof(struct raw_chunk) * counts[i] <=
                        HELPER_BYTES);
        mmusim__unpack_ahead_fini(&ahead);
        mmusim__unpack_helper_destroy(helper);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_the_same),
        cmocka_unit_test(damage_is_told_with_the_same_words),
        cmocka_unit_test(a_source_may_end_at_any_piece),
        cmocka_unit_test(rings_share_a_fixed_room),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
