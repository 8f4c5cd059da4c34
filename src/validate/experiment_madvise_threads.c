/* SPDX-License-Identifier: MIT */
/*
 * One page touched and given back while other CPUs loop: N. Amit, "x86/mm:
 * Flush remote and local TLBs concurrently", LKML, May 2019; Haswell, bare
 * metal, nanoseconds a round, page fault included. "Serial" is before his
 * change (Linux 5.1), "concurrent" with it (in Linux since 5.13): requests are
 * sent first, then the local flush is done while they travel.
 *
 * Fitted: the fault's body from one thread, the interrupt's way from two, both
 * serial, and nothing else. The clock is the machine's: he does not say his.
 */
#include "validate/experiment.h"

#include <stdio.h>

enum { GIVE_ROUNDS = 400, GIVE_LIMIT_PERMILLE = 150 };

/* Protocols of the two columns; the first that the machine has. */
static const char *const give_serial[] = {"linux-4.20", "linux-4.6", NULL};
static const char *const give_concurrent[] = {"linux-6.14", NULL};

static const struct {
    uint32_t threads;
    double measured_ns[2]; /* serial, concurrent */
} give_points[] = {{1, {661, 663}}, {2, {1436, 1225}}, {4, {1571, 1421}}};

enum { GIVE_POINTS = sizeof(give_points) / sizeof(give_points[0]) };

static const struct experiment_case give_machine = {"haswell-ep", "", ""};

static void give_workload(uint32_t threads, uint32_t rounds, char *text,
                          size_t size_bytes)
{
    snprintf(text, size_bytes,
             "madvise,pages=1,threads=%u,warm=1,reads=1000,rounds=%u",
             threads - 1, rounds);
}

/* Cycles in which the giving CPU is neither idle nor waiting for its turn. */
static mmusim_status_t give_busy(struct experiment_run *run,
                                 const mmusim_config_t *config,
                                 uint32_t threads, uint32_t rounds,
                                 double *cycles)
{
    char workload[EXPERIMENT_TEXT_BYTES];
    mmusim_stats_t *stats;
    mmusim_status_t status;

    give_workload(threads, rounds, workload, sizeof(workload));
    status = mmusim__experiment_simulate(run, config, workload, &stats);
    if (!status)
        *cycles = mmusim__experiment_stat(stats, "core0.cycles") -
                  mmusim__experiment_stat(stats, "core0.cycles.idle") -
                  mmusim__experiment_stat(stats, "core0.cycles.order");
    mmusim_stats_destroy(stats);
    return status;
}

static mmusim_status_t give_measure(struct experiment_run *run,
                                    const mmusim_config_t *config,
                                    uint32_t threads, double *ns)
{
    double few = 0, many = 0;
    mmusim_status_t status = give_busy(run, config, threads, GIVE_ROUNDS, &few);

    if (!status)
        status = give_busy(run, config, threads, 2 * GIVE_ROUNDS, &many);
    *ns = (many - few) / GIVE_ROUNDS /
          mmusim__experiment_key(config, "clock_ghz");
    return status;
}

/* Sets a key so that `threads` threads take what they were measured to. */
static mmusim_status_t give_fit(struct experiment_run *run,
                                mmusim_config_t *config, const char *key,
                                size_t point)
{
    double value = mmusim__experiment_key(config, key);
    double ns;
    mmusim_status_t status =
        give_measure(run, config, give_points[point].threads, &ns);

    if (status)
        return status;
    value += (give_points[point].measured_ns[0] - ns) *
             mmusim__experiment_key(config, "clock_ghz");
    if (value < 1)
        return mmusim__experiment_fail(run, "the figures of 1 and 2 threads "
                                            "cannot be fitted");
    mmusim__experiment_note(run, "fitted: %s = %.0f", key, value);
    return mmusim__experiment_set(run, config, key, (uint64_t) (value + 0.5));
}

/* Sets the first protocol that there is; NULL: none. */
static const char *give_set_protocol(mmusim_config_t *config,
                                     const char *const *names)
{
    mmusim_diag_t ignored = {0};

    while (*names && mmusim_config_set(config, "os.protocol", *names, &ignored))
        names++;
    return *names;
}

static mmusim_status_t give_add(struct experiment_run *run,
                                const mmusim_config_t *config, size_t point,
                                uint32_t column, const char *protocol)
{
    static const char *const columns[] = {"serial", "concurrent"};
    uint32_t threads = give_points[point].threads;
    bool is_fitted = !column && threads <= 2;
    char workload[EXPERIMENT_TEXT_BYTES];
    char settings[EXPERIMENT_TEXT_BYTES];
    struct experiment_figure figure = {
        .unit = "ns",
        .measured = give_points[point].measured_ns[column],
        .kind = is_fitted ? MMUSIM_FIGURE_FITTED : MMUSIM_FIGURE_PREDICTED,
        .limit_permille = is_fitted ? 0 : GIVE_LIMIT_PERMILLE,
        .made_by = {give_machine.machine, settings, workload},
    };
    mmusim_status_t status =
        give_measure(run, config, threads, &figure.simulated);

    if (status)
        return status;
    give_workload(threads, GIVE_ROUNDS, workload, sizeof(workload));
    snprintf(settings, sizeof(settings), "os.protocol=%s", protocol);
    snprintf(figure.label, sizeof(figure.label), "%u thread%s, %s", threads,
             threads == 1 ? "" : "s", columns[column]);
    mmusim__experiment_add(run, &figure);
    return MMUSIM_OK;
}

static mmusim_status_t give_add_column(struct experiment_run *run,
                                       const mmusim_config_t *config,
                                       uint32_t column, const char *protocol)
{
    mmusim_status_t status = MMUSIM_OK;

    for (size_t i = 0; !status && i < GIVE_POINTS; i++)
        status = give_add(run, config, i, column, protocol);
    return status;
}

static mmusim_status_t give_run(struct experiment_run *run)
{
    mmusim_config_t *config = NULL;
    const char *protocol = NULL;
    mmusim_status_t status =
        mmusim__experiment_load(run, &give_machine, &config);

    if (!status)
        protocol = give_set_protocol(config, give_serial);
    if (!status && !protocol)
        status = mmusim__experiment_fail(run, "the machine has no x86 kernel");
    if (!status)
        status = give_fit(run, config, "cost.fault_body_cycles", 0);
    if (!status)
        status = give_fit(run, config, "ipi.latency_socket_cycles", 1);
    if (!status)
        status = give_add_column(run, config, 0, protocol);
    if (!status)
        protocol = give_set_protocol(config, give_concurrent);
    if (!status && protocol)
        status = give_add_column(run, config, 1, protocol);
    else if (!status)
        mmusim__experiment_note(run, "concurrent: there is no such protocol");
    mmusim_config_destroy(config);
    return status;
}

extern const struct experiment_ops mmusim__experiment_madvise_threads;
const struct experiment_ops mmusim__experiment_madvise_threads = {
    .item = {"madvise-threads", "one page given back with 0, 1 and 3 targets",
             "N. Amit, LKML, May 2019"},
    .run = give_run,
};
