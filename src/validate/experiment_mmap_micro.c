/* SPDX-License-Identifier: MIT */
/*
 * The shootdown of one page that all CPUs have touched: Kumar et al., "LATR:
 * Lazy Translation Coherence", ASPLOS 2018, and their microbenchmark
 * (sslab-gatech/latr, microbenchmark/mmap_micro; Linux 4.10). They time
 * native_flush_tlb_others() (their arch/x86/mm/tlb.c), which comes after the
 * local flush; shootdown.latency_cycles begins before it, so that is taken off.
 *
 * Nothing is fitted. The times of the lines that travel were measured by
 * others, for another purpose (configs/ivy-bridge-ex-8s.yaml).
 */
#include "validate/experiment.h"

#include <string.h>

enum { MICRO_LIMIT_PERMILLE = 350 };

static const struct {
    const char *label;
    double measured_us;
    struct experiment_case made_by;
} micro_points[] = {
    {"16 CPUs, 2 sockets",
     6,
     {"haswell-ep-2s-8c", "os.protocol=linux-4.6",
      "mmap-micro,threads=16,rounds=50"}},
    {"120 CPUs, 8 sockets",
     80,
     {"ivy-bridge-ex-8s", "os.protocol=linux-4.6",
      "mmap-micro,threads=120,rounds=50"}},
};

enum { MICRO_POINTS = sizeof(micro_points) / sizeof(micro_points[0]) };

/* Cycles of one local flush. */
static double micro_local(const mmusim_stats_t *stats)
{
    double n =
        mmusim__experiment_stat(stats, "tlb_flush.local_mm_shootdown.count");

    return n > 0 ? mmusim__experiment_stat(stats, "cycles.flush_local") / n : 0;
}

static mmusim_status_t micro_simulate(struct experiment_run *run, size_t index,
                                      double *us)
{
    const struct experiment_case *made_by = &micro_points[index].made_by;
    mmusim_config_t *config = NULL;
    mmusim_stats_t *stats = NULL;
    mmusim_status_t status = mmusim__experiment_load(run, made_by, &config);

    if (!status)
        status =
            mmusim__experiment_simulate(run, config, made_by->workload, &stats);
    if (!status)
        *us = (mmusim__experiment_stat(stats, "shootdown.latency_cycles.mean") -
               micro_local(stats)) /
              mmusim__experiment_key(config, "clock_ghz") / 1000;
    mmusim_stats_destroy(stats);
    mmusim_config_destroy(config);
    return status;
}

static mmusim_status_t micro_run(struct experiment_run *run)
{
    struct experiment_figure ratio = {
        .label = "120 CPUs : 16 CPUs",
        .unit = "times",
        .kind = MMUSIM_FIGURE_PREDICTED,
        .limit_permille = MICRO_LIMIT_PERMILLE,
        .measured = micro_points[1].measured_us / micro_points[0].measured_us,
    };
    double us[MICRO_POINTS];

    for (size_t i = 0; i < MICRO_POINTS; i++) {
        struct experiment_figure figure = {
            .unit = "us",
            .kind = MMUSIM_FIGURE_PREDICTED,
            .limit_permille = MICRO_LIMIT_PERMILLE,
            .measured = micro_points[i].measured_us,
            .made_by = micro_points[i].made_by,
        };
        mmusim_status_t status = micro_simulate(run, i, &us[i]);

        if (status)
            return status;
        strcpy(figure.label, micro_points[i].label);
        figure.simulated = us[i];
        mmusim__experiment_add(run, &figure);
    }
    ratio.simulated = us[1] / us[0];
    mmusim__experiment_add(run, &ratio);
    mmusim__experiment_note(run,
                            "nothing is fitted: four cache lines a target, one "
                            "target after the other (David et al., SOSP 2013)");
    return MMUSIM_OK;
}

extern const struct experiment_ops mmusim__experiment_mmap_micro;
const struct experiment_ops mmusim__experiment_mmap_micro = {
    .item = {"mmap-micro", "the shootdown of one page at 16 and 120 CPUs",
             "Kumar et al., LATR, ASPLOS 2018"},
    .run = micro_run,
};
