/* SPDX-License-Identifier: MIT */
/* The union of the statistics of all points of a sweep. */
#include "cli/sweep_columns.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int columns_compare(const void *a, const void *b)
{
    const struct sweep_column *left = a;
    const struct sweep_column *right = b;

    return strcmp(left->name, right->name);
}

static bool columns_grow(struct sweep_columns *columns, size_t n)
{
    struct sweep_column *grown =
        realloc(columns->columns, (columns->n + n) * sizeof(*grown));
    struct sweep_column *sorted;

    if (!grown)
        return false;
    columns->columns = grown;
    sorted = realloc(columns->sorted, (columns->n + n) * sizeof(*sorted));
    if (!sorted)
        return false;
    columns->sorted = sorted;
    return true;
}

/* Adds the names of a schema that there are not yet. */
static bool columns_merge(struct sweep_columns *columns,
                          struct sweep_schema *schema)
{
    size_t n_sorted = columns->n;

    schema->column_of = calloc(schema->n + 1, sizeof(*schema->column_of));
    if (!schema->column_of || !columns_grow(columns, schema->n + 1))
        return false;
    for (size_t i = 0; i < schema->n; i++) {
        struct sweep_column key = {schema->names[i], columns->n};
        const struct sweep_column *found = NULL;

        if (n_sorted)
            found = bsearch(&key, columns->sorted, n_sorted, sizeof(key),
                            columns_compare);
        if (!found)
            columns->columns[columns->n++] = key;
        schema->column_of[i] = found ? found->index : key.index;
    }
    memcpy(columns->sorted, columns->columns,
           columns->n * sizeof(*columns->columns));
    qsort(columns->sorted, columns->n, sizeof(*columns->sorted),
          columns_compare);
    return true;
}

void sweep_columns_fini(struct sweep_columns *columns,
                        struct sweep_schema *schemas)
{
    for (struct sweep_schema *s = schemas; s; s = s->next) {
        free(s->column_of);
        s->column_of = NULL;
    }
    free(columns->columns);
    free(columns->sorted);
    free(columns->cell);
}

void sweep_columns_begin(struct sweep_columns *columns)
{
    memset(columns, 0, sizeof(*columns));
}

bool sweep_columns_add(struct sweep_columns *columns,
                       struct sweep_schema *schema)
{
    return schema->column_of || columns_merge(columns, schema);
}

bool sweep_columns_end(struct sweep_columns *columns)
{
    columns->cell = calloc(columns->n + 1, sizeof(*columns->cell));
    return columns->cell != NULL;
}

bool sweep_columns_init(struct sweep_columns *columns,
                        struct sweep_result *result, size_t n_points)
{
    sweep_columns_begin(columns);
    for (size_t i = 0; i < n_points; i++) {
        struct sweep_schema *schema = result->rows[i].schema;

        if (schema && !sweep_columns_add(columns, schema))
            return false;
    }
    return sweep_columns_end(columns);
}

void sweep_columns_place(struct sweep_columns *columns,
                         const struct sweep_row *row)
{
    for (size_t i = 0; i < columns->n; i++)
        columns->cell[i] = SIZE_MAX;
    for (size_t i = 0; i < row->schema->n; i++)
        columns->cell[row->schema->column_of[i]] = i;
}

mmusim_stat_t sweep_row_stat(const struct sweep_row *row, size_t place)
{
    return (mmusim_stat_t){.name = row->schema->names[place],
                           .value = row->values[place],
                           .is_milli = row->schema->is_milli[place],
                           .unit = "",
                           .help = ""};
}
