/* SPDX-License-Identifier: MIT */
/*
 * A curve drawn in text: Braille dots (2 by 4 a character), or plain
 * characters. Pure: points in, text out.
 */
#ifndef MMUSIM_CLI_PLOT_H
#define MMUSIM_CLI_PLOT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum plot_style { PLOT_BRAILLE, PLOT_ASCII };

enum {
    PLOT_WIDTH = 64, /* characters */
    PLOT_HEIGHT = 10,
    PLOT_DOTS_WIDE = 2 * PLOT_WIDTH,
    PLOT_DOTS_HIGH = 4 * PLOT_HEIGHT,
};

/* dots[y][x], y = 0 at the top; of PLOT_ASCII the first PLOT_HEIGHT rows and
 * PLOT_WIDTH columns are used. */
struct plot {
    enum plot_style style;
    unsigned char dots[PLOT_DOTS_HIGH][PLOT_DOTS_WIDE];
    uint64_t min;
    uint64_t max;
};

/* n values at equal distances, joined by lines; the least is at the bottom. */
void plot_init(struct plot *plot, enum plot_style style, const uint64_t *values,
               size_t n);

/* Row y of the plot as text (UTF-8 for PLOT_BRAILLE) into buffer, which has
 * room for 3 * PLOT_WIDTH + 1 bytes. */
void plot_row(const struct plot *plot, size_t y, char *buffer);

/* Rows with the values' range at the left, the keys' range below. */
void plot_print(const struct plot *plot, FILE *file, const char *x_name,
                const char *first_x, const char *last_x);

#endif
