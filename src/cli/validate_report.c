/* SPDX-License-Identifier: MIT */
/*
 * Reports of latency curves. Text: a table and a verdict for each CPU, then
 * one line each. CSV: one row a point. JSON: all of it,
 * {"schema": "mmusim-latency-1", "cpus": [...]}.
 */
#include "cli/validate_report.h"

#include "cli/run_setup.h"

#include <stdio.h>
#include <string.h>

enum { GOAL_PERMILLE = 100 }; /* a median worth the name, said in the verdict */

static double report_milli(uint64_t milli)
{
    return (double) milli / 1000;
}

static double report_error(uint64_t simulated, uint64_t measured)
{
    return 100 * ((double) simulated - (double) measured) / (double) measured;
}

static void report_size(FILE *out, uint64_t size_bytes)
{
    if (size_bytes % (1 << 20) == 0)
        fprintf(out, "%lluM", (unsigned long long) (size_bytes >> 20));
    else
        fprintf(out, "%lluK", (unsigned long long) (size_bytes >> 10));
}

/* ---- text ---- */

static void report_text_caches(FILE *out, const mmusim_latency_t *latency)
{
    mmusim_latency_cache_t cache;

    fputs("fitted caches (from the 64-byte strides alone):\n", out);
    for (size_t i = 0; mmusim_latency_cache_at(latency, i, &cache); i++) {
        fprintf(out, "  %-5s", cache.level);
        if (cache.size_bytes) {
            report_size(out, cache.size_bytes);
            fprintf(out, ", %u ways, %s", cache.ways, cache.replacement);
            if (cache.bypass_percent)
                fprintf(out, ", %u%% of misses not kept", cache.bypass_percent);
            fputs(", ", out);
        }
        fprintf(out, "%u cycles\n", cache.cycles);
    }
    fprintf(out, "  median error of the fit: %.1f %%\n",
            report_milli(mmusim_latency_fit_permille(latency)) * 100);
}

static void report_text_points(FILE *out, const mmusim_latency_t *latency)
{
    mmusim_latency_point_t point;

    fprintf(out, "%9s %9s %9s %8s %8s %8s\n", "pages", "measured", "simulated",
            "error %", "L1 miss", "walks");
    for (size_t i = 0; mmusim_latency_point_at(latency, i, &point); i++) {
        if (!point.measured_milli)
            continue;
        fprintf(out, "%9llu %9.1f %9.1f %+8.1f %7.1f%% %7.1f%%\n",
                (unsigned long long) point.pages,
                report_milli(point.measured_milli),
                report_milli(point.simulated_milli),
                report_error(point.simulated_milli, point.measured_milli),
                point.l1_misses_permille / 10.0, point.walks_permille / 10.0);
    }
}

static const char *report_verdict(mmusim_knee_verdict_t verdict)
{
    switch (verdict) {
    case MMUSIM_KNEE_RIGHT:
        return "right";
    case MMUSIM_KNEE_WRONG:
        return "WRONG";
    case MMUSIM_KNEE_UNSEEN:
        break;
    }
    return "not seen";
}

static void report_text_interval(FILE *out, uint64_t from, uint64_t to)
{
    if (to)
        fprintf(out, "%llu to %llu pages", (unsigned long long) from,
                (unsigned long long) to);
    else
        fputs("none", out);
}

static void report_text_knees(FILE *out, const mmusim_latency_t *latency)
{
    mmusim_latency_knee_t knee;

    for (size_t i = 0; mmusim_latency_knee_at(latency, i, &knee); i++) {
        fprintf(out, "knee of the %s TLB: measured ", knee.level);
        report_text_interval(out, knee.measured_from, knee.measured_to);
        fputs(", simulated ", out);
        report_text_interval(out, knee.simulated_from, knee.simulated_to);
        fprintf(out, ": %s\n", report_verdict(knee.verdict));
    }
}

static size_t report_wrong_knees(const mmusim_latency_t *latency)
{
    mmusim_latency_knee_t knee;
    size_t n_wrong = 0;

    for (size_t i = 0; mmusim_latency_knee_at(latency, i, &knee); i++)
        n_wrong += knee.verdict == MMUSIM_KNEE_WRONG;
    return n_wrong;
}

static void report_text_verdict(FILE *out, const struct validate_run *run)
{
    uint64_t median = mmusim_latency_median_permille(run->latency);
    size_t n_wrong = report_wrong_knees(run->latency);

    fprintf(out, "%-20s median error %5.1f %%, %zu wrong knee%s: %s  (%s)\n",
            run->curve.tlb_of, report_milli(median) * 100, n_wrong,
            n_wrong == 1 ? "" : "s",
            median <= GOAL_PERMILLE && !n_wrong ? "agrees" : "DIFFERS",
            run->curve.cpu);
}

static void report_text(FILE *out, const struct validate_run *runs,
                        size_t n_runs)
{
    for (size_t i = 0; i < n_runs; i++) {
        const struct validate_run *run = &runs[i];

        fprintf(out, "%s: TLBs of %s\n", run->curve.cpu, run->curve.tlb_of);
        report_text_caches(out, run->latency);
        fputs("one dependent load a page of 4 KiB, cycles:\n", out);
        report_text_points(out, run->latency);
        report_text_knees(out, run->latency);
        report_text_verdict(out, run);
        fputc('\n', out);
    }
    if (n_runs < 2)
        return;
    fputs("all:\n", out);
    for (size_t i = 0; i < n_runs; i++)
        report_text_verdict(out, &runs[i]);
}

/* ---- CSV ---- */

static mmusim_status_t report_csv_cpu(FILE *out, const struct validate_run *run)
{
    mmusim_latency_point_t point;
    mmusim_status_t status = MMUSIM_OK;

    for (size_t i = 0;
         !status && mmusim_latency_point_at(run->latency, i, &point); i++) {
        status = mmusim_write_csv_text(run->curve.tlb_of, run_write_file, out);
        fputc(',', out);
        if (!status)
            status = mmusim_write_csv_text(run->curve.cpu, run_write_file, out);
        fprintf(out, ",%llu,", (unsigned long long) point.pages);
        if (point.measured_milli)
            fprintf(out, "%.3f,%.3f,%.2f,%.1f,%.1f,",
                    report_milli(point.measured_milli),
                    report_milli(point.simulated_milli),
                    report_error(point.simulated_milli, point.measured_milli),
                    point.l1_misses_permille / 10.0,
                    point.walks_permille / 10.0);
        else
            fputs(",,,,,", out);
        if (point.measured_64b_milli)
            fprintf(out, "%.3f,%.3f\n", report_milli(point.measured_64b_milli),
                    report_milli(point.fitted_64b_milli));
        else
            fputs(",\n", out);
    }
    return status;
}

static mmusim_status_t report_csv(FILE *out, const struct validate_run *runs,
                                  size_t n_runs)
{
    mmusim_status_t status = MMUSIM_OK;

    fputs("tlb_of,cpu,pages,measured_cycles,simulated_cycles,error_percent,"
          "l1_miss_percent,walk_percent,measured_64B_cycles,"
          "fitted_64B_cycles\n",
          out);
    for (size_t i = 0; !status && i < n_runs; i++)
        status = report_csv_cpu(out, &runs[i]);
    return status;
}

/* ---- JSON ---- */

static void report_json_caches(FILE *out, const mmusim_latency_t *latency)
{
    mmusim_latency_cache_t cache;

    fputs(", \"caches\": [", out);
    for (size_t i = 0; mmusim_latency_cache_at(latency, i, &cache); i++) {
        fprintf(out, "%s{\"level\": \"%s\"", i ? ", " : "", cache.level);
        if (cache.size_bytes)
            fprintf(out,
                    ", \"size_bytes\": %llu, \"ways\": %u, \"replacement\": "
                    "\"%s\", \"bypass_percent\": %u",
                    (unsigned long long) cache.size_bytes, cache.ways,
                    cache.replacement, cache.bypass_percent);
        fprintf(out, ", \"cycles\": %u}", cache.cycles);
    }
    fputc(']', out);
}

static void report_json_points(FILE *out, const mmusim_latency_t *latency)
{
    mmusim_latency_point_t point;

    fputs(", \"points\": [", out);
    for (size_t i = 0; mmusim_latency_point_at(latency, i, &point); i++) {
        fprintf(out, "%s\n  {\"pages\": %llu", i ? "," : "",
                (unsigned long long) point.pages);
        if (point.measured_milli)
            fprintf(out,
                    ", \"measured_cycles\": %.3f, \"simulated_cycles\": %.3f, "
                    "\"error_percent\": %.2f, \"l1_miss_percent\": %.1f, "
                    "\"walk_percent\": %.1f",
                    report_milli(point.measured_milli),
                    report_milli(point.simulated_milli),
                    report_error(point.simulated_milli, point.measured_milli),
                    point.l1_misses_permille / 10.0,
                    point.walks_permille / 10.0);
        if (point.measured_64b_milli)
            fprintf(out,
                    ", \"measured_64B_cycles\": %.3f, \"fitted_64B_cycles\": "
                    "%.3f",
                    report_milli(point.measured_64b_milli),
                    report_milli(point.fitted_64b_milli));
        fputc('}', out);
    }
    fputc(']', out);
}

static void report_json_knees(FILE *out, const mmusim_latency_t *latency)
{
    static const char *const verdicts[] = {"right", "wrong", "unseen"};
    mmusim_latency_knee_t knee;

    fputs(", \"knees\": [", out);
    for (size_t i = 0; mmusim_latency_knee_at(latency, i, &knee); i++)
        fprintf(out,
                "%s{\"level\": \"%s\", \"measured_pages\": [%llu, %llu], "
                "\"simulated_pages\": [%llu, %llu], \"verdict\": \"%s\"}",
                i ? ", " : "", knee.level,
                (unsigned long long) knee.measured_from,
                (unsigned long long) knee.measured_to,
                (unsigned long long) knee.simulated_from,
                (unsigned long long) knee.simulated_to, verdicts[knee.verdict]);
    fputc(']', out);
}

static mmusim_status_t report_json(FILE *out, const struct validate_run *runs,
                                   size_t n_runs)
{
    mmusim_status_t status = MMUSIM_OK;

    fputs("{\"schema\": \"mmusim-latency-1\", \"cpus\": [", out);
    for (size_t i = 0; !status && i < n_runs; i++) {
        const mmusim_latency_t *latency = runs[i].latency;

        fprintf(out, "%s\n {\"tlb_of\": ", i ? "," : "");
        status =
            mmusim_write_json_text(runs[i].curve.tlb_of, run_write_file, out);
        fputs(", \"cpu\": ", out);
        if (!status)
            status =
                mmusim_write_json_text(runs[i].curve.cpu, run_write_file, out);
        fprintf(out,
                ", \"median_error_percent\": %.1f, \"fit_error_percent\": %.1f",
                report_milli(mmusim_latency_median_permille(latency)) * 100,
                report_milli(mmusim_latency_fit_permille(latency)) * 100);
        report_json_caches(out, latency);
        report_json_knees(out, latency);
        report_json_points(out, latency);
        fputc('}', out);
    }
    fputs("]}\n", out);
    return status;
}

int validate_report(void *stream, enum validate_format format,
                    const struct validate_run *runs, size_t n_runs)
{
    FILE *out = stream;
    mmusim_status_t status = MMUSIM_OK;

    switch (format) {
    case VALIDATE_TEXT:
        report_text(out, runs, n_runs);
        break;
    case VALIDATE_CSV:
        status = report_csv(out, runs, n_runs);
        break;
    case VALIDATE_JSON:
        status = report_json(out, runs, n_runs);
        break;
    }
    if (status || fflush(out) || ferror(out))
        return cli_error(CLI_SYSTEM, "the report cannot be written");
    return CLI_OK;
}
