/* SPDX-License-Identifier: MIT */
/*
 * What each part of the translation hardware costs the host: one trace on one
 * machine, with one part more at a time. Fastest of several runs, in time of
 * the simulating thread; the ratio is to the machine as it is.
 *
 *     bench_parts [TRACE [MACHINE]]     default: traces/sort.mmt zen4
 */
#include "mmusim/mmusim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_RUNS = 5, MAX_SETTINGS = 4 };

struct part {
    const char *name;
    const char *settings[MAX_SETTINGS]; /* KEY=VALUE */
};

static const struct part parts[] = {
    {"the machine as it is", {NULL}},
    {"tlb.l1s of 16", {"tlb.l1s.0.entries=16", NULL}},
    {"tlb.l2.fill inclusive", {"tlb.l2.fill=inclusive", NULL}},
    {"tlb.l2.fill exclusive", {"tlb.l2.fill=exclusive", NULL}},
    {"tlb.l2.fill victim", {"tlb.l2.fill=victim", NULL}},
    {"tlb.l3 of 4096", {"tlb.l3.0.entries=4096", "tlb.l3.0.ways=8", NULL}},
    {"tlb.l3 of 4096, exclusive",
     {"tlb.l3.0.entries=4096", "tlb.l3.0.ways=8", "tlb.l3.fill=exclusive",
      NULL}},
    {"L1D and L2 shared by 2 threads",
     {"topology.threads_per_core=2", "tlb.l1d.0.smt=shared", NULL}},
    {"walker.coalesce_pages 4",
     {"walker.coalesce_pages=4", "tlb.l1d.0.page_sizes=[4K, 16K, 2M, 1G]",
      NULL}},
    {"prefetch.policy next-page", {"prefetch.policy=next-page", NULL}},
    {"prefetch.policy distance", {"prefetch.policy=distance", NULL}},
    {"speculation, 1000 per million",
     {"speculation.fills_per_million=1000", NULL}},
    {"tlb.l1d.ports 2", {"tlb.l1d.ports=2", NULL}},
    {"tlb.l1d.mshrs 4", {"tlb.l1d.mshrs=4", NULL}},
    {"tlb.l2d xor-fold", {"tlb.l2d.0.index=xor-fold", NULL}},
    {"tlb.l1d SRRIP", {"tlb.l1d.0.replacement=srrip", NULL}},
    {"tlb.l1d NRU", {"tlb.l1d.0.replacement=nru", NULL}},
    {"tlb.l2d probes size by size", {"tlb.l2d.0.probe_cycles=1", NULL}},
    {"tlb.l2d holds 4 contexts", {"tlb.l2d.0.max_contexts=4", NULL}},
    {"psc.kind per-level", {"psc.kind=per-level", NULL}},
    {"psc.kind walk-cache", {"psc.kind=walk-cache", NULL}},
    {"page_table.dirty software", {"page_table.dirty=software", NULL}},
    {"virt.enabled", {"virt.enabled=true", NULL}},
    {"fabric invlpgb", {"fabric=invlpgb", NULL}},
    {"isa armv8, fabric dvm", {"isa=armv8", "fabric=dvm", NULL}},
    {"isa riscv", {"isa=riscv", NULL}},
};

static double now_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

static _Noreturn void fail(const mmusim_diag_t *diag)
{
    char text[1024];

    mmusim_diag_format(diag, text, sizeof(text));
    fprintf(stderr, "bench_parts: %s\n", text);
    exit(1);
}

static void set(mmusim_config_t *config, const char *setting)
{
    const char *value = strchr(setting, '=');
    mmusim_diag_t diag = {0};
    char key[96];

    snprintf(key, sizeof(key), "%.*s", (int) (value - setting), setting);
    if (mmusim_config_set(config, key, value + 1, &diag))
        fail(&diag);
}

/* Nanoseconds an access. */
static double run(const mmusim_config_t *config, mmusim_trace_t *trace)
{
    mmusim_diag_t diag = {0};
    mmusim_machine_t *machine;
    mmusim_source_t *source;
    mmusim_stats_t *stats;
    mmusim_stat_t accesses;
    double start = now_seconds();

    if (mmusim_trace_source(trace, &source, &diag) ||
        mmusim_machine_create(config, &machine, &diag) ||
        mmusim_machine_run(machine, source, &diag) ||
        mmusim_machine_stats(machine, &stats))
        fail(&diag);
    mmusim_stats_find(stats, "sim.accesses", &accesses);
    mmusim_stats_destroy(stats);
    mmusim_machine_destroy(machine);
    mmusim_source_destroy(source);
    return (now_seconds() - start) * 1e9 / (double) accesses.value;
}

static double time_part(const struct part *part, const char *machine,
                        mmusim_trace_t *trace)
{
    mmusim_diag_t diag = {0};
    mmusim_config_t *config;
    double best = 1e9;

    if (mmusim_config_load(machine, NULL, &config, &diag))
        fail(&diag);
    for (size_t i = 0; part->settings[i]; i++)
        set(config, part->settings[i]);
    for (int i = 0; i < N_RUNS; i++) {
        double ns = run(config, trace);

        best = ns < best ? ns : best;
    }
    mmusim_config_destroy(config);
    return best;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "traces/sort.mmt";
    const char *machine = argc > 2 ? argv[2] : "configs/zen4.yaml";
    mmusim_diag_t diag = {0};
    mmusim_trace_t *trace;
    double plain = 0;

    if (mmusim_trace_open(path, NULL, &trace, &diag))
        fail(&diag);
    printf("%-34s %8s %8s\n", "", "ns", "ratio");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        double ns = time_part(&parts[i], machine, trace);

        plain = i ? plain : ns;
        printf("%-34s %8.2f %8.2f\n", parts[i].name, ns, ns / plain);
    }
    mmusim_trace_close(trace);
    return 0;
}
