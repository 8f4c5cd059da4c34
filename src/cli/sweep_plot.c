/* SPDX-License-Identifier: MIT */
/*
 * A key of whole numbers is an axis of numbers, logarithmic if each is the same
 * multiple of the one before; other keys have their values side by side.
 */
#include "cli/sweep_plot.h"

#include "cli/cli.h"
#include "cli/gnuplot.h"
#include "cli/sweep_winner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLOT_LABELS_MAX = 20, /* of one axis, that do not overlap */
    PLOT_NAME_BYTES = 128,
};

#define PLOT_WINNER  "#b34700"
#define PLOT_DEFAULT "#56616d"
#define PLOT_CURVE   "#0072b2"

struct sweep_plot {
    const struct sweep_report *report;
    struct sweep_curve curve;
    struct sweep_verdict verdict;
    FILE *script;
};

int sweep_plot_check(const struct sweep_plan *plan, const char *path)
{
    if (!plan->n_axes || plan->n_axes > 2)
        return cli_error(CLI_USAGE,
                         "sweep: --plot draws one key or two, not %zu "
                         "(--report has charts of any number)",
                         plan->n_axes);
    if (plan->n_points > SWEEP_PLOT_POINTS_MAX)
        return cli_error(CLI_USAGE,
                         "sweep: --plot draws at most %d points, not %zu",
                         SWEEP_PLOT_POINTS_MAX, plan->n_points);
    return gnuplot_check("sweep", path);
}

static const char *plot_metric_name(const struct sweep_plot *plot)
{
    const char *name = plot->report->result->metric_name;

    return name ? name : "busy cycles";
}

static void plot_metric(const struct sweep_plot *plot, size_t point)
{
    const struct sweep_result *result = plot->report->result;
    uint64_t value = result->metric[point];

    if (!result->is_done[point])
        fputs("NaN", plot->script);
    else if (result->is_metric_milli)
        fprintf(plot->script, "%" PRIu64 ".%03u", value / 1000,
                (unsigned) (value % 1000));
    else
        fprintf(plot->script, "%" PRIu64, value);
}

static uint64_t plot_number(const struct sweep_axis *axis, size_t i)
{
    return strtoull(axis->values[i], NULL, 0);
}

/* Whether the values are rising numbers, which have a scale of their own. */
static bool plot_has_scale(const struct sweep_axis *axis)
{
    for (size_t i = 1; axis->is_numeric && i < axis->n_values; i++)
        if (plot_number(axis, i) <= plot_number(axis, i - 1))
            return false;
    return axis->is_numeric && axis->n_values > 1;
}

/* Whether each value is the same multiple, of two or more, of the one before.
 */
static bool plot_is_geometric(const struct sweep_axis *axis)
{
    uint64_t first, factor;

    if (!plot_has_scale(axis) || axis->n_values < 3)
        return false;
    first = plot_number(axis, 0);
    factor = first ? plot_number(axis, 1) / first : 0;
    for (size_t i = 1; factor >= 2 && i < axis->n_values; i++)
        if (plot_number(axis, i) != plot_number(axis, i - 1) * factor)
            return false;
    return factor >= 2;
}

/* Where a value stands: at its number, or at its place in the list. */
static void plot_position(const struct sweep_plot *plot,
                          const struct sweep_axis *axis, size_t i)
{
    if (plot_has_scale(axis))
        fprintf(plot->script, "%" PRIu64, plot_number(axis, i));
    else
        fprintf(plot->script, "%zu", i);
}

/* Labels of values side by side, some left out where there are many. */
static void plot_labels(const struct sweep_plot *plot,
                        const struct sweep_axis *axis, char which)
{
    size_t step = (axis->n_values + PLOT_LABELS_MAX - 1) / PLOT_LABELS_MAX;

    fprintf(plot->script, "set %clabel ", which);
    gnuplot_text(axis->key, plot->script);
    fprintf(plot->script, "\nset %ctics (", which);
    for (size_t i = 0; i < axis->n_values; i += step) {
        fputs(i ? ", " : "", plot->script);
        gnuplot_text(axis->values[i], plot->script);
        fprintf(plot->script, " %zu", i);
    }
    fprintf(plot->script, ")\nset %crange [-0.5:%zu.5]\n", which,
            axis->n_values - 1);
}

static void plot_key_axis(const struct sweep_plot *plot,
                          const struct sweep_axis *axis)
{
    if (!plot_has_scale(axis)) {
        plot_labels(plot, axis, 'x');
        return;
    }
    fputs("set xlabel ", plot->script);
    gnuplot_text(axis->key, plot->script);
    fprintf(plot->script, "\nset xrange [%" PRIu64 ":%" PRIu64 "]\n",
            plot_number(axis, 0), plot_number(axis, axis->n_values - 1));
    if (plot_is_geometric(axis))
        fprintf(plot->script, "set logscale x %" PRIu64 "\n",
                plot_number(axis, 1) / plot_number(axis, 0));
}

static bool plot_is_winner(const struct sweep_plot *plot, size_t point)
{
    return plot->curve.is_done[point] &&
           sweep_is_plateau(plot->curve.metric[plot->verdict.best],
                            plot->curve.metric[point]);
}

/* A shade behind each stretch of winners. */
static void plot_plateau(const struct sweep_plot *plot,
                         const struct sweep_axis *axis)
{
    for (size_t i = 0; !plot->verdict.is_flat && i < axis->n_values; i++) {
        size_t low = i;

        if (!plot_is_winner(plot, i))
            continue;
        while (i + 1 < axis->n_values && plot_is_winner(plot, i + 1))
            i++;
        if (low == i)
            continue;
        fputs("set object rectangle from first ", plot->script);
        plot_position(plot, axis, low);
        fputs(", graph 0 to first ", plot->script);
        plot_position(plot, axis, i);
        fputs(", graph 1 behind fillcolor rgb '" PLOT_CURVE "' "
              "fillstyle transparent solid 0.15 noborder\n",
              plot->script);
    }
}

/* The axis's value of the point that is the configuration as it is. */
static bool plot_default_at(const struct sweep_plot *plot, size_t axis,
                            size_t *at)
{
    const struct sweep_plan *plan = plot->report->plan;

    if (plot->report->default_row >= plan->n_points)
        return false;
    *at = sweep_plan_index(plan, plot->report->default_row, axis);
    return true;
}

static void plot_default_line(const struct sweep_plot *plot,
                              const struct sweep_axis *axis)
{
    size_t at;

    if (!plot_default_at(plot, 0, &at))
        return;
    fputs("set arrow from first ", plot->script);
    plot_position(plot, axis, at);
    fputs(", graph 0 to first ", plot->script);
    plot_position(plot, axis, at);
    fputs(", graph 1 nohead back dashtype 2 lc rgb '" PLOT_DEFAULT "'\n"
          "set label 'default' at first ",
          plot->script);
    plot_position(plot, axis, at);
    fputs(", graph 1.03 center textcolor rgb '" PLOT_DEFAULT "'\n",
          plot->script);
}

/* $NAME << EOD, x y of the points from first to end, EOD */
static void plot_points(const struct sweep_plot *plot, const char *name,
                        size_t first, size_t end)
{
    const struct sweep_axis *axis = &plot->report->plan->axes[0];

    fprintf(plot->script, "$%s << EOD\n", name);
    for (size_t i = first; i < end; i++) {
        plot_position(plot, axis, i);
        fputc(' ', plot->script);
        plot_metric(plot, i);
        fputc('\n', plot->script);
    }
    fputs("EOD\n", plot->script);
}

static void plot_curve(const struct sweep_plot *plot)
{
    const struct sweep_axis *axis = &plot->report->plan->axes[0];
    size_t best = plot->verdict.best;
    char winner[PLOT_NAME_BYTES] = "flat: all within 0.1 % of the best";
    FILE *script = plot->script;

    if (!plot->verdict.is_flat)
        sweep_name_plateau(plot->report->plan, &plot->curve, &plot->verdict,
                           winner, sizeof(winner));
    plot_key_axis(plot, axis);
    plot_plateau(plot, axis);
    plot_default_line(plot, axis);
    fputs("set ylabel ", script);
    gnuplot_text(plot_metric_name(plot), script);
    fputs("\nset format y '%.2s %c'\nset bmargin 5\nset key at screen 0.97, "
          "screen 0.02 right bottom\n"
          "set offsets 0, 0, graph 0.08, graph 0.08\n",
          script);
    plot_points(plot, "points", 0, axis->n_values);
    plot_points(plot, "best", best, best + 1);
    fprintf(script,
            "plot $points using 1:2 with %s pt 7 ps %s lw 1.5 "
            "lc rgb '" PLOT_CURVE "' notitle, \\\n $best using 1:2 with points "
            "pt 7 ps 1.2 lc rgb '" PLOT_WINNER "' title %s",
            plot_has_scale(axis) ? "linespoints" : "points",
            plot_has_scale(axis) ? "0.5" : "1",
            plot->verdict.is_flat ? "" : "'best: '.");
    gnuplot_text(winner, script);
    fputc('\n', script);
}

/* One marked cell: $NAME << EOD x y EOD. */
static void plot_cell(const struct sweep_plot *plot, const char *name,
                      size_t point)
{
    const struct sweep_plan *plan = plot->report->plan;

    fprintf(plot->script, "$%s << EOD\n", name);
    if (point < plan->n_points)
        fprintf(plot->script, "%zu %zu\n", sweep_plan_index(plan, point, 1),
                sweep_plan_index(plan, point, 0));
    else
        fputs("NaN NaN\n", plot->script);
    fputs("EOD\n", plot->script);
}

/* The last key across, as it runs fastest. Colours: cividis. */
static void plot_heat_map(const struct sweep_plot *plot)
{
    const struct sweep_plan *plan = plot->report->plan;
    FILE *script = plot->script;

    plot_labels(plot, &plan->axes[1], 'x');
    plot_labels(plot, &plan->axes[0], 'y');
    fputs("set cblabel ", script);
    gnuplot_text(plot_metric_name(plot), script);
    fputs("\nset format cb '%.2s %c'\n"
          "set palette defined (0 '#00224e', 1 '#35456c', 2 '#666970', "
          "3 '#948e77', 4 '#c8b866', 5 '#fee838')\n"
          "unset grid\nset tics out scale 0\nset rmargin at screen 0.80\n"
          "set bmargin 5\nset key at screen 0.97, screen 0.02 right bottom "
          "horizontal\n$cells << EOD\n",
          script);
    for (size_t i = 0; i < plan->n_points; i++) {
        if (!plot->curve.is_done[i])
            continue;
        fprintf(script, "%zu %zu ", sweep_plan_index(plan, i, 1),
                sweep_plan_index(plan, i, 0));
        plot_metric(plot, i);
        fputc('\n', script);
    }
    fputs("EOD\n", script);
    plot_cell(plot, "best", plot->verdict.best);
    plot_cell(plot, "default", plot->report->default_row);
    fputs("plot $cells using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 "
          "with boxxyerror linecolor palette fillstyle solid notitle, "
          "\\\n $best using 1:2 with points pt 7 ps 1.2 lc rgb '#d55e00' title "
          "'best', \\\n $default using 1:2 with points pt 6 ps 1.4 lw 2 lc rgb "
          "'#ffffff' notitle, \\\n $default using 1:2 with points pt 6 ps 1.8 "
          "lc rgb '" PLOT_DEFAULT "' title 'default'\n",
          script);
}

int sweep_plot_write(const struct sweep_report *report, const char *path,
                     FILE *file)
{
    struct sweep_plot plot = {
        .report = report,
        .curve = {report->result->metric, report->result->is_done,
                  report->plan->n_points},
        .script = gnuplot_begin(path),
    };

    if (!plot.script)
        return CLI_SYSTEM;
    plot.verdict = sweep_judge(&plot.curve);
    gnuplot_title(report->run.source, report->run.machine, plot.script);
    if (report->plan->n_axes == 1)
        plot_curve(&plot);
    else
        plot_heat_map(&plot);
    return gnuplot_end(plot.script, file);
}
