/* SPDX-License-Identifier: MIT */
/* mmusim advise: what would make this run cheaper? */
#include "cli/advise_report.h"
#include "cli/advise_run.h"
#include "cli/output_set.h"
#include "cli/run_setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ADVISE_JOBS_MAX = 1024 };

enum advise_format { ADVISE_TEXT, ADVISE_JSON };

static const char *const advise_formats[] = {"text", "json", NULL};

struct advise {
    struct run_setup setup;
    struct output_set outputs;
    enum advise_format format;
    unsigned groups; /* 1 << enum advice_group; 0: all */
    uint64_t n_jobs; /* 0: as many as the host has CPUs */
    int is_quiet;
};

static const char advise_out[] = "-o";

static const struct cli_option advise_options[] = {
    RUN_SETUP_OPTIONS,
    {"only", 0, "GROUPS",
     "try only these: settings, placement, kernels, hardware\n(several between "
     "commas; default: all)"},
    {"format", 0, "FORMAT", "text (default) or json"},
    {"output", 'o', "FILE", "write it there"},
    {"jobs", 'j', "JOBS", "runs at a time (default: all host CPUs)"},
    {"quiet", 'q', NULL, "no progress"},
    {0},
};

static int advise_only(struct advise *advise, const char *value)
{
    static const enum advice_group groups[] = {ADVICE_SETTING, ADVICE_PLACEMENT,
                                               ADVICE_KERNEL, ADVICE_HARDWARE};
    const char *rest = value;

    for (;;) {
        size_t length = strcspn(rest, ",");
        char word[32];
        int group;

        snprintf(word, sizeof(word), "%.*s", (int) length, rest);
        group = cli_choice("--only", word, advice_group_words);
        if (group < 0)
            return CLI_USAGE;
        advise->groups |= 1U << groups[group];
        if (!rest[length])
            return 0;
        rest += length + 1;
    }
}

static int advise_option(void *context, const struct cli_option *option,
                         const char *value)
{
    struct advise *advise = context;
    int status = run_setup_option(&advise->setup, option, value);

    if (status >= 0)
        return status;
    if (!strcmp(option->name, "only"))
        return advise_only(advise, value);
    if (!strcmp(option->name, "output"))
        return output_set_add(&advise->outputs, advise_out, value);
    if (!strcmp(option->name, "jobs"))
        return cli_number("-j", value, 1, ADVISE_JOBS_MAX, 0, &advise->n_jobs);
    if (!strcmp(option->name, "format")) {
        int format = cli_choice("--format", value, advise_formats);

        if (format < 0)
            return CLI_USAGE;
        advise->format = (enum advise_format) format;
        return 0;
    }
    advise->is_quiet = 1;
    return 0;
}

static int advise_write(struct advise *advise, const mmusim_config_t *config,
                        const struct advice_ranking *ranking, int status)
{
    FILE *file = output_set_stream(&advise->outputs, advise_out);
    struct advice_about about = {.machine = advise->setup.machine,
                                 .source = advise->setup.source,
                                 .is_interrupted = status == CLI_INTERRUPTED};
    struct run_keys keys;
    int own;

    if (advise->format == ADVISE_TEXT) {
        advice_print_text(file, ranking, &about);
        return status;
    }
    own = run_keys_init(&keys, config);
    if (own)
        return own;
    about.keys = keys.keys;
    about.n_keys = keys.n;
    advice_print_json(file, ranking, &about);
    run_keys_fini(&keys);
    return status;
}

/* Runs the plan, then what its best settings come to together. */
static int advise_run(struct advise *advise, const struct run_input *input,
                      struct advice_plan *plan, struct advice_ranking *ranking)
{
    struct advice_job job = {
        .plan = plan,
        .input = input,
        .n_jobs = advise->n_jobs,
        .is_quiet = advise->is_quiet,
    };
    int status = advice_run(&job);

    if (!plan->points[0].is_done)
        return status;
    advice_rank(plan, ranking);
    if (status || !advice_add_together(plan, ranking))
        return status;
    job.first = plan->n_points - 1;
    return advice_run(&job);
}

static bool advise_found(const struct advice_plan *plan)
{
    for (size_t i = 0; i < plan->n_points; i++) {
        if (plan->points[i].n_violations)
            return true;
    }
    return false;
}

static int advise_with_input(struct advise *advise,
                             const mmusim_config_t *config,
                             const struct run_input *input)
{
    struct advice_plan *plan = advice_plan_create(config, advise->groups);
    struct advice_ranking *ranking = calloc(1, sizeof(*ranking));
    int status = output_set_open(&advise->outputs);
    int is_kept;

    if (!status && (!plan || !ranking))
        status = cli_error(CLI_SYSTEM, "out of memory");
    if (!status) {
        status = advise_run(advise, input, plan, ranking);
        /* what an interrupt leaves is worth reading */
        is_kept = !status || (status == CLI_INTERRUPTED && ranking->n_rows);
        if (is_kept)
            status = advise_write(advise, config, ranking, status);
        if (is_kept && status == CLI_INTERRUPTED) {
            int own = output_set_end(&advise->outputs, 0);

            status = own ? own : CLI_INTERRUPTED;
        } else {
            status = output_set_end(&advise->outputs, status);
        }
        if (!status && advise_found(plan))
            status = CLI_FOUND;
    }
    free(ranking);
    advice_plan_destroy(plan);
    return status;
}

static int advise_execute(struct advise *advise)
{
    mmusim_config_t *config = NULL;
    struct run_input input;
    int status;

    if (!advise->n_jobs) {
        long n = sysconf(_SC_NPROCESSORS_ONLN);

        advise->n_jobs = n > 0 ? (uint64_t) n : 1;
    }
    if (!advise->groups)
        advise->groups = UINT32_MAX;
    status = output_set_check(&advise->outputs, "advise", advise->setup.source);
    if (!status)
        status = run_load_config(&advise->setup, &config);
    if (status)
        return status;
    advise->setup.is_quiet = advise->is_quiet;
    status = run_open_input(&advise->setup, &input);
    if (!status) {
        cli_catch_interrupts();
        status = advise_with_input(advise, config, &input);
        run_close_input(&input);
    }
    mmusim_config_destroy(config);
    return status;
}

static int advise_main(const struct cli_command *self, int argc, char **argv)
{
    struct advise advise = {.format = ADVISE_TEXT};
    int first;
    int status;

    run_setup_init(&advise.setup);
    status = output_set_add(&advise.outputs, advise_out, NULL);
    if (!status)
        status = cli_parse(self, argc, argv, advise_option, &advise, &first);
    if (status < 0) {
        status =
            run_setup_operands(&advise.setup, self->name, argc, argv, first);
        if (!status)
            status = advise_execute(&advise);
    }
    run_setup_fini(&advise.setup);
    return status;
}

const struct cli_command cmd_advise = {
    .name = "advise",
    .usage = "[-m MACHINE] [-s KEY=VALUE]... [--only GROUPS] "
             "[--format text|json] [-j JOBS] [-o FILE] SOURCE",
    .summary = "try other settings, kernels and machines, rank what they save",
    .details =
        "Replays SOURCE as it is, with other seeds (how much is noise), and\n"
        "with one thing changed at a time: transparent huge pages, the flush\n"
        "ceiling, page-table isolation, PCIDs, NUMA settings; where the\n"
        "threads run; every other kernel of the instruction set; TLB arrays\n"
        "and walkers, doubled and halved. What saves work comes first, with\n"
        "the buckets that the cycles came from; what can be set is tried\n"
        "together, too. What could not be tried is told, with the reason.\n"
        "\n"
        "Examples:\n"
        "  mmusim advise workload:madvise\n"
        "  mmusim advise -m haswell-ep-2s --only settings,placement trace.mmt\n"
        "  mmusim advise --format json -o advice.json trace.mmt\n",
    .options = advise_options,
    .run = advise_main,
};
