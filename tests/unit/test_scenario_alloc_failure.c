/* SPDX-License-Identifier: MIT */
/* Scenarios when memory is short: a status, no leak, no crash, whichever
 * allocation fails. */
#include "mmusim/scenario.h"
#include "support/failing_action.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char text[] = "mm M\npage P\nmap M A -> P rw\nstart 0 M\n"
                           "start 1 M\n"
                           "0: read A; pte[M][A] = none\n"
                           "0: flush_begin(M, A); invlpg A; flush_done\n"
                           "1: read A; read A\n";

static mmusim_status_t with_scenario(
    mmusim_status_t (*action)(mmusim_scenario_t *scenario, mmusim_diag_t *diag))
{
    mmusim_scenario_t *scenario = NULL;
    mmusim_diag_t diag;
    mmusim_status_t status = mmusim_scenario_open_text(
        "t", text, sizeof(text) - 1, NULL, &scenario, &diag);

    if (status) {
        assert_null(scenario);
        return status;
    }
    status = action(scenario, &diag);
    mmusim_scenario_close(scenario);
    return status;
}

static mmusim_status_t explore(mmusim_scenario_t *scenario, mmusim_diag_t *diag)
{
    static const mmusim_scenario_options_t options = {.schedules = 20};

    return mmusim_scenario_explore(scenario, &options, diag);
}

static mmusim_status_t run_one(void)
{
    return with_scenario(mmusim_scenario_run);
}

static mmusim_status_t explore_one(void)
{
    return with_scenario(explore);
}

static void a_run_fails_cleanly(void **state)
{
    (void) state;
    fail_each_allocation(run_one);
}

static void a_search_fails_cleanly(void **state)
{
    (void) state;
    fail_each_allocation(explore_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_fails_cleanly),
        cmocka_unit_test(a_search_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
