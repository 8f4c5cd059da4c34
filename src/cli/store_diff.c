/* SPDX-License-Identifier: MIT */
/* What differs between two plans, in words. */
#include "cli/store_extend.h"

#include "cli/run_setup.h"
#include "cli/store_match.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DIFF_LINES_MAX = 20 /* told one by one */ };

struct diff_list {
    const char *dir;
    size_t n;
};

static void diff_tell(struct diff_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void diff_tell(struct diff_list *list, const char *format, ...)
{
    char text[512];
    va_list args;

    if (list->n++ >= DIFF_LINES_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    cli_error(CLI_USAGE, "%s: %s", list->dir, text);
}

static void diff_tell_keys(struct diff_list *list,
                           const struct store_machine *old,
                           const struct store_machine *now)
{
    struct run_keys keys;

    if (!old->config || !now->config || run_keys_init(&keys, now->config))
        return;
    for (size_t i = 0; i < keys.n; i++) {
        char value[256] = "(none)";

        (void) mmusim_config_get(old->config, keys.keys[i].key, value,
                                 sizeof(value));
        if (strcmp(value, keys.keys[i].value) != 0)
            diff_tell(list, "machine %s: %s: planned %.100s, now %.100s",
                      now->name, keys.keys[i].key, value, keys.keys[i].value);
    }
    run_keys_fini(&keys);
}

static void diff_tell_machines(struct diff_list *list,
                               const struct store_plan *old,
                               const struct store_plan *now)
{
    for (size_t i = 0; i < old->n_machines; i++) {
        const struct store_machine *machine = &old->machines[i];
        size_t n_before = list->n;

        if (store_find_machine(now, machine) != SIZE_MAX)
            continue;
        for (size_t j = 0; j < now->n_machines; j++)
            if (!strcmp(now->machines[j].name, machine->name))
                diff_tell_keys(list, machine, &now->machines[j]);
        if (list->n == n_before)
            diff_tell(list, "machine: planned %s, now not", machine->name);
    }
    for (size_t i = 0; i < now->n_machines; i++) {
        size_t j = 0;

        while (j < old->n_machines &&
               strcmp(old->machines[j].name, now->machines[i].name) != 0)
            j++;
        if (j == old->n_machines)
            diff_tell(list, "machine: now %s, not planned",
                      now->machines[i].name);
    }
}

static void diff_tell_sources(struct diff_list *list,
                              const struct store_plan *old,
                              const struct store_plan *now)
{
    for (size_t i = 0; i < old->n_sources; i++) {
        const struct store_source *source = &old->sources[i];
        bool is_told = store_find_source(now, source) != SIZE_MAX;

        for (size_t j = 0; !is_told && j < now->n_sources; j++) {
            if (strcmp(now->sources[j].name, source->name) != 0)
                continue;
            diff_tell(list,
                      "%s: the trace is another: planned %" PRIu64
                      " bytes with CRC-32 %08" PRIx32 ", now %" PRIu64
                      " with %08" PRIx32,
                      source->name, source->bytes, source->crc,
                      now->sources[j].bytes, now->sources[j].crc);
            is_told = true;
        }
        if (!is_told)
            diff_tell(list, "source: planned %s, now not", source->name);
    }
    for (size_t i = 0; i < now->n_sources; i++) {
        size_t j = 0;

        while (j < old->n_sources &&
               strcmp(old->sources[j].name, now->sources[i].name) != 0)
            j++;
        if (j == old->n_sources)
            diff_tell(list, "source: now %s, not planned",
                      now->sources[i].name);
    }
}

static bool diff_is_axis(const struct sweep_axis *a, const struct sweep_axis *b)
{
    if (a->n_values != b->n_values)
        return false;
    for (size_t i = 0; i < a->n_values; i++)
        if (strcmp(a->values[i], b->values[i]) != 0)
            return false;
    return true;
}

static void diff_tell_axes(struct diff_list *list, const struct store_plan *old,
                           const struct store_plan *now)
{
    size_t at = 0;

    for (size_t i = 0; i < old->grid.n_axes; i++) {
        const char *key = old->grid.axes[i].key;
        const struct sweep_axis *axis = store_find_axis(now, key, &at);

        if (!axis)
            diff_tell(list, "-p %s: planned %.100s, now not swept", key,
                      old->axis_texts[i]);
        else if (!diff_is_axis(axis, &old->grid.axes[i]))
            diff_tell(list, "-p %s: planned %.100s, now %.100s", key,
                      old->axis_texts[i], now->axis_texts[at]);
        else if (at != i)
            diff_tell(list, "-p %s: planned as number %zu, now number %zu", key,
                      i + 1, at + 1);
    }
    for (size_t i = 0; i < now->grid.n_axes; i++)
        if (!store_find_axis(old, now->grid.axes[i].key, &at))
            diff_tell(list, "-p %s: now %.100s, planned without",
                      now->grid.axes[i].key, now->axis_texts[i]);
}

size_t store_tell_differences(const char *dir, const struct store_plan *old,
                              const struct store_plan *now)
{
    struct diff_list list = {.dir = dir};

    if (strcmp(old->version, now->version) != 0)
        diff_tell(&list, "mmusim: planned by version %s, now %s", old->version,
                  now->version);
    if (strcmp(store_format_name(old), store_format_name(now)) != 0)
        diff_tell(&list, "--from: planned %s, now %s", store_format_name(old),
                  store_format_name(now));
    if (old->salvages != now->salvages)
        diff_tell(&list, "--salvage: planned %s, now %s",
                  old->salvages ? "with" : "without",
                  now->salvages ? "with" : "without");
    if (old->is_per_core != now->is_per_core)
        diff_tell(&list, "--per-core: planned %s, now %s",
                  old->is_per_core ? "with" : "without",
                  now->is_per_core ? "with" : "without");
    diff_tell_machines(&list, old, now);
    diff_tell_sources(&list, old, now);
    diff_tell_axes(&list, old, now);
    if (!list.n)
        diff_tell(&list, "machines or sources: another order");
    if (list.n > DIFF_LINES_MAX)
        cli_error(CLI_USAGE, "%s: ... and %zu more", dir,
                  list.n - DIFF_LINES_MAX);
    return list.n;
}
