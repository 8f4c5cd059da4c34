/* SPDX-License-Identifier: MIT */
/* A published measurement run again when memory is short: a status, no leak, no
 * crash, whichever of the first allocations fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mmusim/validate.h"
#include "support/failing_malloc.h"

#include <stdio.h>
#include <stdlib.h>

enum { RUN_FAILURES = 300 };

static void a_run_that_memory_is_short_for_leaves_nothing(void **state)
{
    const char *tree = getenv("SOURCE_DIR");
    char folder[1024];
    const mmusim_experiment_options_t options = {.configs_folder = folder};
    uint64_t before = failing_malloc_live_blocks();

    (void) state;
    snprintf(folder, sizeof(folder), "%s/configs", tree ? tree : ".");
    for (uint32_t n = 0; n < RUN_FAILURES; n++) {
        mmusim_experiment_t *experiment = (void *) &experiment;
        mmusim_diag_t diag = {0};
        mmusim_status_t status;

        failing_malloc_after(n);
        status =
            mmusim_experiment_run("mmap-micro", &options, &experiment, &diag);
        assert_true(failing_malloc_stop());
        assert_int_equal(status, MMUSIM_NOMEM);
        assert_null(experiment);
        assert_int_equal(failing_malloc_live_blocks(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_memory_is_short_for_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
