/* SPDX-License-Identifier: MIT */
/* The conformance matrix, an architecture a test: see conform.h. */
#include "conformance/conform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The whole matrix takes minutes in a Debug build: scripts/conformance.sh. */
enum { STRIDE = 5 }; /* prime to the organisations */

static uint64_t n_cells;

static void check(const char *name, const struct conform_machine *machines,
                  size_t n)
{
    const char *stride = getenv("MMUSIM_CONFORMANCE_STRIDE");
    struct conform_counts counts = {0};

    for (size_t i = 0; i < n; i++)
        conform_run(&machines[i],
                    stride ? (uint32_t) strtoul(stride, NULL, 10) : STRIDE,
                    &counts);
    n_cells += conform_cells(&counts);
    print_message(
        "%s: %llu cells (%llu leaves, %llu pointers, %llu of stage 2, %llu "
        "look-ups, %llu walks in flight) of %llu instructions on %llu "
        "machines; must stay %llu, must go %llu; open: stays %llu, goes %llu; "
        "wrong %llu\n",
        name, (unsigned long long) conform_cells(&counts),
        (unsigned long long) counts.leaves,
        (unsigned long long) counts.pointers,
        (unsigned long long) counts.stage2,
        (unsigned long long) counts.look_ups, (unsigned long long) counts.walks,
        (unsigned long long) counts.instructions,
        (unsigned long long) counts.machines, (unsigned long long) counts.kept,
        (unsigned long long) counts.dropped,
        (unsigned long long) counts.either_kept,
        (unsigned long long) counts.either_dropped,
        (unsigned long long) counts.wrong);
    assert_int_equal(counts.wrong, 0);
}

static void x86_drops_what_the_manuals_say(void **state)
{
    (void) state;
    check("x86", conform_x86, conform_n_x86);
}

static void armv8_drops_what_the_manual_says(void **state)
{
    (void) state;
    check("Armv8", conform_armv8, conform_n_armv8);
}

static void armv7_drops_what_the_manual_says(void **state)
{
    (void) state;
    check("Armv7", conform_armv7, conform_n_armv7);
}

static void riscv_drops_what_the_manuals_say(void **state)
{
    (void) state;
    check("RISC-V", conform_riscv, conform_n_riscv);
}

static void the_matrix_has_a_hundred_thousand_cells(void **state)
{
    (void) state;
    print_message("in all: %llu cells\n", (unsigned long long) n_cells);
    assert_true(n_cells > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x86_drops_what_the_manuals_say),
        cmocka_unit_test(armv8_drops_what_the_manual_says),
        cmocka_unit_test(armv7_drops_what_the_manual_says),
        cmocka_unit_test(riscv_drops_what_the_manuals_say),
        cmocka_unit_test(the_matrix_has_a_hundred_thousand_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
