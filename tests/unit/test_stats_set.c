/* SPDX-License-Identifier: MIT */
/* Statistics: order, look-up, and what the writers put out. */
#include "core/stats_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct text {
    char bytes[4096];
    size_t length;
    size_t limit; /* a write beyond it fails */
};

static int text_take(void *context, const char *piece, size_t length)
{
    struct text *text = context;

    if (text->length + length > text->limit)
        return 1;
    memcpy(text->bytes + text->length, piece, length);
    text->length += length;
    text->bytes[text->length] = '\0';
    return 0;
}

static int setup(void **state)
{
    mmusim_stats_t *stats;

    if (mmusim__stats_create(&stats))
        return -1;
    mmusim__stats_add(stats, "sim.cycles", UINT64_MAX, "cycles", "time");
    mmusim__stats_add(stats, "core0.cycles", 7, "cycles", "time");
    mmusim__stats_add_milli(stats, "latency.mean", 12005, "cycles", "mean");
    mmusim__stats_add(stats, "core.odd", 1, "", "no core number");
    mmusim__stats_add(stats, "mark.a.0.core1.cycles", 2, "cycles", "mark");
    *state = stats;
    return mmusim__stats_finish(stats);
}

static int teardown(void **state)
{
    mmusim_stats_destroy(*state);
    return 0;
}

static void rows_keep_the_order_they_were_added_in(void **state)
{
    static const char *const names[] = {"sim.cycles", "core0.cycles",
                                        "latency.mean", "core.odd",
                                        "mark.a.0.core1.cycles"};
    mmusim_stat_t stat;

    assert_int_equal(mmusim_stats_count(*state), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(mmusim_stats_at(*state, i, &stat));
        assert_string_equal(stat.name, names[i]);
    }
    assert_false(mmusim_stats_at(*state, 5, &stat));
}

static void every_name_is_found_and_no_other(void **state)
{
    mmusim_stat_t stat;

    assert_true(mmusim_stats_find(*state, "sim.cycles", &stat));
    assert_true(stat.value == UINT64_MAX);
    assert_true(mmusim_stats_find(*state, "latency.mean", &stat));
    assert_true(stat.is_milli);
    assert_false(mmusim_stats_find(*state, "sim.cycle", &stat));
    assert_false(mmusim_stats_find(*state, "", &stat));
}

static void a_thousand_names_are_found(void **state)
{
    mmusim_stats_t *stats;
    mmusim_stat_t stat;
    char name[32];

    (void) state;
    assert_int_equal(mmusim__stats_create(&stats), MMUSIM_OK);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "core%u.x", i);
        mmusim__stats_add(stats, name, i, "", "");
    }
    assert_int_equal(mmusim__stats_finish(stats), MMUSIM_OK);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "core%u.x", i);
        assert_true(mmusim_stats_find(stats, name, &stat));
        assert_int_equal(stat.value, i);
    }
    mmusim_stats_destroy(stats);
}

static void json_has_the_schema_and_plain_integers(void **state)
{
    static const mmusim_stats_key_t keys[] = {{"os.flush_ceiling", "33", false},
                                              {"name", "33", true},
                                              {"os.strict", "false", false},
                                              {"size", "4K", false},
                                              {"odd", "010", false},
                                              {"ratio", "2.50", false}};
    mmusim_stats_run_t run = {"zen4", "a \"b\"\n\\\xff\xc3\xa9", keys, 6};
    struct text text = {.limit = sizeof(text.bytes) - 1};

    assert_int_equal(mmusim_stats_write_json(*state, &run, text_take, &text),
                     MMUSIM_OK);
    assert_string_equal(
        text.bytes,
        "{\n  \"schema\": \"mmusim-stats-1\",\n  \"machine\": \"zen4\",\n"
        "  \"source\": \"a \\\"b\\\"\\u000a\\\\\\ufffd\xc3\xa9\",\n"
        "  \"config\": {\n    \"os.flush_ceiling\": 33,\n"
        "    \"name\": \"33\",\n    \"os.strict\": false,\n"
        "    \"size\": \"4K\",\n    \"odd\": \"010\",\n"
        "    \"ratio\": 2.50\n  },\n  \"stats\": {\n"
        "    \"sim.cycles\": 18446744073709551615,\n"
        "    \"core0.cycles\": 7,\n    \"latency.mean\": 12.005,\n"
        "    \"core.odd\": 1,\n    \"mark.a.0.core1.cycles\": 2\n  }\n}\n");
}

static void a_sum_table_leaves_out_single_cpus(void **state)
{
    struct text text = {.limit = sizeof(text.bytes) - 1};

    assert_int_equal(
        mmusim_stats_write_csv(*state, MMUSIM_STATS_SUMS, text_take, &text),
        MMUSIM_OK);
    assert_string_equal(text.bytes,
                        "name,value,unit\n"
                        "sim.cycles,18446744073709551615,cycles\n"
                        "latency.mean,12.005,cycles\ncore.odd,1,\n");
}

static void a_per_core_table_has_every_row(void **state)
{
    struct text text = {.limit = sizeof(text.bytes) - 1};

    assert_int_equal(
        mmusim_stats_write_csv(*state, MMUSIM_STATS_PER_CORE, text_take, &text),
        MMUSIM_OK);
    assert_non_null(strstr(text.bytes, "\ncore0.cycles,7,cycles\n"));
    assert_non_null(strstr(text.bytes, "\nmark.a.0.core1.cycles,2,cycles\n"));
}

static void a_failing_sink_is_reported_at_every_length(void **state)
{
    struct text text = {.limit = sizeof(text.bytes) - 1};
    size_t whole;

    mmusim_stats_write_csv(*state, MMUSIM_STATS_SUMS, text_take, &text);
    whole = text.length;
    for (size_t limit = 0; limit < whole; limit++) {
        struct text small = {.limit = limit};

        assert_int_equal(mmusim_stats_write_csv(*state, MMUSIM_STATS_SUMS,
                                                text_take, &small),
                         MMUSIM_SYSTEM);
    }
}

static void csv_fields_are_quoted_where_they_must_be(void **state)
{
    struct text text = {.limit = sizeof(text.bytes) - 1};

    (void) state;
    mmusim_write_csv_text("plain", text_take, &text);
    mmusim_write_csv_text("a,\"b\"", text_take, &text);
    assert_string_equal(text.bytes, "plain\"a,\"\"b\"\"\"");
}

static void a_swapped_or_missing_letter_finds_the_name(void **state)
{
    static const char *const names[] = {"replay", "sweep", "record"};

    (void) state;
    assert_string_equal(mmusim_nearest("relpay", names, 3), "replay");
    assert_string_equal(mmusim_nearest("swep", names, 3), "sweep");
    assert_string_equal(mmusim_nearest("record", names, 3), "record");
    assert_null(mmusim_nearest("zzz", names, 3));
    assert_null(mmusim_nearest("", names, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_keep_the_order_they_were_added_in,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(every_name_is_found_and_no_other, setup,
                                        teardown),
        cmocka_unit_test(a_thousand_names_are_found),
        cmocka_unit_test_setup_teardown(json_has_the_schema_and_plain_integers,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_sum_table_leaves_out_single_cpus,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_per_core_table_has_every_row, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_failing_sink_is_reported_at_every_length, setup, teardown),
        cmocka_unit_test(csv_fields_are_quoted_where_they_must_be),
        cmocka_unit_test(a_swapped_or_missing_letter_finds_the_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
