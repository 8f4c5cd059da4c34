/* SPDX-License-Identifier: MIT */
/* The checker judges the same in both engines, to the use. */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct run_fixture *f = run_fixture_create(2);

    f->config.checker.is_enabled = true;
    *state = f;
    return 0;
}

/* CPU 0 uses a page in every cycle, and CPU 1 takes it away in the very cycle
 * in which it enters the kernel: that is behind CPU 0's use of the cycle. */
static void regress_a_change_in_the_cycle_of_its_call(void **state)
{
    struct run_fixture *f = *state;
    struct cost_config *cost = &f->config.cost;
    struct machine_run reference;

    cost->syscall_entry_cycles = cost->vma_cycles = cost->lock_cycles = 0;
    cost->pte_scan_cycles = cost->pte_clear_cycles = 0;
    f->config.core.base_cpi_q16 = 1 << 16;
    program_say(f->program, "1 mmap 0x10000 0x4000 rw-\n1 w 0x10000\n"
                            "1 clone 2\n2 n 500");
    for (unsigned i = 0; i < 4000; i++)
        program_say(f->program, "1 r 0x10000");
    for (unsigned i = 0; i < 10; i++)
        program_say(f->program,
                    "2 madvise 0x10000 0x1000 dontneed\n2 n %u\n2 w 0x10000",
                    200 + i);
    run_fixture_run(f);
    assert_true(run_fixture_stat(f, "checker.allowed_stale_hits") > 0);
    f->config.engine = ENGINE_REFERENCE;
    run_well(&reference, &f->config, f->program);
    run_assert_equal(&f->run, &reference);
    run_fini(&reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            regress_a_change_in_the_cycle_of_its_call, setup,
            run_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
