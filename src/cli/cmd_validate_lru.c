/* SPDX-License-Identifier: MIT */
/*
 * mmusim validate lru-file-mmap-read: batched flushes of reclaim, as measured
 * by M. Gorman (Linux commit 72b252aed506, 2015): Linux 4.2-rc1 without and
 * with them, on a 4-node machine with 48 CPUs and on one socket, whose CPUs
 * follow from its table: 170 s of CPU time in 25 s.
 *
 * The default scale is the smallest with which reclaim works as on a large
 * machine: direct reclaim takes a 4096th of a node's list at a time, which is a
 * whole cluster of 32 pages where a node has 512 MiB.
 */
#include "cli/cmd_validate_lru.h"
#include "cli/run_setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LRU_SETTINGS = 3, LRU_FORMATS = 3 };

struct lru_case {
    const char *name;
    const char *machine;
    const char *settings[LRU_SETTINGS][2]; /* besides those of all */
    unsigned readers;
    double ratio;   /* of interrupts a second, without batches to with them */
    double elapsed; /* change of the elapsed time, percent */
};

static const struct lru_case lru_cases[] = {
    /* 900K/s to 180K/s; 159.62 s to 120.68 s */
    {"48 CPUs on 4 sockets", "westmere-ex-4s", {{NULL}}, 48, 5.0, -24.4},
    /* 500K/s to 45K/s; 25.33 s to 20.38 s */
    {"8 CPUs on 1 socket",
     "westmere-ex-4s",
     {{"topology.sockets", "1"}, {"topology.cores_per_socket", "4"}},
     8,
     11.1,
     -19.5},
};
enum { LRU_CASES = sizeof(lru_cases) / sizeof(lru_cases[0]) };

/* A sparse file has no device to wait for; Linux's own windows. */
static const char *const lru_settings[][2] = {
    {"os.protocol", "linux-4.6"},     {"os.page_cache", "cold"},
    {"cost.major_fault_cycles", "0"}, {"os.readahead_pages", "32"},
    {"os.fault_around_pages", "16"},
};
enum { LRU_COMMON = sizeof(lru_settings) / sizeof(lru_settings[0]) };

static const char *const lru_formats[] = {"text", "csv", "json", NULL};

struct lru_run {
    double cycles, ipis, khz;
};

struct lru {
    uint64_t scale;
    const char *output;
    int format;
    int is_quiet;
    const char **overrides; /* KEY=VALUE */
    size_t n_overrides;
    struct lru_run runs[LRU_CASES][2]; /* [1]: batched */
};

static const struct cli_option lru_options[] = {
    {"scale", 0, "BYTES", "memory of the machine (default 2G)"},
    {"set", 's', "KEY=VALUE", "set a key of every machine; may be repeated"},
    {"format", 0, "FORMAT", "text (default), csv or json"},
    {"output", 'o', "FILE", "write the report there"},
    {"quiet", 'q', NULL, "no progress"},
    {0},
};

static int lru_option(void *context, const struct cli_option *option,
                      const char *value)
{
    struct lru *lru = context;
    const char **grown;

    switch (option->letter ? option->letter : option->name[0]) {
    case 's':
        if (!option->letter)
            return cli_number("--scale", value, UINT64_C(1) << 25,
                              UINT64_C(1) << 40, 1, &lru->scale);
        grown =
            realloc(lru->overrides, (lru->n_overrides + 1) * sizeof(*grown));
        if (!grown)
            return cli_error(CLI_SYSTEM, "out of memory");
        lru->overrides = grown;
        grown[lru->n_overrides++] = value;
        return 0;
    case 'f':
        lru->format = cli_choice("--format", value, lru_formats);
        return lru->format < 0 ? CLI_USAGE : 0;
    case 'o':
        lru->output = value;
        return 0;
    default:
        lru->is_quiet = 1;
        return 0;
    }
}

static int lru_set(mmusim_config_t *config, const char *key, const char *value)
{
    mmusim_diag_t diag = {0};

    return mmusim_config_set(config, key, value, &diag) ? cli_diag(&diag) : 0;
}

static int lru_override(const struct lru *lru, mmusim_config_t *config)
{
    int status = 0;

    for (size_t i = 0; !status && i < lru->n_overrides; i++) {
        const char *value;
        char *key;

        status = cli_key_value("-s", lru->overrides[i], &key, &value);
        if (!status) {
            status = run_set_key(config, key, value);
            free(key);
        }
    }
    return status;
}

/* The machine of a case; *config is the caller's to destroy in any case. */
static int lru_configure(const struct lru *lru, const struct lru_case *at,
                         const char *batched, mmusim_config_t **config)
{
    mmusim_diag_t diag = {0};
    char memory[32];
    int status = 0;

    if (mmusim_config_load(at->machine, cli_data_dir("configs"), config, &diag))
        return cli_diag(&diag);
    snprintf(memory, sizeof(memory), "%" PRIu64, lru->scale);
    for (size_t i = 0; !status && i < LRU_SETTINGS && at->settings[i][0]; i++)
        status = lru_set(*config, at->settings[i][0], at->settings[i][1]);
    for (size_t i = 0; !status && i < LRU_COMMON; i++)
        status = lru_set(*config, lru_settings[i][0], lru_settings[i][1]);
    if (!status)
        status = lru_set(*config, "os.memory", memory);
    if (!status)
        status = lru_set(*config, "os.batched_unmap", batched);
    return status ? status : lru_override(lru, *config);
}

static double lru_stat(const mmusim_stats_t *stats, const char *name)
{
    mmusim_stat_t stat;

    return mmusim_stats_find(stats, name, &stat) ? (double) stat.value : 0;
}

static int lru_on_progress(void *context, const mmusim_progress_t *progress)
{
    cli_progress_update(context, progress->records, progress->total_records,
                        progress->accesses);
    return cli_is_interrupted();
}

static int lru_simulate(const struct lru *lru, const mmusim_config_t *config,
                        const char *spec, struct lru_run *run)
{
    struct cli_progress *progress =
        cli_progress_begin("validate", lru->is_quiet);
    mmusim_diag_t diag = {0};
    mmusim_machine_t *machine = NULL;
    mmusim_source_t *source = NULL;
    mmusim_stats_t *stats = NULL;
    char clock[32] = "1";
    int status = 0;

    if (!mmusim_machine_create(config, &machine, &diag) &&
        !mmusim_workload_source(spec, &source, &diag)) {
        mmusim_machine_on_progress(machine, lru_on_progress, progress);
        if (!mmusim_machine_run(machine, source, &diag) &&
            !mmusim_machine_stats(machine, &stats)) {
            mmusim_config_get(config, "clock_ghz", clock, sizeof(clock));
            *run = (struct lru_run){
                lru_stat(stats, "sim.cycles"),
                lru_stat(stats, "shootdown.ipis_sent"),
                strtod(clock, NULL) * 1e6,
            };
        }
    }
    cli_progress_end(progress);
    if (!stats)
        status = cli_is_interrupted() ? CLI_INTERRUPTED : cli_diag(&diag);
    mmusim_stats_destroy(stats);
    mmusim_source_destroy(source);
    mmusim_machine_destroy(machine);
    return status;
}

static int lru_run_case(struct lru *lru, size_t index)
{
    static const char *const batched[] = {"false", "true"};
    const struct lru_case *at = &lru_cases[index];
    char spec[96];
    int status = 0;

    snprintf(spec, sizeof(spec),
             "workload:lru-file-mmap-read,readers=%u,scale=%" PRIu64,
             at->readers, lru->scale);
    for (size_t i = 0; !status && i < 2; i++) {
        mmusim_config_t *config = NULL;

        status = lru_configure(lru, at, batched[i], &config);
        if (!status)
            status = lru_simulate(lru, config, spec, &lru->runs[index][i]);
        mmusim_config_destroy(config);
    }
    return status;
}

/* ---- the report ---- */

/* Interrupts a second, in thousands. */
static double lru_rate(const struct lru_run *run)
{
    return run->cycles > 0 ? run->ipis * run->khz / run->cycles : 0;
}

struct lru_row {
    double rates[2], ratio, ratio_error, elapsed, elapsed_points;
};

static struct lru_row lru_row(const struct lru *lru, size_t index)
{
    const struct lru_run *runs = lru->runs[index];
    struct lru_row row = {{lru_rate(&runs[0]), lru_rate(&runs[1])}, 0, 0, 0, 0};

    if (row.rates[1] > 0)
        row.ratio = row.rates[0] / row.rates[1];
    if (runs[0].cycles > 0)
        row.elapsed = 100 * (runs[1].cycles / runs[0].cycles - 1);
    row.ratio_error = 100 * (row.ratio / lru_cases[index].ratio - 1);
    row.elapsed_points = row.elapsed - lru_cases[index].elapsed;
    return row;
}

static void lru_write_row(FILE *stream, int format, const struct lru_case *at,
                          const struct lru_row *row)
{
    static const char *const lines[LRU_FORMATS] = {
        "%-21s %8.0f %8.0f %8.1f %8.1f %+7.0f %% %+9.1f %+9.1f %+8.1f\n",
        "\"%s\",%.1f,%.1f,%.1f,%.2f,%.1f,%.1f,%.2f,%.2f\n",
        "{\"machine\": \"%s\", \"unbatched_kips\": %.1f, \"batched_kips\": "
        "%.1f, "
        "\"measured_ratio\": %.1f, \"ratio\": %.2f, \"ratio_error_percent\": "
        "%.1f, \"measured_elapsed_percent\": %.1f, \"elapsed_percent\": %.2f, "
        "\"elapsed_points\": %.2f}",
    };

    fprintf(stream, lines[format], at->name, row->rates[0], row->rates[1],
            at->ratio, row->ratio, row->ratio_error, at->elapsed, row->elapsed,
            row->elapsed_points);
}

static void lru_report(const struct lru *lru, FILE *stream)
{
    if (lru->format == 0)
        fprintf(stream,
                "%" PRIu64 " MiB of memory, files of ten times as much; "
                "linux-4.6 without and with batched flushes\n"
                "%-21s %17s %28s %28s\n"
                "%-21s %8s %8s %8s %8s %9s %9s %9s %8s\n",
                lru->scale >> 20, "", "1000 interrupts/s", "ratio",
                "elapsed time, %", "machine", "without", "with", "measured",
                "here", "error", "measured", "here", "points");
    else if (lru->format == 1)
        fputs("machine,unbatched_kips,batched_kips,measured_ratio,ratio,"
              "ratio_error_percent,measured_elapsed_percent,elapsed_percent,"
              "elapsed_points\n",
              stream);
    else
        fprintf(stream, "{\"scale\": %" PRIu64 ", \"rows\": [", lru->scale);
    for (size_t i = 0; i < LRU_CASES; i++) {
        struct lru_row row = lru_row(lru, i);

        if (lru->format == 2 && i)
            fputs(", ", stream);
        lru_write_row(stream, lru->format, &lru_cases[i], &row);
    }
    if (lru->format == 2)
        fputs("]}\n", stream);
}

static int lru_write(const struct lru *lru)
{
    int status = 0;
    struct cli_output *output = cli_output_open(lru->output, &status);

    if (!output)
        return status;
    lru_report(lru, cli_output_stream(output));
    return cli_output_close(output);
}

static int lru_main(const struct cli_command *self, int argc, char **argv)
{
    struct lru lru = {.scale = UINT64_C(2) << 30};
    int first;
    int status = cli_parse(self, argc, argv, lru_option, &lru, &first);

    if (status < 0) {
        status = first == argc
                     ? 0
                     : cli_error(CLI_USAGE, "%s: no operand is expected",
                                 self->name);
        cli_catch_interrupts();
        for (size_t i = 0; !status && i < LRU_CASES; i++)
            status = lru_run_case(&lru, i);
        if (!status)
            status = lru_write(&lru);
    }
    free(lru.overrides);
    return status;
}

const struct cli_command cli_validate_lru = {
    .name = "validate lru-file-mmap-read",
    .usage = "[--scale BYTES] [-s KEY=VALUE]... [--format FORMAT] [-o FILE]",
    .summary = "batched flushes of reclaim, Linux 2015",
    .details =
        "As many processes as CPUs read mapped files of ten times the memory,\n"
        "on linux-4.6 without and with batched flushes. Measured by M. Gorman\n"
        "(Linux commit 72b252aed506): interrupts a second 900K to 180K and\n"
        "elapsed time -24.4 % on 48 CPUs; 500K to 45K and -19.5 % on one\n"
        "socket. Nothing is fitted to these four figures.\n"
        "\n"
        "Example: mmusim validate lru-file-mmap-read --scale 256M\n",
    .options = lru_options,
    .run = lru_main,
};
