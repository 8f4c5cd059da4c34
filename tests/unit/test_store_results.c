/* SPDX-License-Identifier: MIT */
/* Result files: what is written is what is read, whatever happens to them. */
#include "cli/store_state.h"
#include "cli/store_writer.h"
#include "cli/sweep_file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N_POINTS = 12 };

struct fixture {
    char dir[64];
    struct store_plan plan;
    struct store_writer writer;
    struct store_state state;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char error[SWEEP_ERROR_BYTES];
    char *results;

    strcpy(f->dir, "/tmp/store-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    results = sweep_file_path(f->dir, "results");
    assert_int_equal(sweep_file_folder(results), 0);
    free(results);
    sweep_plan_init(&f->plan.grid);
    assert_true(sweep_plan_add(&f->plan.grid, "a=1..12", error));
    f->plan.version = strdup("1");
    f->plan.machines = calloc(1, sizeof(*f->plan.machines));
    f->plan.sources = calloc(1, sizeof(*f->plan.sources));
    f->plan.n_machines = f->plan.n_sources = 1;
    f->plan.machines[0].name = strdup("m");
    f->plan.sources[0].name = strdup("s");
    assert_true(store_plan_finish(&f->plan));
    store_writer_init(&f->writer, f->dir, f->plan.id);
    assert_int_equal(store_state_init(&f->state, &f->plan), 0);
    *state = f;
    return 0;
}

/* The only result file, or with remove every one. */
static char *result_file(const struct fixture *f, bool is_removed)
{
    char *results = sweep_file_path(f->dir, "results");
    DIR *folder = opendir(results);
    const struct dirent *entry;
    char *found = NULL;

    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        free(found);
        found = sweep_file_path(results, "%s", entry->d_name);
        if (is_removed)
            unlink(found);
    }
    closedir(folder);
    free(results);
    return found;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char *results = sweep_file_path(f->dir, "results");

    free(result_file(f, true));
    rmdir(results);
    rmdir(f->dir);
    free(results);
    store_writer_fini(&f->writer);
    store_state_fini(&f->state);
    store_plan_fini(&f->plan);
    free(f);
    return 0;
}

static void flush(struct fixture *f)
{
    assert_int_equal(store_writer_flush(&f->writer), 0);
}

static void assert_values(struct fixture *f, size_t point, uint64_t a,
                          uint64_t b)
{
    uint64_t values[8];

    assert_int_equal(f->state.status[point], STORE_DONE);
    assert_int_equal(store_state_values(&f->state, point, values), 0);
    assert_int_equal(values[0], a);
    assert_int_equal(values[1], b);
}

static void what_is_written_is_read(void **state)
{
    struct fixture *f = *state;
    const struct sweep_schema *schema;

    store_writer_done(&f->writer, 3, "x,y%2cz/1000", 50,
                      "18446744073709551615,0");
    store_writer_failed(&f->writer, 4, 0, 9, "killed by signal 9");
    flush(f);
    assert_int_equal(store_state_add(&f->state, f->dir), 0);
    assert_int_equal(f->state.n_done, 1);
    assert_int_equal(f->state.n_failed, 1);
    assert_values(f, 3, UINT64_MAX, 0);
    schema = f->state.schemas[f->state.names[3]];
    assert_int_equal(schema->n, 2);
    assert_string_equal(schema->names[1], "y,z");
    assert_true(schema->is_milli[1] && !schema->is_milli[0]);
    assert_string_equal(store_state_reason(&f->state, 4), "killed by signal 9");
    assert_int_equal(f->state.segment_us[0], 50);
    assert_int_equal(f->state.status[5], STORE_OPEN);
}

static void a_file_that_grows_is_read_again(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_state_add(&f->state, f->dir), 0);
    for (size_t i = 0; i < N_POINTS; i++) {
        char values[32];

        snprintf(values, sizeof(values), "%zu,%zu", i, i * i);
        store_writer_done(&f->writer, i, i % 2 ? "x,y" : "y,x", 1, values);
        flush(f);
        assert_int_equal(store_state_refresh(&f->state), 0);
        assert_int_equal(f->state.n_done, i + 1);
        for (size_t j = 0; j <= i; j++)
            assert_values(f, j, j, j * j);
    }
    assert_int_equal(f->state.n_files, 1);
    assert_int_equal(f->state.n_twice, 0);
}

static void a_failed_point_is_open_again_until_it_fails_again(void **state)
{
    struct fixture *f = *state;
    static const enum store_point expected[] = {
        STORE_FAILED, STORE_OPEN, STORE_FAILED, STORE_OPEN, STORE_DONE};

    assert_int_equal(store_state_add(&f->state, f->dir), 0);
    for (unsigned i = 0; i < 5; i++) {
        if (i == 4)
            store_writer_done(&f->writer, 7, "x,y", 1, "1,2");
        else if (i % 2)
            store_writer_reopen(&f->writer, 7, f->state.failed[7]);
        else
            store_writer_failed(&f->writer, 7, f->state.reopened[7], 1, "why");
        flush(f);
        assert_int_equal(store_state_refresh(&f->state), 0);
        assert_int_equal(f->state.status[7], expected[i]);
        assert_int_equal(f->state.n_failed, expected[i] == STORE_FAILED);
    }
}

/* A second file with the same point. */
static void write_again(struct fixture *f, const char *values)
{
    struct store_writer other;

    store_writer_init(&other, f->dir, f->plan.id);
    other.n_files = 1; /* another name in the same millisecond */
    store_writer_done(&other, 2, "x,y", 1, values);
    assert_int_equal(store_writer_flush(&other), 0);
    store_writer_fini(&other);
}

static void a_point_computed_twice_counts_once(void **state)
{
    struct fixture *f = *state;

    store_writer_done(&f->writer, 2, "x,y", 70, "5,6");
    flush(f);
    write_again(f, "5,6");
    assert_int_equal(store_state_add(&f->state, f->dir), 0);
    assert_int_equal(f->state.n_done, 1);
    assert_int_equal(f->state.n_twice, 1);
    assert_int_equal(f->state.segment_done[0], 1);
}

static void a_point_with_two_results_is_an_error(void **state)
{
    struct fixture *f = *state;

    store_writer_done(&f->writer, 2, "x,y", 1, "5,6");
    flush(f);
    write_again(f, "5,7");
    assert_int_not_equal(store_state_add(&f->state, f->dir), 0);
}

/* Whatever byte changes, and wherever the file is cut: told, and not there;
 * no crash, no wrong value. */
static void a_damaged_file_is_as_if_it_were_not_there(void **state)
{
    struct fixture *f = *state;
    char *path, *text;
    size_t length;

    store_writer_done(&f->writer, 2, "x,y", 1, "5,6");
    store_writer_failed(&f->writer, 3, 0, 1, "why");
    flush(f);
    path = result_file(f, false);
    assert_int_equal(sweep_file_get(path, 1 << 20, &text, &length), 0);
    for (size_t i = 0; i < 2 * length; i++) {
        struct store_state damaged;
        size_t n = i < length ? length : i - length;
        char old = text[i % length];

        if (i < length)
            text[i] = (char) (text[i] ^ (i % 3 ? 1 : 0x80));
        assert_int_equal(sweep_file_put(path, SWEEP_FILE_REPLACE, text, n), 0);
        text[i % length] = old;
        assert_int_equal(store_state_init(&damaged, &f->plan), 0);
        if (store_state_add(&damaged, f->dir) == 0)
            assert_int_equal(
                damaged.n_done + damaged.n_failed + 2 * damaged.n_damaged, 2);
        store_state_fini(&damaged);
    }
    free(text);
    free(path);
}

static void a_write_that_fails_can_be_tried_again(void **state)
{
    struct fixture *f = *state;
    char *results = sweep_file_path(f->dir, "results");
    char *away = sweep_file_path(f->dir, "away");

    store_writer_done(&f->writer, 2, "x,y", 1, "5,6");
    assert_int_equal(rename(results, away), 0);
    assert_int_not_equal(store_writer_flush(&f->writer), 0);
    assert_int_not_equal(store_writer_flush(&f->writer), 0);
    store_writer_done(&f->writer, 3, "x,y", 1, "7,8");
    assert_int_equal(rename(away, results), 0);
    flush(f);
    assert_int_equal(store_state_add(&f->state, f->dir), 0);
    assert_values(f, 2, 5, 6);
    assert_values(f, 3, 7, 8);
    free(results);
    free(away);
}

int main(void)
{
#define RESULTS_TEST(name)                                                     \
    cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        RESULTS_TEST(what_is_written_is_read),
        RESULTS_TEST(a_file_that_grows_is_read_again),
        RESULTS_TEST(a_failed_point_is_open_again_until_it_fails_again),
        RESULTS_TEST(a_point_computed_twice_counts_once),
        RESULTS_TEST(a_point_with_two_results_is_an_error),
        RESULTS_TEST(a_damaged_file_is_as_if_it_were_not_there),
        RESULTS_TEST(a_write_that_fails_can_be_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
