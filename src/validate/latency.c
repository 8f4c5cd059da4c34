/* SPDX-License-Identifier: MIT */
/*
 * Measured latency curves beside simulated ones: fits the data caches
 * (cache_fit.h), runs workload:chase for every point, and looks for the TLBs'
 * knees (knee.h).
 *
 * How the curves were made, as far as it matters here (InstLatx64's listings,
 * the manual of AIDA64, whose code they come from): dependent loads, one a
 * stride, visited at random within windows of half the last-level TLB's pages,
 * window after window; 4 KiB pages of Windows, which hands out frames by
 * colour. So the chase shuffles blocks of that many places, and frames are
 * scattered in 64 colours, enough for any second-level cache of today.
 */
#include "mmusim/validate.h"

#include "core/diag.h"
#include "mmusim/machine.h"
#include "validate/cache_fit.h"
#include "validate/curves.h"
#include "validate/knee.h"
#include "validate/latency_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LATENCY_COLOURS = 64,
    LATENCY_LOADS_MIN = 16384, /* measured at least, for a mean */
    LATENCY_KNEES = 2,
    LATENCY_REACH = 4, /* a knee is looked for from a quarter of the size to
                          four times it */
};

#define LATENCY_RISE 1.15 /* of the data caches' part: more masks a point */

struct mmusim_latency {
    struct fit_result fit;
    mmusim_latency_point_t *points;
    size_t n_points;
    mmusim_latency_knee_t knees[LATENCY_KNEES];
    uint64_t median_permille;
    uint64_t fit_permille;
};

struct latency_run {
    const struct curve *curve;
    mmusim_config_t *config; /* a copy, set up */
    struct fit_machine machine;
    mmusim_latency_t *latency;
    mmusim_diag_t *diag;
};

/* ---- setting up ---- */

static mmusim_status_t latency_set(struct latency_run *run, const char *key,
                                   uint64_t value)
{
    char text[LATENCY_TEXT_BYTES];

    snprintf(text, sizeof(text), "%llu", (unsigned long long) value);
    return mmusim_config_set(run->config, key, text, run->diag);
}

/* One core, nothing but loads: the time of an access is what a program sees
 * from one dependent load to the next. */
static mmusim_status_t latency_set_machine(struct latency_run *run)
{
    static const struct {
        const char *key;
        const char *value;
    } settings[] = {
        {"topology.sockets", "1"},
        {"topology.cores_per_socket", "1"},
        {"topology.threads_per_core", "1"},
        {"memory.model", "hierarchy"},
        {"memory.data", "true"},
        {"core.base_cpi", "0.00002"},
        {"os.memory", "64G"},
    };
    mmusim_status_t status = MMUSIM_OK;

    for (size_t i = 0; !status && i < sizeof(settings) / sizeof(settings[0]);
         i++)
        status = mmusim_config_set(run->config, settings[i].key,
                                   settings[i].value, run->diag);
    if (!status && !mmusim__latency_get(run->config, "os.frame_colours"))
        status = latency_set(run, "os.frame_colours", LATENCY_COLOURS);
    return status;
}

static mmusim_status_t latency_set_cache(struct latency_run *run,
                                         uint32_t level)
{
    const struct fit_cache *cache = &run->latency->fit.caches[level];
    const struct {
        const char *field;
        uint64_t value;
    } numbers[] = {
        {"size", cache->size_bytes},
        {"ways", cache->n_ways},
        {"cycles", cache->cycles},
        {"bypass_percent", cache->bypass_percent},
    };
    char key[LATENCY_TEXT_BYTES];
    mmusim_status_t status = MMUSIM_OK;

    for (size_t i = 0; !status && i < sizeof(numbers) / sizeof(numbers[0]);
         i++) {
        snprintf(key, sizeof(key), "memory.%s.%s",
                 mmusim__latency_levels[level], numbers[i].field);
        status = latency_set(run, key, numbers[i].value);
    }
    if (status)
        return status;
    snprintf(key, sizeof(key), "memory.%s.replacement",
             mmusim__latency_levels[level]);
    return mmusim_config_set(run->config, key,
                             cache->is_random ? "random" : "lru", run->diag);
}

static mmusim_status_t latency_fit(struct latency_run *run)
{
    const struct curve *curve = run->curve;
    struct fit_point *points = calloc(curve->n_points, sizeof(*points));
    mmusim_status_t status = MMUSIM_OK;
    size_t n = 0;

    for (size_t i = 0; points && i < curve->n_points; i++) {
        if (curve->points[i].cycles_64b <= 0)
            continue;
        points[n].n_lines = curve->points[i].size_kib * 16;
        points[n++].measured = curve->points[i].cycles_64b;
    }
    if (!points ||
        !mmusim__cache_fit(&run->machine, points, n, &run->latency->fit))
        status = mmusim__diag_set(run->diag, MMUSIM_NOMEM, "out of memory");
    n = 0;
    for (size_t i = 0; !status && i < curve->n_points; i++) {
        mmusim_latency_point_t *point = &run->latency->points[i];

        if (curve->points[i].cycles_64b <= 0)
            continue;
        point->measured_64b_milli =
            (uint64_t) (curve->points[i].cycles_64b * 1000 + 0.5);
        point->fitted_64b_milli = (uint64_t) (points[n++].fitted * 1000 + 0.5);
    }
    free(points);
    for (uint32_t level = 0; !status && level < FIT_DRAM; level++)
        status = latency_set_cache(run, level);
    if (!status)
        status = latency_set(run, "memory.dram_cycles",
                             run->latency->fit.caches[FIT_DRAM].cycles);
    return status;
}

/* ---- one point ---- */

static uint64_t latency_stat(const mmusim_stats_t *stats, const char *name)
{
    mmusim_stat_t stat;

    return mmusim_stats_find(stats, name, &stat) ? stat.value : 0;
}

/* Shares of the loads; the first stores miss once a page, too. */
static uint32_t latency_permille(uint64_t misses, uint64_t pages,
                                 uint64_t loads)
{
    uint64_t of_loads = misses > pages ? misses - pages : 0;

    return (uint32_t) ((of_loads * 1000 + loads / 2) / loads);
}

static void latency_take_stats(const mmusim_stats_t *stats,
                               mmusim_latency_point_t *point, uint64_t rounds)
{
    uint64_t loads = rounds * point->pages;
    uint64_t cycles = latency_stat(stats, "mark.chase-end.0.core0.cycles") -
                      latency_stat(stats, "mark.chase.0.core0.cycles");
    uint64_t all_loads = loads + point->pages;

    point->simulated_milli = (cycles * 1000 + loads / 2) / loads;
    point->l1_misses_permille = latency_permille(
        latency_stat(stats, "core0.l1d.misses"), point->pages, all_loads);
    point->walks_permille = latency_permille(
        latency_stat(stats, "core0.llt.misses"), point->pages, all_loads);
}

static mmusim_status_t latency_simulate(struct latency_run *run,
                                        mmusim_latency_point_t *point)
{
    uint64_t rounds = LATENCY_LOADS_MIN / point->pages + 1;
    mmusim_machine_t *machine = NULL;
    mmusim_source_t *source = NULL;
    mmusim_stats_t *stats = NULL;
    mmusim_status_t status;
    char spec[2 * LATENCY_TEXT_BYTES];

    snprintf(spec, sizeof(spec),
             "chase,pages=%llu,rounds=%llu,warm=1,random=1,block=%u,stagger=0,"
             "stride=4096",
             (unsigned long long) point->pages, (unsigned long long) rounds,
             run->machine.window_pages);
    status = mmusim_workload_source(spec, &source, run->diag);
    if (!status)
        status = mmusim_machine_create(run->config, &machine, run->diag);
    if (!status)
        status = mmusim_machine_run(machine, source, run->diag);
    if (!status)
        status = mmusim_machine_stats(machine, &stats);
    if (!status)
        latency_take_stats(stats, point, rounds);
    mmusim_stats_destroy(stats);
    mmusim_machine_destroy(machine);
    mmusim_source_destroy(source);
    return status;
}

/* ---- the whole ---- */

static int latency_compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return (*left > *right) - (*left < *right);
}

static uint64_t latency_error_permille(uint64_t simulated, uint64_t measured)
{
    uint64_t off =
        simulated > measured ? simulated - measured : measured - simulated;

    return (off * 1000 + measured / 2) / measured;
}

/* The mean of the two in the middle where the number is even. */
static uint64_t latency_median(uint64_t *errors, size_t n)
{
    if (!n)
        return 0;
    qsort(errors, n, sizeof(*errors), latency_compare);
    return (errors[(n - 1) / 2] + errors[n / 2] + 1) / 2;
}

static mmusim_status_t latency_conclude(struct latency_run *run)
{
    mmusim_latency_t *latency = run->latency;
    uint64_t *errors = calloc(latency->n_points + 1, sizeof(*errors));
    size_t n = 0;

    if (!errors)
        return mmusim__diag_set(run->diag, MMUSIM_NOMEM, "out of memory");
    for (size_t i = 0; i < latency->n_points; i++) {
        const mmusim_latency_point_t *point = &latency->points[i];

        if (point->measured_milli)
            errors[n++] = latency_error_permille(point->simulated_milli,
                                                 point->measured_milli);
    }
    latency->median_permille = latency_median(errors, n);
    n = 0;
    for (size_t i = 0; i < latency->n_points; i++) {
        const mmusim_latency_point_t *point = &latency->points[i];

        if (point->measured_64b_milli)
            errors[n++] = latency_error_permille(point->fitted_64b_milli,
                                                 point->measured_64b_milli);
    }
    latency->fit_permille = latency_median(errors, n);
    free(errors);
    return MMUSIM_OK;
}

/* A point is masked where the data caches' part is more than at the point
 * before: a small error in a cache's size is then a large residue. */
static size_t latency_knee_points(const struct latency_run *run,
                                  struct knee_point *points, bool of_walks)
{
    const mmusim_latency_t *latency = run->latency;
    double before = 0;
    size_t n = 0;

    for (size_t i = 0; i < latency->n_points; i++) {
        const mmusim_latency_point_t *point = &latency->points[i];
        double data =
            mmusim__cache_fit_page_stride(&latency->fit, point->pages);

        if (!point->measured_milli)
            continue;
        points[n] = (struct knee_point){
            .pages = point->pages,
            .residue = (double) point->measured_milli / 1000 - data,
            .is_masked = n && data > LATENCY_RISE * before,
            .misses =
                (of_walks ? point->walks_permille : point->l1_misses_permille) /
                1000.0,
        };
        before = data;
        n++;
    }
    return n;
}

/* A level's knee is looked for within a factor of its size, where no other
 * level's is: the first up to where the L2 is full, the second from where the
 * L1 is. */
static mmusim_status_t latency_find_knees(struct latency_run *run)
{
    mmusim_latency_t *latency = run->latency;
    struct knee_point *points = calloc(latency->n_points, sizeof(*points));
    double least = run->machine.l2_tlb_cycles / 2;
    const uint64_t sizes[LATENCY_KNEES] = {run->machine.l1_pages,
                                           run->machine.l2_pages};

    if (!points)
        return mmusim__diag_set(run->diag, MMUSIM_NOMEM, "out of memory");
    latency->knees[0].level = "l1d";
    latency->knees[1].level = "l2";
    for (uint32_t k = 0; k < LATENCY_KNEES; k++) {
        mmusim_latency_knee_t *knee = &latency->knees[k];
        size_t n = latency_knee_points(run, points, k);
        uint64_t low = sizes[k] / LATENCY_REACH;
        uint64_t high = sizes[k] * LATENCY_REACH;
        size_t from = 0, end = n;
        bool is_simulated;

        if (k && low < sizes[0])
            low = sizes[0] + 1;
        if (!k && sizes[1] && high > sizes[1])
            high = sizes[1];
        while (from < n && points[from].pages < low)
            from++;
        while (end > from && points[end - 1].pages > high)
            end--;
        is_simulated = mmusim__knee_simulated(points, n, knee);
        mmusim__knee_judge(
            mmusim__knee_measured(points, from, end, least, knee), is_simulated,
            knee);
    }
    free(points);
    return MMUSIM_OK;
}

static mmusim_status_t latency_go(struct latency_run *run,
                                  const mmusim_config_t *config)
{
    const struct curve *curve = run->curve;
    mmusim_latency_t *latency = run->latency;
    mmusim_status_t status = mmusim_config_copy(config, &run->config);

    latency->points = calloc(curve->n_points, sizeof(*latency->points));
    if (status || !latency->points)
        return mmusim__diag_set(run->diag, MMUSIM_NOMEM, "out of memory");
    latency->n_points = curve->n_points;
    status = latency_set_machine(run);
    if (status)
        return status;
    mmusim__latency_read_machine(run->config, &run->machine);
    status = latency_fit(run);
    for (size_t i = 0; !status && i < curve->n_points; i++) {
        mmusim_latency_point_t *point = &latency->points[i];

        point->pages = curve->points[i].size_kib / 4;
        point->measured_milli =
            (uint64_t) (curve->points[i].cycles_4k * 1000 + 0.5);
        if (point->measured_milli)
            status = latency_simulate(run, point);
    }
    if (!status)
        status = latency_conclude(run);
    if (!status)
        status = latency_find_knees(run);
    return status;
}

mmusim_status_t mmusim_latency_run(const mmusim_curves_t *curves, size_t index,
                                   const mmusim_config_t *config,
                                   mmusim_latency_t **latency,
                                   mmusim_diag_t *diag)
{
    struct latency_run run = {.diag = diag};
    mmusim_status_t status;

    *latency = NULL;
    if (index >= curves->n_curves)
        return mmusim__diag_set(diag, MMUSIM_USAGE, "there are %zu curves",
                                curves->n_curves);
    run.curve = &curves->curves[index];
    run.latency = calloc(1, sizeof(*run.latency));
    if (!run.latency)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    status = latency_go(&run, config);
    mmusim_config_destroy(run.config);
    if (status)
        mmusim_latency_destroy(run.latency);
    else
        *latency = run.latency;
    return status;
}

void mmusim_latency_destroy(mmusim_latency_t *latency)
{
    if (!latency)
        return;
    free(latency->points);
    free(latency);
}

bool mmusim_latency_point_at(const mmusim_latency_t *latency, size_t index,
                             mmusim_latency_point_t *point)
{
    if (index >= latency->n_points)
        return false;
    *point = latency->points[index];
    return true;
}

bool mmusim_latency_cache_at(const mmusim_latency_t *latency, size_t index,
                             mmusim_latency_cache_t *cache)
{
    const struct fit_cache *fitted;

    if (index >= FIT_LEVELS)
        return false;
    fitted = &latency->fit.caches[index];
    *cache = (mmusim_latency_cache_t){
        .level = mmusim__latency_levels[index],
        .size_bytes = fitted->size_bytes,
        .ways = fitted->n_ways,
        .cycles = fitted->cycles,
        .replacement = fitted->is_random ? "random" : "lru",
        .bypass_percent = fitted->bypass_percent,
    };
    return true;
}

bool mmusim_latency_knee_at(const mmusim_latency_t *latency, size_t index,
                            mmusim_latency_knee_t *knee)
{
    if (index >= LATENCY_KNEES)
        return false;
    *knee = latency->knees[index];
    return true;
}

uint64_t mmusim_latency_median_permille(const mmusim_latency_t *latency)
{
    return latency->median_permille;
}

uint64_t mmusim_latency_fit_permille(const mmusim_latency_t *latency)
{
    return latency->fit_permille;
}
