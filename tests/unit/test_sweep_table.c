/* SPDX-License-Identifier: MIT */
/* Finished points as CSV, JSON and text, without any machine. */
#include "cli/sweep_report.h"
#include "core/stats_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct sweep_plan plan;
    struct sweep_result result;
    char text[16384];
};

static void begin(struct fixture *f, const char *axis, const char *metric)
{
    char error[SWEEP_ERROR_BYTES];

    sweep_plan_init(&f->plan);
    assert_true(sweep_plan_add(&f->plan, axis, error));
    assert_true(sweep_result_init(&f->result, f->plan.n_points, metric,
                                  MMUSIM_STATS_SUMS));
}

static void end(struct fixture *f)
{
    sweep_result_fini(&f->result);
    sweep_plan_fini(&f->plan);
}

/* A point whose walks took so many cycles; extra may name one more row. */
static mmusim_status_t take(struct fixture *f, size_t point, uint64_t walk,
                            const char *extra)
{
    mmusim_stats_t *stats;
    mmusim_diag_t diag = {0};
    mmusim_status_t status;

    assert_int_equal(mmusim__stats_create(&stats), MMUSIM_OK);
    mmusim__stats_add(stats, "cycles.walk", walk, "cycles", "");
    mmusim__stats_add(stats, "cycles.base", 1000, "cycles", "");
    mmusim__stats_add(stats, "cycles.idle", 777, "cycles", "");
    mmusim__stats_add(stats, "core0.cycles", 9, "cycles", "");
    if (extra)
        mmusim__stats_add_milli(stats, extra, 1500, "", "");
    assert_int_equal(mmusim__stats_finish(stats), MMUSIM_OK);
    status = sweep_result_take(&f->result, point, stats, &diag);
    mmusim_stats_destroy(stats);
    return status;
}

/* What a printer writes, as text of the fixture. */
static void print(struct fixture *f, enum plot_style style, char kind)
{
    struct sweep_report report = {.plan = &f->plan,
                                  .result = &f->result,
                                  .run = {"m", "s", NULL, 0},
                                  .default_row = f->result.n,
                                  .style = style};
    FILE *file = tmpfile();
    size_t n;

    assert_non_null(file);
    if (kind == 'c')
        assert_true(sweep_print_csv(&report, file));
    else if (kind == 'j')
        assert_true(sweep_print_json(&report, file));
    else
        sweep_print_text(&report, file);
    rewind(file);
    n = fread(f->text, 1, sizeof(f->text) - 1, file);
    f->text[n] = '\0';
    fclose(file);
}

static void columns_are_the_union_in_order_of_the_points(void **state)
{
    static struct fixture f;

    (void) state;
    begin(&f, "k=1,2,3", NULL);
    assert_int_equal(take(&f, 2, 30, "z"), MMUSIM_OK); /* finished first */
    assert_int_equal(take(&f, 0, 10, NULL), MMUSIM_OK);
    assert_int_equal(take(&f, 1, 20, "a"), MMUSIM_OK);
    print(&f, PLOT_ASCII, 'c');
    assert_string_equal(f.text, "k,cycles.walk,cycles.base,cycles.idle,a,z\n"
                                "1,10,1000,777,,\n"
                                "2,20,1000,777,1.500,\n"
                                "3,30,1000,777,,1.500\n");
    end(&f);
}

static void unfinished_points_have_no_row(void **state)
{
    static struct fixture f;

    (void) state;
    begin(&f, "k=1..3", NULL);
    take(&f, 1, 20, NULL);
    print(&f, PLOT_ASCII, 'c');
    assert_string_equal(f.text, "k,cycles.walk,cycles.base,cycles.idle\n"
                                "2,20,1000,777\n");
    print(&f, PLOT_ASCII, 'j');
    assert_non_null(strstr(f.text,
                           "{\"parameters\": {\"k\": \"2\"}, \"stats\": "
                           "{\"cycles.walk\": 20, "));
    assert_null(strstr(f.text, "{\"k\": \"1\"}"));
    end(&f);
}

static void the_default_metric_leaves_out_idle(void **state)
{
    static struct fixture f;

    (void) state;
    begin(&f, "k=1", NULL);
    take(&f, 0, 10, NULL);
    assert_int_equal(f.result.metric[0], 1010);
    end(&f);
}

static void a_metric_may_be_any_statistic_there_is(void **state)
{
    static struct fixture f;

    (void) state;
    begin(&f, "k=1,2", "ratio");
    assert_int_equal(take(&f, 0, 10, "ratio"), MMUSIM_OK);
    assert_int_equal(f.result.metric[0], 1500);
    assert_int_equal(take(&f, 1, 10, NULL), MMUSIM_USAGE);
    assert_false(f.result.is_done[1]);
    end(&f);
}

static void the_verdict_names_range_gain_and_moved_bucket(void **state)
{
    static struct fixture f;

    (void) state;
    begin(&f, "k=1..4", NULL);
    take(&f, 0, 1000, NULL);
    take(&f, 1, 500, NULL);
    take(&f, 2, 501, NULL);
    take(&f, 3, 800, NULL);
    print(&f, PLOT_ASCII, 't');
    assert_non_null(strstr(f.text,
                           "best: k 2..3 (busy cycles 1,500): 25.00 % below "
                           "the worst (k=1); buckets against it: walk "
                           "-25.00 %\n"));
    end(&f);
}

static void equal_points_are_called_flat(void **state)
{
    static struct fixture f;

    (void) state;
    begin(&f, "k=1..2", NULL);
    take(&f, 0, 1000, NULL);
    take(&f, 1, 1001, NULL);
    print(&f, PLOT_BRAILLE, 't');
    assert_non_null(strstr(f.text, "flat: all 2 points"));
    assert_null(strstr(f.text, "best:"));
    end(&f);
}

static void nothing_finished_prints_no_verdict(void **state)
{
    static struct fixture f;

    (void) state;
    begin(&f, "k=1..2", NULL);
    print(&f, PLOT_ASCII, 't');
    assert_string_equal(f.text, "machine m, source s, 0 of 2 points\n");
    print(&f, PLOT_ASCII, 'c');
    assert_string_equal(f.text, "k\n");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_the_union_in_order_of_the_points),
        cmocka_unit_test(unfinished_points_have_no_row),
        cmocka_unit_test(the_default_metric_leaves_out_idle),
        cmocka_unit_test(a_metric_may_be_any_statistic_there_is),
        cmocka_unit_test(the_verdict_names_range_gain_and_moved_bucket),
        cmocka_unit_test(equal_points_are_called_flat),
        cmocka_unit_test(nothing_finished_prints_no_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
