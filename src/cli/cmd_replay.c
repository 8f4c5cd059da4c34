/* SPDX-License-Identifier: MIT */
/* mmusim replay: one source through one machine; statistics come out. */
#include "cli/replay_report.h"
#include "cli/run_setup.h"

#include <stdlib.h>
#include <string.h>

enum replay_format { REPLAY_TEXT, REPLAY_JSON, REPLAY_CSV };

static const char *const replay_formats[] = {"text", "json", "csv", NULL};

struct replay {
    struct run_setup setup;
    enum replay_format format;
    const char *output;
    const char *events; /* NULL: not asked for */
    int is_per_core;
    int is_quiet;
    uint64_t n_violations;
};

static const struct cli_option replay_options[] = {
    RUN_SETUP_OPTIONS,
    {"format", 0, "FORMAT", "text (default), json or csv"},
    {"per-core", 0, NULL, "text and csv: each CPU's figures, too"},
    {"output", 'o', "FILE", "write the statistics there"},
    {"events", 0, "FILE",
     "write the kernel's tlb_flush events there, as\n`perf script` does"},
    {"quiet", 'q', NULL, "no progress"},
    {0},
};

static int replay_option(void *context, const struct cli_option *option,
                         const char *value)
{
    struct replay *replay = context;
    int status = run_setup_option(&replay->setup, option, value);

    if (status >= 0)
        return status;
    if (!strcmp(option->name, "format")) {
        int format = cli_choice("--format", value, replay_formats);

        if (format < 0)
            return CLI_USAGE;
        replay->format = (enum replay_format) format;
    } else if (!strcmp(option->name, "output")) {
        replay->output = value;
    } else if (!strcmp(option->name, "events")) {
        replay->events = value;
    } else if (!strcmp(option->name, "per-core")) {
        replay->is_per_core = 1;
    } else {
        replay->is_quiet = 1;
    }
    return 0;
}

static int replay_on_progress(void *context, const mmusim_progress_t *progress)
{
    cli_progress_update(context, progress->records, progress->total_records,
                        progress->accesses);
    return cli_is_interrupted();
}

/* What the checker has found, on standard error; how many uses. */
static uint64_t replay_tell_violations(const mmusim_machine_t *machine)
{
    uint64_t n_uses = mmusim_machine_violations(machine);
    uint64_t n_told = 0;
    mmusim_violation_t violation;

    for (size_t i = 0; mmusim_machine_violation_at(machine, i, &violation);
         i++) {
        fprintf(stderr, "violation %zu, %llu uses\n%s\n", i + 1,
                (unsigned long long) violation.n_uses, violation.text);
        n_told += violation.n_uses;
    }
    if (n_uses)
        fprintf(stderr,
                "mmusim: %llu uses of stale translations (%llu of them not "
                "told; see checker.reports and docs/checker.md)\n",
                (unsigned long long) n_uses,
                (unsigned long long) (n_uses - n_told));
    return n_uses;
}

static void replay_on_flush(void *context, const mmusim_flush_event_t *event)
{
    char line[160];

    (void) mmusim_flush_event_format(event, line, sizeof(line));
    /* a failed write shows in ferror() when the file is closed */
    fprintf(context, "%s\n", line);
}

/* Runs the machine; its statistics are the caller's. events: a FILE, or
 * NULL. */
static int replay_run(struct replay *replay, const mmusim_config_t *config,
                      const struct run_input *input, FILE *events,
                      mmusim_stats_t **stats)
{
    struct cli_progress *progress;
    mmusim_machine_t *machine = NULL;
    mmusim_source_t *source = NULL;
    mmusim_diag_t diag = {0};
    mmusim_status_t status;

    status = run_make_source(input, &source, &diag);
    if (!status)
        status = mmusim_machine_create(config, &machine, &diag);
    if (!status) {
        progress = cli_progress_begin("replay", replay->is_quiet);
        mmusim_machine_on_progress(machine, replay_on_progress, progress);
        if (events)
            mmusim_machine_on_flush_event(machine, replay_on_flush, events);
        status = mmusim_machine_run(machine, source, &diag);
        cli_progress_end(progress);
    }
    if (!status)
        status = mmusim_machine_stats(machine, stats);
    if (!status)
        replay->n_violations = replay_tell_violations(machine);
    mmusim_machine_destroy(machine);
    mmusim_source_destroy(source);
    if (status)
        diag.status = status;
    return status ? cli_diag(&diag) : 0;
}

static int replay_write_json(const struct replay *replay,
                             const mmusim_config_t *config,
                             const mmusim_stats_t *stats, FILE *file)
{
    struct run_keys keys;
    int status = run_keys_init(&keys, config);
    mmusim_stats_run_t run = {replay->setup.machine, replay->setup.source,
                              keys.keys, keys.n};

    if (status)
        return status;
    /* a failed write shows in ferror(), which closing the output reports */
    (void) mmusim_stats_write_json(stats, &run, run_write_file, file);
    run_keys_fini(&keys);
    return 0;
}

static int replay_write(const struct replay *replay,
                        const mmusim_config_t *config,
                        const mmusim_stats_t *stats, FILE *file)
{
    switch (replay->format) {
    case REPLAY_JSON:
        return replay_write_json(replay, config, stats, file);
    case REPLAY_CSV:
        (void) mmusim_stats_write_csv(
            stats,
            replay->is_per_core ? MMUSIM_STATS_PER_CORE : MMUSIM_STATS_SUMS,
            run_write_file, file);
        return 0;
    case REPLAY_TEXT:
        report_print(file, stats, replay->setup.machine, replay->setup.source,
                     replay->is_per_core ? REPORT_PER_CORE : REPORT_SUMS);
        return 0;
    }
    return 0;
}

static uint64_t replay_stat(const mmusim_stats_t *stats, const char *name)
{
    mmusim_stat_t stat;

    return mmusim_stats_find(stats, name, &stat) ? stat.value : 0;
}

/* Figures that stand for nothing: most accesses failed, as those of a 64-bit
 * program do on a machine with 32-bit or 39-bit addresses. */
static void replay_warn_invalid(const mmusim_stats_t *stats)
{
    uint64_t n_invalid = replay_stat(stats, "faults.invalid");
    uint64_t n_all =
        replay_stat(stats, "sim.accesses") + replay_stat(stats, "sim.fetches");

    if (n_invalid && n_invalid >= n_all / 2)
        fprintf(stderr,
                "mmusim: warning: %llu accesses failed (of %llu loads, stores "
                "and fetches): their addresses are not mapped, or beyond what "
                "this machine's page tables reach (see page_table.levels)\n",
                (unsigned long long) n_invalid, (unsigned long long) n_all);
}

/* Closes an output that is whole, or gives it up. */
static int replay_end_output(struct cli_output *output, int status)
{
    if (!output)
        return status;
    if (!status)
        return cli_output_close(output);
    cli_output_abandon(output);
    return status;
}

/* The outputs are opened before the run, so that a wrong name is told at
 * once. */
static int replay_to_output(struct replay *replay,
                            const mmusim_config_t *config,
                            const struct run_input *input)
{
    int status;
    mmusim_stats_t *stats = NULL;
    struct cli_output *events = NULL;
    struct cli_output *output = cli_output_open(replay->output, &status);

    if (!output)
        return status;
    if (replay->events) {
        events = cli_output_open(replay->events, &status);
        if (!events)
            return replay_end_output(output, status);
    }
    status = replay_run(replay, config, input,
                        events ? cli_output_stream(events) : NULL, &stats);
    if (!status)
        replay_warn_invalid(stats);
    if (!status)
        status = replay_write(replay, config, stats, cli_output_stream(output));
    mmusim_stats_destroy(stats);
    status = replay_end_output(events, status);
    status = replay_end_output(output, status);
    if (!status && replay->n_violations)
        return CLI_FOUND;
    return status;
}

static int replay_execute(struct replay *replay)
{
    mmusim_config_t *config = NULL;
    struct run_input input;
    int status;

    status = cli_output_refuse_input(replay->output, replay->setup.source);
    if (!status && replay->events && replay->output &&
        !strcmp(replay->events, replay->output))
        status = cli_error(CLI_USAGE, "replay: --events and -o name the same "
                                      "file (give each its own)");
    if (!status && replay->events)
        status = cli_output_refuse_input(replay->events, replay->setup.source);
    if (!status)
        status = run_load_config(&replay->setup, &config);
    if (status)
        return status;
    replay->setup.trace_options.uses_helper_thread = true;
    status = run_open_input(&replay->setup, &input);
    if (!status) {
        cli_catch_interrupts();
        status = replay_to_output(replay, config, &input);
        run_close_input(&input);
    }
    mmusim_config_destroy(config);
    return status;
}

static int replay_main(const struct cli_command *self, int argc, char **argv)
{
    struct replay replay = {.format = REPLAY_TEXT};
    int first;
    int status;

    run_setup_init(&replay.setup);
    status = cli_parse(self, argc, argv, replay_option, &replay, &first);
    if (status < 0) {
        status =
            run_setup_operands(&replay.setup, self->name, argc, argv, first);
        if (!status)
            status = replay_execute(&replay);
    }
    run_setup_fini(&replay.setup);
    return status;
}

const struct cli_command cmd_replay = {
    .name = "replay",
    .usage = "[-m MACHINE] [-s KEY=VALUE]... [--format text|json|csv] "
             "[-o FILE] SOURCE",
    .summary = "run a trace or a workload through a machine, print statistics",
    .details =
        "SOURCE is a trace file, '-' for a trace on standard input, or a\n"
        "generated program: workload:NAME or workload:NAME,key=value,...\n"
        "(`mmusim workload list`).\n"
        "\n"
        "The text report has sums over all CPUs; json has every statistic;\n"
        "csv has name,value,unit. mmusim-stats(7) explains the names.\n"
        "\n"
        "Examples:\n"
        "  mmusim replay workload:chase,pages=4096\n"
        "  mmusim replay -m skylake-sp -s os.flush_ceiling=1 "
        "workload:munmap,pages=8\n"
        "  mmusim replay --format json -o out.json trace.mmt\n",
    .options = replay_options,
    .run = replay_main,
};
