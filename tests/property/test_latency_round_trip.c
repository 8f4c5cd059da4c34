/* SPDX-License-Identifier: MIT */
/*
 * A curve that the simulator has made of a machine it knows, given back to it
 * as if it were a measurement: the fit finds the caches, and every point of
 * one load a page comes out as it was.
 */
#include "mmusim/mmusim.h"
#include "support/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { WINDOW_PAGES = 512, N_SIZES = 17 }; /* 32 KiB to 8 MiB */

static const char *const settings[][2] = {
    {"topology.cores_per_socket", "1"},
    {"memory.model", "hierarchy"},
    {"memory.data", "true"},
    {"core.base_cpi", "0.00002"},
    {"os.frame_colours", "64"},
    {"walker.start_cycles", "15"},
    {"memory.l1d.size", "32K"},
    {"memory.l1d.cycles", "5"},
    {"memory.l2.size", "256K"},
    {"memory.l2.ways", "8"},
    {"memory.l2.cycles", "13"},
    {"memory.llc.size", "3M"},
    {"memory.llc.ways", "12"},
    {"memory.llc.hash_from_bit", "17"},
    {"memory.llc.cycles", "44"},
    {"memory.dram_cycles", "231"},
};

static uint64_t kib_at(uint32_t i)
{
    return (uint64_t) (i % 2 ? 48 : 32) << i / 2;
}

static double run_chase(const mmusim_config_t *config, uint64_t places,
                        uint64_t stride)
{
    mmusim_machine_t *machine = NULL;
    mmusim_source_t *source = NULL;
    mmusim_stats_t *stats = NULL;
    mmusim_stat_t from = {0}, to = {0};
    mmusim_diag_t diag = {0};
    char spec[160];

    snprintf(spec, sizeof(spec),
             "chase,pages=%llu,rounds=1,warm=1,random=1,stagger=0,seed=7,"
             "block=%llu,stride=%llu",
             (unsigned long long) places,
             (unsigned long long) (WINDOW_PAGES * 4096 / stride),
             (unsigned long long) stride);
    assert_int_equal(mmusim_workload_source(spec, &source, &diag), 0);
    assert_int_equal(mmusim_machine_create(config, &machine, &diag), 0);
    assert_int_equal(mmusim_machine_run(machine, source, &diag), 0);
    assert_int_equal(mmusim_machine_stats(machine, &stats), 0);
    assert_true(mmusim_stats_find(stats, "mark.chase.0.core0.cycles", &from));
    assert_true(mmusim_stats_find(stats, "mark.chase-end.0.core0.cycles", &to));
    mmusim_stats_destroy(stats);
    mmusim_machine_destroy(machine);
    mmusim_source_destroy(source);
    return (double) (to.value - from.value) / (double) places;
}

static mmusim_curves_t *make_curves(const mmusim_config_t *config)
{
    static char text[8192];
    struct temp_folder *folder;
    mmusim_curves_t *curves = NULL;
    mmusim_diag_t diag = {0};
    const char *path;
    int used = snprintf(text, sizeof(text),
                        "tlb_of,cpu,size_KiB,pages_at_4KiB_stride,"
                        "cycles_stride_64B,cycles_stride_4K\n");

    for (uint32_t i = 0; i < N_SIZES; i++) {
        uint64_t kib = kib_at(i);

        used += snprintf(text + used, sizeof(text) - (size_t) used,
                         "generic,made,%llu,%llu,%.1f,%.1f\n",
                         (unsigned long long) kib, (unsigned long long) kib / 4,
                         run_chase(config, kib * 16, 64),
                         run_chase(config, kib / 4, 4096));
    }
    assert_int_equal(temp_folder_create(&folder), 0);
    path = temp_folder_write(folder, "made.csv", text, (size_t) used);
    assert_int_equal(mmusim_curves_load(path, &curves, &diag), 0);
    temp_folder_destroy(folder);
    return curves;
}

static void check_caches(const mmusim_latency_t *latency)
{
    static const uint64_t sizes[] = {32 << 10, 256 << 10, 3 << 20, 0};
    static const uint32_t cycles[] = {5, 13, 44, 231};
    mmusim_latency_cache_t cache;

    for (size_t i = 0; i < 4; i++) {
        assert_true(mmusim_latency_cache_at(latency, i, &cache));
        assert_int_equal(cache.size_bytes, sizes[i]);
        assert_in_range(cache.cycles, cycles[i] - 1, cycles[i] + 1);
    }
    assert_false(mmusim_latency_cache_at(latency, 4, &cache));
}

static void check_points(const mmusim_latency_t *latency)
{
    mmusim_latency_point_t point;
    uint32_t n_off = 0;

    for (size_t i = 0; mmusim_latency_point_at(latency, i, &point); i++) {
        double ratio =
            (double) point.simulated_milli / (double) point.measured_milli;

        assert_int_equal(point.pages, kib_at((uint32_t) i) / 4);
        n_off += ratio < 0.97 || ratio > 1.03;
    }
    assert_in_range(n_off, 0, 2); /* where another order of visits matters */
}

static void check_knees(const mmusim_latency_t *latency)
{
    static const uint64_t last_hits[] = {64, 1024};
    mmusim_latency_knee_t knee;

    for (size_t i = 0; i < 2; i++) {
        assert_true(mmusim_latency_knee_at(latency, i, &knee));
        assert_int_equal(knee.simulated_from, last_hits[i]);
        assert_int_equal(knee.verdict, MMUSIM_KNEE_RIGHT);
    }
    assert_false(mmusim_latency_knee_at(latency, 2, &knee));
}

static void a_curve_of_the_simulators_own_comes_back(void **state)
{
    mmusim_config_t *config = NULL;
    mmusim_latency_t *latency = NULL;
    mmusim_diag_t diag = {0};
    mmusim_curves_t *curves;

    (void) state;
    assert_int_equal(mmusim_config_create(&config), 0);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        assert_int_equal(
            mmusim_config_set(config, settings[i][0], settings[i][1], &diag),
            0);
    curves = make_curves(config);
    assert_int_equal(mmusim_latency_run(curves, 1, config, &latency, &diag),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim_latency_run(curves, 0, config, &latency, &diag), 0);
    check_caches(latency);
    check_points(latency);
    check_knees(latency);
    assert_in_range(mmusim_latency_median_permille(latency), 0, 10);
    assert_in_range(mmusim_latency_fit_permille(latency), 0, 10);
    mmusim_latency_destroy(latency);
    mmusim_curves_destroy(curves);
    mmusim_config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_of_the_simulators_own_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
