/* SPDX-License-Identifier: MIT */
/*
 * The JSON of a run's page: the document of --format json as it is, what its
 * statistics mean, and what they do not hold: the distribution of latencies,
 * the working set, where misses come from, the checker's words.
 */
#include "cli/replay_html.h"

#include "cli/annotate_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    HTML_LATENCIES_MAX = 4096, /* more than a screen has columns */
    HTML_PAGE_BYTES = 4096,    /* of the working set's pages */
    HTML_PLACES_MAX = 300,     /* rows of each view of where it comes from */
};

/* A latency range and its number of shootdowns. */
struct html_bin {
    uint64_t low;
    uint64_t high;
    uint64_t n;
};

struct html_bins {
    struct html_bin *bins;
    size_t n;
    size_t max;
    bool has_failed;
};

static void html_add_bin(void *context, uint64_t latency_cycles, uint64_t n)
{
    struct html_bins *bins = context;

    if (bins->n == bins->max) {
        size_t max = bins->max ? 2 * bins->max : 256;
        struct html_bin *grown = realloc(bins->bins, max * sizeof(*grown));

        bins->has_failed |= !grown;
        if (!grown)
            return;
        bins->bins = grown;
        bins->max = max;
    }
    bins->bins[bins->n++] =
        (struct html_bin){latency_cycles, latency_cycles, n};
}

/* Joins neighbours, evenly along the latencies, until there are at most
 * HTML_LATENCIES_MAX. */
static void html_join_bins(struct html_bins *bins)
{
    struct html_bin *all = bins->bins;
    size_t n = 0;
    uint64_t width;

    if (bins->n <= HTML_LATENCIES_MAX)
        return;
    width = (all[bins->n - 1].high - all[0].low) / HTML_LATENCIES_MAX + 1;
    for (size_t i = 0; i < bins->n; i++) {
        if (n && (all[i].low - all[0].low) / width ==
                     (all[n - 1].low - all[0].low) / width) {
            all[n - 1].high = all[i].high;
            all[n - 1].n += all[i].n;
        } else {
            all[n++] = all[i];
        }
    }
    bins->n = n;
}

static bool html_latencies(const mmusim_machine_t *machine, FILE *file)
{
    struct html_bins bins = {0};
    bool is_whole =
        !mmusim_machine_shootdown_latencies(machine, html_add_bin, &bins) &&
        !bins.has_failed;

    html_join_bins(&bins);
    fputs(",\n\"latencies\":[", file);
    for (size_t i = 0; i < bins.n; i++)
        fprintf(file, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", i ? "," : "",
                bins.bins[i].low, bins.bins[i].high, bins.bins[i].n);
    fputs("]", file);
    free(bins.bins);
    return is_whole;
}

/* [first access, accesses, pages, new pages] of each window */
static void html_working_set(const mmusim_working_set_t *set, FILE *file)
{
    mmusim_working_set_window_t window;

    fprintf(file, ",\n\"working_set\":{\"page_bytes\":%d,\"is_cut\":%s",
            HTML_PAGE_BYTES,
            set && mmusim_working_set_is_cut(set) ? "true" : "false");
    fputs(",\"windows\":[", file);
    for (size_t i = 0; set && mmusim_working_set_at(set, i, &window); i++)
        fprintf(file, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
                i ? "," : "", window.first_access, window.n_accesses,
                window.pages, window.new_pages);
    fputs("]}", file);
}

static void html_violations(const mmusim_machine_t *machine, FILE *file)
{
    mmusim_violation_t violation;

    fprintf(file, ",\n\"violations\":{\"n_uses\":%" PRIu64 ",\"told\":[",
            mmusim_machine_violations(machine));
    for (size_t i = 0; mmusim_machine_violation_at(machine, i, &violation);
         i++) {
        fprintf(file,
                "%s{\"cycle\":%" PRIu64 ",\"cpu\":%" PRIu32
                ",\"n_uses\":%" PRIu64 ",\"vaddr\":\"0x%" PRIx64 "\"",
                i ? "," : "", violation.cycle, violation.cpu, violation.n_uses,
                violation.vaddr);
        fputs(",\"verdict\":", file);
        html_json_text(violation.verdict, file);
        fputs(",\"text\":", file);
        html_json_text(violation.text, file);
        fputs("}", file);
    }
    fputs("]}", file);
}

/* NAME: [unit, meaning]; of single CPUs those of CPU 0 stand for all, of
 * regions those of the whole run. */
static void html_stat_info(const mmusim_stats_t *stats, FILE *file)
{
    static const char first[] = "core0.";
    static const char region[] = "region.";
    const char *separator = "\n";
    mmusim_stat_t stat;

    fputs(",\n\"stat_info\":{", file);
    for (size_t i = 0; mmusim_stats_at(stats, i, &stat); i++) {
        if (mmusim_stats_is_per_core(stat.name) &&
            strncmp(stat.name, first, sizeof(first) - 1) != 0)
            continue;
        if (!strncmp(stat.name, region, sizeof(region) - 1))
            continue;
        fputs(separator, file);
        html_json_text(stat.name, file);
        fputs(":[", file);
        html_json_text(stat.unit, file);
        fputs(",", file);
        html_json_text(stat.help, file);
        fputs("]", file);
        separator = ",\n";
    }
    fputs("}", file);
}

/* False: out of memory. */
static bool html_places(const struct annotate_collector *places, FILE *file)
{
    struct annotate_report report;
    bool is_whole =
        annotate_report_init(&report, places) && !places->has_failed;

    for (unsigned i = 0; is_whole && i < ANNOTATE_VIEWS; i++) {
        enum annotate_view view = (enum annotate_view) i;

        is_whole = annotate_report_sort(&report, view,
                                        annotate_report_metric(&report, view));
    }
    if (is_whole) {
        fputs(",\n\"places\":{", file);
        annotate_print_views(file, html_json_write, &report, HTML_PLACES_MAX);
        fputs("}", file);
    }
    annotate_report_fini(&report);
    return is_whole;
}

static bool html_replay_data(void *context, FILE *file)
{
    const struct replay_html *html = context;

    if (!report_data_write(&html->data, file))
        return false;
    fputs("\"run\":", file);
    (void) mmusim_stats_write_json(html->stats, html->run, html_json_write,
                                   file);
    html_stat_info(html->stats, file);
    html_working_set(html->working_set, file);
    html_violations(html->machine, file);
    if (!html_latencies(html->machine, file) ||
        (html->places && !html_places(html->places, file)))
        return false;
    fputs("}\n", file);
    return true;
}

bool replay_html_write(const struct html_page *page,
                       const struct replay_html *html, FILE *file)
{
    struct replay_html copy = *html;

    return html_page_write(page, html_replay_data, &copy, file);
}
