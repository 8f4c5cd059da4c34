/* SPDX-License-Identifier: MIT */
/* The plan of a store: numbers of points and blocks, the id, the file, and
 * what points of an old plan are in an extended one. */
#include "cli/store_plan.h"

#include "cli/store_extend.h"
#include "cli/store_match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add_axis(struct store_plan *plan, const char *text)
{
    char error[SWEEP_ERROR_BYTES];

    assert_true(sweep_plan_add(&plan->grid, text, error));
    plan->axis_texts[plan->grid.n_axes - 1] = strdup(strchr(text, '=') + 1);
}

static void make_plan(struct store_plan *plan, size_t n_machines,
                      size_t n_sources, const char *a, const char *b)
{
    memset(plan, 0, sizeof(*plan));
    sweep_plan_init(&plan->grid);
    plan->version = strdup("1.2.3");
    plan->machines = calloc(n_machines, sizeof(*plan->machines));
    plan->sources = calloc(n_sources, sizeof(*plan->sources));
    for (size_t i = 0; i < n_machines; i++) {
        plan->machines[i].name = strdup("m0");
        plan->machines[i].name[1] = (char) ('0' + i);
        plan->machines[i].crc = (uint32_t) (1000 + i);
        assert_int_equal(mmusim_config_create(&plan->machines[i].config), 0);
    }
    for (size_t i = 0; i < n_sources; i++) {
        plan->sources[i].name = strdup("s0 \"\xc3\xa4\".mmt");
        plan->sources[i].name[1] = (char) ('0' + i);
        plan->sources[i].path = strdup("/x");
        plan->sources[i].bytes = 10 + i;
        plan->sources[i].crc = (uint32_t) (0xfffffff0 + i);
        plan->sources[i].mtime_ns = INT64_C(1700000000000000000);
    }
    plan->n_machines = n_machines;
    plan->n_sources = n_sources;
    add_axis(plan, a);
    add_axis(plan, b);
    assert_true(store_plan_finish(plan));
}

static void every_point_is_in_one_block_of_one_segment(void **state)
{
    struct store_plan plan;
    size_t next = 0;

    (void) state;
    make_plan(&plan, 3, 2, "a=0..36", "b=1..7");
    assert_int_equal(plan.n_points, 3 * 2 * 37 * 7);
    for (size_t i = 0; i < store_plan_blocks(&plan); i++) {
        size_t first, end;

        store_plan_block(&plan, i, &first, &end);
        assert_int_equal(first, next);
        assert_true(end > first && end - first <= plan.block_points);
        assert_int_equal(store_plan_place(&plan, first).segment,
                         store_plan_place(&plan, end - 1).segment);
        for (size_t j = first; j < end; j++)
            assert_int_equal(store_plan_block_of(&plan, j), i);
        next = end;
    }
    assert_int_equal(next, plan.n_points);
    store_plan_fini(&plan);
}

static void points_count_machine_by_machine_and_source_by_source(void **state)
{
    struct store_plan plan;
    size_t point = 0;
    char text[64];

    (void) state;
    make_plan(&plan, 2, 3, "a=1,2", "b=5,6");
    for (size_t m = 0; m < 2; m++)
        for (size_t s = 0; s < 3; s++)
            for (size_t i = 0; i < 4; i++, point++) {
                struct store_place place = store_plan_place(&plan, point);

                assert_int_equal(place.machine, m);
                assert_int_equal(place.source, s);
                assert_int_equal(place.grid_point, i);
            }
    store_plan_describe(&plan, 4 * 4 + 2, text, sizeof(text));
    assert_string_equal(text, "machine=m1 source=s1 \"\xc3\xa4\".mmt a=2 b=5");
    store_plan_fini(&plan);
}

static void a_plan_is_read_as_it_was_written(void **state)
{
    struct store_plan plan, copy;
    char error[SWEEP_ERROR_BYTES];
    char *text, *again;
    size_t length, length_again;

    (void) state;
    make_plan(&plan, 2, 3, "a=1..9/2,77", "b=x,y z,true");
    assert_true(store_plan_write(&plan, &text, &length));
    if (!store_plan_read(&copy, text, length, error))
        fail_msg("%s", error);
    assert_int_equal(copy.id, plan.id);
    assert_int_equal(copy.n_points, plan.n_points);
    assert_string_equal(copy.sources[2].name, plan.sources[2].name);
    assert_int_equal(copy.sources[2].crc, plan.sources[2].crc);
    assert_int_equal(copy.sources[2].mtime_ns, plan.sources[2].mtime_ns);
    assert_string_equal(copy.grid.axes[1].values[2], "true");
    assert_int_equal(
        mmusim_config_copy(plan.machines[0].config, &copy.machines[0].config),
        0);
    assert_true(store_plan_write(&copy, &again, &length_again));
    assert_string_equal(text, again);
    free(text);
    free(again);
    store_plan_fini(&plan);
    store_plan_fini(&copy);
}

/* Cut anywhere, a plan is refused with a reason; nothing else happens. */
static void a_plan_that_is_cut_short_is_refused(void **state)
{
    struct store_plan plan, copy;
    char error[SWEEP_ERROR_BYTES];
    char *text;
    size_t length;

    (void) state;
    make_plan(&plan, 1, 2, "a=1,2", "b=5");
    assert_true(store_plan_write(&plan, &text, &length));
    for (size_t i = 0; i + 3 < length; i++) {
        assert_false(store_plan_read(&copy, text, i, error));
        assert_true(error[0] != '\0');
    }
    free(text);
    store_plan_fini(&plan);
}

static void a_plan_that_was_edited_is_refused(void **state)
{
    struct store_plan plan, copy;
    char error[SWEEP_ERROR_BYTES];
    char *text;
    size_t length;

    (void) state;
    make_plan(&plan, 1, 1, "a=1,2", "b=5");
    assert_true(store_plan_write(&plan, &text, &length));
    *strstr(text, "1,2") = '3';
    assert_false(store_plan_read(&copy, text, length, error));
    assert_non_null(strstr(error, "changed by hand"));
    free(text);
    store_plan_fini(&plan);
}

static void the_id_is_of_what_results_depend_on(void **state)
{
    struct store_plan plan;
    uint64_t id;

    (void) state;
    make_plan(&plan, 1, 1, "a=1,2", "b=5");
    id = plan.id;
    plan.sources[0].path[0] = '.'; /* the same bytes somewhere else */
    plan.sources[0].mtime_ns++;
    assert_true(store_plan_finish(&plan));
    assert_int_equal(plan.id, id);
    plan.sources[0].crc++;
    assert_true(store_plan_finish(&plan));
    assert_int_not_equal(plan.id, id);
    plan.sources[0].crc--;
    plan.machines[0].crc++;
    assert_true(store_plan_finish(&plan));
    assert_int_not_equal(plan.id, id);
    plan.machines[0].crc--;
    plan.is_per_core = true;
    assert_true(store_plan_finish(&plan));
    assert_int_not_equal(plan.id, id);
    store_plan_fini(&plan);
}

/* In words, so that it needs no numbers: the mapped point is called the same.
 */
static void assert_same_points(const struct store_plan *old,
                               const struct store_plan *now)
{
    size_t *map = store_plan_map(old, now);
    char before[128], after[128];

    assert_non_null(map);
    for (size_t i = 0; i < old->n_points; i++) {
        assert_true(map[i] < now->n_points);
        store_plan_describe(old, i, before, sizeof(before));
        store_plan_describe(now, map[i], after, sizeof(after));
        assert_string_equal(before, after);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(map[i], map[j]);
    }
    free(map);
}

static void an_extended_plan_has_every_old_point(void **state)
{
    struct store_plan old, now;
    char error[SWEEP_ERROR_BYTES];

    (void) state;
    make_plan(&old, 2, 2, "a=1,4,9", "b=5..7");
    make_plan(&now, 3, 3, "a=1,3,4,9", "b=5..9"); /* more of all */
    assert_true(store_plan_extend(&now, &old, error));
    assert_int_equal(now.n_points, 3 * 3 * 4 * 5);
    assert_same_points(&old, &now);
    store_plan_fini(&now);
    make_plan(&now, 2, 2, "a=2,4", "b=9"); /* only what is new */
    assert_true(store_plan_extend(&now, &old, error));
    assert_int_equal(now.grid.axes[0].n_values, 4);
    assert_string_equal(now.grid.axes[0].values[3], "2");
    assert_int_equal(now.n_points, 2 * 2 * 4 * 4);
    assert_same_points(&old, &now);
    store_plan_fini(&now);
    store_plan_fini(&old);
}

static void what_would_mix_results_is_no_extension(void **state)
{
    struct store_plan old, now;
    char error[SWEEP_ERROR_BYTES];

    (void) state;
    make_plan(&old, 1, 1, "a=1", "b=5");
    make_plan(&now, 1, 1, "a=1", "c=5");
    assert_false(store_plan_extend(&now, &old, error));
    assert_non_null(strstr(error, "c was not swept"));
    store_plan_fini(&now);
    make_plan(&now, 1, 1, "a=1", "b=5");
    now.sources[0].crc++;
    assert_false(store_plan_extend(&now, &old, error));
    assert_non_null(strstr(error, "not the trace"));
    store_plan_fini(&now);
    make_plan(&now, 1, 1, "a=1", "b=5");
    now.version[0] = '9';
    assert_false(store_plan_extend(&now, &old, error));
    assert_non_null(strstr(error, "9.2.3"));
    store_plan_fini(&now);
    store_plan_fini(&old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_is_in_one_block_of_one_segment),
        cmocka_unit_test(points_count_machine_by_machine_and_source_by_source),
        cmocka_unit_test(a_plan_is_read_as_it_was_written),
        cmocka_unit_test(a_plan_that_is_cut_short_is_refused),
        cmocka_unit_test(a_plan_that_was_edited_is_refused),
        cmocka_unit_test(the_id_is_of_what_results_depend_on),
        cmocka_unit_test(an_extended_plan_has_every_old_point),
        cmocka_unit_test(what_would_mix_results_is_no_extension),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
