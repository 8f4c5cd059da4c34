/* SPDX-License-Identifier: MIT */
/* Parsing --from, and listing the formats for --help. */
#include "trace/import_spec.h"

#include "mmusim/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPEC_FORMATS_MAX = 32, SPEC_BYTES_MAX = 256 };

static uint32_t spec_names(const char *names[SPEC_FORMATS_MAX])
{
    uint32_t n = 0;

    names[n++] = "native";
    for (uint32_t i = 0; i < mmusim__import_table_size; i++)
        names[n++] = mmusim__import_table[i]->name;
    return n;
}

void mmusim__import_spec_names(char *text, size_t size)
{
    const char *names[SPEC_FORMATS_MAX];
    uint32_t n = spec_names(names);
    size_t length = 0;

    for (uint32_t i = 0; i < n && length < size; i++)
        length += (size_t) snprintf(text + length, size - length, "%s%s",
                                    i ? ", " : "", names[i]);
}

void mmusim__import_spec_defaults(const struct import_ops *ops,
                                  uint64_t values[IMPORT_OPTIONS_MAX])
{
    for (uint32_t i = 0; ops->options && ops->options[i].name; i++)
        values[i] = ops->options[i].dflt;
}

static mmusim_status_t
spec_find(const char *name, const struct import_ops **ops, mmusim_diag_t *diag)
{
    const char *names[SPEC_FORMATS_MAX];
    char all[SPEC_BYTES_MAX];
    const char *nearest;

    for (uint32_t i = 0; i < mmusim__import_table_size; i++) {
        *ops = mmusim__import_table[i];
        if (!strcmp((*ops)->name, name))
            return MMUSIM_OK;
    }
    *ops = NULL;
    nearest = mmusim_nearest(name, names, spec_names(names));
    mmusim__import_spec_names(all, sizeof(all));
    return mmusim__diag_set(
        diag, MMUSIM_UNSUPPORTED, "unknown format '%.40s' (%s%s)", name,
        nearest ? "nearest: " : "one of ", nearest ? nearest : all);
}

static mmusim_status_t spec_unknown_option(const struct import_ops *ops,
                                           const char *key, mmusim_diag_t *diag)
{
    const char *names[IMPORT_OPTIONS_MAX];
    char all[SPEC_BYTES_MAX] = "it has none";
    const char *nearest;
    size_t length = 0;
    uint32_t n = 0;

    for (; ops->options && ops->options[n].name; n++) {
        names[n] = ops->options[n].name;
        length += (size_t) snprintf(all + length, sizeof(all) - length, "%s%s",
                                    n ? ", " : "one of ", names[n]);
    }
    nearest = mmusim_nearest(key, names, n);
    mmusim__diag_set(diag, MMUSIM_USAGE,
                     "--from %s: unknown option '%.40s' "
                     "(%s%s)",
                     ops->name, key, nearest ? "nearest: " : "",
                     nearest ? nearest : all);
    return MMUSIM_USAGE;
}

/* Takes "key=value"; key is cut at the '='. */
static mmusim_status_t spec_set(const struct import_ops *ops, char *key,
                                uint64_t values[IMPORT_OPTIONS_MAX],
                                mmusim_diag_t *diag)
{
    char *value = strchr(key, '=');
    uint32_t i = 0;
    char *end;

    if (!value)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "--from %s: '%.40s' is not option=value",
                                ops->name, key);
    *value++ = '\0';
    while (ops->options && ops->options[i].name &&
           strcmp(ops->options[i].name, key) != 0)
        i++;
    if (!ops->options || !ops->options[i].name)
        return spec_unknown_option(ops, key, diag);
    errno = 0;
    values[i] = strtoull(value, &end, strncmp(value, "0x", 2) ? 10 : 16);
    if (*value < '0' || *value > '9' || *end || errno ||
        values[i] < ops->options[i].min || values[i] > ops->options[i].max)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "--from %s: %s is '%.40s' (a number from "
                                "%" PRIu64 " to %" PRIu64 ")",
                                ops->name, key, value, ops->options[i].min,
                                ops->options[i].max);
    return MMUSIM_OK;
}

mmusim_status_t mmusim__import_spec_parse(const char *spec,
                                          const struct import_ops **ops,
                                          bool *is_native,
                                          uint64_t values[IMPORT_OPTIONS_MAX],
                                          mmusim_diag_t *diag)
{
    char copy[SPEC_BYTES_MAX];
    char *rest = copy;
    const char *name;
    mmusim_status_t status;

    *ops = NULL;
    *is_native = spec && !strcmp(spec, "native");
    if (!spec || *is_native || !strcmp(spec, "auto"))
        return MMUSIM_OK;
    if (strlen(spec) >= sizeof(copy))
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "--from: a format is that long? (FORMAT or "
                                "FORMAT,option=value,...)");
    memcpy(copy, spec, strlen(spec) + 1);
    name = strsep(&rest, ",");
    status = spec_find(name, ops, diag);
    if (!status)
        mmusim__import_spec_defaults(*ops, values);
    while (!status && rest)
        status = spec_set(*ops, strsep(&rest, ","), values, diag);
    return status;
}

/* ---- for users ---- */

static int spec_visit_options(const struct import_ops *ops,
                              int (*visit)(void *context,
                                           const mmusim_trace_format_item_t *),
                              void *context)
{
    int stop = 0;

    for (uint32_t i = 0; !stop && ops->options && ops->options[i].name; i++) {
        const struct import_option *option = &ops->options[i];
        const mmusim_trace_format_item_t item = {ops->name,    option->name,
                                                 option->help, option->min,
                                                 option->max,  option->dflt};

        stop = visit(context, &item);
    }
    return stop;
}

int mmusim_trace_format_each(
    int (*visit)(void *context, const mmusim_trace_format_item_t *format),
    void *context)
{
    const mmusim_trace_format_item_t native = {
        .name = "native", .help = "written by mmusim record (mmusim-trace(5))"};
    int stop = visit(context, &native);

    for (uint32_t i = 0; !stop && i < mmusim__import_table_size; i++) {
        const struct import_ops *ops = mmusim__import_table[i];
        const mmusim_trace_format_item_t item = {.name = ops->name,
                                                 .help = ops->what};

        stop = visit(context, &item);
        if (!stop)
            stop = spec_visit_options(ops, visit, context);
    }
    return stop;
}
