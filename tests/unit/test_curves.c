/* SPDX-License-Identifier: MIT */
/* The reader of latency curves: what it takes, and what it says otherwise. */
#include "mmusim/validate.h"
#include "support/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEADER                                                                 \
    "tlb_of,cpu,size_KiB,pages_at_4KiB_stride,cycles_stride_64B,"              \
    "cycles_stride_4K\n"
#define FIVE                                                                   \
    "zen4,A,32,8,4,4\nzen4,A,48,12,9,9\nzen4,A,64,16,9,9\n"                    \
    "zen4,A,96,24,9,9\nzen4,A,128,32,9,9.5\n"

static struct temp_folder *folder;

static int setup(void **state)
{
    (void) state;
    return temp_folder_create(&folder);
}

static int teardown(void **state)
{
    (void) state;
    temp_folder_destroy(folder);
    return 0;
}

static mmusim_status_t load(const char *text, mmusim_curves_t **curves,
                            mmusim_diag_t *diag)
{
    const char *path =
        temp_folder_write(folder, "curves.csv", text, strlen(text));

    assert_non_null(path);
    return mmusim_curves_load(path, curves, diag);
}

static void a_file_is_read_by_the_names_of_its_columns(void **state)
{
    mmusim_curves_t *curves;
    mmusim_curve_t curve;
    mmusim_diag_t diag = {0};

    (void) state;
    assert_int_equal(
        load("# a comment\r\ncycles_stride_4K,other,cpu,tlb_of,size_KiB,"
             "cycles_stride_64B,pages_at_4KiB_stride\r\n"
             "4,x,\"A, \"\"B\"\"\",zen4,32,4,8\r\n"
             "4,x,\"A, \"\"B\"\"\",zen4,64,4,16\r\n"
             "4,x,\"A, \"\"B\"\"\",zen4,128,4,32\r\n"
             "4,x,C,zen3,32,4,8\n4,x,C,zen3,36,4,9\n4,x,C,zen3,40,4,10\n"
             "4,x,C,zen3,44,4,11\n4,x,C,zen3,48,4,12\n4,x,C,zen3,52,4,13\n"
             "4,x,C,zen3,56,,14\n4,,C,zen3,60,4.5,15\n,,C,zen3,64,4.5,16\n"
             "\n4,x,\"A, \"\"B\"\"\",zen4,160,4,40\r\n"
             "4,x,\"A, \"\"B\"\"\",zen4,192,4,48\r\n"
             "4,x,\"A, \"\"B\"\"\",zen4,256,4,64",
             &curves, &diag),
        MMUSIM_OK);
    assert_int_equal(mmusim_curves_count(curves), 2);
    assert_true(mmusim_curves_at(curves, 0, &curve));
    assert_string_equal(curve.cpu, "A, \"B\"");
    assert_string_equal(curve.tlb_of, "zen4");
    assert_int_equal(curve.n_points, 6);
    assert_int_equal(curve.line, 3);
    assert_true(mmusim_curves_at(curves, 1, &curve));
    assert_int_equal(curve.n_points, 9);
    assert_int_equal(curve.line, 6);
    assert_false(mmusim_curves_at(curves, 2, &curve));
    mmusim_curves_destroy(curves);
}

struct refusal {
    const char *text;
    const char *says;
    uint32_t line;
};

static const struct refusal refusals[] = {
    {"", "empty", 0},
    {"# nothing\n\n", "empty", 2},
    {"tlb_of,cpu\n", "column size_KiB is missing", 1},
    {"zen4,A,32,8,4,4\n", "column tlb_of is missing", 1},
    {HEADER, "no row after the header", 1},
    {HEADER "zen4,A,32,8,4,4\n", "at least 6 of each", 2},
    {HEADER FIVE, "'A' has 5 points", 2},
    {HEADER FIVE "zen4,A,192,48,9,\n", "6 points of 64-byte and 5 of", 2},
    {HEADER FIVE "zen4,A,192,48,9\n", "5 fields (the header has 6)", 7},
    {HEADER FIVE "zen4,A,192,48,9,9,9\n", "7 fields", 7},
    {HEADER FIVE "zen4,A,192,48,9,fast\n", "cycles_stride_4K: 'fast'", 7},
    {HEADER FIVE "zen4,A,192,48,-9,9\n", "cycles_stride_64B: '-9'", 7},
    {HEADER FIVE "zen4,A,192,48,nan,9\n", "'nan'", 7},
    {HEADER FIVE "zen4,A,192,48,1e9,9\n", "'1e9'", 7},
    {HEADER FIVE "zen4,A,192,48,0,9\n", "0.5 to", 7},
    {HEADER FIVE "zen4,A,192,48,.,9\n", "'.'", 7},
    {HEADER FIVE "zen4,A,192,48,1.2.3,9\n", "'1.2.3'", 7},
    {HEADER FIVE "zen4,A,big,48,9,9\n", "size_KiB: 'big'", 7},
    {HEADER FIVE "zen4,A,0,0,9,9\n", "size_KiB: '0'", 7},
    {HEADER FIVE "zen4,A,99999999999999999999,48,9,9\n", "whole number", 7},
    {HEADER FIVE "zen4,A,33554432,8388608,9,9\n", "1 to 16777216", 7},
    {HEADER FIVE "zen4,A,192,49,9,9\n", "pages_at_4KiB_stride is 49", 7},
    {HEADER FIVE "zen4,A,96,24,9,9\n", "must ascend", 7},
    {HEADER FIVE ",A,192,48,9,9\n", "tlb_of is empty", 7},
    {HEADER FIVE "zen4,,192,48,9,9\n", "cpu is empty", 7},
    {HEADER FIVE "zen4,\"A,192,48,9,9\n", "quoted field does not end", 7},
};

static void what_is_wrong_is_named_with_its_line(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal *refusal = &refusals[i];
        mmusim_curves_t *curves = (void *) &curves;
        mmusim_diag_t diag = {0};

        assert_int_equal(load(refusal->text, &curves, &diag), MMUSIM_DAMAGED);
        assert_null(curves);
        if (!strstr(diag.text, refusal->says) || diag.line != refusal->line ||
            !strstr(diag.file, "curves.csv"))
            fail_msg("case %zu: %s:%u: %s", i, diag.file, diag.line, diag.text);
    }
}

static void long_lines_and_many_fields_are_refused(void **state)
{
    static char text[9000];
    mmusim_curves_t *curves;
    mmusim_diag_t diag = {0};

    (void) state;
    memset(text, 'a', sizeof(text) - 1);
    assert_int_equal(load(text, &curves, &diag), MMUSIM_DAMAGED);
    assert_non_null(strstr(diag.text, "4095 bytes or more"));
    memset(text, ',', 100);
    text[100] = '\0';
    assert_int_equal(load(text, &curves, &diag), MMUSIM_DAMAGED);
    assert_non_null(strstr(diag.text, "more than 64 fields"));
    assert_int_equal(load(text, &curves, NULL), MMUSIM_DAMAGED);
}

static void zero_bytes_are_refused_where_they_are(void **state)
{
    static const char text[] = HEADER FIVE "zen4,A,\0 192,48,9,9\nzen4\n";
    const char *path =
        temp_folder_write(folder, "zeros.csv", text, sizeof(text) - 1);
    mmusim_curves_t *curves;
    mmusim_diag_t diag = {0};

    (void) state;
    assert_int_equal(mmusim_curves_load(path, &curves, &diag), MMUSIM_DAMAGED);
    assert_int_equal(diag.line, 7);
    assert_non_null(strstr(diag.text, "zero byte"));
}

static void a_file_that_is_not_there_is_unreadable(void **state)
{
    mmusim_curves_t *curves;
    mmusim_diag_t diag = {0};

    (void) state;
    assert_int_equal(mmusim_curves_load("/no/such/file", &curves, &diag),
                     MMUSIM_UNREADABLE);
    assert_string_equal(diag.file, "/no/such/file");
    assert_int_equal(mmusim_curves_load("/", &curves, &diag),
                     MMUSIM_UNREADABLE);
    mmusim_curves_destroy(NULL);
    mmusim_latency_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_by_the_names_of_its_columns),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(long_lines_and_many_fields_are_refused),
        cmocka_unit_test(zero_bytes_are_refused_where_they_are),
        cmocka_unit_test(a_file_that_is_not_there_is_unreadable),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
