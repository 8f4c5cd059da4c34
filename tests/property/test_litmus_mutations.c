/* SPDX-License-Identifier: MIT */
/* The litmus explorer would see a machine that is wrong: each fault that is
 * put in shows a Forbidden outcome of a test in tests/litmus, which the sound
 * machine never shows. */
#include "litmus/litmus_file.h"
#include "litmus/litmus_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_SCHEDULES = 3000 };

static uint64_t positive_runs(const char *name, enum litmus_mutation mutation)
{
    static struct litmus_test test;
    struct litmus_plan plan = {
        .n_schedules = N_SCHEDULES, .seed = 1, .mutation = mutation};
    struct litmus_result result = {0};
    mmusim_diag_t diag;
    char path[4096];
    char *text;
    size_t n_bytes;

    snprintf(path, sizeof(path), "%s/tests/litmus/%s.litmus",
             getenv("SOURCE_DIR") ? getenv("SOURCE_DIR") : ".", name);
    assert_int_equal(mmusim__litmus_read_file(path, &text, &n_bytes, &diag),
                     MMUSIM_OK);
    assert_int_equal(mmusim__litmus_parse(path, text, n_bytes, &test, &diag),
                     MMUSIM_OK);
    free(text);
    assert_int_equal(mmusim__litmus_explore(&test, &plan, &result), MMUSIM_OK);
    assert_int_equal(result.n_stuck, 0);
    free(result.outcomes);
    return result.n_positive;
}

static void shows(const char *name, enum litmus_mutation mutation)
{
    assert_int_equal(positive_runs(name, LITMUS_SOUND), 0);
    if (!positive_runs(name, mutation))
        fail_msg("%s does not show the fault", name);
}

static void a_tlbi_that_leaves_entries_is_seen(void **state)
{
    (void) state;
    shows("shootdown-local", LITMUS_TLBI_KEEPS_ENTRIES);
    shows("shootdown-remote", LITMUS_TLBI_KEEPS_ENTRIES);
}

static void a_dsb_that_does_not_wait_for_others_is_seen(void **state)
{
    (void) state;
    shows("shootdown-remote", LITMUS_DSB_IGNORES_REMOTE);
}

static void a_walk_in_flight_that_is_not_poisoned_is_seen(void **state)
{
    (void) state;
    shows("shootdown-remote", LITMUS_WALK_NOT_POISONED);
}

static void an_access_that_keeps_its_translation_is_seen(void **state)
{
    (void) state;
    shows("shootdown-remote", LITMUS_ACCESS_NOT_REPLAYED);
    shows("write-protect-keeps-dirty", LITMUS_ACCESS_NOT_REPLAYED);
}

static void an_isb_that_does_nothing_is_seen(void **state)
{
    (void) state;
    shows("shootdown-local", LITMUS_ISB_DOES_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tlbi_that_leaves_entries_is_seen),
        cmocka_unit_test(a_dsb_that_does_not_wait_for_others_is_seen),
        cmocka_unit_test(a_walk_in_flight_that_is_not_poisoned_is_seen),
        cmocka_unit_test(an_access_that_keeps_its_translation_is_seen),
        cmocka_unit_test(an_isb_that_does_nothing_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
