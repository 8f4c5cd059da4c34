/* SPDX-License-Identifier: MIT */
/* Joining two plans. */
#include "cli/store_extend.h"

#include "cli/store_match.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool extend_fail(char *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool extend_fail(char *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, SWEEP_ERROR_BYTES, format, args);
    va_end(args);
    return false;
}

/* A plan is extended by what results of the old one stay right beside. */
static bool extend_check(const struct store_plan *now,
                         const struct store_plan *old, char *error)
{
    size_t at;

    if (strcmp(old->version, now->version) != 0)
        return extend_fail(error,
                           "planned by mmusim %s, this is %s: results of two "
                           "versions do not mix (choose another folder)",
                           old->version, now->version);
    if (strcmp(store_format_name(old), store_format_name(now)) != 0 ||
        old->salvages != now->salvages || old->is_per_core != now->is_per_core)
        return extend_fail(error, "--from, --salvage and --per-core must be "
                                  "as planned");
    for (size_t i = 0; i < old->n_sources; i++)
        for (size_t j = 0; j < now->n_sources; j++)
            if (!strcmp(old->sources[i].name, now->sources[j].name) &&
                !store_is_same_source(&old->sources[i], &now->sources[j]))
                return extend_fail(error,
                                   "%.100s is not the trace that was planned "
                                   "(restore it, or name the new one "
                                   "otherwise)",
                                   now->sources[j].name);
    for (size_t i = 0; i < now->grid.n_axes; i++)
        if (!store_find_axis(old, now->grid.axes[i].key, &at))
            return extend_fail(error,
                               "%.60s was not swept before (another key makes "
                               "other points: choose another folder)",
                               now->grid.axes[i].key);
    for (size_t i = 0; i < old->grid.n_axes; i++)
        if (!store_find_axis(now, old->grid.axes[i].key, &at) || at != i)
            return extend_fail(error, "-p %.60s must be given, as number %zu",
                               old->grid.axes[i].key, i + 1);
    return true;
}

/* Appends from's machine that now lacks. */
static bool extend_add_machine(struct store_plan *now,
                               const struct store_machine *from)
{
    struct store_machine *grown =
        realloc(now->machines, (now->n_machines + 1) * sizeof(*grown));
    struct store_machine *machine;

    if (!grown)
        return false;
    now->machines = grown;
    machine = &grown[now->n_machines++];
    *machine = (struct store_machine){strdup(from->name), from->crc, NULL};
    return machine->name && !mmusim_config_copy(from->config, &machine->config);
}

static bool extend_add_source(struct store_plan *now,
                              const struct store_source *from)
{
    struct store_source *grown =
        realloc(now->sources, (now->n_sources + 1) * sizeof(*grown));
    struct store_source *source;

    if (!grown)
        return false;
    now->sources = grown;
    source = &grown[now->n_sources++];
    *source = *from;
    source->name = strdup(from->name);
    source->path = from->path ? strdup(from->path) : NULL;
    return source->name && (source->path || !from->path);
}

/* The old machines or sources that are missing come before the new ones. */
static void extend_rotate(void *list, size_t size, size_t n_now, size_t n)
{
    char *bytes = list;
    size_t n_moved = n - n_now;
    char *moved = malloc(n_moved * size + 1);

    if (!moved)
        return; /* the order is a matter of taste */
    memcpy(moved, bytes + n_now * size, n_moved * size);
    memmove(bytes + n_moved * size, bytes, n_now * size);
    memcpy(bytes, moved, n_moved * size);
    free(moved);
}

static bool extend_machines(struct store_plan *now,
                            const struct store_plan *old)
{
    size_t n = now->n_machines;

    for (size_t i = 0; i < old->n_machines; i++)
        if (store_find_machine(now, &old->machines[i]) == SIZE_MAX &&
            !extend_add_machine(now, &old->machines[i]))
            return false;
    extend_rotate(now->machines, sizeof(*now->machines), n, now->n_machines);
    return true;
}

static bool extend_sources(struct store_plan *now, const struct store_plan *old)
{
    size_t n = now->n_sources;

    for (size_t i = 0; i < old->n_sources; i++)
        if (store_find_source(now, &old->sources[i]) == SIZE_MAX &&
            !extend_add_source(now, &old->sources[i]))
            return false;
    extend_rotate(now->sources, sizeof(*now->sources), n, now->n_sources);
    return true;
}

/* What open_memstream writes; outlives the stream. */
struct extend_text {
    char *text;
    size_t length;
};

/* "KEY=OLD,NEW", NEW being the values that old lacks; or all as they are in
 * now, if it lacks none of old's. False: out of memory. */
static bool extend_axis_text(const struct store_plan *now,
                             const struct store_plan *old, size_t i,
                             struct extend_text *to)
{
    const struct sweep_axis *axis = &now->grid.axes[i];
    size_t *lost = store_map_axis(&old->grid.axes[i], axis);
    size_t *added = store_map_axis(axis, &old->grid.axes[i]);
    FILE *file = lost && added ? open_memstream(&to->text, &to->length) : NULL;
    bool has_lost = false;

    for (size_t j = 0; file && j < old->grid.axes[i].n_values; j++)
        has_lost = has_lost || lost[j] == SIZE_MAX;
    if (file)
        fprintf(file, "%s=%s", axis->key,
                has_lost ? old->axis_texts[i] : now->axis_texts[i]);
    for (size_t j = 0; file && has_lost && j < axis->n_values; j++)
        if (added[j] == SIZE_MAX)
            fprintf(file, ",%s", axis->values[j]);
    free(lost);
    free(added);
    return file && !fclose(file);
}

static bool extend_axes(struct store_plan *now, const struct store_plan *old,
                        char *error)
{
    struct sweep_plan grid;
    struct extend_text text = {0};
    bool is_right = true;

    sweep_plan_init(&grid);
    for (size_t i = 0; is_right && i < now->grid.n_axes; i++) {
        char *values = extend_axis_text(now, old, i, &text)
                           ? strdup(strchr(text.text, '=') + 1)
                           : NULL;

        is_right = values ? sweep_plan_add(&grid, text.text, error)
                          : extend_fail(error, "out of memory");
        if (is_right) {
            free(now->axis_texts[i]);
            now->axis_texts[i] = values;
        } else {
            free(values);
        }
        free(text.text);
        text.text = NULL;
    }
    if (is_right) {
        sweep_plan_fini(&now->grid);
        now->grid = grid;
    } else {
        sweep_plan_fini(&grid);
    }
    return is_right;
}

bool store_plan_extend(struct store_plan *now, const struct store_plan *old,
                       char error[SWEEP_ERROR_BYTES])
{
    if (!extend_check(now, old, error))
        return false;
    if (!extend_machines(now, old) || !extend_sources(now, old))
        return extend_fail(error, "out of memory");
    if (!extend_axes(now, old, error))
        return false;
    if (!store_plan_finish(now))
        return extend_fail(error, "together more than %d points",
                           SWEEP_POINTS_MAX);
    return true;
}
