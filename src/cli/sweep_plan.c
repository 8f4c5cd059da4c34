/* SPDX-License-Identifier: MIT */
/* Parsing the axes of a sweep, and counting through their product. */
#include "cli/sweep_plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A..B with a step or a factor. */
struct plan_range {
    uint64_t first;
    uint64_t last;
    uint64_t by;
    bool multiplies;
};

static bool plan_error(char *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool plan_error(char *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, SWEEP_ERROR_BYTES, format, args);
    va_end(args);
    return false;
}

void sweep_plan_init(struct sweep_plan *plan)
{
    memset(plan, 0, sizeof(*plan));
    plan->n_points = 1;
}

static void plan_free_axis(struct sweep_axis *axis)
{
    for (size_t i = 0; i < axis->n_values; i++)
        free(axis->values[i]);
    free(axis->values);
    free(axis->key);
}

void sweep_plan_fini(struct sweep_plan *plan)
{
    for (size_t i = 0; i < plan->n_axes; i++)
        plan_free_axis(&plan->axes[i]);
    sweep_plan_init(plan);
}

/* Takes a number with its suffix off *text; false if there is none. */
static bool plan_take_number(const char **text, uint64_t *number)
{
    static const char suffixes[] = "KMG";
    const char *found;
    unsigned long long value;
    unsigned shift = 0;
    char *end;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    value = strtoull(*text, &end, strncmp(*text, "0x", 2) ? 10 : 16);
    found = *end ? strchr(suffixes, *end & ~0x20) : NULL;
    if (found && *found) {
        shift = 10 * (unsigned) (found - suffixes + 1);
        end++;
    }
    if (errno || end == *text || value << shift >> shift != value)
        return false;
    *number = value << shift;
    *text = end;
    return true;
}

static bool plan_is_number(const char *text, uint64_t *number)
{
    return plan_take_number(&text, number) && !*text;
}

static bool plan_push(struct sweep_axis *axis, const char *value, char *error)
{
    uint64_t number;

    if (axis->n_values == SWEEP_POINTS_MAX)
        return plan_error(error, "%s: more than %d values", axis->key,
                          SWEEP_POINTS_MAX);
    if (axis->n_values == axis->max_values) {
        size_t max = axis->max_values ? 2 * axis->max_values : 16;
        char **grown = realloc(axis->values, max * sizeof(*grown));

        if (!grown)
            return plan_error(error, "out of memory");
        axis->values = grown;
        axis->max_values = max;
    }
    axis->values[axis->n_values] = strdup(value);
    if (!axis->values[axis->n_values])
        return plan_error(error, "out of memory");
    axis->n_values++;
    axis->is_numeric = axis->is_numeric && plan_is_number(value, &number);
    return true;
}

/* "A..B", "A..B/STEP" or "A..B*FACTOR"; false: it is none of them. */
static bool plan_parse_range(const char *text, struct plan_range *range)
{
    range->by = 1;
    range->multiplies = false;
    if (!plan_take_number(&text, &range->first) || strncmp(text, "..", 2) != 0)
        return false;
    text += 2;
    if (!plan_take_number(&text, &range->last))
        return false;
    if (!*text)
        return true;
    range->multiplies = *text == '*';
    if (*text != '*' && *text != '/')
        return false;
    return plan_is_number(text + 1, &range->by);
}

static bool plan_push_range(struct sweep_axis *axis,
                            const struct plan_range *range, char *error)
{
    uint64_t value = range->first;

    for (;;) {
        char number[24];

        snprintf(number, sizeof(number), "%" PRIu64, value);
        if (!plan_push(axis, number, error))
            return false;
        if (range->multiplies ? value > range->last / range->by
                              : range->last - value < range->by)
            return true;
        value = range->multiplies ? value * range->by : value + range->by;
    }
}

static bool plan_check_range(const struct sweep_axis *axis, const char *item,
                             const struct plan_range *range, char *error)
{
    if (range->last < range->first)
        return plan_error(error,
                          "%s: '%.64s' runs downwards (A..B with "
                          "A <= B)",
                          axis->key, item);
    if (range->multiplies ? range->by < 2 || !range->first : !range->by)
        return plan_error(error,
                          "%s: '%.64s' never ends (a step of 1 or "
                          "more; a factor of 2 or more from 1 or more)",
                          axis->key, item);
    return true;
}

static bool plan_push_item(struct sweep_axis *axis, const char *item,
                           char *error)
{
    struct plan_range range;

    if (!*item)
        return plan_error(error,
                          "%s: an empty value (1,2,4 | 0..64 | "
                          "0..256/8 | 1..1024*2 | words)",
                          axis->key);
    if (item[0] < '0' || item[0] > '9' || !strstr(item, ".."))
        return plan_push(axis, item, error);
    if (!plan_parse_range(item, &range))
        return plan_error(error,
                          "%s: '%.64s' is no range (A..B, A..B/STEP or "
                          "A..B*FACTOR)",
                          axis->key, item);
    return plan_check_range(axis, item, &range, error) &&
           plan_push_range(axis, &range, error);
}

static bool plan_parse_axis(struct sweep_axis *axis, const char *values,
                            char *error)
{
    char *copy = strdup(values);
    char *rest = copy;
    bool is_right = true;

    if (!copy)
        return plan_error(error, "out of memory");
    while (rest && is_right)
        is_right = plan_push_item(axis, strsep(&rest, ","), error);
    free(copy);
    return is_right;
}

static bool plan_check_axis(const struct sweep_plan *plan,
                            const struct sweep_axis *axis, char *error)
{
    for (size_t i = 0; i < plan->n_axes; i++)
        if (!strcmp(plan->axes[i].key, axis->key))
            return plan_error(error,
                              "%s: swept twice (put all values into "
                              "one -p)",
                              axis->key);
    if (axis->n_values > SWEEP_POINTS_MAX / plan->n_points)
        return plan_error(error, "%s: the product has more than %d points",
                          axis->key, SWEEP_POINTS_MAX);
    return true;
}

bool sweep_plan_add(struct sweep_plan *plan, const char *text,
                    char error[SWEEP_ERROR_BYTES])
{
    const char *equals = strchr(text, '=');
    struct sweep_axis axis = {.is_numeric = true};

    if (!equals || equals == text)
        return plan_error(error, "'%.64s' is not KEY=VALUES", text);
    if (plan->n_axes == SWEEP_AXES_MAX)
        return plan_error(error, "more than %d keys", SWEEP_AXES_MAX);
    axis.key = strndup(text, (size_t) (equals - text));
    if (!axis.key)
        return plan_error(error, "out of memory");
    if (!plan_parse_axis(&axis, equals + 1, error) ||
        !plan_check_axis(plan, &axis, error)) {
        plan_free_axis(&axis);
        return false;
    }
    plan->n_points *= axis.n_values;
    plan->axes[plan->n_axes++] = axis;
    return true;
}

size_t sweep_plan_index(const struct sweep_plan *plan, size_t point,
                        size_t axis)
{
    for (size_t i = plan->n_axes - 1; i > axis; i--)
        point /= plan->axes[i].n_values;
    return point % plan->axes[axis].n_values;
}

const char *sweep_plan_value(const struct sweep_plan *plan, size_t point,
                             size_t axis)
{
    return plan->axes[axis].values[sweep_plan_index(plan, point, axis)];
}

void sweep_plan_describe(const struct sweep_plan *plan, size_t point,
                         char *buffer, size_t size_bytes)
{
    size_t length = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < plan->n_axes && length < size_bytes; i++) {
        int n = snprintf(buffer + length, size_bytes - length, "%s%s=%s",
                         i ? " " : "", plan->axes[i].key,
                         sweep_plan_value(plan, point, i));

        if (n < 0)
            return;
        length += (size_t) n;
    }
}

static bool plan_is_equal(const char *a, const char *b)
{
    uint64_t number_a, number_b;

    if (plan_is_number(a, &number_a) && plan_is_number(b, &number_b))
        return number_a == number_b;
    return !strcmp(a, b);
}

size_t sweep_plan_find(const struct sweep_plan *plan, const char *const *values)
{
    size_t point = 0;

    for (size_t i = 0; i < plan->n_axes; i++) {
        const struct sweep_axis *axis = &plan->axes[i];
        size_t j = 0;

        while (j < axis->n_values && !plan_is_equal(axis->values[j], values[i]))
            j++;
        if (j == axis->n_values)
            return plan->n_points;
        point = point * axis->n_values + j;
    }
    return point;
}
