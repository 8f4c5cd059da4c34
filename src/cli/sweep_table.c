/* SPDX-License-Identifier: MIT */
/*
 * A sweep for programs. CSV: one row a finished point, one column a swept key,
 * then one a statistic, in the order in which the points' statistics first
 * name them; a point without one has an empty field. JSON: each point with its
 * keys and its statistics.
 */
#include "cli/run_setup.h"
#include "cli/sweep_report.h"

#include <stdlib.h>
#include <string.h>

struct table_column {
    const char *name;
    size_t index;
};

/* The union of all points' statistics. */
struct table {
    struct table_column *columns; /* in order */
    struct table_column *sorted;  /* the same, by name */
    size_t n;
    size_t *cell; /* of one row: place in its values, or SIZE_MAX */
};

static int table_compare(const void *a, const void *b)
{
    const struct table_column *left = a;
    const struct table_column *right = b;

    return strcmp(left->name, right->name);
}

static bool table_grow(struct table *table, size_t n)
{
    struct table_column *columns =
        realloc(table->columns, (table->n + n) * sizeof(*columns));
    struct table_column *sorted;

    if (!columns)
        return false;
    table->columns = columns;
    sorted = realloc(table->sorted, (table->n + n) * sizeof(*sorted));
    if (!sorted)
        return false;
    table->sorted = sorted;
    return true;
}

/* Adds the names of a schema that the table does not have yet. */
static bool table_merge(struct table *table, struct sweep_schema *schema)
{
    size_t n_sorted = table->n;

    schema->column_of = calloc(schema->n + 1, sizeof(*schema->column_of));
    if (!schema->column_of || !table_grow(table, schema->n + 1))
        return false;
    for (size_t i = 0; i < schema->n; i++) {
        struct table_column key = {schema->names[i], table->n};
        const struct table_column *found = NULL;

        if (n_sorted)
            found = bsearch(&key, table->sorted, n_sorted, sizeof(key),
                            table_compare);
        if (!found)
            table->columns[table->n++] = key;
        schema->column_of[i] = found ? found->index : key.index;
    }
    memcpy(table->sorted, table->columns, table->n * sizeof(*table->columns));
    qsort(table->sorted, table->n, sizeof(*table->sorted), table_compare);
    return true;
}

static void table_fini(struct table *table, struct sweep_result *result)
{
    for (struct sweep_schema *s = result->schemas; s; s = s->next) {
        free(s->column_of);
        s->column_of = NULL;
    }
    free(table->columns);
    free(table->sorted);
    free(table->cell);
}

static bool table_init(struct table *table, const struct sweep_report *report)
{
    memset(table, 0, sizeof(*table));
    for (size_t i = 0; i < report->plan->n_points; i++) {
        struct sweep_schema *schema = report->result->rows[i].schema;

        if (schema && !schema->column_of && !table_merge(table, schema))
            return false;
    }
    table->cell = calloc(table->n + 1, sizeof(*table->cell));
    return table->cell != NULL;
}

static void table_put_stat(FILE *file, const struct sweep_row *row, size_t i)
{
    mmusim_stat_t stat = {.value = row->values[i],
                          .is_milli = row->schema->is_milli[i]};

    (void) mmusim_write_stat(&stat, run_write_file, file);
}

static void table_csv_head(const struct sweep_report *report,
                           const struct table *table, FILE *file)
{
    for (size_t i = 0; i < report->plan->n_axes; i++) {
        fputs(i ? "," : "", file);
        (void) mmusim_write_csv_text(report->plan->axes[i].key, run_write_file,
                                     file);
    }
    for (size_t i = 0; i < table->n; i++) {
        fputc(',', file);
        (void) mmusim_write_csv_text(table->columns[i].name, run_write_file,
                                     file);
    }
    fputc('\n', file);
}

static void table_csv_row(const struct sweep_report *report,
                          const struct table *table, size_t point, FILE *file)
{
    const struct sweep_row *row = &report->result->rows[point];

    for (size_t i = 0; i < report->plan->n_axes; i++) {
        fputs(i ? "," : "", file);
        (void) mmusim_write_csv_text(sweep_plan_value(report->plan, point, i),
                                     run_write_file, file);
    }
    for (size_t i = 0; i < table->n; i++)
        table->cell[i] = SIZE_MAX;
    for (size_t i = 0; i < row->schema->n; i++)
        table->cell[row->schema->column_of[i]] = i;
    for (size_t i = 0; i < table->n; i++) {
        fputc(',', file);
        if (table->cell[i] != SIZE_MAX)
            table_put_stat(file, row, table->cell[i]);
    }
    fputc('\n', file);
}

bool sweep_print_csv(const struct sweep_report *report, FILE *file)
{
    struct table table;
    bool is_built = table_init(&table, report);

    if (is_built) {
        table_csv_head(report, &table, file);
        for (size_t i = 0; i < report->plan->n_points; i++)
            if (report->result->is_done[i])
                table_csv_row(report, &table, i, file);
    }
    table_fini(&table, report->result);
    return is_built;
}

static void json_text(const char *text, FILE *file)
{
    (void) mmusim_write_json_text(text, run_write_file, file);
}

static void json_point(const struct sweep_report *report, size_t point,
                       FILE *file)
{
    const struct sweep_row *row = &report->result->rows[point];

    fputs("{\"parameters\": {", file);
    for (size_t i = 0; i < report->plan->n_axes; i++) {
        fputs(i ? ", " : "", file);
        json_text(report->plan->axes[i].key, file);
        fputs(": ", file);
        json_text(sweep_plan_value(report->plan, point, i), file);
    }
    fputs("}, \"stats\": {", file);
    for (size_t i = 0; i < row->schema->n; i++) {
        fputs(i ? ", " : "", file);
        json_text(row->schema->names[i], file);
        fputs(": ", file);
        table_put_stat(file, row, i);
    }
    fputs("}}", file);
}

bool sweep_print_json(const struct sweep_report *report, FILE *file)
{
    const char *separator = "\n    ";

    fputs("{\n  \"schema\": \"mmusim-sweep-1\",\n  \"machine\": ", file);
    json_text(report->run.machine, file);
    fputs(",\n  \"source\": ", file);
    json_text(report->run.source, file);
    fputs(",\n  \"config\": ", file);
    (void) mmusim_stats_write_config(&report->run, run_write_file, file);
    fputs(",\n  \"points\": [", file);
    for (size_t i = 0; i < report->plan->n_points; i++) {
        if (!report->result->is_done[i])
            continue;
        fputs(separator, file);
        json_point(report, i, file);
        separator = ",\n    ";
    }
    fputs("\n  ]\n}\n", file);
    return true;
}
