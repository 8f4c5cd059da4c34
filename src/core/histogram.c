/* SPDX-License-Identifier: MIT */
/*
 * Exact histogram: see histogram.h. Linear probing over cells of (value,
 * count) at a load of up to 3/4; a cell with count 0 is empty.
 */
#include "core/histogram.h"

#include <stdlib.h>
#include <string.h>

enum { HISTOGRAM_FIRST_CAPACITY = 64 }; /* cells; a power of two */

struct histogram_cell {
    uint64_t value;
    uint64_t count;
};

static uint32_t histogram_home(uint64_t value, uint32_t capacity)
{
    /* Fibonacci hashing: the multiplier is 2^64 / golden ratio. */
    uint64_t mixed = value * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t) (mixed >> 32) & (capacity - 1);
}

/* The value's cell, or the empty one where it belongs. */
static struct histogram_cell *histogram_cell_of(struct histogram_cell *cells,
                                                uint32_t capacity,
                                                uint64_t value)
{
    uint32_t i = histogram_home(value, capacity);

    while (cells[i].count && cells[i].value != value)
        i = (i + 1) & (capacity - 1);
    return &cells[i];
}

static bool histogram_grow(struct histogram *histogram)
{
    uint32_t capacity = HISTOGRAM_FIRST_CAPACITY;
    struct histogram_cell *cells;

    if (histogram->capacity > UINT32_MAX / 2)
        return false;
    if (histogram->capacity)
        capacity = histogram->capacity * 2;
    cells = calloc(capacity, sizeof(*cells));
    if (!cells)
        return false;
    for (uint32_t i = 0; i < histogram->capacity; i++) {
        const struct histogram_cell *cell = &histogram->cells[i];

        if (cell->count)
            *histogram_cell_of(cells, capacity, cell->value) = *cell;
    }
    free(histogram->cells);
    histogram->cells = cells;
    histogram->capacity = capacity;
    return true;
}

static uint64_t histogram_add_saturating(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static int histogram_compare_cells(const void *a, const void *b)
{
    const struct histogram_cell *left = a;
    const struct histogram_cell *right = b;

    return (left->value > right->value) - (left->value < right->value);
}

/* ceil(percent / 100 * n) without overflow. */
static uint64_t histogram_rank(uint64_t n, uint32_t percent)
{
    return n / 100 * percent + (n % 100 * percent + 99) / 100;
}

static uint64_t histogram_value_at(const struct histogram_cell *sorted,
                                   uint32_t n_sorted, uint64_t rank)
{
    uint64_t n_passed = 0;

    for (uint32_t i = 0; i < n_sorted; i++) {
        n_passed += sorted[i].count;
        if (n_passed >= rank)
            return sorted[i].value;
    }
    return sorted[n_sorted - 1].value;
}

void mmusim__histogram_init(struct histogram *histogram)
{
    *histogram = (struct histogram){0};
}

void mmusim__histogram_fini(struct histogram *histogram)
{
    free(histogram->cells);
    *histogram = (struct histogram){0};
}

void mmusim__histogram_add(struct histogram *histogram, uint64_t value)
{
    struct histogram_cell *cell = NULL;

    if (histogram->capacity)
        cell = histogram_cell_of(histogram->cells, histogram->capacity, value);
    if (!cell || !cell->count) {
        if (histogram->n_distinct >= histogram->capacity / 4 * 3 &&
            !histogram_grow(histogram)) {
            histogram->has_failed = true;
            return;
        }
        cell = histogram_cell_of(histogram->cells, histogram->capacity, value);
        cell->value = value;
        histogram->n_distinct++;
    }
    cell->count++;
    histogram->n_samples++;
    histogram->sum = histogram_add_saturating(histogram->sum, value);
    if (value > histogram->max)
        histogram->max = value;
}

/* The cells in rising order, n_distinct of them; the caller frees. NULL:
 * memory is short. */
static struct histogram_cell *histogram_sort(const struct histogram *histogram)
{
    struct histogram_cell *sorted =
        malloc((histogram->n_distinct + (size_t) 1) * sizeof(*sorted));
    uint32_t n_sorted = 0;

    if (!sorted)
        return NULL;
    for (uint32_t i = 0; i < histogram->capacity; i++) {
        if (histogram->cells[i].count)
            sorted[n_sorted++] = histogram->cells[i];
    }
    qsort(sorted, n_sorted, sizeof(*sorted), histogram_compare_cells);
    return sorted;
}

bool mmusim__histogram_percentiles(const struct histogram *histogram,
                                   const uint32_t *percents, uint32_t n,
                                   uint64_t *out)
{
    struct histogram_cell *sorted;

    if (!histogram->n_samples) {
        memset(out, 0, n * sizeof(*out));
        return true;
    }
    sorted = histogram_sort(histogram);
    if (!sorted)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t rank = histogram_rank(histogram->n_samples, percents[i]);

        out[i] = histogram_value_at(sorted, histogram->n_distinct, rank);
    }
    free(sorted);
    return true;
}

bool mmusim__histogram_visit(const struct histogram *histogram,
                             void (*visit)(void *context, uint64_t value,
                                           uint64_t n),
                             void *context)
{
    struct histogram_cell *sorted = histogram_sort(histogram);

    if (!sorted)
        return false;
    for (uint32_t i = 0; i < histogram->n_distinct; i++)
        visit(context, sorted[i].value, sorted[i].count);
    free(sorted);
    return true;
}

uint64_t mmusim__histogram_mean_milli(const struct histogram *histogram)
{
    uint64_t n = histogram->n_samples;
    uint64_t whole;
    uint64_t rest;

    if (!n)
        return 0;
    whole = histogram->sum / n;
    if (whole > UINT64_MAX / 1000)
        return UINT64_MAX;
    /* rest < n, and n counts calls of add: it stays far below 2^54. */
    rest = histogram->sum % n;
    return histogram_add_saturating(whole * 1000, (rest * 1000 + n / 2) / n);
}
