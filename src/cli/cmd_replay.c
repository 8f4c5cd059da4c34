/* SPDX-License-Identifier: MIT */
/* mmusim replay: one source through one machine; statistics come out. */
#include "cli/cmd_replay.h"
#include "cli/gnuplot.h"
#include "cli/replay_html.h"
#include "cli/replay_plot.h"
#include "cli/replay_report.h"

#include <stdlib.h>
#include <string.h>

static const char *const replay_formats[] = {"text", "json", "csv", NULL};

/* The first is the statistics', always there. */
static const char replay_stats_out[] = "-o";
static const char replay_events_out[] = "--events";
static const char replay_report_out[] = "--report";
static const char replay_plot_out[] = "--plot";

static const struct cli_option replay_options[] = {
    RUN_SETUP_OPTIONS,
    REPLAY_OPTIONS,
    {"quiet", 'q', NULL, "no progress"},
    {0},
};

/* A run, and what is known of it afterwards. */
struct replay_run {
    mmusim_source_t *source;
    mmusim_source_t *watched; /* by the working set; NULL: it is not asked */
    mmusim_working_set_t *working_set;
    mmusim_machine_t *machine;
    mmusim_stats_t *stats;
    struct annotate_collector *places; /* for a page; NULL: not asked */
};

int replay_option(void *context, const struct cli_option *option,
                  const char *value)
{
    struct replay *replay = context;
    int status = run_setup_option(&replay->setup, option, value);

    if (status < 0)
        status =
            timeline_option(&replay->drawn, &replay->outputs, option, value);
    if (status >= 0)
        return status;
    if (!strcmp(option->name, "format")) {
        int format = cli_choice("--format", value, replay_formats);

        if (format < 0)
            return CLI_USAGE;
        replay->format = (enum replay_format) format;
    } else if (!strcmp(option->name, "output")) {
        replay->outputs.slots[0].path = value;
    } else if (!strcmp(option->name, "events")) {
        return output_set_add(&replay->outputs, replay_events_out, value);
    } else if (!strcmp(option->name, "report")) {
        return output_set_add(&replay->outputs, replay_report_out, value);
    } else if (!strcmp(option->name, "plot")) {
        return output_set_add(&replay->outputs, replay_plot_out, value);
    } else if (!strcmp(option->name, "attach-marks")) {
        replay->has_regions = 1;
    } else if (!strcmp(option->name, "per-core")) {
        replay->is_per_core = 1;
    } else {
        replay->is_quiet = 1;
    }
    return 0;
}

struct replay_progress {
    struct cli_progress *shown;
    const struct replay_live *live;
};

static int replay_on_progress(void *context, const mmusim_progress_t *progress)
{
    const struct replay_progress *self = context;

    cli_progress_update(self->shown, progress->records, progress->total_records,
                        progress->accesses);
    return self->live ? self->live->is_interrupted() : cli_is_interrupted();
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

/* Writes the page; what cannot be written is given up alone. */
static int replay_write_page(struct replay *replay,
                             const mmusim_config_t *config,
                             const struct replay_run *run)
{
    FILE *file = output_set_stream(&replay->outputs, replay_report_out);
    struct run_keys keys;
    int status;

    if (!file)
        return 0;
    status = run_keys_init(&keys, config);
    if (!status) {
        mmusim_stats_run_t about = {replay->setup.machine, replay->setup.source,
                                    keys.keys, keys.n};
        struct replay_html html = {
            {replay->live ? "run" : "replay", replay->command, config},
            &about,
            run->stats,
            run->machine,
            run->working_set,
            run->places};

        if (!replay_html_write(&replay->page, &html, file))
            status = cli_error(CLI_SYSTEM, "out of memory");
        run_keys_fini(&keys);
    }
    if (status)
        output_set_abandon(&replay->outputs, replay_report_out);
    return status;
}

/* The same for the figure. */
static int replay_write_plot(struct replay *replay,
                             const struct replay_run *run)
{
    FILE *file = output_set_stream(&replay->outputs, replay_plot_out);
    int status;

    if (!file)
        return 0;
    status = replay_plot_write(
        run->stats, replay->setup.machine, replay->setup.source,
        output_set_path(&replay->outputs, replay_plot_out), file);
    if (status)
        output_set_abandon(&replay->outputs, replay_plot_out);
    return status;
}

/* 0, or an exit status after a message. */
static int replay_open_source(const struct replay *replay,
                              const struct run_input *input,
                              struct replay_run *run)
{
    mmusim_diag_t diag = {0};
    int status = 0;

    if (replay->live)
        run->source = replay->live->open(replay->live->context, &status);
    else if (run_make_source(input, &run->source, &diag))
        status = cli_diag(&diag);
    return status;
}

/* For a page, the pages that the source touches are counted. */
static mmusim_status_t replay_watch_source(struct replay *replay,
                                           struct replay_run *run,
                                           mmusim_diag_t *diag)
{
    mmusim_status_t status;

    if (!output_set_stream(&replay->outputs, replay_report_out))
        return MMUSIM_OK;
    status = mmusim_working_set_create(&run->working_set);
    return status ? status
                  : mmusim_working_set_source(run->working_set, run->source,
                                              &run->watched, diag);
}

/* A program that was interrupted has statistics, too. */
static mmusim_status_t replay_run_machine(struct replay *replay,
                                          struct replay_run *run,
                                          mmusim_diag_t *diag)
{
    FILE *events = output_set_stream(&replay->outputs, replay_events_out);
    /* the program may write to the same terminal */
    struct replay_progress progress = {
        cli_progress_begin("replay", replay->is_quiet || replay->live),
        replay->live};
    mmusim_status_t status = replay_watch_source(replay, run, diag);

    mmusim_machine_on_progress(run->machine, replay_on_progress, &progress);
    if (events)
        mmusim_machine_on_flush_event(run->machine, replay_on_flush, events);
    if (!status)
        status = mmusim_machine_run(
            run->machine, run->watched ? run->watched : run->source, diag);
    cli_progress_end(progress.shown);
    if (!replay->live)
        return status;
    replay->live->close(replay->live->context, run->source, status);
    return status == MMUSIM_INTERRUPTED ? MMUSIM_OK : status;
}

/* For a page, it is counted where everything comes from. */
static mmusim_status_t replay_watch_places(struct replay *replay,
                                           struct replay_run *run)
{
    mmusim_observer_t observer;

    if (!output_set_stream(&replay->outputs, replay_report_out))
        return MMUSIM_OK;
    run->places = calloc(1, sizeof(*run->places));
    if (!run->places || !annotate_collector_init(run->places))
        return MMUSIM_NOMEM;
    observer = annotate_collector_observer(run->places);
    return mmusim_machine_observe(run->machine, &observer);
}

static mmusim_status_t replay_make_machine(struct replay *replay,
                                           const mmusim_config_t *config,
                                           struct replay_run *run,
                                           mmusim_diag_t *diag)
{
    const struct timeline_about about = {
        output_set_stream(&replay->outputs, timeline_out),
        replay->setup.machine, replay->setup.source};
    mmusim_status_t status = mmusim_machine_create(config, &run->machine, diag);

    if (!status && replay->has_regions)
        status = mmusim_machine_attach_marks(run->machine);
    if (!status && replay->timeline)
        status = timeline_attach(replay->timeline, run->machine, &about);
    if (!status)
        status = replay_watch_places(replay, run);
    return status;
}

static int replay_run(struct replay *replay, const mmusim_config_t *config,
                      const struct run_input *input, struct replay_run *run)
{
    mmusim_diag_t diag = {0};
    mmusim_status_t status = replay_make_machine(replay, config, run, &diag);
    int exit_status = status ? 0 : replay_open_source(replay, input, run);

    if (exit_status)
        return exit_status;
    if (!status)
        status = replay_run_machine(replay, run, &diag);
    if (!status)
        status = mmusim_machine_stats(run->machine, &run->stats);
    if (!status)
        replay->n_violations = replay_tell_violations(run->machine);
    else
        diag.status = status;
    return status ? cli_diag(&diag) : 0;
}

static void replay_run_fini(struct replay_run *run)
{
    mmusim_stats_destroy(run->stats);
    mmusim_machine_destroy(run->machine);
    mmusim_source_destroy(run->watched);
    mmusim_source_destroy(run->source);
    mmusim_working_set_destroy(run->working_set);
    if (run->places)
        annotate_collector_fini(run->places);
    free(run->places);
}

/* The outputs are opened before the run, so that a wrong name is told at
 * once. */
static int replay_to_outputs(struct replay *replay,
                             const mmusim_config_t *config,
                             const struct run_input *input)
{
    struct replay_run run = {0};
    int status = output_set_open(&replay->outputs);
    int drawn = 0;

    if (status)
        return status;
    status = replay_run(replay, config, input, &run);
    if (!status) {
        replay_warn_invalid(run.stats);
        status =
            replay_write(replay, config, run.stats,
                         output_set_stream(&replay->outputs, replay_stats_out));
    }
    if (!status) {
        int page = replay_write_page(replay, config, &run);
        int plot = replay_write_plot(replay, &run);

        drawn = page ? page : plot;
    }
    status = timeline_end(replay->timeline, status, replay->is_quiet);
    replay_run_fini(&run);
    status = output_set_end(&replay->outputs, status);
    if (!status)
        status = drawn;
    return !status && replay->n_violations ? CLI_FOUND : status;
}

/* What the page and the figure need is looked for before the run, too. */
static int replay_prepare(struct replay *replay, const char *command)
{
    const char *plot = output_set_path(&replay->outputs, replay_plot_out);
    int status = plot ? gnuplot_check(command, plot) : 0;

    if (!status && output_set_path(&replay->outputs, replay_report_out))
        status = html_page_load(&replay->page);
    return status;
}

int replay_execute(struct replay *replay, const char *command)
{
    mmusim_config_t *config = NULL;
    struct run_input input = {0};
    int status;

    status = output_set_check(&replay->outputs, command, replay->setup.source);
    if (!status)
        status = timeline_create(&replay->drawn, &replay->timeline);
    if (!status)
        status = replay_prepare(replay, command);
    if (!status)
        status = run_load_config(&replay->setup, &config);
    if (status)
        return status;
    replay->setup.trace_options.uses_helper_thread = true;
    replay->setup.is_quiet = replay->is_quiet;
    if (!replay->live)
        status = run_open_input(&replay->setup, &input);
    if (!status && !replay->live)
        cli_catch_interrupts();
    if (!status)
        status = replay_to_outputs(replay, config, &input);
    run_close_input(&input);
    mmusim_config_destroy(config);
    return status;
}

int replay_init(struct replay *replay, int argc, char **argv)
{
    run_setup_init(&replay->setup);
    replay->format = REPLAY_TEXT;
    replay->command = report_quote_command(argv[0], argc, argv);
    if (!replay->command)
        return cli_error(CLI_SYSTEM, "out of memory");
    return output_set_add(&replay->outputs, replay_stats_out,
                          replay->live ? cli_standard_error : NULL);
}

void replay_fini(struct replay *replay)
{
    timeline_destroy(replay->timeline);
    run_setup_fini(&replay->setup);
    html_page_free(&replay->page);
    free(replay->command);
}

static int replay_main(const struct cli_command *self, int argc, char **argv)
{
    struct replay replay = {0};
    int status = replay_init(&replay, argc, argv);
    int first;

    if (!status)
        status = cli_parse(self, argc, argv, replay_option, &replay, &first);
    if (status < 0) {
        status =
            run_setup_operands(&replay.setup, self->name, argc, argv, first);
        if (!status)
            status = replay_execute(&replay, self->name);
    }
    replay_fini(&replay);
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
        "csv has name,value,unit. mmusim-stats(7) explains the names. The "
        "page\n"
        "of --report needs no network; it and --plot come besides the\n"
        "statistics.\n"
        "\n"
        "Examples:\n"
        "  mmusim replay workload:chase,pages=4096\n"
        "  mmusim replay -m skylake-sp -s os.flush_ceiling=1 "
        "workload:munmap,pages=8\n"
        "  mmusim replay --format json -o out.json trace.mmt\n"
        "  mmusim replay --report out.html trace.mmt\n",
    .options = replay_options,
    .run = replay_main,
};
