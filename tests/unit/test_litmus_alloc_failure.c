/* SPDX-License-Identifier: MIT */
/* Litmus tests and lists of verdicts when memory is short: a status, no leak,
 * no crash, whichever allocation fails. */
#include "mmusim/litmus.h"
#include "support/failing_action.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static mmusim_status_t run_a_test(void)
{
    static const char text[] = "AArch64 t\n"
                               "{ [PTE(x)]=(oa:PA(x),valid:0);\n"
                               "  0:X0=(oa:PA(x)); 0:X1=PTE(x); 1:X2=x; }\n"
                               " P0 | P1 ;\n"
                               " STR X0,[X1] | L0:LDR W4,[X2] ;\n"
                               " DSB ISH | LDR W5,[X2] ;\n"
                               " LSR X3,X2,#12 | ;\n"
                               " TLBI VAE1IS,X3 | ;\n"
                               "exists (fault(P1:L0,x))";
    static const mmusim_litmus_options_t options = {.schedules = 50};
    mmusim_litmus_t *litmus = NULL;
    mmusim_diag_t diag;
    mmusim_status_t status = mmusim_litmus_run_text("t", text, sizeof(text) - 1,
                                                    &options, &litmus, &diag);

    if (status)
        assert_null(litmus);
    mmusim_litmus_destroy(litmus);
    return status;
}

static mmusim_status_t read_verdicts(void)
{
    char path[4096];
    mmusim_litmus_kinds_t *kinds = NULL;
    mmusim_diag_t diag;
    mmusim_status_t status;

    snprintf(path, sizeof(path), "%s/tests/litmus/kinds.tsv",
             getenv("SOURCE_DIR") ? getenv("SOURCE_DIR") : ".");
    status = mmusim_litmus_kinds_open(path, &kinds, &diag);
    mmusim_litmus_kinds_close(kinds);
    return status;
}

static void a_run_fails_cleanly(void **state)
{
    (void) state;
    fail_each_allocation(run_a_test);
}

static void a_list_of_verdicts_fails_cleanly(void **state)
{
    (void) state;
    fail_each_allocation(read_verdicts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_fails_cleanly),
        cmocka_unit_test(a_list_of_verdicts_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
