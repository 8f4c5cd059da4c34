/* SPDX-License-Identifier: MIT */
/*
 * Host speed of a whole replay: against decoding alone, and of 64 simulated
 * cores against 4. Fastest of several runs, in time of the simulating thread
 * (a helper's is not in it), M accesses/s, ratios in one run.
 *
 *     bench_replay [TRACE [MACHINE]]     default: traces/sort.mmt zen4
 */
#include "core/source.h"
#include "mmusim/mmusim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_RUNS = 7 };

/* This thread's own time: what it takes of a core, whatever else runs. */
static double now_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

static void fail(const mmusim_diag_t *diag)
{
    char text[1024];

    mmusim_diag_format(diag, text, sizeof(text));
    fprintf(stderr, "bench_replay: %s\n", text);
    exit(1);
}

/* Pulls every piece of every thread; returns the accesses in them. */
static uint64_t decode_all(mmusim_trace_t *trace)
{
    mmusim_diag_t diag = {0};
    mmusim_source_t *source;
    uint64_t accesses = 0;

    if (mmusim_trace_source(trace, &source, &diag))
        fail(&diag);
    for (uint32_t i = 0; i < source->n_threads; i++) {
        struct op_piece piece;

        do {
            if (source->ops->next(source, i, &piece, &diag))
                fail(&diag);
            for (uint32_t r = 0; r < piece.n_records; r++) {
                enum op_kind kind = op_kind_of(&piece.records[r]);

                accesses += kind == OP_LOAD || kind == OP_STORE;
            }
        } while (piece.n_records);
    }
    mmusim_source_destroy(source);
    return accesses;
}

static uint64_t replay(mmusim_config_t *config, mmusim_source_t *source)
{
    mmusim_diag_t diag = {0};
    mmusim_machine_t *machine;
    mmusim_stats_t *stats;
    mmusim_stat_t accesses;

    if (mmusim_machine_create(config, &machine, &diag) ||
        mmusim_machine_run(machine, source, &diag))
        fail(&diag);
    if (mmusim_machine_stats(machine, &stats))
        fail(&diag);
    mmusim_stats_find(stats, "sim.accesses", &accesses);
    mmusim_stats_destroy(stats);
    mmusim_machine_destroy(machine);
    return accesses.value;
}

/* Nanoseconds an access, fastest of N_RUNS; source_of makes each run's. */
static double time_decoding(const char *path, bool uses_helper_thread)
{
    const mmusim_trace_options_t options = {
        .uses_helper_thread = uses_helper_thread,
    };
    mmusim_diag_t diag = {0};
    mmusim_trace_t *trace;
    double best = 1e9;

    if (mmusim_trace_open(path, &options, &trace, &diag))
        fail(&diag);
    for (int run = 0; run < N_RUNS; run++) {
        double start = now_seconds();
        uint64_t accesses = decode_all(trace);
        double ns = (now_seconds() - start) * 1e9 / (double) accesses;

        best = ns < best ? ns : best;
    }
    mmusim_trace_close(trace);
    return best;
}

static double time_replay(const char *path, mmusim_config_t *config,
                          bool uses_helper_thread)
{
    const mmusim_trace_options_t options = {
        .uses_helper_thread = uses_helper_thread,
    };
    mmusim_diag_t diag = {0};
    mmusim_trace_t *trace;
    double best = 1e9;

    if (mmusim_trace_open(path, &options, &trace, &diag))
        fail(&diag);
    for (int run = 0; run < N_RUNS; run++) {
        double start = now_seconds();
        mmusim_source_t *source;
        uint64_t accesses;
        double ns;

        if (mmusim_trace_source(trace, &source, &diag))
            fail(&diag);
        accesses = replay(config, source);
        mmusim_source_destroy(source);
        ns = (now_seconds() - start) * 1e9 / (double) accesses;
        best = ns < best ? ns : best;
    }
    mmusim_trace_close(trace);
    return best;
}

/* The same work on each of n_threads + 1 CPUs, all in one address space. */
static double time_cores(mmusim_config_t *config, unsigned n_threads)
{
    char spec[128];
    double best = 1e9;

    snprintf(spec, sizeof(spec), "workload:madvise,pages=8,threads=%u,warm=48",
             n_threads);
    for (int run = 0; run < N_RUNS; run++) {
        mmusim_diag_t diag = {0};
        mmusim_source_t *source;
        double start = now_seconds();
        uint64_t accesses;
        double ns;

        if (mmusim_workload_source(spec, &source, &diag))
            fail(&diag);
        accesses = replay(config, source);
        mmusim_source_destroy(source);
        ns = (now_seconds() - start) * 1e9 / (double) accesses;
        best = ns < best ? ns : best;
    }
    return best;
}

static void print_row(const char *what, double ns, double base_ns)
{
    printf("%-44s %8.2f %10.1f %8.2f\n", what, ns, 1e3 / ns, base_ns / ns);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "traces/sort.mmt";
    const char *machine = argc > 2 ? argv[2] : "configs/zen4.yaml";
    mmusim_diag_t diag = {0};
    mmusim_config_t *config;
    double decode, four;

    if (mmusim_config_load(machine, NULL, &config, &diag))
        fail(&diag);
    printf("%-44s %8s %10s %8s\n", "", "ns", "M acc/s", "ratio");
    decode = time_decoding(path, false);
    print_row("decode only, one thread", decode, decode);
    print_row("decode only, inflating in a helper", time_decoding(path, true),
              decode);
    print_row("replay, one thread", time_replay(path, config, false), decode);
    print_row("replay, inflating in a helper", time_replay(path, config, true),
              decode);
    four = time_cores(config, 3);
    print_row("4 cores, madvise workload", four, four);
    print_row("64 cores, the same on each", time_cores(config, 63), four);
    if (mmusim_config_set(config, "virt.enabled", "true", &diag))
        fail(&diag);
    print_row("replay as a guest, nested paging",
              time_replay(path, config, false), decode);
    mmusim_config_destroy(config);
    return 0;
}
