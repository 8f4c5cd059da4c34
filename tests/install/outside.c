/* SPDX-License-Identifier: MIT */
/*
 * A program outside the project: one run of a generator, one statistic.
 * Also compiled as C++.
 */
#include <mmusim/mmusim.h>

#include <stdio.h>

static int report(const mmusim_diag_t *diag)
{
    char text[256];
    mmusim_diag_format(diag, text, sizeof text);
    fprintf(stderr, "outside: %s\n", text);
    return 1;
}

int main(void)
{
    mmusim_config_t *config = NULL;
    mmusim_machine_t *machine = NULL;
    mmusim_source_t *source = NULL;
    mmusim_stats_t *stats = NULL;
    mmusim_diag_t diag = {MMUSIM_OK};
    mmusim_stat_t cycles;

    if (mmusim_config_create(&config) ||
        mmusim_config_set(config, "os.flush_ceiling", "64", &diag) ||
        mmusim_machine_create(config, &machine, &diag) ||
        mmusim_workload_source("chase", &source, &diag) ||
        mmusim_machine_run(machine, source, &diag) ||
        mmusim_machine_stats(machine, &stats) ||
        !mmusim_stats_find(stats, "sim.cycles", &cycles))
        return report(&diag);
    printf("mmusim %s: %llu cycles\n", mmusim_version(),
           (unsigned long long) cycles.value);
    mmusim_stats_destroy(stats);
    mmusim_source_destroy(source);
    mmusim_machine_destroy(machine);
    mmusim_config_destroy(config);
    return cycles.value == 0;
}
