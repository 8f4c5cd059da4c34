/* SPDX-License-Identifier: MIT */
/* Advice as text: see advise_report.h. */
#include "cli/advise_report.h"

#include "cli/replay_report.h"

#include <inttypes.h>
#include <string.h>

enum {
    ADVICE_TEXT_BYTES = 512,
    ADVICE_NUMBER_BYTES = 32,
    ADVICE_MOVED = 3,         /* buckets named beside a change */
    ADVICE_MOVED_PERCENT = 5, /* of the first: what is less goes unsaid */
};

/* Three digits and a suffix: "1.23 M". */
static const char *advice_short(uint64_t cycles, char *buffer)
{
    static const char *const suffixes[] = {"", " k", " M", " G", " T", " P"};
    double value = (double) cycles;
    size_t i = 0;

    while (value >= 999.5 && i + 1 < sizeof(suffixes) / sizeof(suffixes[0])) {
        value /= 1000;
        i++;
    }
    snprintf(buffer, ADVICE_NUMBER_BYTES,
             i && value < 9.995   ? "%.2f%s"
             : i && value < 99.95 ? "%.1f%s"
                                  : "%.0f%s",
             value, suffixes[i]);
    return buffer;
}

static uint64_t advice_magnitude(int64_t value)
{
    return value < 0 ? (uint64_t) -value : (uint64_t) value;
}

/* By how much a bucket has grown. */
static int64_t advice_moved(const struct advice_plan *plan,
                            const struct advice_point *point, size_t bucket)
{
    return (int64_t) (point->buckets[bucket] - plan->points[0].buckets[bucket]);
}

/* The buckets that changed most, as "walk -1.2 M, fault +31 k". */
static const char *advice_where(const struct advice_plan *plan,
                                const struct advice_point *point, char *buffer,
                                size_t size_bytes)
{
    bool is_told[ADVICE_BUCKETS] = {false};
    uint64_t first = 0;
    size_t length = 0;

    buffer[0] = '\0';
    for (size_t n = 0; n < ADVICE_MOVED && length < size_bytes; n++) {
        char number[ADVICE_NUMBER_BYTES];
        size_t most = ADVICE_BUCKETS;
        int64_t moved = 0;

        for (size_t i = 0; report_buckets[i]; i++) {
            int64_t by = advice_moved(plan, point, i);

            if (!is_told[i] && report_is_busy(report_buckets[i]) &&
                advice_magnitude(by) > advice_magnitude(moved)) {
                most = i;
                moved = by;
            }
        }
        if (most == ADVICE_BUCKETS ||
            advice_magnitude(moved) * 100 < first * ADVICE_MOVED_PERCENT)
            break;
        if (!n)
            first = advice_magnitude(moved);
        is_told[most] = true;
        length += (size_t) snprintf(
            buffer + length, size_bytes - length, "%s%s %c%s", n ? ", " : "",
            report_buckets[most], moved < 0 ? '-' : '+',
            advice_short(advice_magnitude(moved), number));
    }
    return buffer;
}

static const char *advice_label(const struct advice_row *row, char *buffer,
                                size_t size_bytes)
{
    if (row->first == row->last)
        return advice_describe(row->best, buffer, size_bytes);
    snprintf(buffer, size_bytes, "%s=%s..%s", row->first->changes[0].key,
             row->first->changes[0].value, row->last->changes[0].value);
    return buffer;
}

static void advice_print_row(FILE *file, const struct advice_ranking *ranking,
                             const struct advice_row *row)
{
    const struct advice_plan *plan = ranking->plan;
    const struct advice_point *base = &plan->points[0];
    int64_t later = (int64_t) (row->best->sim_cycles - base->sim_cycles);
    char label[ADVICE_TEXT_BYTES], where[ADVICE_TEXT_BYTES];
    char number[ADVICE_NUMBER_BYTES];

    fprintf(file, "  %7.2f %%  %c%-8s  %+7.2f %%  %-36s %s",
            advice_percent(row->saved_cycles, base->work_cycles),
            row->saved_cycles < 0 ? '-' : ' ',
            advice_short(advice_magnitude(row->saved_cycles), number),
            advice_percent(later, base->sim_cycles),
            advice_label(row, label, sizeof(label)),
            advice_where(plan, row->best, where, sizeof(where)));
    if (row->best->note[0])
        fprintf(file, "  (has the bugs %s)", row->best->note);
    if (row->best->n_violations)
        fprintf(file, "  (%" PRIu64 " uses of stale translations)",
                row->best->n_violations);
    fputc('\n', file);
}

static bool advice_is_software(const struct advice_row *row)
{
    return row->best->group == ADVICE_SETTING ||
           row->best->group == ADVICE_PLACEMENT ||
           row->best->group == ADVICE_KERNEL;
}

static bool advice_is_hardware(const struct advice_row *row)
{
    return row->best->group == ADVICE_HARDWARE;
}

static bool advice_is_bound(const struct advice_row *row)
{
    return row->best->group == ADVICE_BOUND;
}

/* The rows of a kind that have a verdict; under a heading, if there are any.
 * Returns how many. */
static size_t advice_print_rows(FILE *file,
                                const struct advice_ranking *ranking,
                                bool (*is_kind)(const struct advice_row *row),
                                enum advice_verdict verdict,
                                const char *heading)
{
    size_t n = 0;

    for (size_t i = 0; i < ranking->n_rows; i++) {
        const struct advice_row *row = &ranking->rows[i];

        if (!is_kind(row) ||
            advice_judge(ranking, row->saved_cycles) != verdict)
            continue;
        if (!n++)
            fprintf(file,
                    "\n%s\n    saved    cycles    sim.cycles  %-36s "
                    "where the cycles go\n",
                    heading, "change");
        advice_print_row(file, ranking, row);
    }
    return n;
}

static bool advice_is_same(const struct advice_ranking *ranking,
                           const struct advice_row *row,
                           bool (*is_kind)(const struct advice_row *row))
{
    return is_kind(row) &&
           advice_judge(ranking, row->saved_cycles) == ADVICE_SAME;
}

/* Values that make no difference: a line for each key. */
static void advice_print_same(FILE *file, const struct advice_ranking *ranking,
                              bool (*is_kind)(const struct advice_row *row))
{
    bool is_told[ADVICE_POINTS_MAX] = {false};
    const char *heading = "\nno difference:\n";

    for (size_t i = 0; i < ranking->n_rows; i++) {
        const char *key = ranking->rows[i].first->changes[0].key;
        const char *comma = "=";

        if (is_told[i] || !advice_is_same(ranking, &ranking->rows[i], is_kind))
            continue;
        fprintf(file, "%s  %s", heading, key);
        heading = "";
        for (size_t k = i; k < ranking->n_rows; k++) {
            const struct advice_row *row = &ranking->rows[k];

            if (strcmp(row->first->changes[0].key, key) != 0 ||
                !advice_is_same(ranking, row, is_kind))
                continue;
            is_told[k] = true;
            fprintf(file, "%s%s", comma, row->first->changes[0].value);
            if (row->last != row->first)
                fprintf(file, "..%s", row->last->changes[0].value);
            comma = ", ";
        }
        fputc('\n', file);
    }
}

static void advice_print_base(FILE *file, const struct advice_ranking *ranking)
{
    const struct advice_point *base = &ranking->plan->points[0];
    char work[ADVICE_NUMBER_BYTES], end[ADVICE_NUMBER_BYTES];
    const char *comma = "  ";

    fprintf(file,
            "as it is: %s cycles of work (all CPUs, but for idle and order); "
            "the end is at cycle %s\n",
            report_grouped(base->work_cycles, work),
            report_grouped(base->sim_cycles, end));
    for (size_t i = 0; report_buckets[i]; i++) {
        double share =
            advice_percent((int64_t) base->buckets[i], base->work_cycles);

        if (!report_is_busy(report_buckets[i]) || share < 0.05)
            continue;
        fprintf(file, "%s%s %.1f %%", comma, report_buckets[i], share);
        comma = ", ";
    }
    fprintf(
        file,
        "\nnoise: %.2f %% between seeds; less than %.2f %% is called no "
        "difference\n",
        advice_percent((int64_t) ranking->noise_cycles, base->work_cycles),
        advice_percent((int64_t) ranking->threshold_cycles, base->work_cycles));
}

static void advice_print_together(FILE *file,
                                  const struct advice_ranking *ranking)
{
    const struct advice_plan *plan = ranking->plan;
    const struct advice_point *last = &plan->points[plan->n_points - 1];
    const struct advice_row row = {
        last, last, last,
        (int64_t) (plan->points[0].work_cycles - last->work_cycles)};

    if (last->group != ADVICE_TOGETHER || !last->is_done)
        return;
    fprintf(file, "\nthe best settings together:\n");
    advice_print_row(file, ranking, &row);
}

/* How a change is made on a running system; NULL: not by a command. isa: NULL
 * or the beginning of those that it is for. */
struct advice_how {
    const char *key, *value, *isa, *how;
};

static const char *advice_how(const struct advice_change *change,
                              const char *isa)
{
    static const struct advice_how hows[] = {
        {"os.thp", NULL, NULL, "/sys/kernel/mm/transparent_hugepage/enabled"},
        {"os.flush_ceiling", NULL, "x86",
         "/sys/kernel/debug/x86/tlb_single_page_flush_ceiling"},
        {"os.flush_ceiling", NULL, "i386",
         "/sys/kernel/debug/x86/tlb_single_page_flush_ceiling"},
        {"os.flush_ceiling", NULL, NULL, "a constant of the kernel's source"},
        {"os.pcid", "false", NULL, "boot with nopcid"},
        {"os.pcid", "true", NULL, "boot without nopcid"},
        {"os.pti", "false", NULL,
         "boot with pti=off, which gives up the protection from Meltdown"},
        {"os.numa_balancing", NULL, NULL, "sysctl kernel.numa_balancing"},
        {"os.node_policy", "interleave", NULL, "numactl --interleave=all"},
        {"os.node_policy", "local", NULL, "numactl --localalloc"},
        {"os.thread_placement", NULL, NULL,
         "taskset -c, numactl --physcpubind, or OMP_PLACES"},
    };

    for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
        const struct advice_how *how = &hows[i];

        if (!strcmp(how->key, change->key) &&
            (!how->value || !strcmp(how->value, change->value)) &&
            (!how->isa || !strncmp(how->isa, isa, strlen(how->isa))))
            return how->how;
    }
    return NULL;
}

static bool advice_has_told(const char *const *told, size_t n, const char *how)
{
    for (size_t i = 0; i < n; i++) {
        if (told[i] == how)
            return true;
    }
    return false;
}

/* Of each key, for the value that saves most. */
static void advice_print_hows(FILE *file, const struct advice_ranking *ranking)
{
    const char *heading = "\nhow:\n";
    const char *told[ADVICE_CHANGES + 1];
    size_t n_told = 0;
    char isa[16] = "";

    (void) mmusim_config_get(ranking->plan->config, "isa", isa, sizeof(isa));
    for (size_t i = 0; i < ranking->n_rows; i++) {
        const struct advice_row *row = &ranking->rows[i];
        const struct advice_change *change = &row->best->changes[0];
        const char *how = advice_how(change, isa);

        if (!how || !advice_is_software(row) ||
            advice_judge(ranking, row->saved_cycles) != ADVICE_SAVES ||
            advice_has_told(told, n_told, how))
            continue;
        fprintf(file, "%s  %s=%s: %s\n", heading, change->key, change->value,
                how);
        heading = "";
        if (n_told < sizeof(told) / sizeof(told[0]))
            told[n_told++] = how;
    }
}

static void advice_print_skipped(FILE *file, const struct advice_plan *plan)
{
    const char *heading = "\nnot tried:\n";
    char label[ADVICE_TEXT_BYTES];
    size_t n_left = 0;

    for (size_t i = 0; i < plan->n_skipped; i++) {
        fprintf(file, "%s  %s=%s: %s\n", heading, plan->skipped[i].change.key,
                plan->skipped[i].change.value, plan->skipped[i].reason);
        heading = "";
    }
    for (size_t i = 1; i < plan->n_points; i++) {
        const struct advice_point *point = &plan->points[i];

        n_left += !point->is_done && !point->status;
        if (point->is_done || !point->status)
            continue;
        fprintf(file, "%s  %s: %s\n", heading,
                advice_describe(point, label, sizeof(label)), point->reason);
        heading = "";
    }
    if (n_left)
        fprintf(file, "%s  %zu more changes: interrupted\n", heading, n_left);
}

void advice_print_text(FILE *file, const struct advice_ranking *ranking,
                       const struct advice_about *about)
{
    fprintf(file, "%s on %s\n", about->source,
            about->machine ? about->machine : "the default machine");
    advice_print_base(file, ranking);
    if (!advice_print_rows(file, ranking, advice_is_software, ADVICE_SAVES,
                           "saves:"))
        fprintf(file, "\nnothing that can be set saves anything here\n");
    advice_print_together(file, ranking);
    advice_print_same(file, ranking, advice_is_software);
    advice_print_rows(file, ranking, advice_is_software, ADVICE_COSTS,
                      "costs:");
    advice_print_rows(file, ranking, advice_is_hardware, ADVICE_SAVES,
                      "other hardware would save:");
    advice_print_same(file, ranking, advice_is_hardware);
    advice_print_rows(file, ranking, advice_is_hardware, ADVICE_COSTS,
                      "smaller hardware would cost:");
    for (size_t v = ADVICE_SAVES; v <= ADVICE_COSTS; v++)
        advice_print_rows(file, ranking, advice_is_bound,
                          (enum advice_verdict) v,
                          "flushes that take no time, which no kernel has:");
    advice_print_hows(file, ranking);
    advice_print_skipped(file, ranking->plan);
}
