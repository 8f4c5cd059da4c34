/* SPDX-License-Identifier: MIT */
/* mmusim litmus: runs litmus tests and compares with their verdicts. */
#include "cli/cli.h"
#include "mmusim/litmus.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct litmus_job {
    const char *path;
    mmusim_litmus_t *litmus; /* NULL: failed, diag says why */
    mmusim_status_t status;
    mmusim_diag_t diag;
    int is_done;
};

struct litmus_run_all {
    mmusim_litmus_options_t options;
    const char *kinds_path;
    mmusim_litmus_kinds_t *kinds;
    uint64_t n_threads;
    int has_states;
    struct litmus_job *jobs;
    size_t n_jobs;
    size_t next_job;
    pthread_mutex_t lock;
    pthread_cond_t is_done;
};

struct litmus_table {
    size_t n_tests, n_unsupported, n_unreadable, n_unknown, n_stuck;
    size_t n_forbidden, n_forbidden_seen;
    size_t n_allowed, n_allowed_seen;
    size_t n_required, n_required_ok;
    uint64_t runs;
};

static int litmus_on_option(void *context, const struct cli_option *option,
                            const char *value)
{
    struct litmus_run_all *all = context;

    if (!strcmp(option->name, "kinds"))
        all->kinds_path = value;
    else if (!strcmp(option->name, "schedules"))
        return cli_number("--schedules", value, 1, 1000000000, 1,
                          &all->options.schedules);
    else if (!strcmp(option->name, "seed"))
        return cli_number("--seed", value, 0, UINT64_MAX, 0,
                          &all->options.seed);
    else if (!strcmp(option->name, "jobs"))
        return cli_number("--jobs", value, 1, 256, 0, &all->n_threads);
    else if (!strcmp(option->name, "states"))
        all->has_states = 1;
    return 0;
}

/* ---- running ---- */

static int litmus_is_stopped(void *context)
{
    (void) context;
    return cli_is_interrupted();
}

static void *litmus_work(void *context)
{
    struct litmus_run_all *all = context;

    for (;;) {
        struct litmus_job *job = NULL;

        pthread_mutex_lock(&all->lock);
        if (all->next_job < all->n_jobs && !cli_is_interrupted())
            job = &all->jobs[all->next_job++];
        pthread_mutex_unlock(&all->lock);
        if (!job)
            return NULL;
        job->status = mmusim_litmus_run(job->path, &all->options, &job->litmus,
                                        &job->diag);
        pthread_mutex_lock(&all->lock);
        job->is_done = 1;
        pthread_cond_broadcast(&all->is_done);
        pthread_mutex_unlock(&all->lock);
    }
}

/* 0: it will not be done, as the run was interrupted. */
static int litmus_wait(struct litmus_run_all *all, const struct litmus_job *job)
{
    int is_done;

    pthread_mutex_lock(&all->lock);
    while (!job->is_done && !cli_is_interrupted())
        pthread_cond_wait(&all->is_done, &all->lock);
    is_done = job->is_done;
    pthread_mutex_unlock(&all->lock);
    return is_done;
}

/* What has not begun will not. */
static void litmus_stop(struct litmus_run_all *all)
{
    pthread_mutex_lock(&all->lock);
    all->next_job = all->n_jobs;
    pthread_mutex_unlock(&all->lock);
}

/* ---- printing ---- */

static const char *litmus_verdict_name(mmusim_litmus_verdict_t verdict)
{
    switch (verdict) {
    case MMUSIM_LITMUS_ALLOWED:
        return "Allowed";
    case MMUSIM_LITMUS_FORBIDDEN:
        return "Forbidden";
    case MMUSIM_LITMUS_REQUIRED:
        return "Required";
    case MMUSIM_LITMUS_UNKNOWN:
        break;
    }
    return "Unknown";
}

static void litmus_print_states(const mmusim_litmus_t *litmus,
                                const mmusim_litmus_summary_t *summary)
{
    printf("States %zu\n", summary->n_outcomes);
    for (size_t i = 0; i < summary->n_outcomes; i++) {
        char text[2048];
        uint64_t count;
        int holds;

        mmusim_litmus_outcome(litmus, i, text, sizeof(text), &count, &holds);
        printf("%-8llu%c>%s\n", (unsigned long long) count, holds ? '*' : ':',
               text);
    }
}

/* What the runs mean for the verdict: "" is as it should be. */
static const char *litmus_judge(struct litmus_table *table,
                                const mmusim_litmus_summary_t *summary,
                                mmusim_litmus_verdict_t verdict)
{
    int is_seen = summary->positive > 0;
    int is_always = summary->positive == summary->runs && summary->runs;

    switch (verdict) {
    case MMUSIM_LITMUS_FORBIDDEN:
        table->n_forbidden++;
        table->n_forbidden_seen += (size_t) is_seen;
        return is_seen ? "FORBIDDEN OUTCOME" : "ok";
    case MMUSIM_LITMUS_REQUIRED:
        table->n_required++;
        table->n_required_ok += (size_t) is_always;
        return is_always ? "ok" : "REQUIRED OUTCOME MISSED";
    case MMUSIM_LITMUS_ALLOWED:
        table->n_allowed++;
        table->n_allowed_seen += (size_t) is_seen;
        return is_seen ? "ok" : "not seen";
    case MMUSIM_LITMUS_UNKNOWN:
        break;
    }
    table->n_unknown++;
    return "-";
}

static void litmus_print_job(const struct litmus_run_all *all,
                             const struct litmus_job *job,
                             struct litmus_table *table)
{
    mmusim_litmus_summary_t summary;
    mmusim_litmus_verdict_t verdict;
    const char *observed = "Sometimes";
    const char *judgement;

    mmusim_litmus_summarize(job->litmus, &summary);
    verdict = mmusim_litmus_kinds_find(all->kinds, job->path, summary.name);
    if (!all->kinds)
        verdict = summary.implied;
    judgement = litmus_judge(table, &summary, verdict);
    if (all->has_states) {
        printf("Test %s %s\n", summary.name, litmus_verdict_name(verdict));
        litmus_print_states(job->litmus, &summary);
    }
    if (!summary.positive)
        observed = "Never";
    else if (summary.positive == summary.runs)
        observed = "Always";
    printf("Observation %s %s %llu %llu  %s: %s", summary.name, observed,
           (unsigned long long) summary.positive,
           (unsigned long long) (summary.runs - summary.positive),
           litmus_verdict_name(verdict), judgement);
    if (summary.cut)
        printf(" (%llu runs cut)", (unsigned long long) summary.cut);
    if (summary.stuck)
        printf(" (%llu runs STUCK)", (unsigned long long) summary.stuck);
    puts(all->has_states ? "\n" : "");
    table->n_tests++;
    table->n_stuck += summary.stuck != 0;
    table->runs += summary.runs;
}

static void litmus_print_table(const struct litmus_table *table)
{
    printf("\n%-12s %6s\n", "tests run", "");
    printf("Forbidden    %6zu   seen: %zu\n", table->n_forbidden,
           table->n_forbidden_seen);
    printf("Allowed      %6zu   seen: %zu\n", table->n_allowed,
           table->n_allowed_seen);
    printf("Required     %6zu   always: %zu\n", table->n_required,
           table->n_required_ok);
    printf("no verdict   %6zu\n", table->n_unknown);
    printf("total        %6zu   runs: %llu\n", table->n_tests,
           (unsigned long long) table->runs);
    printf("unsupported  %6zu\n", table->n_unsupported);
    printf("unreadable   %6zu\n", table->n_unreadable);
    if (table->n_stuck)
        printf("stuck        %6zu   (a fault of mmusim)\n", table->n_stuck);
}

/* ---- the command ---- */

static int litmus_report(struct litmus_run_all *all)
{
    struct litmus_table table = {0};

    for (size_t i = 0; i < all->n_jobs; i++) {
        struct litmus_job *job = &all->jobs[i];

        if (!litmus_wait(all, job))
            return CLI_INTERRUPTED;
        if (!job->status) {
            litmus_print_job(all, job, &table);
            mmusim_litmus_destroy(job->litmus);
            job->litmus = NULL;
            continue;
        }
        if (job->status == MMUSIM_INTERRUPTED)
            return CLI_INTERRUPTED;
        if (job->status == MMUSIM_NOMEM)
            return cli_diag(&job->diag);
        cli_diag(&job->diag);
        table.n_unsupported += job->status == MMUSIM_UNSUPPORTED;
        table.n_unreadable += job->status != MMUSIM_UNSUPPORTED;
    }
    litmus_print_table(&table);
    if (table.n_forbidden_seen || table.n_required_ok < table.n_required ||
        table.n_stuck)
        return CLI_FOUND;
    return table.n_unreadable || !table.n_tests ? CLI_INPUT : CLI_OK;
}

static int litmus_run_threads(struct litmus_run_all *all)
{
    pthread_t threads[256];
    uint64_t n_started = 0;
    int status;

    while (n_started < all->n_threads &&
           !pthread_create(&threads[n_started], NULL, litmus_work, all))
        n_started++;
    if (!n_started)
        return cli_error(CLI_SYSTEM, "litmus: no thread can be started");
    status = litmus_report(all);
    litmus_stop(all);
    for (uint64_t i = 0; i < n_started; i++)
        pthread_join(threads[i], NULL);
    return status;
}

static int litmus_run_files(struct litmus_run_all *all, char **paths)
{
    int status;

    all->jobs = calloc(all->n_jobs, sizeof(*all->jobs));
    if (!all->jobs)
        return cli_error(CLI_SYSTEM, "litmus: out of memory");
    for (size_t i = 0; i < all->n_jobs; i++)
        all->jobs[i].path = paths[i];
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->is_done, NULL);
    status = litmus_run_threads(all);
    pthread_cond_destroy(&all->is_done);
    pthread_mutex_destroy(&all->lock);
    for (size_t i = 0; i < all->n_jobs; i++)
        mmusim_litmus_destroy(all->jobs[i].litmus);
    free(all->jobs);
    return status;
}

static int litmus_main(const struct cli_command *self, int argc, char **argv)
{
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct litmus_run_all all = {.n_threads = n_cpus < 1 ? 1
                                              : n_cpus > 256
                                                  ? 256
                                                  : (uint64_t) n_cpus};
    mmusim_diag_t diag;
    int first;
    int status = cli_parse(self, argc, argv, litmus_on_option, &all, &first);

    if (status >= 0)
        return status;
    if (first == argc)
        return cli_error(CLI_USAGE, "litmus: which test? (FILE...)");
    if (all.kinds_path &&
        mmusim_litmus_kinds_open(all.kinds_path, &all.kinds, &diag))
        return cli_diag(&diag);
    all.n_jobs = (size_t) (argc - first);
    if (all.n_threads > all.n_jobs)
        all.n_threads = all.n_jobs;
    all.options.stop = litmus_is_stopped;
    cli_catch_interrupts();
    status = litmus_run_files(&all, argv + first);
    mmusim_litmus_kinds_close(all.kinds);
    return status;
}

static const struct cli_option litmus_options[] = {
    {"kinds", 0, "FILE",
     "the tests' verdicts: lines of file, name and verdict\n"
     "(kinds.tsv), or of name and kind (herd's kinds.txt);\n"
     "without it the test's own clause counts: exists is\n"
     "Allowed, ~exists Forbidden, forall Required"},
    {"schedules", 0, "N", "runs of each test (default 10000)"},
    {"seed", 0, "S", "of the drawn orders (default 0)"},
    {"jobs", 'j', "N", "tests at a time (default: the CPUs there are)"},
    {"states", 0, NULL, "print each test's outcomes and their counts"},
    {NULL, 0, NULL, NULL},
};

const struct cli_command cmd_litmus = {
    .name = "litmus",
    .usage = "FILE... [--kinds FILE] [--schedules N] [--seed S]",
    .summary = "run litmus tests of page tables and TLB maintenance",
    .details =
        "Each FILE is a test in herd's format: an AArch64 program for a few\n"
        "PEs that may edit page tables and execute TLBIs. It is run many\n"
        "times on simulated PEs with TLBs, walkers and store buffers, in an\n"
        "order drawn from the seed; the outcomes are counted. A Forbidden\n"
        "outcome that is seen, or a Required one that is missed, is a fault\n"
        "of the simulated machine, and exit status 1. Tests with\n"
        "instructions that are not modelled are named and passed over.\n"
        "\n"
        "  mmusim litmus --kinds kinds.tsv *.litmus\n"
        "  mmusim litmus --states MP+shoot+dsb-isb.litmus\n",
    .options = litmus_options,
    .run = litmus_main,
};
