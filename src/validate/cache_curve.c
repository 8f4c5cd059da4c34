/* SPDX-License-Identifier: MIT */
/* Misses of cyclic runs: see cache_curve.h. No libm, so that every host gives
 * the same digits. */
#include "validate/cache_curve.h"

/* exp(-y), y >= 0: halved until a few terms do, then squared back. */
static double curve_decay(double y)
{
    uint32_t n_halved = 0;
    double power;

    if (y > 600)
        return 0;
    for (; y > 1.0 / 64; y /= 2)
        n_halved++;
    power = 1 - y * (1 - y / 2 * (1 - y / 3 * (1 - y / 4)));
    while (n_halved--)
        power *= power;
    return power;
}

/* -ln(1 - 1/w). */
static double curve_log_rate(uint32_t n_ways)
{
    double term = 1;
    double sum = 0;

    if (n_ways == 1)
        return 600; /* the only line goes at once */
    for (uint32_t i = 1; i <= 64; i++) {
        term /= n_ways;
        sum += term / i;
    }
    return sum;
}

/* Share of k lines that a full set of random replacement still has. */
static double curve_kept_at_random(double k, uint32_t n_ways, double kept_p,
                                   double rate)
{
    double low = 0;
    double high = n_ways / k; /* no more can be there */

    for (uint32_t i = 0; i < 24; i++) {
        double x = (low + high) / 2;
        double next =
            (x + (1 - x) * kept_p) * curve_decay(kept_p * (1 - x) * k * rate);

        if (next > x)
            low = x;
        else
            high = x;
    }
    return low;
}

void mmusim__cache_crowding_init(struct cache_crowding *crowding,
                                 const struct cache_shape *shape)
{
    double kept_p = (100 - shape->bypass_percent) / 100.0;
    double rate = curve_log_rate(shape->n_ways);

    crowding->n = shape->n_ways * CURVE_CROWDED;
    for (uint32_t k = 0; k <= crowding->n; k++) {
        if (k <= shape->n_ways)
            crowding->misses[k] = 0;
        else if (!shape->is_random)
            crowding->misses[k] = 1;
        else
            crowding->misses[k] =
                1 - curve_kept_at_random(k, shape->n_ways, kept_p, rate);
    }
}

static double curve_misses_at(const struct cache_crowding *crowding, double k)
{
    uint32_t below = (uint32_t) k;
    double part = k - below;

    if (k >= crowding->n)
        return 1;
    /* between two whole numbers of lines, some sets have one, some the other */
    return ((1 - part) * below * crowding->misses[below] +
            part * (below + 1) * crowding->misses[below + 1]) /
           k;
}

/* The mean over sets of n lines each in one of n_sets at random, weighted by
 * the lines. From the most likely number outwards, in ratios of neighbours. */
static double curve_binomial(const struct cache_crowding *crowding, double n,
                             double n_sets)
{
    double odds = 1 / (n_sets - 1);
    double mode = (double) (uint64_t) ((n + 1) / n_sets);
    double weight = 1;
    double sum = 0;
    double lines = 0;

    for (double k = mode; k <= n && weight > 1e-9; k++) {
        sum += weight * k * (k > 0 ? curve_misses_at(crowding, k) : 0);
        lines += weight * k;
        weight *= (n - k) / (k + 1) * odds;
    }
    weight = 1;
    for (double k = mode; k >= 1 && weight > 1e-9; k--) {
        weight *= k / ((n - k + 1) * odds);
        sum +=
            weight * (k - 1) * (k > 1 ? curve_misses_at(crowding, k - 1) : 0);
        lines += weight * (k - 1);
    }
    return lines > 0 ? sum / lines : 0;
}

double mmusim__cache_misses(const struct cache_shape *shape,
                            const struct cache_crowding *crowding,
                            double n_lines)
{
    uint32_t even_bits = shape->plain_bits < shape->colour_bits
                             ? shape->plain_bits
                             : shape->colour_bits;
    double n_classes = (double) (UINT64_C(1) << even_bits);
    double n_sets = (double) shape->n_sets / n_classes;
    double n = n_lines / n_classes;

    if (!shape->n_sets)
        return 1;
    if (n <= 1)
        return 0;
    if (n_sets <= 1)
        return curve_misses_at(crowding, n);
    return curve_binomial(crowding, n, n_sets);
}
