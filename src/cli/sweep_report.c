/* SPDX-License-Identifier: MIT */
/*
 * A sweep for reading: a table with the plateau marked, a plot along the last
 * key, and one line that says what wins, by how much, and which buckets of
 * cycles moved.
 */
#include "cli/sweep_report.h"

#include "cli/json_out.h"
#include "cli/replay_report.h"
#include "cli/run_setup.h"
#include "cli/sweep_rows.h"
#include "cli/sweep_winner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPORT_ROWS_MAX = 200, /* longer tables belong into CSV */
    REPORT_PANELS_MAX = 4,
    REPORT_CURVE_MIN = 3, /* points: two are no curve */
    REPORT_MOVED_MAX = 4,
    REPORT_NAME_BYTES = 512,
    REPORT_NUMBER_BYTES = 28,
    REPORT_VALUE_BYTES = 128,
};

struct report_move {
    const char *bucket;
    double percent;
};

static const char *report_metric_name(const struct sweep_report *report)
{
    const char *name = report->result->metric_name;

    return name ? name : "busy cycles";
}

static struct sweep_curve report_curve(const struct sweep_report *report)
{
    return (struct sweep_curve){report->result->metric, report->result->is_done,
                                report->plan->n_points};
}

static const char *report_metric(const struct sweep_report *report,
                                 uint64_t value, char *buffer)
{
    if (!report->result->is_metric_milli)
        return report_grouped(value, buffer);
    snprintf(buffer, REPORT_NUMBER_BYTES, "%" PRIu64 ".%03u", value / 1000,
             (unsigned) (value % 1000));
    return buffer;
}

/* ---- the table ---- */

static int report_axis_width(const struct sweep_axis *axis)
{
    size_t width = strlen(axis->key);

    for (size_t i = 0; i < axis->n_values; i++)
        if (strlen(axis->values[i]) > width)
            width = strlen(axis->values[i]);
    return width > 60 ? 60 : (int) width;
}

static void report_table_row(const struct sweep_report *report, size_t point,
                             uint64_t best, const int *widths, FILE *file)
{
    uint64_t metric = report->result->metric[point];
    char number[REPORT_NUMBER_BYTES];
    mmusim_stat_t cycles = {0};

    for (size_t i = 0; i < report->plan->n_axes; i++)
        fprintf(file, "%*s  ", widths[i],
                sweep_plan_value(report->plan, point, i));
    sweep_result_find(report->result, point, "sim.cycles", &cycles);
    fprintf(file, "%20s ", report_metric(report, metric, number));
    fprintf(file, "%c %+8.2f %%", sweep_is_plateau(best, metric) ? '*' : ' ',
            0.0 - sweep_percent_below(metric, best));
    fprintf(file, " %20s\n", report_grouped(cycles.value, number));
}

static void report_table(const struct sweep_report *report, size_t best_point,
                         FILE *file)
{
    const struct sweep_plan *plan = report->plan;
    uint64_t best = report->result->metric[best_point];
    int widths[SWEEP_AXES_MAX];
    size_t n_printed = 0;

    for (size_t i = 0; i < plan->n_axes; i++) {
        widths[i] = report_axis_width(&plan->axes[i]);
        fprintf(file, "%*s  ", widths[i], plan->axes[i].key);
    }
    fprintf(file, "%20s %12s %20s\n", report_metric_name(report), "over best",
            "sim.cycles");
    for (size_t i = 0; i < plan->n_points; i++)
        if (report->result->is_done[i] && n_printed++ < REPORT_ROWS_MAX)
            report_table_row(report, i, best, widths, file);
    if (n_printed > REPORT_ROWS_MAX)
        fprintf(file, "... and %zu more rows (--format csv has all)\n",
                n_printed - REPORT_ROWS_MAX);
    fprintf(file, "* within 0.1 %% of the best\n");
}

/* ---- the plot ---- */

/* The metric, and the keys that stay the same in a panel. */
static void report_panel_title(const struct sweep_report *report, size_t first,
                               FILE *file)
{
    const struct sweep_plan *plan = report->plan;

    fprintf(file, "\n%s", report_metric_name(report));
    for (size_t i = 0; i + 1 < plan->n_axes; i++)
        fprintf(file, ", %s=%s", plan->axes[i].key,
                sweep_plan_value(plan, first, i));
    fputc('\n', file);
}

/* The key's values of the first finished to the last point of a panel. */
static void report_panel(const struct sweep_report *report, size_t first,
                         FILE *file)
{
    const struct sweep_plan *plan = report->plan;
    const struct sweep_axis *axis = &plan->axes[plan->n_axes - 1];
    uint64_t *values = calloc(axis->n_values, sizeof(*values));
    struct plot *plot = malloc(sizeof(*plot));
    size_t n = 0, low = 0, high = 0;

    for (size_t i = 0; values && plot && i < axis->n_values; i++) {
        if (!report->result->is_done[first + i])
            continue;
        low = n ? low : i;
        high = i;
        values[n++] = report->result->metric[first + i];
    }
    if (n >= REPORT_CURVE_MIN) {
        report_panel_title(report, first, file);
        plot_init(plot, report->style, values, n);
        plot_print(plot, file, axis->key, axis->values[low],
                   axis->values[high]);
    }
    free(plot);
    free(values);
}

static void report_plots(const struct sweep_report *report, FILE *file)
{
    const struct sweep_plan *plan = report->plan;
    const struct sweep_axis *axis = &plan->axes[plan->n_axes - 1];
    size_t n_panels = plan->n_points / axis->n_values;

    if (!axis->is_numeric || axis->n_values < REPORT_CURVE_MIN)
        return;
    for (size_t i = 0; i < n_panels && i < REPORT_PANELS_MAX; i++)
        report_panel(report, i * axis->n_values, file);
    if (n_panels > REPORT_PANELS_MAX)
        fprintf(file, "... and %zu more plots (--format csv has all rows)\n",
                n_panels - REPORT_PANELS_MAX);
}

/* ---- the verdict ---- */

static uint64_t report_bucket(const struct sweep_report *report, size_t point,
                              const char *bucket)
{
    char name[64];
    mmusim_stat_t stat = {0};

    snprintf(name, sizeof(name), "cycles.%s", bucket);
    sweep_result_find(report->result, point, name, &stat);
    return stat.value;
}

static int report_compare_moves(const void *a, const void *b)
{
    const struct report_move *left = a;
    const struct report_move *right = b;
    double l = left->percent < 0 ? -left->percent : left->percent;
    double r = right->percent < 0 ? -right->percent : right->percent;

    return (l < r) - (l > r);
}

/* The buckets that differ most between two rows, in % of all of from's. */
static void report_moves(const struct sweep_report *report, size_t to,
                         size_t from, FILE *file)
{
    struct report_move moves[32];
    double total = 0.0;
    size_t n = 0;

    for (size_t i = 0; report_buckets[i] && n < 32; i++) {
        double was, is;

        if (!report_is_busy(report_buckets[i]))
            continue;
        was = (double) report_bucket(report, from, report_buckets[i]);
        is = (double) report_bucket(report, to, report_buckets[i]);
        total += was;
        moves[n++] = (struct report_move){report_buckets[i], is - was};
    }
    for (size_t i = 0; i < n; i++)
        moves[i].percent *= total > 0.0 ? 100.0 / total : 0.0;
    qsort(moves, n, sizeof(moves[0]), report_compare_moves);
    for (size_t i = 0; i < n && i < REPORT_MOVED_MAX; i++)
        if (moves[i].percent >= 0.01 || moves[i].percent <= -0.01)
            fprintf(file, "%s %s %+.2f %%",
                    i ? "," : "; buckets against it:", moves[i].bucket,
                    moves[i].percent);
}

/* "12.34 % below", "0.50 % above" or "the same as". */
static void report_compared(double percent_below, FILE *file)
{
    if (percent_below < 0.005 && percent_below > -0.005)
        fprintf(file, "the same as");
    else if (percent_below >= 0.0)
        fprintf(file, "%.2f %% below", percent_below);
    else
        fprintf(file, "%.2f %% above", -percent_below);
}

static void report_win(const struct sweep_report *report,
                       const struct sweep_curve *curve,
                       const struct sweep_verdict *verdict, FILE *file)
{
    const uint64_t *metric = report->result->metric;
    char name[REPORT_NAME_BYTES];
    char number[REPORT_NUMBER_BYTES];

    sweep_name_plateau(report->plan, curve, verdict, name, sizeof(name));
    fprintf(file, "\nbest: %s (%s %s): ", name, report_metric_name(report),
            report_metric(report, metric[verdict->best], number));
    if (report->default_row < report->result->n &&
        report->result->is_done[report->default_row]) {
        report_compared(sweep_percent_below(metric[verdict->best],
                                            metric[report->default_row]),
                        file);
        fprintf(file, " the default (%s), ", report->default_text);
    }
    report_compared(
        sweep_percent_below(metric[verdict->best], metric[verdict->worst]),
        file);
    sweep_plan_describe(report->plan, verdict->worst, name, sizeof(name));
    fprintf(file, " the worst (%s)", name);
    report_moves(report, verdict->best, verdict->worst, file);
    fputc('\n', file);
}

static void report_flat(const struct sweep_report *report,
                        const struct sweep_verdict *verdict, FILE *file)
{
    const uint64_t *metric = report->result->metric;
    char number[REPORT_NUMBER_BYTES];

    fprintf(file, "\nflat: all %zu points lie within 0.1 %% of the best (%s ",
            verdict->n_done, report_metric_name(report));
    fprintf(file, "%s", report_metric(report, metric[verdict->best], number));
    fprintf(file, " to %s)\n",
            report_metric(report, metric[verdict->worst], number));
}

void sweep_print_text(const struct sweep_report *report, FILE *file)
{
    struct sweep_curve curve = report_curve(report);
    struct sweep_verdict verdict = sweep_judge(&curve);

    fprintf(file, "machine %s, source %s, %zu of %zu points\n",
            report->run.machine, report->run.source, verdict.n_done, curve.n);
    if (!verdict.n_done)
        return;
    if (!report->result->metric_name)
        fprintf(file, "busy cycles: of all CPUs, without idle and order\n");
    fputc('\n', file);
    report_table(report, verdict.best, file);
    report_plots(report, file);
    if (verdict.is_flat)
        report_flat(report, &verdict, file);
    else
        report_win(report, &curve, &verdict, file);
}

size_t sweep_find_default(const struct sweep_plan *plan,
                          const mmusim_config_t *config, char *text,
                          size_t size_bytes)
{
    char values[SWEEP_AXES_MAX][REPORT_VALUE_BYTES];
    const char *texts[SWEEP_AXES_MAX];
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < plan->n_axes; i++) {
        const char *key = plan->axes[i].key;
        int n;

        if (mmusim_config_get(config, key, values[i], sizeof(values[i])))
            values[i][0] = '\0';
        texts[i] = values[i];
        n = snprintf(text + length, size_bytes - length, "%s%s=%s",
                     i ? " " : "", key, values[i]);
        length += n > 0 ? (size_t) n : 0;
        if (length >= size_bytes)
            length = size_bytes - 1;
    }
    return sweep_plan_find(plan, texts);
}

/* ---- csv and json ---- */

static struct sweep_schema *report_schema(void *context, size_t point)
{
    const struct sweep_report *report = context;

    return report->result->rows[point].schema;
}

static struct sweep_schema *report_schemas(void *context)
{
    const struct sweep_report *report = context;

    return report->result->schemas;
}

static int report_row(void *context, size_t point, struct sweep_row *row)
{
    const struct sweep_report *report = context;

    *row = report->result->rows[point];
    return 0;
}

static struct sweep_rows report_rows(const struct sweep_report *report)
{
    return (struct sweep_rows){
        .plan = report->plan,
        .n = report->plan->n_points,
        .context = (void *) (uintptr_t) report,
        .schema = report_schema,
        .schemas = report_schemas,
        .row = report_row,
    };
}

bool sweep_print_csv(const struct sweep_report *report, FILE *file)
{
    struct sweep_rows rows = report_rows(report);

    return !sweep_rows_csv(&rows, file);
}

bool sweep_print_json(const struct sweep_report *report, FILE *file)
{
    struct sweep_rows rows = report_rows(report);

    fputs("{\n  \"schema\": \"mmusim-sweep-1\",\n  ", file);
    json_file_member(file, "machine", report->run.machine);
    fputs(",\n  ", file);
    json_file_member(file, "source", report->run.source);
    fputs(",\n  \"config\": ", file);
    (void) mmusim_stats_write_config(&report->run, run_write_file, file);
    fputs(",\n  \"points\": ", file);
    if (sweep_rows_json(&rows, file))
        return false;
    fputs("\n}\n", file);
    return true;
}
