/* SPDX-License-Identifier: MIT */
/* See failing_action.h. */
#include "support/failing_action.h"

#include "support/failing_malloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    FAILURES_MAX = 1000, /* more than any of the actions allocates */
};

void fail_each_allocation(failing_action_fn action)
{
    for (uint32_t n = 0; n < FAILURES_MAX; n++) {
        uint64_t before = failing_malloc_live_blocks();
        mmusim_status_t status;
        bool has_failed;

        failing_malloc_after(n);
        status = action();
        has_failed = failing_malloc_stop();
        assert_int_equal(status, has_failed ? MMUSIM_NOMEM : MMUSIM_OK);
        assert_int_equal(failing_malloc_live_blocks(), before);
        if (!has_failed) {
            assert_true(n > 0); /* the action did allocate */
            return;
        }
    }
    fail_msg("the action never ends");
}
