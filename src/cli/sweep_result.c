/* SPDX-License-Identifier: MIT */
/* The finished points of a sweep. */
#include "cli/sweep_result.h"

#include "cli/replay_report.h"

#include <stdlib.h>
#include <string.h>

bool sweep_result_init(struct sweep_result *result, size_t n,
                       const char *metric_name, mmusim_stats_detail_t detail)
{
    memset(result, 0, sizeof(*result));
    result->metric_name = metric_name;
    result->detail = detail;
    result->n = n;
    result->rows = calloc(n, sizeof(*result->rows));
    result->metric = calloc(n, sizeof(*result->metric));
    result->is_done = calloc(n, sizeof(*result->is_done));
    return result->rows && result->metric && result->is_done;
}

static void result_free_schema(struct sweep_schema *schema)
{
    for (size_t i = 0; schema->names && i < schema->n; i++)
        free(schema->names[i]);
    free(schema->names);
    free(schema->is_milli);
    free(schema->column_of);
    free(schema);
}

void sweep_result_fini(struct sweep_result *result)
{
    for (size_t i = 0; result->rows && i < result->n; i++)
        free(result->rows[i].values);
    while (result->schemas) {
        struct sweep_schema *schema = result->schemas;

        result->schemas = schema->next;
        result_free_schema(schema);
    }
    free(result->rows);
    free(result->metric);
    free(result->is_done);
    memset(result, 0, sizeof(*result));
}

static bool result_wants(const struct sweep_result *result, const char *name)
{
    return result->detail == MMUSIM_STATS_PER_CORE ||
           !mmusim_stats_is_per_core(name);
}

static size_t result_count(const struct sweep_result *result,
                           const mmusim_stats_t *stats)
{
    mmusim_stat_t stat;
    size_t n = 0;

    for (size_t i = 0; mmusim_stats_at(stats, i, &stat); i++)
        n += result_wants(result, stat.name);
    return n;
}

static bool result_matches(const struct sweep_result *result,
                           const struct sweep_schema *schema,
                           const mmusim_stats_t *stats, size_t n)
{
    mmusim_stat_t stat;
    size_t at = 0;

    if (schema->n != n)
        return false;
    for (size_t i = 0; mmusim_stats_at(stats, i, &stat); i++)
        if (result_wants(result, stat.name) &&
            strcmp(schema->names[at++], stat.name) != 0)
            return false;
    return true;
}

static char *result_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}

static struct sweep_schema *result_new_schema(const struct sweep_result *result,
                                              const mmusim_stats_t *stats,
                                              size_t n)
{
    struct sweep_schema *schema = calloc(1, sizeof(*schema));
    mmusim_stat_t stat;

    if (!schema)
        return NULL;
    schema->names = calloc(n + 1, sizeof(*schema->names));
    schema->is_milli = calloc(n + 1, sizeof(*schema->is_milli));
    if (!schema->names || !schema->is_milli)
        goto fail;
    for (size_t i = 0; mmusim_stats_at(stats, i, &stat); i++) {
        if (!result_wants(result, stat.name))
            continue;
        schema->is_milli[schema->n] = stat.is_milli;
        schema->names[schema->n] = result_copy(stat.name);
        if (!schema->names[schema->n++])
            goto fail;
    }
    return schema;
fail:
    result_free_schema(schema);
    return NULL;
}

/* The schema of these statistics, made if it is new; NULL: out of memory. */
static struct sweep_schema *result_schema(struct sweep_result *result,
                                          const mmusim_stats_t *stats, size_t n)
{
    struct sweep_schema *schema = result->schemas;

    while (schema && !result_matches(result, schema, stats, n))
        schema = schema->next;
    if (schema)
        return schema;
    schema = result_new_schema(result, stats, n);
    if (!schema)
        return NULL;
    schema->next = result->schemas;
    result->schemas = schema;
    return schema;
}

static mmusim_status_t result_fail(mmusim_diag_t *diag, mmusim_status_t status,
                                   const char *text)
{
    memset(diag, 0, sizeof(*diag));
    diag->status = status;
    snprintf(diag->text, sizeof(diag->text), "%s", text);
    return status;
}

/* names: all that there are. */
static mmusim_status_t result_no_metric(const struct sweep_result *result,
                                        const char *const *names, size_t n,
                                        mmusim_diag_t *diag)
{
    const char *nearest = mmusim_nearest(result->metric_name, names, n);
    char text[300];

    snprintf(text, sizeof(text),
             "--metric: there is no statistic '%.96s' (%s%.96s)",
             result->metric_name, nearest ? "nearest: " : "see mmusim-stats(7)",
             nearest ? nearest : "");
    return result_fail(diag, MMUSIM_USAGE, text);
}

static mmusim_status_t result_no_metric_in(const struct sweep_result *result,
                                           const mmusim_stats_t *stats,
                                           mmusim_diag_t *diag)
{
    size_t n = mmusim_stats_count(stats);
    const char **names = calloc(n + 1, sizeof(*names));
    mmusim_status_t status;
    mmusim_stat_t stat;

    if (!names)
        return result_fail(diag, MMUSIM_NOMEM, "out of memory");
    for (size_t i = 0; mmusim_stats_at(stats, i, &stat); i++)
        names[i] = stat.name;
    status = result_no_metric(result, names, n, diag);
    free(names);
    return status;
}

static uint64_t result_default_metric(const mmusim_stats_t *stats)
{
    uint64_t sum = 0;

    for (size_t i = 0; report_buckets[i]; i++) {
        char name[64];

        snprintf(name, sizeof(name), "cycles.%s", report_buckets[i]);
        if (report_is_busy(report_buckets[i]))
            sum += report_value(stats, name);
    }
    return sum;
}

mmusim_status_t sweep_result_take(struct sweep_result *result, size_t point,
                                  const mmusim_stats_t *stats,
                                  mmusim_diag_t *diag)
{
    struct sweep_row *row = &result->rows[point];
    size_t n = result_count(result, stats);
    mmusim_stat_t stat = {0};
    size_t at = 0;

    if (result->metric_name &&
        !mmusim_stats_find(stats, result->metric_name, &stat))
        return result_no_metric_in(result, stats, diag);
    row->values = malloc((n + 1) * sizeof(*row->values));
    row->schema = row->values ? result_schema(result, stats, n) : NULL;
    if (!row->schema)
        return result_fail(diag, MMUSIM_NOMEM, "out of memory");
    result->is_metric_milli = stat.is_milli;
    result->metric[point] =
        result->metric_name ? stat.value : result_default_metric(stats);
    for (size_t i = 0; mmusim_stats_at(stats, i, &stat); i++)
        if (result_wants(result, stat.name))
            row->values[at++] = stat.value;
    result->is_done[point] = true;
    return MMUSIM_OK;
}

bool sweep_result_find(const struct sweep_result *result, size_t point,
                       const char *name, mmusim_stat_t *stat)
{
    const struct sweep_row *row = &result->rows[point];

    for (size_t i = 0; row->schema && i < row->schema->n; i++)
        if (!strcmp(row->schema->names[i], name)) {
            *stat = (mmusim_stat_t){.name = row->schema->names[i],
                                    .value = row->values[i],
                                    .is_milli = row->schema->is_milli[i],
                                    .unit = "",
                                    .help = ""};
            return true;
        }
    return false;
}

/* The sum over the busy buckets, of a row. */
static uint64_t result_busy_cycles(const struct sweep_result *result,
                                   size_t point)
{
    uint64_t sum = 0;

    for (size_t i = 0; report_buckets[i]; i++) {
        char name[64];
        mmusim_stat_t stat = {0};

        snprintf(name, sizeof(name), "cycles.%s", report_buckets[i]);
        if (report_is_busy(report_buckets[i]) &&
            sweep_result_find(result, point, name, &stat))
            sum += stat.value;
    }
    return sum;
}

mmusim_status_t sweep_result_put(struct sweep_result *result, size_t point,
                                 const struct sweep_row *row,
                                 mmusim_diag_t *diag)
{
    struct sweep_row *kept = &result->rows[point];
    size_t size = row->schema->n * sizeof(*kept->values);
    mmusim_stat_t stat = {0};

    kept->values = malloc(size + 1);
    if (!kept->values)
        return result_fail(diag, MMUSIM_NOMEM, "out of memory");
    memcpy(kept->values, row->values, size);
    kept->schema = row->schema;
    if (result->metric_name &&
        !sweep_result_find(result, point, result->metric_name, &stat))
        return result_no_metric(result,
                                (const char *const *) row->schema->names,
                                row->schema->n, diag);
    result->is_metric_milli = stat.is_milli;
    result->metric[point] =
        result->metric_name ? stat.value : result_busy_cycles(result, point);
    result->is_done[point] = true;
    return MMUSIM_OK;
}
