/* SPDX-License-Identifier: MIT */
/* The writer of native traces: its file, its errors, and who made a thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mmusim/trace.h"
#include "support/temp_folder.h"
#include "trace/trace_file.h"
#include "trace/trace_writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct temp_folder *folder;
static const char *path, *part;

static int setup(void **state)
{
    (void) state;
    if (temp_folder_create(&folder))
        return -1;
    path = temp_folder_write(folder, "w.mmt", "old", 3);
    part = temp_folder_write(folder, "w.mmt.part", "", 0);
    return path && part ? unlink(part) : -1;
}

static int teardown(void **state)
{
    (void) state;
    temp_folder_destroy(folder);
    return 0;
}

static struct trace_writer *create(const struct trace_writer_options *options)
{
    struct trace_writer *writer;

    assert_int_equal(mmusim__trace_writer_create(path, options, &writer, NULL),
                     MMUSIM_OK);
    return writer;
}

static void check_is_old(void)
{
    char bytes[8] = "";
    FILE *in = fopen(path, "rb");

    assert_non_null(in);
    assert_int_equal(fread(bytes, 1, sizeof(bytes), in), 3);
    assert_string_equal(bytes, "old");
    fclose(in);
}

static void the_old_file_stays_until_close_renames(void **state)
{
    struct trace_writer *writer = create(NULL);
    mmusim_trace_t *trace;

    (void) state;
    mmusim__trace_stream_nomem(mmusim__trace_stream_begin(writer, 1), 5);
    check_is_old();
    assert_int_equal(access(part, F_OK), 0);
    assert_int_equal(mmusim__trace_writer_close(writer, NULL), MMUSIM_OK);
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(mmusim_trace_open(path, NULL, &trace, NULL), MMUSIM_OK);
    assert_true(mmusim_trace_is_complete(trace));
    mmusim_trace_close(trace);
}

static void abandon_removes_the_unfinished_file_alone(void **state)
{
    struct trace_writer *writer = create(NULL);

    (void) state;
    mmusim__trace_stream_nomem(mmusim__trace_stream_begin(writer, 1), 5);
    mmusim__trace_writer_abandon(writer);
    assert_int_equal(access(part, F_OK), -1);
    check_is_old();
    mmusim__trace_writer_abandon(NULL);
}

static void a_part_that_is_kept_is_whole(void **state)
{
    const struct trace_writer_options options = {.keeps_part = true};
    struct trace_writer *writer = create(&options);
    mmusim_trace_t *trace;

    (void) state;
    mmusim__trace_stream_nomem(mmusim__trace_stream_begin(writer, 1), 5);
    assert_int_equal(mmusim__trace_writer_close(writer, NULL), MMUSIM_OK);
    check_is_old();
    assert_int_equal(mmusim_trace_open(part, NULL, &trace, NULL), MMUSIM_OK);
    mmusim_trace_close(trace);
}

/* ---- errors ---- */

static void a_file_that_cannot_be_made_is_an_error_with_its_name(void **state)
{
    struct trace_writer *writer = (void *) &folder;
    mmusim_diag_t diag;

    (void) state;
    assert_int_equal(mmusim__trace_writer_create("/nowhere/at/all.mmt", NULL,
                                                 &writer, &diag),
                     MMUSIM_SYSTEM);
    assert_null(writer);
    assert_non_null(strstr(diag.text, "No such file"));
    assert_string_equal(diag.file, "/nowhere/at/all.mmt");
}

static void a_level_that_is_not_is_refused(void **state)
{
    const struct trace_writer_options options = {.level = 10};
    struct trace_writer *writer;
    mmusim_diag_t diag;

    (void) state;
    assert_int_equal(
        mmusim__trace_writer_create(path, &options, &writer, &diag),
        MMUSIM_USAGE);
    assert_null(writer);
    assert_non_null(strstr(diag.text, "levels 1 to 9"));
    check_is_old();
}

static void a_failed_write_is_told_by_flush_and_by_close(void **state)
{
    int fd = open("/dev/full", O_WRONLY);
    struct trace_writer *writer;
    struct trace_stream *stream;
    mmusim_diag_t diag = {0};

    (void) state;
    if (fd < 0)
        skip();
    assert_int_equal(mmusim__trace_writer_create_fd(fd, NULL, &writer, NULL),
                     MMUSIM_OK);
    stream = mmusim__trace_stream_begin(writer, 1);
    mmusim__trace_stream_nomem(stream, 1);
    assert_int_equal(mmusim__trace_stream_flush(stream, &diag), MMUSIM_SYSTEM);
    assert_non_null(strstr(diag.text, "No space left"));
    mmusim__trace_stream_nomem(stream, 1);
    assert_int_equal(mmusim__trace_stream_end(stream, NULL), MMUSIM_SYSTEM);
    memset(&diag, 0, sizeof(diag));
    assert_int_equal(mmusim__trace_writer_close(writer, &diag), MMUSIM_SYSTEM);
    assert_non_null(strstr(diag.text, "No space left"));
    assert_int_equal(fcntl(fd, F_GETFD) >= 0, 1); /* it stays the caller's */
    close(fd);
}

/* ---- who made a thread ---- */

static void put_creation(struct trace_stream *stream, enum sys_kind kind,
                         uint32_t child)
{
    const struct sys_op op = {.kind = kind, .number = child};

    mmusim__trace_stream_sys(stream, &op);
}

static void check_created(uint32_t n, const uint32_t *tids,
                          const bool *is_created)
{
    struct trace_file file;

    assert_int_equal(mmusim__trace_file_open(&file, path, NULL, NULL),
                     MMUSIM_OK);
    assert_int_equal(mmusim__trace_file_scan(&file, NULL, NULL), MMUSIM_OK);
    assert_int_equal(file.n_threads, n);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(file.threads[i].tid, tids[i]);
        assert_int_equal(file.threads[i].is_created, is_created[i]);
    }
    mmusim__trace_file_close(&file);
}

static void threads_that_a_fork_or_clone_names_are_created(void **state)
{
    static const uint32_t tids[] = {10, 11, 12, 13};
    static const bool is_created[] = {false, true, true, false};
    struct trace_writer *writer = create(NULL);
    struct trace_stream *streams[4];

    (void) state;
    for (int i = 0; i < 4; i++) {
        streams[i] = mmusim__trace_stream_begin(writer, tids[i]);
        mmusim__trace_stream_nomem(streams[i], 1);
    }
    put_creation(streams[0], SYS_CLONE, 11);
    put_creation(streams[1], SYS_FORK, 12);
    put_creation(streams[2], SYS_CLONE, 99);
    assert_int_equal(mmusim__trace_writer_close(writer, NULL), MMUSIM_OK);
    check_created(4, tids, is_created);
}

static void a_creator_may_come_after_the_childs_first_block(void **state)
{
    static const uint32_t tids[] = {1, 2, 3};
    static const bool is_created[] = {false, true, true};
    struct trace_writer *writer = create(NULL);
    struct trace_stream *parent = mmusim__trace_stream_begin(writer, 1);
    struct trace_stream *child = mmusim__trace_stream_begin(writer, 2);
    struct trace_stream *other = mmusim__trace_stream_begin(writer, 3);

    (void) state;
    mmusim__trace_stream_set_created(other);
    mmusim__trace_stream_nomem(other, 1);
    mmusim__trace_stream_nomem(child, 1);
    assert_int_equal(mmusim__trace_stream_flush(child, NULL), MMUSIM_OK);
    put_creation(parent, SYS_CLONE, 2);
    mmusim__trace_stream_nomem(child, 1);
    assert_int_equal(mmusim__trace_writer_close(writer, NULL), MMUSIM_OK);
    check_created(3, tids, is_created);
}

static void an_empty_stream_leaves_no_block(void **state)
{
    struct trace_writer *writer = create(NULL);
    struct trace_file file;

    (void) state;
    assert_non_null(mmusim__trace_stream_begin(writer, 1));
    mmusim__trace_stream_nomem(mmusim__trace_stream_begin(writer, 2), 1);
    assert_int_equal(mmusim__trace_writer_close(writer, NULL), MMUSIM_OK);
    assert_int_equal(mmusim__trace_file_open(&file, path, NULL, NULL),
                     MMUSIM_OK);
    assert_int_equal(mmusim__trace_file_scan(&file, NULL, NULL), MMUSIM_OK);
    assert_int_equal(file.n_blocks, 1);
    assert_int_equal(file.threads[0].tid, 2);
    mmusim__trace_file_close(&file);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_old_file_stays_until_close_renames),
        T(abandon_removes_the_unfinished_file_alone),
        T(a_part_that_is_kept_is_whole),
        T(a_file_that_cannot_be_made_is_an_error_with_its_name),
        T(a_level_that_is_not_is_refused),
        T(a_failed_write_is_told_by_flush_and_by_close),
        T(threads_that_a_fork_or_clone_names_are_created),
        T(a_creator_may_come_after_the_childs_first_block),
        T(an_empty_stream_leaves_no_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
