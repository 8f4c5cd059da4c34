/* SPDX-License-Identifier: MIT */
/*
 * Workload generators as sources: the parameters of `NAME,key=value,...`, and
 * the pieces pulled from each thread's state machine.
 *
 * A thread's buffers are made at its first piece and released at its end.
 */
#include "trace/workload.h"

#include "core/diag.h"
#include "mmusim/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKLOAD_PREFIX "workload:"

struct workload_source {
    struct mmusim_source source; /* first: the machine sees this */
    const struct workload_ops *ops;
    uint64_t values[WORKLOAD_PARAMS_MAX];
    struct source_thread *infos;
    struct workload_thread *threads;
    char *name;
};

bool mmusim_is_workload(const char *spec)
{
    return !strncmp(spec, WORKLOAD_PREFIX, strlen(WORKLOAD_PREFIX));
}

/* ---- parameters ---- */

static uint32_t workload_count_params(const struct workload_ops *ops)
{
    uint32_t n = 0;

    while (ops->params[n].name)
        n++;
    return n;
}

static const struct workload_ops *workload_find(const char *name,
                                                mmusim_diag_t *diag)
{
    const char *names[32];
    const char *nearest;
    uint32_t n = 0;

    for (; n < mmusim__workload_table_size && n < 32; n++) {
        names[n] = mmusim__workload_table[n]->name;
        if (!strcmp(names[n], name))
            return mmusim__workload_table[n];
    }
    nearest = mmusim_nearest(name, names, n);
    mmusim__diag_set(diag, MMUSIM_USAGE,
                     "%s%.64s: there is no such workload (%s%s)",
                     WORKLOAD_PREFIX, name,
                     nearest ? "nearest: " : "see mmusim workload list",
                     nearest ? nearest : "");
    return NULL;
}

/* The index of a parameter; its count if there is none. */
static uint32_t workload_find_param(const struct workload_ops *ops,
                                    const char *name)
{
    uint32_t i = 0;

    while (ops->params[i].name && strcmp(ops->params[i].name, name) != 0)
        i++;
    return i;
}

static mmusim_status_t workload_unknown_param(const struct workload_ops *ops,
                                              const char *name,
                                              mmusim_diag_t *diag)
{
    const char *names[WORKLOAD_PARAMS_MAX];
    const char *nearest;
    char all[256] = "";
    uint32_t n = workload_count_params(ops);

    for (uint32_t i = 0; i < n; i++) {
        size_t length = strlen(all);

        names[i] = ops->params[i].name;
        snprintf(all + length, sizeof(all) - length, "%s%s", i ? ", " : "",
                 names[i]);
    }
    nearest = mmusim_nearest(name, names, n);
    mmusim__diag_set(diag, MMUSIM_USAGE,
                     "%s%s: unknown parameter '%.64s' (%s%s)", WORKLOAD_PREFIX,
                     ops->name, name, nearest ? "nearest: " : "one of ",
                     nearest ? nearest : all);
    mmusim__diag_key(diag, name);
    return MMUSIM_USAGE;
}

/* A whole number, decimal or 0x, which may end in K, M or G. */
static bool workload_parse_number(const char *text, uint64_t *number)
{
    static const char suffixes[] = "KMG";
    const char *found;
    unsigned long long value;
    char *end;
    unsigned shift;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    value = strtoull(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
    if (errno)
        return false;
    *number = value;
    if (!*end)
        return true;
    found = strchr(suffixes, end[0] & ~0x20);
    if (!found || !*found || end[1])
        return false;
    shift = 10 * (unsigned) (found - suffixes + 1);
    *number = value << shift;
    return *number >> shift == value;
}

/* Takes "key=value"; key is cut at the '='. */
static mmusim_status_t workload_set(struct workload_source *self, char *key,
                                    mmusim_diag_t *diag)
{
    char *equals = strchr(key, '=');
    const struct workload_param *param;
    uint32_t index;
    uint64_t number;

    if (!equals)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "%s%s: '%.64s' is not key=value",
                                WORKLOAD_PREFIX, self->ops->name, key);
    *equals = '\0';
    index = workload_find_param(self->ops, key);
    param = &self->ops->params[index];
    if (!param->name)
        return workload_unknown_param(self->ops, key, diag);
    if (!workload_parse_number(equals + 1, &number) || number < param->min ||
        number > param->max) {
        mmusim__diag_set(diag, MMUSIM_USAGE,
                         "%s%s: %s is '%.64s' (a number from %" PRIu64
                         " to %" PRIu64 "; K, M, G allowed)",
                         WORKLOAD_PREFIX, self->ops->name, key, equals + 1,
                         param->min, param->max);
        mmusim__diag_key(diag, key);
        return MMUSIM_USAGE;
    }
    self->values[index] = number;
    return MMUSIM_OK;
}

/* spec is a copy that may be cut up. */
static mmusim_status_t workload_parse(struct workload_source *self, char *spec,
                                      mmusim_diag_t *diag)
{
    char *rest = spec;
    const char *name = strsep(&rest, ",");
    const char *wrong;

    self->ops = workload_find(name, diag);
    if (!self->ops)
        return MMUSIM_USAGE;
    for (uint32_t i = 0; self->ops->params[i].name; i++)
        self->values[i] = self->ops->params[i].dflt;
    while (rest) {
        mmusim_status_t status = workload_set(self, strsep(&rest, ","), diag);

        if (status)
            return status;
    }
    wrong = self->ops->check ? self->ops->check(self->values) : NULL;
    if (wrong)
        return mmusim__diag_set(diag, MMUSIM_USAGE, "%s%s: %s", WORKLOAD_PREFIX,
                                self->ops->name, wrong);
    return MMUSIM_OK;
}

/* ---- the source ---- */

static void workload_release(struct workload_thread *thread)
{
    free(thread->records);
    free(thread->sys);
    thread->records = NULL;
    thread->sys = NULL;
}

static void workload_destroy(struct mmusim_source *source)
{
    struct workload_source *self = (struct workload_source *) source;

    for (uint32_t i = 0; self->threads && i < source->n_threads; i++)
        workload_release(&self->threads[i]);
    free(self->threads);
    free(self->infos);
    free(self->name);
    free(self);
}

static bool workload_has_buffers(struct workload_thread *thread)
{
    if (!thread->records)
        thread->records =
            malloc(WORKLOAD_PIECE_RECORDS * sizeof(*thread->records));
    if (!thread->sys)
        thread->sys = malloc(WORKLOAD_PIECE_SYS * sizeof(*thread->sys));
    return thread->records && thread->sys;
}

static mmusim_status_t workload_next(struct mmusim_source *source,
                                     uint32_t thread_index,
                                     struct op_piece *piece,
                                     mmusim_diag_t *diag)
{
    struct workload_source *self = (struct workload_source *) source;
    struct workload_thread *thread = &self->threads[thread_index];

    if (!workload_has_buffers(thread))
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    thread->first_record += thread->n_records;
    thread->n_records = 0;
    thread->n_sys = 0;
    thread->instructions = 0;
    while (workload_has_room(thread) && self->ops->step(thread))
        continue;
    *piece = (struct op_piece){
        .records = thread->records,
        .n_records = thread->n_records,
        .sys = thread->sys,
        .n_sys = thread->n_sys,
        .first_record = thread->first_record,
        .instructions = thread->instructions,
        .quiet_instructions = self->ops->count_quiet(thread),
    };
    if (!thread->n_records)
        workload_release(thread);
    return MMUSIM_OK;
}

static const struct source_ops workload_source_ops = {
    .next = workload_next,
    .destroy = workload_destroy,
};

static bool workload_build(struct workload_source *self)
{
    uint32_t n = self->ops->count_threads(self->values);

    self->source.n_threads = n;
    self->infos = calloc(n, sizeof(*self->infos));
    self->threads = calloc(n, sizeof(*self->threads));
    if (!self->infos || !self->threads)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        self->infos[i].tid = workload_tid(i);
        self->infos[i].is_created = i > 0 && !self->ops->are_independent;
        if (self->ops->last_stamp)
            self->infos[i].last_sync = self->ops->last_stamp(self->values, i);
        self->threads[i].values = self->values;
        self->threads[i].index = i;
        self->source.total_records += self->ops->count_records(self->values, i);
    }
    self->source.threads = self->infos;
    return true;
}

static char *workload_copy_name(const char *spec)
{
    size_t size = strlen(WORKLOAD_PREFIX) + strlen(spec) + 1;
    char *name = malloc(size);

    if (name)
        snprintf(name, size, "%s%s", WORKLOAD_PREFIX, spec);
    return name;
}

mmusim_status_t mmusim_workload_source(const char *spec,
                                       mmusim_source_t **source,
                                       mmusim_diag_t *diag)
{
    struct workload_source *self = calloc(1, sizeof(*self));
    char *copy = NULL;
    mmusim_status_t status = MMUSIM_NOMEM;

    *source = NULL;
    if (mmusim_is_workload(spec))
        spec += strlen(WORKLOAD_PREFIX);
    if (!self)
        goto fail;
    self->source.ops = &workload_source_ops;
    self->name = workload_copy_name(spec);
    self->source.name = self->name;
    copy = workload_copy_name(spec);
    if (!copy || !self->name)
        goto fail;
    status = workload_parse(self, copy + strlen(WORKLOAD_PREFIX), diag);
    if (status)
        goto fail;
    status = workload_build(self) ? MMUSIM_OK : MMUSIM_NOMEM;
    if (status)
        goto fail;
    free(copy);
    *source = &self->source;
    return MMUSIM_OK;
fail:
    if (status == MMUSIM_NOMEM)
        mmusim__diag_set(diag, status, "out of memory");
    if (self)
        workload_destroy(&self->source);
    free(copy);
    return status;
}

static int workload_visit_params(const struct workload_ops *ops,
                                 int (*visit)(void *context,
                                              const mmusim_workload_item_t *),
                                 void *context)
{
    for (uint32_t i = 0; ops->params[i].name; i++) {
        const struct workload_param *param = &ops->params[i];
        char dflt[24];
        char range[64];
        int stop;

        snprintf(dflt, sizeof(dflt), "%" PRIu64, param->dflt);
        snprintf(range, sizeof(range), "%" PRIu64 "..%" PRIu64, param->min,
                 param->max);
        stop =
            visit(context, &(mmusim_workload_item_t){ops->name, param->name,
                                                     dflt, range, param->help});
        if (stop)
            return stop;
    }
    return 0;
}

int mmusim_workload_each(int (*visit)(void *context,
                                      const mmusim_workload_item_t *item),
                         void *context)
{
    for (uint32_t i = 0; i < mmusim__workload_table_size; i++) {
        const struct workload_ops *ops = mmusim__workload_table[i];
        int stop = visit(context, &(mmusim_workload_item_t){ops->name, NULL, "",
                                                            "", ops->help});

        if (!stop)
            stop = workload_visit_params(ops, visit, context);
        if (stop)
            return stop;
    }
    return 0;
}
