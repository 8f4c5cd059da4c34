/* SPDX-License-Identifier: MIT */
/*
 * Drawing curves with characters. Braille patterns: U+2800 plus one bit a dot
 * (Unicode 15, "Braille Patterns": dots 1-3 and 7 are the left column from the
 * top, 4-6 and 8 the right one).
 */
#include "cli/plot.h"

#include <inttypes.h>
#include <string.h>

enum {
    PLOT_LABEL_WIDTH = 18,
};

static size_t plot_wide(const struct plot *plot)
{
    return plot->style == PLOT_ASCII ? PLOT_WIDTH : PLOT_DOTS_WIDE;
}

static size_t plot_high(const struct plot *plot)
{
    return plot->style == PLOT_ASCII ? PLOT_HEIGHT : PLOT_DOTS_HIGH;
}

/* Rows from the top; a flat curve runs through the middle. */
static size_t plot_y(const struct plot *plot, double value)
{
    double range = (double) plot->max - (double) plot->min;
    double share = range > 0 ? (value - (double) plot->min) / range : 0.5;
    size_t top = plot_high(plot) - 1;
    double down = (1.0 - share) * (double) top + 0.5;

    if (down <= 0.0)
        return 0;
    return down >= (double) top ? top : (size_t) down;
}

/* The curve's height over column x: values are joined by straight lines. */
static double plot_height_at(const uint64_t *values, size_t n, size_t x,
                             size_t wide)
{
    double at = (double) x * (double) (n - 1) / (double) (wide - 1);
    size_t left = (size_t) at;
    double part = at - (double) left;

    if (left + 1 >= n)
        return (double) values[n - 1];
    return (double) values[left] * (1.0 - part) +
           (double) values[left + 1] * part;
}

/* A vertical stroke keeps steep curves in one piece. */
static void plot_stroke(struct plot *plot, size_t x, size_t from, size_t to)
{
    size_t low = from < to ? from : to;
    size_t high = from < to ? to : from;

    for (size_t y = low; y <= high; y++)
        plot->dots[y][x] = 1;
}

static void plot_draw(struct plot *plot, const uint64_t *values, size_t n)
{
    size_t wide = plot_wide(plot);
    size_t before = plot_y(plot, (double) values[0]);

    for (size_t x = 0; x < wide; x++) {
        size_t y = plot_y(plot, plot_height_at(values, n, x, wide));
        size_t from = before < y ? before + 1 : before > y ? before - 1 : y;

        plot_stroke(plot, x, from, y);
        before = y;
    }
    for (size_t i = 0; i < n && n > 1; i++) /* no point falls between columns */
        plot->dots[plot_y(plot, (double) values[i])][i * (wide - 1) / (n - 1)] =
            1;
}

void plot_init(struct plot *plot, enum plot_style style, const uint64_t *values,
               size_t n)
{
    memset(plot, 0, sizeof(*plot));
    plot->style = style;
    if (!n)
        return;
    plot->min = values[0];
    plot->max = values[0];
    for (size_t i = 1; i < n; i++) {
        plot->min = values[i] < plot->min ? values[i] : plot->min;
        plot->max = values[i] > plot->max ? values[i] : plot->max;
    }
    plot_draw(plot, values, n);
}

static unsigned plot_braille_bits(const struct plot *plot, size_t x, size_t y)
{
    static const unsigned char bits[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    unsigned set = 0;

    for (size_t dy = 0; dy < 4; dy++)
        for (size_t dx = 0; dx < 2; dx++)
            if (plot->dots[4 * y + dy][2 * x + dx])
                set |= bits[dy][dx];
    return set;
}

void plot_row(const struct plot *plot, size_t y, char *buffer)
{
    for (size_t x = 0; x < PLOT_WIDTH; x++) {
        unsigned set;

        if (plot->style == PLOT_ASCII) {
            *buffer++ = plot->dots[y][x] ? '*' : ' ';
            continue;
        }
        set = plot_braille_bits(plot, x, y); /* U+2800 + set in UTF-8 */
        *buffer++ = (char) 0xe2;
        *buffer++ = (char) (0xa0 + (set >> 6));
        *buffer++ = (char) (0x80 + (set & 0x3f));
    }
    *buffer = '\0';
}

void plot_print(const struct plot *plot, FILE *file, const char *x_name,
                const char *first_x, const char *last_x)
{
    const char *edge = plot->style == PLOT_ASCII ? "|" : "\u2502";
    char row[3 * PLOT_WIDTH + 1];
    int gap = PLOT_WIDTH - (int) strlen(first_x) - (int) strlen(last_x);

    for (size_t y = 0; y < PLOT_HEIGHT; y++) {
        plot_row(plot, y, row);
        for (size_t n = strlen(row); n && row[n - 1] == ' '; n--)
            row[n - 1] = '\0';
        if (y == 0)
            fprintf(file, "%*" PRIu64, PLOT_LABEL_WIDTH, plot->max);
        else if (y == PLOT_HEIGHT - 1)
            fprintf(file, "%*" PRIu64, PLOT_LABEL_WIDTH, plot->min);
        else
            fprintf(file, "%*s", PLOT_LABEL_WIDTH, "");
        fprintf(file, " %s%s\n", edge, row);
    }
    fprintf(file, "%*s  %s%*s%s\n", PLOT_LABEL_WIDTH, "", first_x,
            gap > 1 ? gap : 1, "", last_x);
    fprintf(file, "%*s  %s\n", PLOT_LABEL_WIDTH, "", x_name);
}
