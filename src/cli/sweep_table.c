/* SPDX-License-Identifier: MIT */
/*
 * The table of finished points: a row a point, a column a key, then one a
 * statistic; points that have others than their neighbours leave cells empty.
 */
#include "cli/sweep_rows.h"

#include "cli/json_out.h"
#include "cli/run_setup.h"
#include "cli/sweep_columns.h"

#include <stdint.h>
#include <stdlib.h>

int sweep_rows_columns(const struct sweep_rows *rows,
                       struct sweep_columns *columns)
{
    bool is_built = true;

    sweep_columns_begin(columns);
    for (size_t i = 0; is_built && i < rows->n; i++) {
        struct sweep_schema *schema = rows->schema(rows->context, i);

        is_built = !schema || sweep_columns_add(columns, schema);
    }
    return is_built && sweep_columns_end(columns)
               ? 0
               : cli_error(CLI_SYSTEM, "out of memory");
}

static void sweep_put_stat(const struct sweep_row *row, size_t i, FILE *file)
{
    mmusim_stat_t stat = sweep_row_stat(row, i);

    (void) mmusim_write_stat(&stat, run_write_file, file);
}

static void table_csv_field(size_t column, const char *text, FILE *file)
{
    fputs(column ? "," : "", file);
    (void) mmusim_write_csv_text(text, run_write_file, file);
}

static void table_csv_head(const struct sweep_rows *rows,
                           const struct sweep_columns *table, FILE *file)
{
    size_t n = 0;

    for (size_t i = 0; i < rows->n_heads; i++)
        table_csv_field(n++, rows->heads[i], file);
    for (size_t i = 0; i < rows->plan->n_axes; i++)
        table_csv_field(n++, rows->plan->axes[i].key, file);
    for (size_t i = 0; i < table->n; i++)
        table_csv_field(n++, table->columns[i].name, file);
    fputc('\n', file);
}

static void table_csv_row(const struct sweep_rows *rows,
                          struct sweep_columns *table, size_t point,
                          const struct sweep_row *row, FILE *file)
{
    size_t at = point % rows->plan->n_points;
    size_t n = 0;

    for (size_t i = 0; i < rows->n_heads; i++)
        table_csv_field(n++, rows->head(rows->context, point, i), file);
    for (size_t i = 0; i < rows->plan->n_axes; i++)
        table_csv_field(n++, sweep_plan_value(rows->plan, at, i), file);
    sweep_columns_place(table, row);
    for (size_t i = 0; i < table->n; i++) {
        fputc(',', file);
        if (table->cell[i] != SIZE_MAX)
            sweep_put_stat(row, table->cell[i], file);
    }
    fputc('\n', file);
}

int sweep_rows_csv(const struct sweep_rows *rows, FILE *file)
{
    struct sweep_columns table;
    int status = sweep_rows_columns(rows, &table);

    if (!status)
        table_csv_head(rows, &table, file);
    for (size_t i = 0; !status && i < rows->n; i++) {
        struct sweep_row row;

        if (!rows->schema(rows->context, i))
            continue;
        status = rows->row(rows->context, i, &row);
        if (!status)
            table_csv_row(rows, &table, i, &row, file);
    }
    sweep_columns_fini(&table, rows->schemas(rows->context));
    return status;
}

static void json_field(size_t n, const char *name, const char *value,
                       FILE *file)
{
    fputs(n ? ", " : "", file);
    json_file_text(file, name);
    fputs(": ", file);
    json_file_text(file, value);
}

/* A list of names as JSON, `"NAME": ` each: points that follow each other
 * mostly have the same. */
struct json_names {
    const struct sweep_schema *schema;
    char *text;
    size_t *ends;
};

static void json_names_fini(struct json_names *names)
{
    free(names->text);
    free(names->ends);
    *names = (struct json_names){NULL, NULL, NULL};
}

/* False: out of memory. */
static bool json_names_set(struct json_names *names,
                           const struct sweep_schema *schema)
{
    size_t length;
    FILE *file;

    if (names->schema == schema)
        return true;
    json_names_fini(names);
    names->ends = calloc(schema->n + 1, sizeof(*names->ends));
    file = names->ends ? open_memstream(&names->text, &length) : NULL;
    if (!file)
        return false;
    for (size_t i = 0; i < schema->n; i++) {
        fputs(i ? ", " : "", file);
        json_file_text(file, schema->names[i]);
        fputs(": ", file);
        if (fflush(file))
            break;
        names->ends[i] = length;
    }
    if (fclose(file))
        return false;
    names->schema = schema;
    return true;
}

static void json_point(const struct sweep_rows *rows, size_t point,
                       const struct sweep_row *row,
                       const struct json_names *names, FILE *file)
{
    size_t n = 0;

    fputs("{\"parameters\": {", file);
    for (size_t i = 0; i < rows->n_heads; i++)
        json_field(n++, rows->heads[i], rows->head(rows->context, point, i),
                   file);
    for (size_t i = 0; i < rows->plan->n_axes; i++)
        json_field(
            n++, rows->plan->axes[i].key,
            sweep_plan_value(rows->plan, point % rows->plan->n_points, i),
            file);
    fputs("}, \"stats\": {", file);
    for (size_t i = 0, begin = 0; i < row->schema->n; i++) {
        fwrite(names->text + begin, 1, names->ends[i] - begin, file);
        sweep_put_stat(row, i, file);
        begin = names->ends[i];
    }
    fputs("}}", file);
}

int sweep_rows_json(const struct sweep_rows *rows, FILE *file)
{
    const char *separator = "\n    ";
    struct json_names names = {NULL, NULL, NULL};
    int status = 0;

    fputc('[', file);
    for (size_t i = 0; !status && i < rows->n; i++) {
        struct sweep_row row;

        if (!rows->schema(rows->context, i))
            continue;
        status = rows->row(rows->context, i, &row);
        if (!status && !json_names_set(&names, row.schema))
            status = cli_error(CLI_SYSTEM, "out of memory");
        if (status)
            break;
        fputs(separator, file);
        json_point(rows, i, &row, &names, file);
        separator = ",\n    ";
    }
    fputs("\n  ]", file);
    json_names_fini(&names);
    return status;
}
