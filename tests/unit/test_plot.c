/* SPDX-License-Identifier: MIT */
/* Curves in characters: where the dots are. */
#include "cli/plot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_rising_line_goes_from_bottom_left_to_top_right(void **state)
{
    static const uint64_t values[] = {0, 100};
    struct plot plot;
    char row[3 * PLOT_WIDTH + 1];

    (void) state;
    plot_init(&plot, PLOT_ASCII, values, 2);
    plot_row(&plot, 0, row);
    assert_int_equal(strlen(row), PLOT_WIDTH);
    assert_int_equal(row[PLOT_WIDTH - 1], '*');
    assert_int_equal(row[0], ' ');
    plot_row(&plot, PLOT_HEIGHT - 1, row);
    assert_int_equal(row[0], '*');
    assert_int_equal(row[PLOT_WIDTH - 1], ' ');
}

static void every_column_has_a_dot(void **state)
{
    static const uint64_t values[] = {5, 900, 2, 2, UINT64_MAX, 0, 7};
    enum plot_style styles[] = {PLOT_ASCII, PLOT_BRAILLE};
    struct plot plot;

    (void) state;
    for (size_t s = 0; s < 2; s++) {
        size_t wide = s ? PLOT_DOTS_WIDE : PLOT_WIDTH;

        plot_init(&plot, styles[s], values, 7);
        for (size_t x = 0; x < wide; x++) {
            size_t n = 0;

            for (size_t y = 0; y < PLOT_DOTS_HIGH; y++)
                n += plot.dots[y][x];
            assert_true(n > 0);
        }
    }
}

static void a_flat_curve_is_one_line_in_the_middle(void **state)
{
    static const uint64_t values[] = {7, 7, 7};
    struct plot plot;
    char row[3 * PLOT_WIDTH + 1];
    size_t n_rows = 0;

    (void) state;
    plot_init(&plot, PLOT_ASCII, values, 3);
    for (size_t y = 0; y < PLOT_HEIGHT; y++) {
        plot_row(&plot, y, row);
        n_rows += strchr(row, '*') != NULL;
    }
    assert_int_equal(n_rows, 1);
    plot_row(&plot, 0, row);
    assert_null(strchr(row, '*'));
}

static void a_spike_narrower_than_a_column_is_seen(void **state)
{
    static uint64_t values[5000];
    struct plot plot;
    size_t n = 0;

    (void) state;
    memset(values, 0, sizeof(values));
    values[2501] = 10;
    plot_init(&plot, PLOT_ASCII, values, 5000);
    for (size_t x = 0; x < PLOT_WIDTH; x++)
        n += plot.dots[0][x];
    assert_int_equal(n, 1);
}

static void braille_is_three_bytes_a_character(void **state)
{
    static const uint64_t values[] = {1};
    struct plot plot;
    char row[3 * PLOT_WIDTH + 1];

    (void) state;
    plot_init(&plot, PLOT_BRAILLE, values, 1);
    plot_row(&plot, 0, row);
    assert_int_equal(strlen(row), 3 * PLOT_WIDTH);
    assert_memory_equal(row, "\u2800", 3);
    plot_row(&plot, PLOT_HEIGHT / 2, row);
    assert_memory_not_equal(row, "\u2800", 3);
}

static void no_values_draw_nothing(void **state)
{
    struct plot plot;
    char row[3 * PLOT_WIDTH + 1];

    (void) state;
    plot_init(&plot, PLOT_ASCII, NULL, 0);
    for (size_t y = 0; y < PLOT_HEIGHT; y++) {
        plot_row(&plot, y, row);
        assert_null(strchr(row, '*'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rising_line_goes_from_bottom_left_to_top_right),
        cmocka_unit_test(every_column_has_a_dot),
        cmocka_unit_test(a_flat_curve_is_one_line_in_the_middle),
        cmocka_unit_test(a_spike_narrower_than_a_column_is_seen),
        cmocka_unit_test(braille_is_three_bytes_a_character),
        cmocka_unit_test(no_values_draw_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
