/* SPDX-License-Identifier: MIT */
/*
 * Reports of a published measurement. Text: a table, what was fitted, and a
 * verdict. CSV: one row a figure. JSON: all of it,
 * {"schema": "mmusim-experiment-1", ...}.
 */
#include "cli/experiment_report.h"

#include "cli/run_setup.h"

#include <stdio.h>
#include <string.h>

static const char *const report_kinds[] = {"fitted", "predicted", "remark"};

static double report_value(uint64_t milli)
{
    return (double) milli / 1000;
}

static double report_percent(const mmusim_figure_t *figure)
{
    return 100 *
           ((double) figure->simulated_milli / (double) figure->measured_milli -
            1);
}

static void report_text(FILE *out, const mmusim_experiment_t *experiment)
{
    uint64_t limit = mmusim_experiment_median_limit(experiment);
    mmusim_experiment_item_t item;
    mmusim_figure_t figure;
    const char *note;

    mmusim_experiment_describe(experiment, &item);
    fprintf(out, "%s: %s (%s)\n", item.name, item.help, item.source);
    fprintf(out, "%-22s %10s %10s %8s\n", "", "measured", "simulated",
            "error %");
    for (size_t i = 0; mmusim_experiment_figure_at(experiment, i, &figure);
         i++) {
        fprintf(out, "%-22s %10.1f %10.1f %+8.1f  %s, %s", figure.label,
                report_value(figure.measured_milli),
                report_value(figure.simulated_milli), report_percent(&figure),
                figure.unit, report_kinds[figure.kind]);
        if (figure.limit_permille)
            fprintf(out, " (within %u %%)", figure.limit_permille / 10);
        fputc('\n', out);
    }
    for (size_t i = 0; (note = mmusim_experiment_note_at(experiment, i)); i++)
        fprintf(out, "%s\n", note);
    fprintf(out, "median error of the predictions: %.1f %%",
            (double) mmusim_experiment_median_permille(experiment) / 10);
    if (limit)
        fprintf(out, " (within %.0f %%)", (double) limit / 10);
    fprintf(out, ": %s\n",
            mmusim_experiment_agrees(experiment) ? "agrees" : "DIFFERS");
}

static mmusim_status_t report_csv(FILE *out,
                                  const mmusim_experiment_t *experiment)
{
    mmusim_status_t status = MMUSIM_OK;
    mmusim_figure_t figure;

    fputs("figure,unit,measured,simulated,error_percent,kind,limit_percent,"
          "machine,settings,workload\n",
          out);
    for (size_t i = 0;
         !status && mmusim_experiment_figure_at(experiment, i, &figure); i++) {
        status = mmusim_write_csv_text(figure.label, run_write_file, out);
        fprintf(out, ",%s,%.3f,%.3f,%.2f,%s,%.1f,%s,%s,", figure.unit,
                report_value(figure.measured_milli),
                report_value(figure.simulated_milli), report_percent(&figure),
                report_kinds[figure.kind], figure.limit_permille / 10.0,
                figure.machine, figure.settings);
        if (!status)
            status =
                mmusim_write_csv_text(figure.workload, run_write_file, out);
        fputc('\n', out);
    }
    return status;
}

static mmusim_status_t report_json_text(FILE *out, const char *name,
                                        const char *text)
{
    fprintf(out, "\"%s\": ", name);
    return mmusim_write_json_text(text, run_write_file, out);
}

static mmusim_status_t report_json_figure(FILE *out,
                                          const mmusim_figure_t *figure)
{
    const char *const texts[][2] = {{"machine", figure->machine},
                                    {"settings", figure->settings},
                                    {"workload", figure->workload}};
    mmusim_status_t status = report_json_text(out, "figure", figure->label);

    fprintf(out,
            ", \"unit\": \"%s\", \"measured\": %.3f, \"simulated\": %.3f, "
            "\"error_percent\": %.2f, \"kind\": \"%s\", \"limit_percent\": "
            "%.1f",
            figure->unit, report_value(figure->measured_milli),
            report_value(figure->simulated_milli), report_percent(figure),
            report_kinds[figure->kind], figure->limit_permille / 10.0);
    for (size_t i = 0; !status && i < sizeof(texts) / sizeof(texts[0]); i++) {
        fputs(", ", out);
        status = report_json_text(out, texts[i][0], texts[i][1]);
    }
    return status;
}

static mmusim_status_t report_json(FILE *out,
                                   const mmusim_experiment_t *experiment)
{
    mmusim_experiment_item_t item;
    mmusim_figure_t figure;
    mmusim_status_t status = MMUSIM_OK;
    const char *note;

    mmusim_experiment_describe(experiment, &item);
    fprintf(out,
            "{\"schema\": \"mmusim-experiment-1\", \"name\": \"%s\",\n"
            " \"median_error_percent\": %.1f, \"agrees\": %s,\n \"figures\": [",
            item.name,
            (double) mmusim_experiment_median_permille(experiment) / 10,
            mmusim_experiment_agrees(experiment) ? "true" : "false");
    for (size_t i = 0;
         !status && mmusim_experiment_figure_at(experiment, i, &figure); i++) {
        fprintf(out, "%s\n  {", i ? "," : "");
        status = report_json_figure(out, &figure);
        fputc('}', out);
    }
    fputs("],\n \"notes\": [", out);
    for (size_t i = 0;
         !status && (note = mmusim_experiment_note_at(experiment, i)); i++) {
        fputs(i ? ", " : "", out);
        status = mmusim_write_json_text(note, run_write_file, out);
    }
    fputs("]}\n", out);
    return status;
}

int experiment_report(void *stream, enum validate_format format,
                      const mmusim_experiment_t *experiment)
{
    FILE *out = stream;
    mmusim_status_t status = MMUSIM_OK;

    switch (format) {
    case VALIDATE_TEXT:
        report_text(out, experiment);
        break;
    case VALIDATE_CSV:
        status = report_csv(out, experiment);
        break;
    case VALIDATE_JSON:
        status = report_json(out, experiment);
        break;
    }
    if (status || fflush(out) || ferror(out))
        return cli_error(CLI_SYSTEM, "the report cannot be written");
    return CLI_OK;
}
