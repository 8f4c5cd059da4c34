/* SPDX-License-Identifier: MIT */
/* What the index says must be what there is; without it the rest is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mmusim/trace.h"
#include "support/synth_trace.h"
#include "support/temp_folder.h"
#include "trace/codec.h"
#include "trace/trace_file.h"

#include <stdio.h>
#include <string.h>

enum { N_RECORDS = 3000, BYTES_MAX = 1 << 20 };

static struct temp_folder *folder;

struct bytes {
    char data[BYTES_MAX];
    size_t n;
    size_t index_at;
    uint32_t n_blocks;
};

static struct bytes first, second;

static void make(struct bytes *bytes, const char *name, uint64_t seed)
{
    const struct trace_writer_options options = {.block_bytes = 4096};
    const char *path = temp_folder_write(folder, name, "", 0);
    const struct trace_block *last;
    struct trace_file file;
    struct trace_writer *writer;
    struct trace_stream *stream;
    struct synth synth;
    FILE *in;

    assert_int_equal(mmusim__trace_writer_create(path, &options, &writer, NULL),
                     MMUSIM_OK);
    stream = mmusim__trace_stream_begin(writer, 1);
    synth_init(&synth, seed, 0, false);
    for (uint32_t i = 0; i < N_RECORDS; i++) {
        struct op_record record = synth_next(&synth);

        synth_write(stream, &record, &synth.sys);
    }
    assert_int_equal(mmusim__trace_writer_close(writer, NULL), MMUSIM_OK);
    assert_int_equal(mmusim__trace_file_open(&file, path, NULL, NULL),
                     MMUSIM_OK);
    assert_int_equal(mmusim__trace_file_scan(&file, NULL, NULL), MMUSIM_OK);
    last = &file.blocks[file.n_blocks - 1];
    bytes->n_blocks = file.n_blocks;
    bytes->index_at = (size_t) last->offset +
                      mmusim__codec_get(last->codec)->header_bytes +
                      last->field.packed_bytes;
    mmusim__trace_file_close(&file);
    in = fopen(path, "rb");
    bytes->n = fread(bytes->data, 1, BYTES_MAX, in);
    fclose(in);
}

static int setup(void **state)
{
    (void) state;
    if (temp_folder_create(&folder))
        return -1;
    make(&first, "a.mmt", 1);
    make(&second, "b.mmt", 1); /* same sizes, to be changed below */
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    temp_folder_destroy(folder);
    return 0;
}

static void two_writings_of_the_same_records_are_the_same_bytes(void **state)
{
    (void) state;
    assert_int_equal(first.n, second.n);
    assert_memory_equal(first.data, second.data, first.n);
    assert_true(first.n_blocks > 2);
}

static void an_index_of_other_blocks_is_damage(void **state)
{
    static struct bytes mixed;
    mmusim_trace_t *trace;
    mmusim_diag_t diag = {0};
    uint64_t seed = 2;
    size_t n_index;
    const char *path;

    (void) state;
    do {
        make(&second, "b.mmt", seed++);
    } while (second.n_blocks != first.n_blocks);
    n_index = second.n - second.index_at;
    memcpy(mixed.data, first.data, first.index_at);
    memcpy(mixed.data + first.index_at, second.data + second.index_at, n_index);
    path = temp_folder_write(folder, "m.mmt", mixed.data,
                             first.index_at + n_index);
    assert_int_equal(mmusim_trace_open(path, NULL, &trace, &diag),
                     MMUSIM_DAMAGED);
    assert_non_null(strstr(diag.text, "other blocks"));
    assert_int_equal(diag.offset, first.index_at);
}

static void without_an_index_all_blocks_are_read_and_it_is_told(void **state)
{
    mmusim_trace_info_t info;
    mmusim_trace_t *trace;
    const char *path =
        temp_folder_write(folder, "n.mmt", first.data, first.index_at);

    (void) state;
    assert_int_equal(mmusim_trace_open(path, NULL, &trace, NULL), MMUSIM_OK);
    assert_false(mmusim_trace_is_complete(trace));
    assert_int_equal(mmusim_trace_info(trace, &info, NULL), MMUSIM_OK);
    assert_int_equal(info.records, N_RECORDS);
    mmusim_trace_close(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_writings_of_the_same_records_are_the_same_bytes),
        cmocka_unit_test(an_index_of_other_blocks_is_damage),
        cmocka_unit_test(without_an_index_all_blocks_are_read_and_it_is_told),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
