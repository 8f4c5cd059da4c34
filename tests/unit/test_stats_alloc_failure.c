/* SPDX-License-Identifier: MIT */
/* Statistics, generators and sweep rows when memory is short: a status, no
 * leak, no crash, whichever allocation fails. */
#include "cli/sweep_result.h"
#include "core/source.h"
#include "core/stats_set.h"
#include "mmusim/trace.h"
#include "support/failing_action.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static mmusim_status_t fill_stats(mmusim_stats_t **stats)
{
    mmusim_status_t status = mmusim__stats_create(stats);
    char name[32];

    for (unsigned i = 0; !status && i < 600; i++) {
        snprintf(name, sizeof(name), "a_rather_long_name_%u", i);
        mmusim__stats_add(*stats, name, i, "", "");
    }
    if (!status)
        status = mmusim__stats_finish(*stats);
    return status;
}

static mmusim_status_t make_stats(void)
{
    mmusim_stats_t *stats = NULL;
    mmusim_status_t status = fill_stats(&stats);

    mmusim_stats_destroy(stats);
    return status;
}

static mmusim_status_t run_generator(void)
{
    mmusim_source_t *source = NULL;
    struct op_piece piece = {0};
    mmusim_status_t status =
        mmusim_workload_source("munmap,threads=2,rounds=1", &source, NULL);

    for (uint32_t i = 0; !status && i < 3; i++)
        status = source->ops->next(source, i, &piece, NULL);
    if (source)
        source->ops->destroy(source);
    return status;
}

static mmusim_status_t keep_a_row(void)
{
    struct sweep_result result;
    mmusim_stats_t *stats = NULL;
    mmusim_diag_t diag;
    mmusim_status_t status = MMUSIM_NOMEM;

    if (sweep_result_init(&result, 2, NULL, MMUSIM_STATS_SUMS))
        status = fill_stats(&stats);
    if (!status)
        status = sweep_result_take(&result, 0, stats, &diag);
    mmusim_stats_destroy(stats);
    sweep_result_fini(&result);
    return status;
}

static void statistics_report_short_memory(void **state)
{
    (void) state;
    fail_each_allocation(make_stats);
}

static void generators_report_short_memory(void **state)
{
    (void) state;
    fail_each_allocation(run_generator);
}

static void sweep_rows_report_short_memory(void **state)
{
    (void) state;
    fail_each_allocation(keep_a_row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_report_short_memory),
        cmocka_unit_test(generators_report_short_memory),
        cmocka_unit_test(sweep_rows_report_short_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
