/* SPDX-License-Identifier: MIT */
/* Stacked bars of busy cycles, one for each CPU that did anything. */
#include "cli/replay_plot.h"

#include "cli/cli.h"
#include "cli/gnuplot.h"
#include "cli/replay_report.h"

#include <inttypes.h>

enum {
    PLOT_NAME_BYTES = 64,
    PLOT_LABELS_MAX = 32, /* more CPUs than this have no room for numbers */
};

static uint64_t plot_value(const mmusim_stats_t *stats, unsigned cpu,
                           const char *bucket)
{
    char name[PLOT_NAME_BYTES];

    snprintf(name, sizeof(name), "core%u.cycles.%s", cpu, bucket);
    return report_value(stats, name);
}

static bool plot_has_cpu(const mmusim_stats_t *stats, unsigned cpu)
{
    char name[PLOT_NAME_BYTES];
    mmusim_stat_t stat;

    snprintf(name, sizeof(name), "core%u.cycles", cpu);
    return mmusim_stats_find(stats, name, &stat);
}

static bool plot_is_busy(const mmusim_stats_t *stats, unsigned cpu)
{
    for (size_t i = 0; report_buckets[i]; i++)
        if (report_is_busy(report_buckets[i]) &&
            plot_value(stats, cpu, report_buckets[i]))
            return true;
    return false;
}

static bool plot_is_used(const mmusim_stats_t *stats, const char *bucket)
{
    char name[PLOT_NAME_BYTES];

    snprintf(name, sizeof(name), "cycles.%s", bucket);
    return report_is_busy(bucket) && report_value(stats, name);
}

/* A line a busy CPU: its number, then its used buckets. Returns the lines. */
static unsigned plot_data(const mmusim_stats_t *stats, FILE *script)
{
    unsigned n = 0;

    fputs("$cycles << EOD\n", script);
    for (unsigned cpu = 0; plot_has_cpu(stats, cpu); cpu++) {
        if (!plot_is_busy(stats, cpu))
            continue;
        fprintf(script, "%u", cpu);
        for (size_t i = 0; report_buckets[i]; i++)
            if (plot_is_used(stats, report_buckets[i]))
                fprintf(script, " %" PRIu64,
                        plot_value(stats, cpu, report_buckets[i]));
        fputc('\n', script);
        n++;
    }
    fputs("EOD\n", script);
    return n;
}

static void plot_bars(const mmusim_stats_t *stats, unsigned n_cpus,
                      FILE *script)
{
    unsigned step = (n_cpus + PLOT_LABELS_MAX - 1) / PLOT_LABELS_MAX;
    unsigned column = 2;

    for (size_t i = 0; report_buckets[i]; i++) {
        const char *bucket = report_buckets[i];

        if (!plot_is_used(stats, bucket))
            continue;
        fprintf(script, "%s$cycles using %u", column == 2 ? "plot " : ", \\\n ",
                column);
        if (column++ == 2) /* the axis is labelled once */
            fprintf(script, ":xtic(int($0) %% %u == 0 ? strcol(1) : '')", step);
        fprintf(script, " title '%s' lc rgb '%s'", bucket,
                gnuplot_bucket_color(bucket));
    }
    fputc('\n', script);
}

int replay_plot_write(const mmusim_stats_t *stats, const char *machine,
                      const char *source, const char *path, FILE *file)
{
    FILE *script = gnuplot_begin(path);
    unsigned n_cpus;

    if (!script)
        return CLI_SYSTEM;
    gnuplot_title(source, machine, script);
    fputs("set xlabel 'CPU'\n"
          "set ylabel 'busy cycles'\n"
          "set format y '%.0s %c'\n"
          "set yrange [0:*]\n"
          "set xtics scale 0\n"
          "set key outside right top Left reverse invert\n"
          "set style data histograms\n"
          "set style histogram rowstacked\n"
          "set style fill solid noborder\n"
          "set boxwidth 0.8\n",
          script);
    n_cpus = plot_data(stats, script);
    if (n_cpus)
        plot_bars(stats, n_cpus, script);
    else
        fputs("set label 'no CPU was busy' at graph 0.5, 0.5 center\n"
              "unset key\nset xrange [0:1]\nplot [0:1][0:1] -1\n",
              script);
    return gnuplot_end(script, file);
}
