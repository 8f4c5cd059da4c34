/* SPDX-License-Identifier: MIT */
/*
 * The JSON of a sweep's page. Points are told by their number in the list,
 * which has the finished ones only; statistics by columns. Those of single
 * CPUs stay out.
 */
#include "cli/sweep_html.h"

#include "cli/run_setup.h"
#include "cli/sweep_columns.h"
#include "cli/sweep_winner.h"

#include <stdlib.h>
#include <string.h>

enum {
    HTML_NAME_BYTES = 512,
    HTML_VALUE_BYTES = 128,
};

/* A sweep on its way to the page. */
struct html_sweep {
    const struct sweep_html *html;
    const struct sweep_report *report;
    struct sweep_columns columns;
    FILE *file;
};

static void html_member(FILE *file, const char *name, const char *text)
{
    fprintf(file, ",\n\"%s\":", name);
    html_json_text(text, file);
}

static void html_metric(const struct html_sweep *sweep, size_t point)
{
    const struct sweep_result *result = sweep->report->result;
    mmusim_stat_t stat = {.value = result->metric[point],
                          .is_milli = result->is_metric_milli};

    (void) mmusim_write_stat(&stat, run_write_file, sweep->file);
}

/* What a key is without the sweep, and where that is on its axis. */
static void html_default(const struct html_sweep *sweep,
                         const struct sweep_axis *axis)
{
    const mmusim_config_t *config = sweep->html->data.config;
    char value[HTML_VALUE_BYTES];
    struct sweep_plan alone = {.axes = {*axis}, .n_axes = 1};
    const char *texts[] = {value};
    size_t at;

    alone.n_points = axis->n_values;
    if (mmusim_config_get(config, axis->key, value, sizeof(value)))
        value[0] = '\0';
    at = sweep_plan_find(&alone, texts);
    fputs(",\"default\":", sweep->file);
    html_json_text(value, sweep->file);
    if (at < axis->n_values)
        fprintf(sweep->file, ",\"default_index\":%zu", at);
    else
        fputs(",\"default_index\":null", sweep->file);
}

static void html_axes(const struct html_sweep *sweep)
{
    const struct sweep_plan *plan = sweep->report->plan;
    FILE *file = sweep->file;

    fputs(",\n\"axes\":[", file);
    for (size_t i = 0; i < plan->n_axes; i++) {
        const struct sweep_axis *axis = &plan->axes[i];

        fputs(i ? ",\n{\"key\":" : "\n{\"key\":", file);
        html_json_text(axis->key, file);
        fprintf(file, ",\"is_numeric\":%s",
                axis->is_numeric ? "true" : "false");
        html_default(sweep, axis);
        fputs(",\"values\":[", file);
        for (size_t j = 0; j < axis->n_values; j++) {
            fputs(j ? "," : "", file);
            html_json_text(axis->values[j], file);
        }
        fputs("]}", file);
    }
    fputs("]", file);
}

static void html_names(const struct html_sweep *sweep)
{
    const struct sweep_columns *columns = &sweep->columns;
    size_t n = 0;

    fputs(",\n\"names\":[", sweep->file);
    for (size_t i = 0; i < columns->n; i++) {
        if (mmusim_stats_is_per_core(columns->columns[i].name))
            continue;
        fputs(n++ ? "," : "", sweep->file);
        html_json_text(columns->columns[i].name, sweep->file);
    }
    fputs("]", sweep->file);
}

static void html_place(const struct html_sweep *sweep, size_t point)
{
    const struct sweep_plan *plan = sweep->report->plan;

    fputs("{\"at\":", sweep->file);
    if (point == plan->n_points) /* the configuration, beside the grid */
        fputs("null", sweep->file);
    for (size_t i = 0; point < plan->n_points && i < plan->n_axes; i++)
        fprintf(sweep->file, "%s%zu", i ? "," : "[",
                sweep_plan_index(plan, point, i));
    fputs(point < plan->n_points ? "]" : "", sweep->file);
}

static void html_point(struct html_sweep *sweep, size_t point)
{
    const struct sweep_row *row = &sweep->report->result->rows[point];
    struct sweep_columns *columns = &sweep->columns;
    size_t n = 0;

    html_place(sweep, point);
    fputs(",\"metric\":", sweep->file);
    html_metric(sweep, point);
    fputs(",\"stats\":[", sweep->file);
    sweep_columns_place(columns, row);
    for (size_t i = 0; i < columns->n; i++) {
        mmusim_stat_t stat;

        if (mmusim_stats_is_per_core(columns->columns[i].name))
            continue;
        fputs(n++ ? "," : "", sweep->file);
        if (columns->cell[i] == SIZE_MAX) {
            fputs("null", sweep->file);
            continue;
        }
        stat = sweep_row_stat(row, columns->cell[i]);
        (void) mmusim_write_stat(&stat, run_write_file, sweep->file);
    }
    fputs("]}", sweep->file);
}

static void html_points(struct html_sweep *sweep)
{
    const struct sweep_report *report = sweep->report;
    size_t default_row = report->default_row;
    const char *separator = "\n";

    fprintf(sweep->file, ",\n\"n_points\":%zu,\n\"points\":[",
            report->plan->n_points);
    for (size_t i = 0; i < report->plan->n_points; i++) {
        if (!report->result->is_done[i])
            continue;
        fputs(separator, sweep->file);
        html_point(sweep, i);
        separator = ",\n";
    }
    fputs("],\n\"default_point\":", sweep->file);
    if (default_row < report->result->n && report->result->is_done[default_row])
        html_point(sweep, default_row);
    else
        fputs("null", sweep->file);
}

/* Numbers of the winners in the list of finished points. */
static void html_winners(const struct html_sweep *sweep,
                         const struct sweep_curve *curve,
                         const struct sweep_verdict *verdict)
{
    size_t n_done = 0, best = 0, worst = 0, n_plateau = 0;

    fputs(",\n\"plateau\":[", sweep->file);
    for (size_t i = 0; i < curve->n; i++) {
        if (!curve->is_done[i])
            continue;
        if (sweep_is_plateau(curve->metric[verdict->best], curve->metric[i]))
            fprintf(sweep->file, "%s%zu", n_plateau++ ? "," : "", n_done);
        best = i == verdict->best ? n_done : best;
        worst = i == verdict->worst ? n_done : worst;
        n_done++;
    }
    fprintf(sweep->file, "],\n\"best\":%zu,\"worst\":%zu,\"is_flat\":%s", best,
            worst, verdict->is_flat ? "true" : "false");
}

static void html_verdict(const struct html_sweep *sweep)
{
    const struct sweep_report *report = sweep->report;
    struct sweep_curve curve = {report->result->metric, report->result->is_done,
                                report->plan->n_points};
    struct sweep_verdict verdict = sweep_judge(&curve);
    char name[HTML_NAME_BYTES];

    sweep_name_plateau(report->plan, &curve, &verdict, name, sizeof(name));
    html_winners(sweep, &curve, &verdict);
    html_member(sweep->file, "plateau_name", name);
    html_member(sweep->file, "default_text", report->default_text);
}

static bool html_sweep_data(void *context, FILE *file)
{
    struct html_sweep *sweep = context;
    const struct sweep_report *report = sweep->report;
    const char *metric = report->result->metric_name;

    sweep->file = file;
    if (!report_data_write(&sweep->html->data, file))
        return false;
    fputs("\"run\":{\"machine\":", file);
    html_json_text(report->run.machine, file);
    html_member(file, "source", report->run.source);
    fputs(",\n\"config\":", file);
    (void) mmusim_stats_write_config(&report->run, html_json_write, file);
    fputs("},\n\"sweep\":{\"metric\":", file);
    html_json_text(metric, file);
    html_member(file, "metric_label", metric ? metric : "busy cycles");
    html_axes(sweep);
    html_names(sweep);
    html_points(sweep);
    html_verdict(sweep);
    fputs("}}\n", file);
    return true;
}

int sweep_html_check(const struct sweep_plan *plan)
{
    if (plan->n_points <= SWEEP_HTML_POINTS_MAX)
        return 0;
    return cli_error(CLI_USAGE,
                     "sweep: %zu points are too many for the page of --report "
                     "(at most %d; --format csv has no bound)",
                     plan->n_points, SWEEP_HTML_POINTS_MAX);
}

bool sweep_html_write(const struct html_page *page,
                      const struct sweep_html *html, FILE *file)
{
    struct html_sweep sweep = {.html = html, .report = html->report};
    struct sweep_result *result = html->report->result;
    bool is_written = sweep_columns_init(&sweep.columns, result, result->n) &&
                      html_page_write(page, html_sweep_data, &sweep, file);

    sweep_columns_fini(&sweep.columns, result->schemas);
    return is_written;
}
