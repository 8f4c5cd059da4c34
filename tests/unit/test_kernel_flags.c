/* SPDX-License-Identifier: MIT */
/*
 * D set by the kernel in a fault, where the hardware does not (page_table.dirty
 * software): a page of shared memory that is read first is mapped writable and
 * clean; its first store then faults, and only that.
 */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = run_fixture_create(2);
    return 0;
}

static void say(struct run_fixture *f)
{
    program_say(f->program, "1 mmap 0x10000 0x2000 rw- anon shared\n"
                            "1 r 0x10000\n1 n 1000\n"
                            "1 w 0x10000\n1 n 1000\n1 w 0x10008\n"
                            "1 w 0x11000\n1 n 1000\n1 w 0x11008\n");
}

static void hardware_sets_it_in_a_walk(void **state)
{
    struct run_fixture *f = *state;

    say(f);
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "faults.flags"), 0);
    assert_int_equal(run_stat(&f->run, "walker.dirty_walks"), 1);
}

static void software_sets_it_in_one_fault(void **state)
{
    struct run_fixture *f = *state;

    say(f);
    f->config.walker.has_software_dirty = true;
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "faults.flags"), 1);
    assert_int_equal(run_stat(&f->run, "faults.minor"), 2);
    assert_int_equal(run_stat(&f->run, "faults.spurious"), 0);
    assert_int_equal(run_stat(&f->run, "walker.dirty_walks"), 0);
}

/* The stale read-only entry may be in another CPU's TLB, too. */
static void the_clean_entry_is_flushed_everywhere(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x1000 rw- anon shared\n"
                            "1 r 0x10000\n1 clone 2\n1 n 100000\n"
                            "2 r 0x10000\n2 n 400000\n"
                            "1 w 0x10000\n");
    f->config.walker.has_software_dirty = true;
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "faults.flags"), 1);
    assert_int_equal(run_stat(&f->run, "flush.received_pages"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hardware_sets_it_in_a_walk, setup,
                                        run_fixture_teardown),
        cmocka_unit_test_setup_teardown(software_sets_it_in_one_fault, setup,
                                        run_fixture_teardown),
        cmocka_unit_test_setup_teardown(the_clean_entry_is_flushed_everywhere,
                                        setup, run_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
