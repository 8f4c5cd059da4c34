/* SPDX-License-Identifier: MIT */
/*
 * The cost of flush_tlb_mm_range() by pages: D. Hansen, "x86/mm: Set TLB flush
 * tunable to sane value (33)", 2014 (Linux a5102476a24b): cycles between two
 * tracepoints, averages over a kernel compile on an i5-3320M (Ivy Bridge).
 *
 * As measured: he says that the timestamps alone are a constant bias; the
 * least difference he ever saw is 335 cycles. That is added to what is
 * simulated. Fitted: INVLPG and the call, from 1 and 32 pages and nothing else.
 * Not in the model, and not fitted away: code that is cold when it is rare (a
 * full flush is 2 % of the calls), and what the averages of 0.01 % hold.
 */
#include "validate/experiment.h"

#include <stdio.h>

enum {
    FLUSH_BIAS_CYCLES = 335, /* Hansen, 2014 */
    FLUSH_ROUNDS = 100,
    FLUSH_FULL_PAGES = 34, /* one more than the ceiling */
    FLUSH_MEDIAN_PERMILLE = 150,
};

static const struct {
    uint32_t pages; /* 0: a full flush */
    uint32_t measured_cycles;
    mmusim_figure_kind_t kind;
} flush_points[] = {
    {1, 1276, MMUSIM_FIGURE_FITTED},    {2, 1505, MMUSIM_FIGURE_PREDICTED},
    {3, 1880, MMUSIM_FIGURE_PREDICTED}, {4, 2447, MMUSIM_FIGURE_PREDICTED},
    {8, 3542, MMUSIM_FIGURE_PREDICTED}, {16, 5041, MMUSIM_FIGURE_PREDICTED},
    {32, 9350, MMUSIM_FIGURE_FITTED},   {0, 2283, MMUSIM_FIGURE_PREDICTED},
    {5, 2358, MMUSIM_FIGURE_REMARK},    {6, 2563, MMUSIM_FIGURE_REMARK},
    {12, 3996, MMUSIM_FIGURE_REMARK},   {24, 6912, MMUSIM_FIGURE_REMARK},
    {33, 8534, MMUSIM_FIGURE_REMARK},
};

enum {
    FLUSH_POINTS = sizeof(flush_points) / sizeof(flush_points[0]),
    FLUSH_FIRST = 0,
    FLUSH_LAST = 6
};

static const struct experiment_case flush_machine = {
    "ivy-bridge", "os.protocol=linux-4.6 os.flush_ceiling=33", ""};

static void flush_workload(uint32_t pages, uint32_t rounds, char *text,
                           size_t size_bytes)
{
    snprintf(text, size_bytes, "madvise,pages=%u,threads=0,rounds=%u",
             pages ? pages : FLUSH_FULL_PAGES, rounds);
}

static mmusim_status_t flush_total(struct experiment_run *run,
                                   const mmusim_config_t *config,
                                   uint32_t pages, uint32_t rounds,
                                   double *cycles)
{
    char workload[EXPERIMENT_TEXT_BYTES];
    mmusim_stats_t *stats;
    mmusim_status_t status;

    flush_workload(pages, rounds, workload, sizeof(workload));
    status = mmusim__experiment_simulate(run, config, workload, &stats);
    if (!status)
        *cycles = mmusim__experiment_stat(stats, "cycles.flush_local");
    mmusim_stats_destroy(stats);
    return status;
}

/* One flush as he would have measured it: the difference of two runs, which
 * leaves out what a run begins and ends with. */
static mmusim_status_t flush_measure(struct experiment_run *run,
                                     const mmusim_config_t *config,
                                     uint32_t pages, double *cycles)
{
    double few = 0, many = 0;
    mmusim_status_t status =
        flush_total(run, config, pages, FLUSH_ROUNDS, &few);

    if (!status)
        status = flush_total(run, config, pages, 2 * FLUSH_ROUNDS, &many);
    *cycles = FLUSH_BIAS_CYCLES + (many - few) / FLUSH_ROUNDS;
    return status;
}

/* Raises a key by a difference of cycles, rounded. */
static mmusim_status_t flush_raise(struct experiment_run *run,
                                   mmusim_config_t *config, const char *key,
                                   double cycles)
{
    double value = mmusim__experiment_key(config, key) + cycles;

    if (value < 0)
        return mmusim__experiment_fail(run, "1 and 32 pages cannot be fitted");
    mmusim__experiment_note(run, "fitted: %s = %.0f", key, value);
    return mmusim__experiment_set(run, config, key, (uint64_t) (value + 0.5));
}

static mmusim_status_t flush_fit(struct experiment_run *run,
                                 mmusim_config_t *config)
{
    uint32_t first = flush_points[FLUSH_FIRST].pages;
    uint32_t last = flush_points[FLUSH_LAST].pages;
    double measured_first = flush_points[FLUSH_FIRST].measured_cycles;
    double measured_last = flush_points[FLUSH_LAST].measured_cycles;
    double few, many;
    mmusim_status_t status = flush_measure(run, config, first, &few);

    if (!status)
        status = flush_measure(run, config, last, &many);
    if (!status)
        status = flush_raise(run, config, "cost.invlpg_cycles",
                             (measured_last - measured_first - (many - few)) /
                                 (last - first));
    if (!status)
        status = flush_measure(run, config, first, &few);
    if (!status)
        status = flush_raise(run, config, "cost.flush_call_cycles",
                             measured_first - few);
    return status;
}

static mmusim_status_t flush_add(struct experiment_run *run,
                                 const mmusim_config_t *config, size_t index)
{
    uint32_t pages = flush_points[index].pages;
    char workload[EXPERIMENT_TEXT_BYTES];
    struct experiment_figure figure = {
        .unit = "cycles",
        .measured = flush_points[index].measured_cycles,
        .kind = flush_points[index].kind,
        .made_by = flush_machine,
    };
    mmusim_status_t status =
        flush_measure(run, config, pages, &figure.simulated);

    if (status)
        return status;
    flush_workload(pages, FLUSH_ROUNDS, workload, sizeof(workload));
    figure.made_by.workload = workload;
    if (pages)
        snprintf(figure.label, sizeof(figure.label), "%u page%s", pages,
                 pages == 1 ? "" : "s");
    else
        snprintf(figure.label, sizeof(figure.label), "full");
    mmusim__experiment_add(run, &figure);
    return MMUSIM_OK;
}

static mmusim_status_t flush_run(struct experiment_run *run)
{
    mmusim_config_t *config = NULL;
    mmusim_status_t status =
        mmusim__experiment_load(run, &flush_machine, &config);

    if (!status)
        status = flush_fit(run, config);
    for (size_t i = 0; !status && i < FLUSH_POINTS; i++)
        status = flush_add(run, config, i);
    if (!status)
        mmusim__experiment_note(
            run, "added to every figure: %d cycles of the tracepoints",
            FLUSH_BIAS_CYCLES);
    mmusim_config_destroy(config);
    return status;
}

extern const struct experiment_ops mmusim__experiment_flush_cost;
const struct experiment_ops mmusim__experiment_flush_cost = {
    .item = {"flush-cost", "a flush of 1 to 33 pages, and of all, on one CPU",
             "D. Hansen, Linux a5102476a24b, 2014"},
    .median_limit_permille = FLUSH_MEDIAN_PERMILLE,
    .run = flush_run,
};
