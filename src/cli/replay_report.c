/* SPDX-License-Identifier: MIT */
/*
 * The text report of one run: grouped, sums over all CPUs, rows that are zero
 * throughout left out. Everything in it is a statistic of mmusim-stats(7) or
 * a ratio of two.
 */
#include "cli/replay_report.h"

#include "cli/region_report.h"

#include <inttypes.h>
#include <string.h>

enum {
    REPORT_NUMBER_BYTES = 28,
    REPORT_NAME_BYTES = 96,
};

const char *const report_buckets[] = {
    "base",        "memory", "l1_tlb", "l2_tlb",      "l3_tlb",   "walk",
    "fault",       "kernel", "lock",   "flush_local", "ipi_send", "ipi_wait",
    "ipi_handler", "switch", "idle",   "order",       NULL};

uint64_t report_value(const mmusim_stats_t *stats, const char *name)
{
    mmusim_stat_t stat;

    return mmusim_stats_find(stats, name, &stat) ? stat.value : 0;
}

const char *report_grouped(uint64_t value, char *buffer)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, value);
    char *out = buffer;

    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return buffer;
}

double report_percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double) part / (double) whole : 0.0;
}

static uint64_t report_join(const mmusim_stats_t *stats, const char *prefix,
                            const char *name)
{
    char joined[REPORT_NAME_BYTES];

    snprintf(joined, sizeof(joined), "%s%s", prefix, name);
    return report_value(stats, joined);
}

/* "  label   value", left out if the statistic does not exist. */
static void report_line(FILE *file, const mmusim_stats_t *stats,
                        const char *label, const char *name)
{
    char number[REPORT_NUMBER_BYTES];
    mmusim_stat_t stat;

    if (!mmusim_stats_find(stats, name, &stat))
        return;
    if (stat.is_milli)
        fprintf(file, "  %-28s %20s.%03u\n", label,
                report_grouped(stat.value / 1000, number),
                (unsigned) (stat.value % 1000));
    else
        fprintf(file, "  %-28s %20s\n", label,
                report_grouped(stat.value, number));
}

static void report_run(FILE *file, const mmusim_stats_t *stats)
{
    fprintf(file, "\nRun\n");
    report_line(file, stats, "simulated cycles", "sim.cycles");
    report_line(file, stats, "instructions", "sim.instructions");
    report_line(file, stats, "accesses (loads, stores)", "sim.accesses");
    report_line(file, stats, "fetches", "sim.fetches");
    report_line(file, stats, "pages mapped implicitly", "sim.implicit_pages");
    if (report_value(stats, "sim.order_broken"))
        report_line(file, stats, "order stamps not kept", "sim.order_broken");
}

bool report_is_busy(const char *bucket)
{
    return strcmp(bucket, "idle") != 0 && strcmp(bucket, "order") != 0;
}

static uint64_t report_busy_cycles(const mmusim_stats_t *stats,
                                   const char *prefix)
{
    uint64_t sum = 0;

    for (size_t i = 0; report_buckets[i]; i++)
        if (report_is_busy(report_buckets[i]))
            sum += report_join(stats, prefix, report_buckets[i]);
    return sum;
}

static void report_stack(FILE *file, const mmusim_stats_t *stats)
{
    uint64_t busy = report_busy_cycles(stats, "cycles.");
    char number[REPORT_NUMBER_BYTES];

    fprintf(file, "\nWhere the cycles of all CPUs went\n");
    for (size_t i = 0; report_buckets[i]; i++) {
        uint64_t cycles = report_join(stats, "cycles.", report_buckets[i]);

        if (cycles && report_is_busy(report_buckets[i]))
            fprintf(file, "  %-28s %20s  %6.2f %%\n", report_buckets[i],
                    report_grouped(cycles, number),
                    report_percent(cycles, busy));
    }
    fprintf(file, "  %-28s %20s  100.00 %%\n", "busy",
            report_grouped(busy, number));
    report_line(file, stats, "idle", "cycles.idle");
    if (report_value(stats, "cycles.order"))
        report_line(file, stats, "waiting for recorded order", "cycles.order");
}

static void report_tlb_row(FILE *file, const mmusim_stats_t *stats,
                           const char *tlb)
{
    char prefix[16];
    char number[REPORT_NUMBER_BYTES];
    uint64_t accesses, misses;

    snprintf(prefix, sizeof(prefix), "%s.", tlb);
    accesses = report_join(stats, prefix, "accesses");
    if (!accesses)
        return;
    misses = report_join(stats, prefix, "misses");
    fprintf(file, "  %-6s %22s", tlb, report_grouped(accesses, number));
    fprintf(file, " %18s", report_grouped(misses, number));
    fprintf(file, "  %8.4f %%\n", report_percent(accesses - misses, accesses));
}

static void report_tlbs(FILE *file, const mmusim_stats_t *stats)
{
    static const char *const tlbs[] = {"l1i", "l1d", "l1s", "l2",
                                       "l2i", "l2d", "l3"};

    fprintf(file, "\nTLBs %24s %18s  %10s\n", "accesses", "misses", "hit rate");
    for (size_t i = 0; i < sizeof(tlbs) / sizeof(tlbs[0]); i++)
        report_tlb_row(file, stats, tlbs[i]);
}

static void report_causes(FILE *file, const mmusim_stats_t *stats)
{
    static const char *const causes[] = {"cold",       "capacity", "full_flush",
                                         "page_flush", "switch",   "asid",
                                         "other"};
    char number[REPORT_NUMBER_BYTES];
    uint64_t misses = report_value(stats, "llt.misses");

    fprintf(file, "\nLast-level misses by cause\n");
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        uint64_t n = report_join(stats, "miss.", causes[i]);

        if (n)
            fprintf(file, "  %-28s %20s  %6.2f %%\n", causes[i],
                    report_grouped(n, number), report_percent(n, misses));
    }
    fprintf(file, "  %-28s %20s\n", "all", report_grouped(misses, number));
}

static void report_walks(FILE *file, const mmusim_stats_t *stats)
{
    fprintf(file, "\nWalks and faults\n");
    report_line(file, stats, "walks", "walker.walks");
    report_line(file, stats, "page-table reads", "walker.pte_reads");
    report_line(file, stats, "walker cycles", "walker.cycles");
    report_line(file, stats, "walks poisoned by a flush", "walker.poisoned");
    report_line(file, stats, "minor faults", "faults.minor");
    report_line(file, stats, "protection faults", "faults.protection");
    report_line(file, stats, "invalid accesses", "faults.invalid");
}

static void report_flushes(FILE *file, const mmusim_stats_t *stats)
{
    fprintf(file, "\nFlushes and shootdowns\n");
    report_line(file, stats, "local full flushes", "flush.local_full");
    report_line(file, stats, "local page flushes", "flush.local_pages");
    report_line(file, stats, "received full flushes", "flush.received_full");
    report_line(file, stats, "received page flushes", "flush.received_pages");
    report_line(file, stats, "shootdowns", "shootdown.count");
    if (!report_value(stats, "shootdown.count"))
        return;
    report_line(file, stats, "CPUs interrupted", "shootdown.targets");
    report_line(file, stats, "IPIs sent", "shootdown.ipis_sent");
    report_line(file, stats, "latency, mean (cycles)",
                "shootdown.latency_cycles.mean");
    report_line(file, stats, "latency, median", "shootdown.latency_cycles.p50");
    report_line(file, stats, "latency, 99 %", "shootdown.latency_cycles.p99");
    report_line(file, stats, "latency, max", "shootdown.latency_cycles.max");
}

/* The buckets that any CPU has cycles in, as columns. */
static size_t report_used_buckets(const mmusim_stats_t *stats,
                                  const char **used)
{
    size_t n = 0;

    for (size_t i = 0; report_buckets[i]; i++)
        if (report_join(stats, "cycles.", report_buckets[i]))
            used[n++] = report_buckets[i];
    return n;
}

static int report_bucket_width(const char *bucket)
{
    int width = (int) strlen(bucket);

    return width > 6 ? width : 6;
}

static void report_core(FILE *file, const mmusim_stats_t *stats, unsigned core,
                        const char *const *used, size_t n_used)
{
    char prefix[40];
    uint64_t cycles;

    snprintf(prefix, sizeof(prefix), "core%u.", core);
    cycles = report_join(stats, prefix, "cycles");
    fprintf(file, "  core%-4u", core);
    snprintf(prefix, sizeof(prefix), "core%u.cycles.", core);
    for (size_t i = 0; i < n_used; i++)
        fprintf(file, " %*.2f", report_bucket_width(used[i]),
                report_percent(report_join(stats, prefix, used[i]), cycles));
    fputc('\n', file);
}

static void report_cores(FILE *file, const mmusim_stats_t *stats)
{
    const char *used[sizeof(report_buckets) / sizeof(report_buckets[0])];
    size_t n_used = report_used_buckets(stats, used);
    unsigned n_idle = 0;

    fprintf(file, "\nEach CPU, in %% of its cycles\n  %-8s", "");
    for (size_t i = 0; i < n_used; i++)
        fprintf(file, " %*s", report_bucket_width(used[i]), used[i]);
    fputc('\n', file);
    for (unsigned core = 0;; core++) {
        char name[40];
        mmusim_stat_t cycles;

        snprintf(name, sizeof(name), "core%u.cycles", core);
        if (!mmusim_stats_find(stats, name, &cycles))
            break;
        snprintf(name, sizeof(name), "core%u.cycles.", core);
        if (report_busy_cycles(stats, name))
            report_core(file, stats, core, used, n_used);
        else
            n_idle++;
    }
    if (n_idle)
        fprintf(file, "  %u CPUs that did nothing are left out\n", n_idle);
}

void report_print(FILE *file, const mmusim_stats_t *stats, const char *machine,
                  const char *source, enum report_detail detail)
{
    fprintf(file, "machine %s, source %s\n", machine, source);
    report_run(file, stats);
    report_stack(file, stats);
    report_tlbs(file, stats);
    report_causes(file, stats);
    report_walks(file, stats);
    report_flushes(file, stats);
    region_report_print(file, stats);
    if (detail == REPORT_PER_CORE)
        report_cores(file, stats);
}
