/* SPDX-License-Identifier: MIT */
/* The best points of a sweep, and their names. */
#include "cli/sweep_winner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Text that grows in a fixed buffer and is cut at its end. */
struct winner_text {
    char *buffer;
    size_t size;
    size_t length;
};

static void winner_put(struct winner_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void winner_put(struct winner_text *text, const char *format, ...)
{
    va_list args;
    int n;

    if (text->length + 1 >= text->size)
        return;
    va_start(args, format);
    n = vsnprintf(text->buffer + text->length, text->size - text->length,
                  format, args);
    va_end(args);
    if (n > 0)
        text->length += (size_t) n;
    if (text->length >= text->size)
        text->length = text->size - 1;
}

bool sweep_is_plateau(uint64_t best, uint64_t value)
{
    return value - best <= best / 1000;
}

struct sweep_verdict sweep_judge(const struct sweep_curve *curve)
{
    struct sweep_verdict verdict = {.best = curve->n, .worst = curve->n};

    for (size_t i = 0; i < curve->n; i++) {
        if (!curve->is_done[i])
            continue;
        if (!verdict.n_done || curve->metric[i] < curve->metric[verdict.best])
            verdict.best = i;
        if (!verdict.n_done || curve->metric[i] > curve->metric[verdict.worst])
            verdict.worst = i;
        verdict.n_done++;
    }
    for (size_t i = 0; verdict.n_done && i < curve->n; i++)
        verdict.n_plateau +=
            curve->is_done[i] &&
            sweep_is_plateau(curve->metric[verdict.best], curve->metric[i]);
    verdict.is_flat = verdict.n_done && verdict.n_plateau == verdict.n_done;
    return verdict;
}

static bool winner_has(const struct sweep_curve *curve,
                       const struct sweep_verdict *verdict, size_t point)
{
    return curve->is_done[point] &&
           sweep_is_plateau(curve->metric[verdict->best], curve->metric[point]);
}

static void winner_put_range(struct winner_text *text,
                             const struct sweep_axis *axis, size_t low,
                             size_t high)
{
    if (low == high)
        winner_put(text, "%s", axis->values[low]);
    else if (axis->is_numeric)
        winner_put(text, "%s..%s", axis->values[low], axis->values[high]);
    for (size_t i = low; low != high && !axis->is_numeric && i <= high; i++)
        winner_put(text, "%s%s", i > low ? ", " : "", axis->values[i]);
}

/* One axis: every run of plateau points. */
static void winner_name_runs(struct winner_text *text,
                             const struct sweep_axis *axis,
                             const struct sweep_curve *curve,
                             const struct sweep_verdict *verdict)
{
    size_t n_runs = 0;

    winner_put(text, "%s ", axis->key);
    for (size_t i = 0; i < curve->n; i++) {
        size_t low = i;

        if (!winner_has(curve, verdict, i))
            continue;
        while (i + 1 < curve->n && winner_has(curve, verdict, i + 1))
            i++;
        winner_put(text, "%s", n_runs++ ? ", " : "");
        winner_put_range(text, axis, low, i);
    }
}

/* The box of index ranges that the plateau spans; returns its volume. */
static size_t winner_span(const struct sweep_plan *plan,
                          const struct sweep_curve *curve,
                          const struct sweep_verdict *verdict, size_t *low,
                          size_t *high)
{
    size_t volume = 1;

    for (size_t axis = 0; axis < plan->n_axes; axis++) {
        low[axis] = sweep_plan_index(plan, verdict->best, axis);
        high[axis] = low[axis];
        for (size_t i = 0; i < curve->n; i++) {
            size_t at = sweep_plan_index(plan, i, axis);

            if (!winner_has(curve, verdict, i))
                continue;
            low[axis] = at < low[axis] ? at : low[axis];
            high[axis] = at > high[axis] ? at : high[axis];
        }
        volume *= high[axis] - low[axis] + 1;
    }
    return volume;
}

static void winner_name_box(struct winner_text *text,
                            const struct sweep_plan *plan,
                            const struct sweep_curve *curve,
                            const struct sweep_verdict *verdict)
{
    size_t low[SWEEP_AXES_MAX], high[SWEEP_AXES_MAX];
    bool is_box =
        winner_span(plan, curve, verdict, low, high) == verdict->n_plateau;

    for (size_t axis = 0; axis < plan->n_axes; axis++) {
        size_t at = sweep_plan_index(plan, verdict->best, axis);

        winner_put(text, "%s%s ", axis ? " with " : "", plan->axes[axis].key);
        winner_put_range(text, &plan->axes[axis], is_box ? low[axis] : at,
                         is_box ? high[axis] : at);
    }
    if (!is_box)
        winner_put(text, " and %zu other points", verdict->n_plateau - 1);
}

void sweep_name_plateau(const struct sweep_plan *plan,
                        const struct sweep_curve *curve,
                        const struct sweep_verdict *verdict, char *buffer,
                        size_t size_bytes)
{
    struct winner_text text = {buffer, size_bytes, 0};

    buffer[0] = '\0';
    if (!verdict->n_done)
        return;
    if (plan->n_axes == 1)
        winner_name_runs(&text, &plan->axes[0], curve, verdict);
    else
        winner_name_box(&text, plan, curve, verdict);
}

double sweep_percent_below(uint64_t value, uint64_t reference)
{
    if (!reference)
        return 0.0;
    return 100.0 * ((double) reference - (double) value) / (double) reference;
}
