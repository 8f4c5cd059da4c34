/* SPDX-License-Identifier: MIT */
/* Configurations: shipped machines, single keys, what is refused. */
#include "machine/machine_config.h"
#include "mmusim/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    return mmusim_config_create((mmusim_config_t **) state);
}

static int teardown(void **state)
{
    mmusim_config_destroy(*state);
    return 0;
}

static void every_shipped_machine_loads(void **state)
{
    static const char *const names[] = {"generic",       "skylake-sp",
                                        "skylake-sp-2s", "zen4",
                                        "zen4-2s",       "westmere-ex-4s"};
    const char *tree = getenv("SOURCE_DIR");
    char folder[1024];

    (void) state;
    snprintf(folder, sizeof(folder), "%s/configs", tree ? tree : ".");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        mmusim_config_t *config;
        mmusim_diag_t diag = {0};

        if (mmusim_config_load(names[i], folder, &config, &diag))
            fail_msg("%s:%u: %s", diag.file, diag.line, diag.text);
        mmusim_config_destroy(config);
    }
}

static void an_unknown_key_names_the_nearest(void **state)
{
    mmusim_diag_t diag = {0};

    assert_int_equal(mmusim_config_set(*state, "os.flush_cieling", "3", &diag),
                     MMUSIM_CONFIG);
    assert_non_null(strstr(diag.text, "nearest: os.flush_ceiling"));
    assert_string_equal(diag.file, "command line");
}

static void times_in_ns_follow_the_clock_in_any_order(void **state)
{
    const struct machine_config *machine = mmusim__config_machine(*state);

    assert_int_equal(
        mmusim_config_set(*state, "ipi.latency_socket_ns", "500", NULL), 0);
    assert_int_equal(machine->ipi.latency_socket_cycles, 1500);
    assert_int_equal(mmusim_config_set(*state, "clock_ghz", "2.001", NULL), 0);
    assert_int_equal(machine->ipi.latency_socket_cycles, 1001);
}

static void entries_that_ways_do_not_divide_are_refused(void **state)
{
    mmusim_diag_t diag = {0};

    assert_int_equal(
        mmusim_config_set(*state, "tlb.l2.0.entries", "1023", NULL), 0);
    assert_int_equal(mmusim_config_check(*state, &diag), MMUSIM_CONFIG);
    assert_string_equal(diag.key, "tlb.l2.0");
}

static void every_value_sets_back_to_itself(void **state)
{
    static const char *const keys[] = {"clock_ghz",           "core.base_cpi",
                                       "os.memory",           "tlb.l1d.0.ways",
                                       "tlb.l1i.1.ways",      "os.page_cache",
                                       "tlb.l2.0.page_sizes", "isa"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char text[256], again[256];

        assert_int_equal(mmusim_config_get(*state, keys[i], text, 256), 0);
        assert_int_equal(mmusim_config_set(*state, keys[i], text, NULL), 0);
        assert_int_equal(mmusim_config_get(*state, keys[i], again, 256), 0);
        assert_string_equal(text, again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shipped_machine_loads),
        cmocka_unit_test_setup_teardown(an_unknown_key_names_the_nearest, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            times_in_ns_follow_the_clock_in_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(
            entries_that_ways_do_not_divide_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(every_value_sets_back_to_itself, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
