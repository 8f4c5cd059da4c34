/* SPDX-License-Identifier: MIT */
/* Curves when memory is short: a status, no leak, no crash, whichever
 * allocation fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mmusim/validate.h"
#include "support/failing_malloc.h"
#include "support/temp_folder.h"

#include <string.h>

enum { LOAD_FAILURES_MAX = 100, RUN_FAILURES = 40 };

static const char text[] =
    "tlb_of,cpu,size_KiB,pages_at_4KiB_stride,cycles_stride_64B,"
    "cycles_stride_4K\n"
    "generic,A,32,8,4,4\ngeneric,A,48,12,14,14\ngeneric,A,64,16,14,14\n"
    "generic,A,96,24,14,14\ngeneric,A,128,32,14,14\ngeneric,A,192,48,14,14\n"
    "generic,B,32,8,4,4\ngeneric,B,48,12,14,14\ngeneric,B,64,16,14,14\n"
    "generic,B,96,24,14,14\ngeneric,B,128,32,14,14\ngeneric,B,192,48,14,14\n";

static struct temp_folder *folder;
static const char *path;

static int setup(void **state)
{
    (void) state;
    if (temp_folder_create(&folder))
        return -1;
    path = temp_folder_write(folder, "c.csv", text, sizeof(text) - 1);
    return path ? 0 : -1;
}

static int teardown(void **state)
{
    (void) state;
    temp_folder_destroy(folder);
    return 0;
}

static void curves_are_read_or_memory_is_short(void **state)
{
    uint64_t before = failing_malloc_live_blocks();
    uint32_t n = 0;
    bool has_failed = true;

    (void) state;
    for (; has_failed && n < LOAD_FAILURES_MAX; n++) {
        mmusim_curves_t *curves;
        mmusim_diag_t diag = {0};
        mmusim_status_t status;

        failing_malloc_after(n);
        status = mmusim_curves_load(path, &curves, &diag);
        has_failed = failing_malloc_stop();
        assert_int_equal(status, has_failed ? MMUSIM_NOMEM : MMUSIM_OK);
        mmusim_curves_destroy(curves);
        assert_int_equal(failing_malloc_live_blocks(), before);
    }
    assert_in_range(n, 5, LOAD_FAILURES_MAX - 1);
}

/* The first allocations: the result's, the fit's, the first machine's. */
static void a_run_that_memory_is_short_for_leaves_nothing(void **state)
{
    mmusim_config_t *config = NULL;
    mmusim_curves_t *curves = NULL;
    uint64_t before;

    (void) state;
    assert_int_equal(mmusim_config_create(&config), 0);
    assert_int_equal(mmusim_curves_load(path, &curves, NULL), 0);
    before = failing_malloc_live_blocks();
    for (uint32_t n = 0; n < RUN_FAILURES; n++) {
        mmusim_latency_t *latency = (void *) &latency;
        mmusim_diag_t diag = {0};

        failing_malloc_after(n);
        assert_int_equal(mmusim_latency_run(curves, 1, config, &latency, &diag),
                         MMUSIM_NOMEM);
        assert_true(failing_malloc_stop());
        assert_null(latency);
        assert_int_equal(diag.status, MMUSIM_NOMEM);
        assert_int_equal(failing_malloc_live_blocks(), before);
    }
    mmusim_curves_destroy(curves);
    mmusim_config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_are_read_or_memory_is_short),
        cmocka_unit_test(a_run_that_memory_is_short_for_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
