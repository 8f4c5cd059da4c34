/* SPDX-License-Identifier: MIT */
/* mmusim sweep: one source through many variants of a machine. */
#include "cli/output_set.h"
#include "cli/run_setup.h"
#include "cli/sweep_html.h"
#include "cli/sweep_plan.h"
#include "cli/sweep_plot.h"
#include "cli/sweep_report.h"
#include "cli/sweep_run.h"
#include "cli/sweep_stored.h"
#include "cli/sweep_subs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum sweep_format { SWEEP_TEXT, SWEEP_CSV, SWEEP_JSON };

enum {
    SWEEP_JOBS_MAX = 1024,
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
    struct sweep_stored stored; /* what is for --store only */
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
static const char sweep_plot_out[] = "--plot";

static const struct cli_option sweep_options[] = {
    RUN_SETUP_OPTIONS,
    {"param", 'p', "KEY=VALUES",
     "sweep a key: 1,2,4 | 0..64 | 0..256/8 (step) |\n"
     "1..1024*2 (factor) | words; several make the product"},
    {"jobs", 'j', "JOBS",
     "points at a time (default: all host CPUs; of a task on\n"
     "Slurm, 1)"},
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
    {"plot", 0, "FILE",
     "draw the curve, of two keys a heat map, into FILE.svg\n"
     "or FILE.png (with gnuplot)"},
    {"quiet", 'q', NULL, "no progress"},
    {"store", 0, "DIR",
     "keep plan and results in DIR: again, the same command\n"
     "does what is missing; also several -m and SOURCEs"},
    {"extend", 0, NULL,
     "--store: add machines, sources and values to the plan"},
    {"shard", 0, "K/N", "--store: only the K-th of N parts"},
    {"memory", 0, "BYTES", "--store: a point that needs more has failed"},
    {"time", 0, "SECONDS", "--store: a point that takes longer has failed"},
    {"patience", 0, "SECONDS",
     "--store: how long to try again if the disk takes no\n"
     "results (default: 30)"},
    {"plan-only", 0, NULL, "--store: plan, but compute nothing"},
    {"wait", 0, NULL,
     "--store: if somebody is at it, wait for them; Slurm:\n"
     "follow the jobs to the end"},
    {"engine", 0, "ENGINE", "--store: local (default) or slurm"},
    SLURM_OPTION_ROWS,
    {"dry-run", 0, NULL, "Slurm: print the scripts, submit nothing"},
    {0},
};

static int sweep_add_param(struct sweep *sweep, const char *text)
{
    char error[SWEEP_ERROR_BYTES];

    if (!sweep_plan_add(&sweep->plan, text, error))
        return cli_error(CLI_USAGE, "-p: %s", error);
    sweep->stored.axis_texts[sweep->plan.n_axes - 1] = strchr(text, '=') + 1;
    return 0;
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
    int status;

    if (option->letter == 'm')
        return sweep_stored_machine(&sweep->stored, value);
    status = run_setup_option(&sweep->setup, option, value);
    if (status < 0)
        status = sweep_stored_option(&sweep->stored, option, value);
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
    else if (!strcmp(option->name, "plot"))
        return output_set_add(&sweep->outputs, sweep_plot_out, value);
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

static int sweep_write_page(struct sweep *sweep, const mmusim_config_t *config,
                            const struct sweep_report *report)
{
    struct sweep_html html = {{"sweep", sweep->command, config}, report};
    FILE *file = output_set_stream(&sweep->outputs, sweep_report_out);
    int status = 0;

    if (file && !sweep_html_write(&sweep->page, &html, file)) {
        status = cli_error(CLI_SYSTEM, "out of memory");
        output_set_abandon(&sweep->outputs, sweep_report_out);
    }
    return status;
}

static int sweep_write_plot(struct sweep *sweep,
                            const struct sweep_report *report)
{
    FILE *file = output_set_stream(&sweep->outputs, sweep_plot_out);
    int status = 0;

    if (file)
        status = sweep_plot_write(
            report, output_set_path(&sweep->outputs, sweep_plot_out), file);
    if (status)
        output_set_abandon(&sweep->outputs, sweep_plot_out);
    return status;
}

/* The page and the figure, of any finished points; each that cannot be written
 * is given up alone. */
static int sweep_draw(struct sweep *sweep, const mmusim_config_t *config,
                      const struct sweep_report *report)
{
    int page, plot;

    if (!sweep_has_points(sweep)) {
        output_set_abandon(&sweep->outputs, sweep_report_out);
        output_set_abandon(&sweep->outputs, sweep_plot_out);
        return 0;
    }
    page = sweep_write_page(sweep, config, report);
    plot = sweep_write_plot(sweep, report);
    return page ? page : plot;
}

/* The table; what became of page and figure is in *drawn. */
static int sweep_write(struct sweep *sweep, const mmusim_config_t *config,
                       int *drawn)
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
        status = CLI_SYSTEM;
    else
        *drawn = sweep_draw(sweep, config, &report);
    run_keys_fini(&keys);
    return status;
}

/* An interrupted sweep has the rows that it has. */
static int sweep_to_outputs(struct sweep *sweep, const mmusim_config_t *config,
                            const struct sweep_job *job)
{
    int status = output_set_open(&sweep->outputs);
    int drawn = 0;
    int failed;

    if (status)
        return status;
    status = sweep_run(job);
    failed = status == CLI_INTERRUPTED ? 0 : status;
    if (!failed)
        failed = sweep_write(sweep, config, &drawn);
    failed = output_set_end(&sweep->outputs, failed);
    if (failed)
        return failed;
    return status ? status : drawn;
}

/* Programs get the grid; people get it compared with what they have. */
static bool sweep_wants_default(struct sweep *sweep)
{
    return sweep->format == SWEEP_TEXT ||
           output_set_path(&sweep->outputs, sweep_report_out) != NULL;
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
    sweep->default_row = sweep_find_default(
        &sweep->plan, config, sweep->default_text, sizeof(sweep->default_text));
    if (sweep->default_row == n_rows && sweep_wants_default(sweep))
        n_rows++;
    if (!sweep_result_init(&sweep->result, n_rows, sweep->metric,
                           sweep->is_per_core ? MMUSIM_STATS_PER_CORE
                                              : MMUSIM_STATS_SUMS))
        return cli_error(CLI_SYSTEM, "out of memory");
    sweep->setup.is_quiet = sweep->is_quiet;
    status = run_open_input(&sweep->setup, &input);
    if (status)
        return status;
    cli_catch_interrupts();
    status = sweep_to_outputs(sweep, config, &job);
    run_close_input(&input);
    return !status && sweep_has_violations(sweep) ? CLI_FOUND : status;
}

/* What the page and the figure need is looked for before the first run. */
static int sweep_prepare(struct sweep *sweep)
{
    const char *plot = output_set_path(&sweep->outputs, sweep_plot_out);
    int status = plot ? sweep_plot_check(&sweep->plan, plot) : 0;

    if (status || !output_set_path(&sweep->outputs, sweep_report_out))
        return status;
    status = sweep_html_check(&sweep->plan);
    return status ? status : html_page_load(&sweep->page);
}

static int sweep_execute_stored(struct sweep *sweep)
{
    static const enum merge_format formats[] = {
        [SWEEP_TEXT] = MERGE_TEXT,
        [SWEEP_CSV] = MERGE_CSV,
        [SWEEP_JSON] = MERGE_JSON,
    };
    struct sweep_stored *stored = &sweep->stored;

    if (sweep->outputs.n > 1)
        return cli_error(CLI_USAGE,
                         "sweep: %s is for a sweep without --store (when it is "
                         "done: mmusim sweep merge %s FILE %s)",
                         sweep->outputs.slots[1].option,
                         sweep->outputs.slots[1].option, sweep->stored.dir);
    stored->setup = &sweep->setup;
    stored->grid = &sweep->plan;
    stored->merge.format = formats[sweep->format];
    stored->merge.output = sweep->outputs.slots[0].path;
    stored->merge.metric = sweep->metric;
    stored->merge.style = sweep->style;
    stored->is_per_core = sweep->is_per_core;
    stored->engine.n_workers = sweep->n_jobs;
    stored->engine.cache_bytes = sweep->setup.trace_options.cache_bytes;
    stored->engine.is_quiet = sweep->is_quiet;
    return sweep_stored_run(stored);
}

static int sweep_execute(struct sweep *sweep)
{
    mmusim_config_t *config = NULL;
    int status;

    if (!sweep->plan.n_axes)
        return cli_error(CLI_USAGE, "sweep: what to sweep? (-p KEY=VALUES, as "
                                    "in -p os.flush_ceiling=0..64)");
    sweep->stored.n_slurm_cpus = sweep->n_jobs;
    if (!sweep->n_jobs) {
        long n = sysconf(_SC_NPROCESSORS_ONLN);

        sweep->n_jobs = n > 0 ? (uint64_t) n : 1;
    }
    if (sweep->stored.dir)
        return sweep_execute_stored(sweep);
    if (sweep->stored.n_machines)
        sweep->setup.machine = sweep->stored.machines[0];
    if (sweep->stored.n_machines > 1)
        return cli_error(CLI_USAGE,
                         "sweep: one -m only, but there is '%s' "
                         "(several need --store DIR)",
                         sweep->stored.machines[1]);
    status = sweep_stored_unused(&sweep->stored);
    if (!status)
        status =
            output_set_check(&sweep->outputs, "sweep", sweep->setup.source);
    if (!status)
        status = sweep_prepare(sweep);
    if (!status)
        status = run_load_config(&sweep->setup, &config);
    if (!status)
        status = sweep_with_config(sweep, config);
    mmusim_config_destroy(config);
    return status;
}

/* Several sources are for stores. */
static int sweep_operands(struct sweep *sweep, int argc, char **argv, int first)
{
    sweep->stored.sources = (const char *const *) (argv + first);
    sweep->stored.n_sources = (size_t) (argc - first);
    if (sweep->stored.dir && first < argc)
        return 0;
    if (first + 1 < argc)
        return cli_error(CLI_USAGE,
                         "sweep: one source only, but there is '%s' (several "
                         "need --store DIR)",
                         argv[first + 1]);
    return run_setup_operands(&sweep->setup, "sweep", argc, argv, first);
}

static int sweep_main(const struct cli_command *self, int argc, char **argv)
{
    struct sweep *sweep = NULL;
    int first;
    int status;

    if (sweep_run_sub(argc, argv, &status))
        return status;
    sweep = calloc(1, sizeof(*sweep));
    if (!sweep)
        return cli_error(CLI_SYSTEM, "out of memory");
    (void) output_set_add(&sweep->outputs, sweep_table_out, NULL);
    sweep->command = report_quote_command(self->name, argc, argv);
    if (!sweep->command) {
        free(sweep);
        return cli_error(CLI_SYSTEM, "out of memory");
    }
    run_setup_init(&sweep->setup);
    sweep_plan_init(&sweep->plan);
    sweep->setup.trace_options.cache_bytes = SWEEP_CACHE_BYTES;
    sweep->stored.engine.patience_s = SWEEP_PATIENCE_S;
    status = cli_parse(self, argc, argv, sweep_option, sweep, &first);
    if (status < 0) {
        status = sweep_operands(sweep, argc, argv, first);
        if (!status)
            status = sweep_execute(sweep);
    }
    sweep_result_fini(&sweep->result);
    sweep_plan_fini(&sweep->plan);
    run_setup_fini(&sweep->setup);
    html_page_free(&sweep->page);
    free(sweep->command);
    free(sweep->stored.machines);
    free(sweep);
    return status;
}

const struct cli_command cmd_sweep = {
    .name = "sweep",
    .usage = "[-m MACHINE] [-s KEY=VALUE]... -p KEY=VALUES [-p ...]\n"
             "       [-j JOBS] [--metric NAME] [--format text|csv|json] "
             "[-o FILE] SOURCE\n"
             "       mmusim sweep --store DIR ... -p KEY=VALUES SOURCE...\n"
             "       mmusim sweep "
             "status|merge|retry|explain|work|cancel|finish DIR ...",
    .summary = "run one source through many variants of a machine",
    .details =
        "The text report has a table, a plot along the last key, and one line\n"
        "that says which value or range wins and which buckets of cycles "
        "moved.\n"
        "Rows come in the order of the product (the last -p runs fastest),\n"
        "whatever the number of jobs. Ctrl-C keeps the finished rows. The "
        "page\n"
        "of --report has them as charts and needs no network; --plot draws "
        "for\n"
        "papers.\n"
        "\n"
        "With --store DIR results are kept point by point, and worker "
        "processes\n"
        "compute them: a sweep that was stopped in any way goes on when the "
        "same\n"
        "command is run again. Commands on a store (each has a --help):\n"
        "  status DIR                done, running, failed and why, time left\n"
        "  merge DIR...              all points as csv, json or sqlite\n"
        "  retry DIR                 failed points are open again\n"
        "  explain DIR POINT         the replay command of a point\n"
        "  work DIR                  compute open points, beside others\n"
        "  cancel DIR                remove its jobs from Slurm's queue\n"
        "  finish DIR                merge, or submit again what is missing\n"
        "\n"
        "Examples:\n"
        "  mmusim sweep -p os.flush_ceiling=0..64 workload:madvise\n"
        "  mmusim sweep -m skylake-sp -p os.flush_ceiling=1..1024*2 \\\n"
        "      -p tlb.l2.0.entries=768,1536 --format csv -o out.csv "
        "trace.mmt\n"
        "  mmusim sweep -p os.flush_ceiling=0..64 --report out.html "
        "trace.mmt\n"
        "  mmusim sweep --store ceilings -m zen4 -m skylake-sp \\\n"
        "      -p os.flush_ceiling=0..256 *.mmt\n"
        "  mmusim sweep --store ceilings --engine slurm --wait -m zen4 \\\n"
        "      -p os.flush_ceiling=0..256 -o ceilings.csv --format csv *.mmt\n",
    .options = sweep_options,
    .run = sweep_main,
};
