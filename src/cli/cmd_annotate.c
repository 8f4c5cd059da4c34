/* SPDX-License-Identifier: MIT */
/* mmusim annotate: one source through one machine; who caused what. */
#include "cli/annotate_text.h"
#include "cli/run_setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANNOTATE_TEXT_TOP = 10 };

enum annotate_format { ANNOTATE_AS_TEXT, ANNOTATE_AS_JSON };

static const char *const annotate_formats[] = {"text", "json", NULL};

struct annotate {
    struct run_setup setup;
    enum annotate_format format;
    int view;         /* < 0: all */
    int metric;       /* < 0: each view's own */
    int64_t top;      /* < 0: not given; 0: all */
    const char *what; /* --source */
    const char *output;
    int is_quiet;
};

static const struct cli_option annotate_options[] = {
    RUN_SETUP_OPTIONS,
    {"by", 0, "VIEW",
     "mapping, function, line, site or thread (text;\ndefault: the first "
     "four)"},
    {"sort", 0, "METRIC",
     "the costliest in this first: misses (default; of\nsites: "
     "shootdown_wait), "
     "walk_cycles, faults, ..."},
    {"top", 0, "N", "rows of a view (text: 10, json: all; 0: all)"},
    {"source", 0, "FILE|FUNCTION",
     "show the program's source lines with their cost"},
    {"format", 0, "FORMAT", "text (default) or json"},
    {"output", 'o', "FILE", "write there"},
    {"quiet", 'q', NULL, "no progress"},
    {0},
};

static int annotate_set_top(struct annotate *annotate, const char *value)
{
    uint64_t top;
    int status = cli_number("--top", value, 0, UINT32_MAX, 0, &top);

    if (!status)
        annotate->top = (int64_t) top;
    return status;
}

static int annotate_option(void *context, const struct cli_option *option,
                           const char *value)
{
    struct annotate *annotate = context;
    int status = run_setup_option(&annotate->setup, option, value);

    if (status >= 0)
        return status;
    if (!strcmp(option->name, "by")) {
        annotate->view = cli_choice("--by", value, annotate_view_words);
        return annotate->view < 0 ? CLI_USAGE : 0;
    }
    if (!strcmp(option->name, "sort")) {
        annotate->metric = cli_choice("--sort", value, annotate_metric_words);
        return annotate->metric < 0 ? CLI_USAGE : 0;
    }
    if (!strcmp(option->name, "format")) {
        int format = cli_choice("--format", value, annotate_formats);

        if (format < 0)
            return CLI_USAGE;
        annotate->format = (enum annotate_format) format;
    } else if (!strcmp(option->name, "top")) {
        return annotate_set_top(annotate, value);
    } else if (!strcmp(option->name, "source")) {
        annotate->what = value;
    } else if (!strcmp(option->name, "output")) {
        annotate->output = value;
    } else {
        annotate->is_quiet = 1;
    }
    return 0;
}

static int annotate_on_progress(void *context,
                                const mmusim_progress_t *progress)
{
    cli_progress_update(context, progress->records, progress->total_records,
                        progress->accesses);
    return cli_is_interrupted();
}

/* ---- the run ---- */

static int annotate_run(const struct annotate *annotate,
                        const mmusim_config_t *config,
                        const struct run_input *input,
                        struct annotate_collector *collector,
                        uint64_t *n_violations)
{
    mmusim_observer_t observer = annotate_collector_observer(collector);
    struct cli_progress *progress;
    mmusim_machine_t *machine = NULL;
    mmusim_source_t *source = NULL;
    mmusim_diag_t diag = {0};
    mmusim_status_t status;

    status = run_make_source(input, &source, &diag);
    if (!status)
        status = mmusim_machine_create(config, &machine, &diag);
    if (!status)
        status = mmusim_machine_observe(machine, &observer);
    if (!status) {
        progress = cli_progress_begin("annotate", annotate->is_quiet);
        mmusim_machine_on_progress(machine, annotate_on_progress, progress);
        status = mmusim_machine_run(machine, source, &diag);
        cli_progress_end(progress);
    }
    if (!status)
        *n_violations = mmusim_machine_violations(machine);
    mmusim_machine_destroy(machine);
    mmusim_source_destroy(source);
    if (!status && collector->has_failed)
        status = MMUSIM_NOMEM;
    if (status)
        diag.status = status;
    return status ? cli_diag(&diag) : 0;
}

/* ---- the output ---- */

static enum annotate_metric annotate_metric_of(const struct annotate *annotate,
                                               const struct annotate_report *r,
                                               enum annotate_view view)
{
    if (annotate->metric >= 0)
        return (enum annotate_metric) annotate->metric;
    return annotate_report_metric(r, view);
}

/* What the numbers cannot tell, in a line each. */
static void annotate_print_notes(FILE *file,
                                 const struct annotate_report *report)
{
    const struct annotate_collector *collector = report->collector;

    if (!collector->has_images)
        fprintf(file, "\nThe source does not say what is mapped where: code "
                      "has addresses only\n(`mmusim record` writes traces that "
                      "do).\n");
    else if (!collector->has_lines)
        fprintf(file, "\nAn access belongs to a block of some five "
                      "instructions: lines may be off by a few\n"
                      "(`mmusim record --lines` makes them exact, and tells "
                      "who calls the system).\n");
    if (!symbols_are_available())
        fprintf(file, "\nThis build knows no functions nor lines (install "
                      "libdw-dev and build again).\n");
    if (collector->by_code.keys.n_refused + collector->by_call.keys.n_refused +
        collector->chains.n_refused)
        fprintf(file,
                "\nMore than %d places: what came later is [unknown] or "
                "[others].\n",
                ANNOTATE_PLACES_MAX - 1);
}

static void annotate_write_text(const struct annotate *annotate,
                                const struct annotate_report *report,
                                FILE *file)
{
    uint32_t top =
        annotate->top < 0 ? ANNOTATE_TEXT_TOP : (uint32_t) annotate->top;

    fprintf(file, "machine %s, source %s\n", annotate->setup.machine,
            annotate->setup.source);
    for (unsigned i = 0; i < ANNOTATE_VIEWS; i++) {
        enum annotate_view view = (enum annotate_view) i;

        if (annotate->view < 0 ? view != ANNOTATE_BY_THREAD
                               : annotate->view == (int) view)
            annotate_print_view(file, report, view,
                                annotate_metric_of(annotate, report, view),
                                top);
    }
    annotate_print_notes(file, report);
}

static int annotate_write_json(const struct annotate *annotate,
                               const struct annotate_report *report,
                               const mmusim_config_t *config, FILE *file)
{
    struct run_keys keys;
    int status = run_keys_init(&keys, config);
    mmusim_stats_run_t run = {annotate->setup.machine, annotate->setup.source,
                              keys.keys, keys.n};

    if (status)
        return status;
    annotate_print_json(file, report, &run,
                        annotate->top < 0 ? 0 : (uint32_t) annotate->top);
    run_keys_fini(&keys);
    return 0;
}

static int annotate_write(const struct annotate *annotate,
                          const struct annotate_collector *collector,
                          const mmusim_config_t *config, FILE *file)
{
    struct annotate_report report;
    int is_good = annotate_report_init(&report, collector);
    int status = 0;

    for (unsigned i = 0; i < ANNOTATE_VIEWS && is_good; i++) {
        enum annotate_view view = (enum annotate_view) i;

        is_good = annotate_report_sort(
            &report, view, annotate_metric_of(annotate, &report, view));
    }
    if (!is_good)
        status = cli_error(CLI_SYSTEM, "out of memory");
    else if (annotate->what)
        status = annotate_print_source(
            file, &report, annotate->what,
            annotate_metric_of(annotate, &report, ANNOTATE_BY_LINE));
    else if (annotate->format == ANNOTATE_AS_JSON)
        status = annotate_write_json(annotate, &report, config, file);
    else
        annotate_write_text(annotate, &report, file);
    annotate_report_fini(&report);
    return status;
}

/* The output is opened before the run, so that a wrong name is told at once. */
static int annotate_to_output(const struct annotate *annotate,
                              const mmusim_config_t *config,
                              const struct run_input *input)
{
    struct annotate_collector collector;
    uint64_t n_violations = 0;
    int status;
    struct cli_output *output = cli_output_open(annotate->output, &status);

    if (!output)
        return status;
    status =
        annotate_collector_init(&collector)
            ? annotate_run(annotate, config, input, &collector, &n_violations)
            : cli_error(CLI_SYSTEM, "out of memory");
    if (!status)
        status = annotate_write(annotate, &collector, config,
                                cli_output_stream(output));
    annotate_collector_fini(&collector);
    if (status) {
        cli_output_abandon(output);
        return status;
    }
    status = cli_output_close(output);
    if (!status && n_violations)
        status = cli_error(CLI_FOUND,
                           "%" PRIu64 " uses of stale translations (mmusim "
                           "replay --check tells them)",
                           n_violations);
    return status;
}

static int annotate_execute(struct annotate *annotate)
{
    mmusim_config_t *config = NULL;
    struct run_input input;
    int status;

    if (annotate->what && annotate->format == ANNOTATE_AS_JSON)
        return cli_error(CLI_USAGE, "annotate: --source is text (--format json "
                                    "has every line's cost)");
    status = cli_output_refuse_input(annotate->output, annotate->setup.source);
    if (!status)
        status = run_load_config(&annotate->setup, &config);
    if (status)
        return status;
    annotate->setup.trace_options.uses_helper_thread = true;
    annotate->setup.is_quiet = annotate->is_quiet;
    status = run_open_input(&annotate->setup, &input);
    if (!status) {
        cli_catch_interrupts();
        status = annotate_to_output(annotate, config, &input);
        run_close_input(&input);
    }
    mmusim_config_destroy(config);
    return status;
}

static int annotate_main(const struct cli_command *self, int argc, char **argv)
{
    struct annotate annotate = {.view = -1, .metric = -1, .top = -1};
    int first;
    int status;

    run_setup_init(&annotate.setup);
    status = cli_parse(self, argc, argv, annotate_option, &annotate, &first);
    if (status < 0) {
        status =
            run_setup_operands(&annotate.setup, self->name, argc, argv, first);
        if (!status)
            status = annotate_execute(&annotate);
    }
    run_setup_fini(&annotate.setup);
    return status;
}

const struct cli_command cmd_annotate = {
    .name = "annotate",
    .usage = "[-m MACHINE] [-s KEY=VALUE]... [--by VIEW] [--sort METRIC] "
             "[--top N] [--source FILE|FUNCTION] [--format text|json] "
             "[-o FILE] SOURCE",
    .summary = "say which mapping, function, line or call causes the misses",
    .details =
        "Replays SOURCE and says where TLB misses, page walks, page faults,\n"
        "flushes and waiting for other CPUs come from: by what is mapped at\n"
        "the address, by function and source line (of a recorded program with\n"
        "debug information), by system call and its caller, by thread. The\n"
        "sums are those of `mmusim replay`. Metrics: misses fetch_misses "
        "walks\n"
        "walk_cycles faults fault_cycles operations operation_cycles flushes\n"
        "flush_cycles shootdowns shootdown_wait.\n"
        "\n"
        "Examples:\n"
        "  mmusim record --lines -o my.mmt -- ./program\n"
        "  mmusim annotate my.mmt\n"
        "  mmusim annotate --by line --sort walk_cycles --top 30 my.mmt\n"
        "  mmusim annotate --source hot_function my.mmt\n",
    .options = annotate_options,
    .run = annotate_main,
};
