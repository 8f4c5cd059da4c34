/* SPDX-License-Identifier: MIT */
/*
 * A sweep for programs. CSV: one row a finished point, one column a swept key,
 * then one a statistic, in the order in which the points' statistics first
 * name them; a point without one has an empty field. JSON: each point with its
 * keys and its statistics.
 */
#include "cli/run_setup.h"
#include "cli/sweep_columns.h"
#include "cli/sweep_report.h"

#include <stdint.h>

static void table_put_stat(FILE *file, const struct sweep_row *row, size_t i)
{
    mmusim_stat_t stat = sweep_row_stat(row, i);

    (void) mmusim_write_stat(&stat, run_write_file, file);
}

static void table_csv_head(const struct sweep_report *report,
                           const struct sweep_columns *table, FILE *file)
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
                          struct sweep_columns *table, size_t point, FILE *file)
{
    const struct sweep_row *row = &report->result->rows[point];

    for (size_t i = 0; i < report->plan->n_axes; i++) {
        fputs(i ? "," : "", file);
        (void) mmusim_write_csv_text(sweep_plan_value(report->plan, point, i),
                                     run_write_file, file);
    }
    sweep_columns_place(table, row);
    for (size_t i = 0; i < table->n; i++) {
        fputc(',', file);
        if (table->cell[i] != SIZE_MAX)
            table_put_stat(file, row, table->cell[i]);
    }
    fputc('\n', file);
}

bool sweep_print_csv(const struct sweep_report *report, FILE *file)
{
    struct sweep_columns table;
    bool is_built =
        sweep_columns_init(&table, report->result, report->plan->n_points);

    if (is_built) {
        table_csv_head(report, &table, file);
        for (size_t i = 0; i < report->plan->n_points; i++)
            if (report->result->is_done[i])
                table_csv_row(report, &table, i, file);
    }
    sweep_columns_fini(&table, report->result);
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
