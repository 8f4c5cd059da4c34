/* SPDX-License-Identifier: MIT */
/* mmusim sweep: one source through many variants of a machine. */
#include "cli/output_set.h"
#include "cli/run_setup.h"
#include "cli/sweep_html.h"
#include "cli/sweep_plan.h"
#include "cli/sweep_report.h"
#include "cli/sweep_run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum sweep_format { SWEEP_TEXT, SWEEP_CSV, SWEEP_JSON };

enum {
    SWEEP_JOBS_MAX = 1024,
    SWEEP_VALUE_BYTES = 128,
    SWEEP_DEFAULT_BYTES = 512,
};

#define SWEEP_CACHE_BYTES (UINT64_C(256) << 20)

static const char *const sweep_formats[] = {"text", "csv", "json", NULL};

struct sweep {
    struct run_setup setup;
    struct sweep_plan plan;
    struct sweep_result result;
    enum sweep_format format;
    enum plot_style style;
    const char *metric;
    struct output_set outputs;
    uint64_t n_jobs;
    int is_per_core;
    int is_quiet;
    /* The swept keys as the configuration has them. */
    size_t default_row;
    char default_text[SWEEP_DEFAULT_BYTES];
    struct html_page page; /* with --report */
    char *command;         /* as it was given */
};

/* The first is the table's, always there. */
static const char sweep_table_out[] = "-o";
static const char sweep_report_out[] = "--report";

static const struct cli_option sweep_options[] = {
    RUN_SETUP_OPTIONS,
    {"param", 'p', "KEY=VALUES",
     "sweep a key: 1,2,4 | 0..64 | 0..256/8 (step) |\n"
     "1..1024*2 (factor) | words; several make the product"},
    {"jobs", 'j', "JOBS", "points at a time (default: all host CPUs)"},
    {"cache", 0, "BYTES",
     "memory for decoded pieces of the trace, shared by all\n"
     "points (default: 256M)"},
    {"metric", 0, "NAME",
     "the statistic to minimise (default: cycles of all CPUs\n"
     "but idle and order)"},
    {"format", 0, "FORMAT", "text (default), csv or json"},
    {"per-core", 0, NULL, "csv and json: each CPU's figures, too"},
    {"ascii", 0, NULL, "plot with plain characters"},
    {"output", 'o', "FILE", "write the result there"},
    {"report", 0, "FILE.html",
     "write a page with charts there, for any browser"},
    {"quiet", 'q', NULL, "no progress"},
    {0},
};

static int sweep_add_param(struct sweep *sweep, const char *text)
{
    char error[SWEEP_ERROR_BYTES];

    if (sweep_plan_add(&sweep->plan, text, error))
        return 0;
    return cli_error(CLI_USAGE, "-p: %s", error);
}

static int sweep_set_format(struct sweep *sweep, const char *text)
{
    int format = cli_choice("--format", text, sweep_formats);

    if (format < 0)
        return CLI_USAGE;
    sweep->format = (enum sweep_format) format;
    return 0;
}

static int sweep_option(void *context, const struct cli_option *option,
                        const char *value)
{
    struct sweep *sweep = context;
    int status = run_setup_option(&sweep->setup, option, value);

    if (status >= 0)
        return status;
    if (option->letter == 'p')
        return sweep_add_param(sweep, value);
    if (option->letter == 'j')
        return cli_number("-j", value, 1, SWEEP_JOBS_MAX, 0, &sweep->n_jobs);
    if (!strcmp(option->name, "cache"))
        return cli_number("--cache", value, 0, UINT64_MAX, 1,
                          &sweep->setup.trace_options.cache_bytes);
    if (!strcmp(option->name, "format"))
        return sweep_set_format(sweep, value);
    if (!strcmp(option->name, "metric"))
        sweep->metric = value;
    else if (!strcmp(option->name, "per-core"))
        sweep->is_per_core = 1;
    else if (!strcmp(option->name, "ascii"))
        sweep->style = PLOT_ASCII;
    else if (!strcmp(option->name, "output"))
        sweep->outputs.slots[0].path = value;
    else if (!strcmp(option->name, "report"))
        return output_set_add(&sweep->outputs, sweep_report_out, value);
    else
        sweep->is_quiet = 1;
    return 0;
}

/* Every value is tried on the configuration before the first run. */
static int sweep_check_axis(const struct sweep_axis *axis,
                            const mmusim_config_t *config)
{
    mmusim_config_t *copy = NULL;
    int status = 0;

    if (mmusim_config_copy(config, &copy))
        return cli_error(CLI_SYSTEM, "out of memory");
    for (size_t i = 0; !status && i < axis->n_values; i++)
        status = run_set_key(copy, axis->key, axis->values[i]);
    mmusim_config_destroy(copy);
    return status;
}

/* Finds the point that is the configuration as it is; a text report runs it
 * as a row of its own if the grid lacks it. */
static void sweep_find_default(struct sweep *sweep,
                               const mmusim_config_t *config)
{
    char values[SWEEP_AXES_MAX][SWEEP_VALUE_BYTES];
    const char *texts[SWEEP_AXES_MAX];
    size_t length = 0;

    for (size_t i = 0; i < sweep->plan.n_axes; i++) {
        const char *key = sweep->plan.axes[i].key;
        int n;

        if (mmusim_config_get(config, key, values[i], sizeof(values[i])))
            values[i][0] = '\0';
        texts[i] = values[i];
        n = snprintf(sweep->default_text + length,
                     sizeof(sweep->default_text) - length, "%s%s=%s",
                     i ? " " : "", key, values[i]);
        length += n > 0 ? (size_t) n : 0;
        if (length >= sizeof(sweep->default_text))
            length = sizeof(sweep->default_text) - 1;
    }
    sweep->default_row = sweep_plan_find(&sweep->plan, texts);
}

static bool sweep_write_table(const struct sweep *sweep,
                              const struct sweep_report *report, FILE *file)
{
    switch (sweep->format) {
    case SWEEP_TEXT:
        sweep_print_text(report, file);
        return true;
    case SWEEP_CSV:
        return sweep_print_csv(report, file);
    case SWEEP_JSON:
        return sweep_print_json(report, file);
    }
    return true;
}

static bool sweep_has_points(const struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->plan.n_points; i++) {
        if (sweep->result.is_done[i])
            return true;
    }
    return false;
}

/* Without a finished point there is no page. */
static int sweep_write_page(struct sweep *sweep, const mmusim_config_t *config,
                            const struct sweep_report *report)
{
    struct sweep_html html = {{"sweep", sweep->command, config}, report};
    FILE *file = output_set_stream(&sweep->outputs, sweep_report_out);
    int status = 0;

    if (!file)
        return 0;
    if (sweep_has_points(sweep)) {
        if (sweep_html_write(&sweep->page, &html, file))
            return 0;
        status = cli_error(CLI_SYSTEM, "out of memory");
    }
    output_set_abandon(&sweep->outputs, sweep_report_out);
    return status;
}

static int sweep_write(struct sweep *sweep, const mmusim_config_t *config)
{
    struct run_keys keys;
    int status = run_keys_init(&keys, config);
    struct sweep_report report = {
        .plan = &sweep->plan,
        .result = &sweep->result,
        .run = {sweep->setup.machine, sweep->setup.source, keys.keys, keys.n},
        .default_row = sweep->default_row,
        .default_text = sweep->default_text,
        .style = sweep->style,
    };

    if (status)
        return status;
    if (!sweep_write_table(sweep, &report,
                           output_set_stream(&sweep->outputs, sweep_table_out)))
        status = cli_error(CLI_SYSTEM, "out of memory");
    else
        status = sweep_write_page(sweep, config, &report);
    run_keys_fini(&keys);
    return status;
}

/* An interrupted sweep has the rows that it has. */
static int sweep_to_outputs(struct sweep *sweep, const mmusim_config_t *config,
                            const struct sweep_job *job)
{
    int status = output_set_open(&sweep->outputs);
    int failed;

    if (status)
        return status;
    status = sweep_run(job);
    failed = status == CLI_INTERRUPTED ? 0 : status;
    if (!failed)
        failed = sweep_write(sweep, config);
    failed = output_set_end(&sweep->outputs, failed);
    return failed ? failed : status;
}

/* Programs get the grid; people get it compared with what they have. */
static bool sweep_wants_default(struct sweep *sweep)
{
    return sweep->format == SWEEP_TEXT ||
           output_set_has(&sweep->outputs, sweep_report_out);
}

/* Has the checker found anything in a finished point? */
static bool sweep_has_violations(const struct sweep *sweep)
{
    mmusim_stat_t stat;

    for (size_t i = 0; i < sweep->result.n; i++) {
        if (sweep_result_find(&sweep->result, i, "checker.violations", &stat) &&
            stat.value)
            return true;
    }
    return false;
}

static int sweep_with_config(struct sweep *sweep, mmusim_config_t *config)
{
    struct run_input input;
    struct sweep_job job = {.plan = &sweep->plan,
                            .config = config,
                            .input = &input,
                            .result = &sweep->result,
                            .n_jobs = sweep->n_jobs,
                            .is_quiet = sweep->is_quiet};
    size_t n_rows = sweep->plan.n_points;
    int status = 0;

    for (size_t i = 0; !status && i < sweep->plan.n_axes; i++)
        status = sweep_check_axis(&sweep->plan.axes[i], config);
    if (status)
        return status;
    sweep_find_default(sweep, config);
    if (sweep->default_row == n_rows && sweep_wants_default(sweep))
        n_rows++;
    if (!sweep_result_init(&sweep->result, n_rows, sweep->metric,
                           sweep->is_per_core ? MMUSIM_STATS_PER_CORE
                                              : MMUSIM_STATS_SUMS))
        return cli_error(CLI_SYSTEM, "out of memory");
    status = run_open_input(&sweep->setup, &input);
    if (status)
        return status;
    cli_catch_interrupts();
    status = sweep_to_outputs(sweep, config, &job);
    run_close_input(&input);
    return !status && sweep_has_violations(sweep) ? CLI_FOUND : status;
}

/* The page's parts are read before the first run. */
static int sweep_load_page(struct sweep *sweep)
{
    if (!output_set_has(&sweep->outputs, sweep_report_out))
        return 0;
    if (sweep->plan.n_points > SWEEP_HTML_POINTS_MAX)
        return cli_error(CLI_USAGE,
                         "sweep: %zu points are too many for the page of "
                         "--report (at most %d; --format csv has no bound)",
                         sweep->plan.n_points, SWEEP_HTML_POINTS_MAX);
    return html_page_load(&sweep->page);
}

static int sweep_execute(struct sweep *sweep)
{
    mmusim_config_t *config = NULL;
    int status;

    if (!sweep->plan.n_axes)
        return cli_error(CLI_USAGE, "sweep: what to sweep? (-p KEY=VALUES, as "
                                    "in -p os.flush_ceiling=0..64)");
    if (!sweep->n_jobs) {
        long n = sysconf(_SC_NPROCESSORS_ONLN);

        sweep->n_jobs = n > 0 ? (uint64_t) n : 1;
    }
    status = output_set_check(&sweep->outputs, "sweep", sweep->setup.source);
    if (!status)
        status = sweep_load_page(sweep);
    if (!status)
        status = run_load_config(&sweep->setup, &config);
    if (!status)
        status = sweep_with_config(sweep, config);
    mmusim_config_destroy(config);
    return status;
}

static int sweep_main(const struct cli_command *self, int argc, char **argv)
{
    struct sweep *sweep = calloc(1, sizeof(*sweep));
    int first;
    int status;

    if (!sweep)
        return cli_error(CLI_SYSTEM, "out of memory");
    (void) output_set_add(&sweep->outputs, sweep_table_out, NULL);
    sweep->command = report_quote_command(argc, argv);
    if (!sweep->command) {
        free(sweep);
        return cli_error(CLI_SYSTEM, "out of memory");
    }
    run_setup_init(&sweep->setup);
    sweep_plan_init(&sweep->plan);
    sweep->setup.trace_options.cache_bytes = SWEEP_CACHE_BYTES;
    status = cli_parse(self, argc, argv, sweep_option, sweep, &first);
    if (status < 0) {
        status =
            run_setup_operands(&sweep->setup, self->name, argc, argv, first);
        if (!status)
            status = sweep_execute(sweep);
    }
    sweep_result_fini(&sweep->result);
    sweep_plan_fini(&sweep->plan);
    run_setup_fini(&sweep->setup);
    html_page_free(&sweep->page);
    free(sweep->command);
    free(sweep);
    return status;
}

const struct cli_command cmd_sweep = {
    .name = "sweep",
    .usage = "[-m MACHINE] [-s KEY=VALUE]... -p KEY=VALUES [-p ...]\n"
             "       [-j JOBS] [--metric NAME] [--format text|csv|json] "
             "[-o FILE] SOURCE",
    .summary = "run one source through many variants of a machine",
    .details =
        "The text report has a table, a plot along the last key, and one line\n"
        "that says which value or range wins and which buckets of cycles "
        "moved.\n"
        "Rows come in the order of the product (the last -p runs fastest),\n"
        "whatever the number of jobs. Ctrl-C keeps the finished rows. The "
        "page\n"
        "of --report has them as charts and needs no network.\n"
        "\n"
        "Examples:\n"
        "  mmusim sweep -p os.flush_ceiling=0..64 workload:madvise\n"
        "  mmusim sweep -m skylake-sp -p os.flush_ceiling=1..1024*2 \\\n"
        "      -p tlb.l2.0.entries=768,1536 --format csv -o out.csv "
        "trace.mmt\n"
        "  mmusim sweep -p os.flush_ceiling=0..64 --report out.html "
        "trace.mmt\n",
    .options = sweep_options,
    .run = sweep_main,
};
