/* SPDX-License-Identifier: MIT */
/* The program's source with what its lines cost beside it. */
#include "cli/annotate_text.h"

#include "cli/cli.h"
#include "cli/replay_report.h"
#include "mmusim/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOURCE_AROUND = 5, /* lines shown before and behind those that count */
    SOURCE_LINE_BYTES = 4096,
    SOURCE_NAMES_MAX = 4096, /* looked through for the nearest */
};

/* The part of a file to show, and what its lines cost. */
struct source_part {
    const char *path;
    uint32_t first, last;
};

static int source_ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);

    return m <= n && !strcmp(path + n - m, end) &&
           (m == n || end[0] == '/' || path[n - m - 1] == '/');
}

/* A C++ name counts without its arguments, too. */
static int source_is_function(const char *function, const char *wanted)
{
    size_t n = strlen(wanted);

    return !strncmp(function, wanted, n) &&
           (function[n] == '\0' || function[n] == '(');
}

/* What lines of one file cost, by line. */
struct source_costs {
    struct source_cost {
        uint32_t line;
        uint64_t count;
    } * costs;
    size_t n;
    size_t next; /* the first of the lines not yet printed */
};

static int source_compare(const void *left, const void *right)
{
    const struct source_cost *a = left, *b = right;

    return a->line < b->line ? -1 : a->line > b->line;
}

/* 0: out of memory. */
static int source_costs_init(struct source_costs *costs,
                             const struct annotate_report *report,
                             const struct source_part *part,
                             enum annotate_metric metric)
{
    const struct annotate_rows *rows = &report->views[ANNOTATE_BY_LINE];

    memset(costs, 0, sizeof(*costs));
    costs->costs = malloc((rows->n + 1) * sizeof(*costs->costs));
    if (!costs->costs)
        return 0;
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct annotate_place *place = &rows->rows[i].place;

        if (place->line && place->source == part->path)
            costs->costs[costs->n++] = (struct source_cost){
                place->line, rows->rows[i].counts.of[metric]};
    }
    qsort(costs->costs, costs->n, sizeof(*costs->costs), source_compare);
    return 1;
}

/* Lines are asked for in their order. */
static uint64_t source_costs_take(struct source_costs *costs, uint32_t line)
{
    uint64_t sum = 0;

    for (; costs->next < costs->n && costs->costs[costs->next].line <= line;
         costs->next++) {
        if (costs->costs[costs->next].line == line)
            sum += costs->costs[costs->next].count;
    }
    return sum;
}

static void source_print_line(FILE *file, uint32_t line, const char *text,
                              uint64_t count, uint64_t total)
{
    char number[28];

    if (count)
        fprintf(file, "%15s %6.2f %%", report_grouped(count, number),
                100.0 * (double) count / (double) total);
    else
        fprintf(file, "%24s", "");
    fprintf(file, " %6" PRIu32 "  %s\n", line, text);
}

static void source_print_lines(FILE *file, FILE *source,
                               const struct source_part *part,
                               struct source_costs *costs, uint64_t total)
{
    char text[SOURCE_LINE_BYTES];
    uint32_t line = 1;

    while (line <= part->last && fgets(text, sizeof(text), source)) {
        size_t length = strcspn(text, "\n");
        int is_whole = text[length] == '\n';

        text[length] = '\0';
        if (line >= part->first)
            source_print_line(file, line, text, source_costs_take(costs, line),
                              total);
        line += is_whole != 0;
    }
}

static int source_print_part(FILE *file, const struct annotate_report *report,
                             const struct source_part *part,
                             enum annotate_metric metric)
{
    FILE *source = fopen(part->path, "re");
    struct source_costs costs;

    if (!source)
        return cli_error(CLI_INPUT,
                         "%s: %s (the source as it was compiled is wanted "
                         "there)",
                         part->path, strerror(errno));
    if (!source_costs_init(&costs, report, part, metric)) {
        fclose(source);
        return cli_error(CLI_SYSTEM, "out of memory");
    }
    fprintf(file, "\n%s\n%15s\n", part->path, annotate_metric_words[metric]);
    source_print_lines(file, source, part, &costs, report->totals.of[metric]);
    free(costs.costs);
    fclose(source);
    return 0;
}

/* Widens the part of that path, or begins one. NULL: out of memory. */
static struct source_part *source_widen(struct source_part *parts, size_t *n,
                                        const struct annotate_place *place)
{
    struct source_part *grown;
    size_t i = 0;

    while (i < *n && parts[i].path != place->source)
        i++;
    if (i == *n) {
        grown = realloc(parts, (*n + 1) * sizeof(*parts));
        if (!grown) {
            free(parts);
            return NULL;
        }
        parts = grown;
        parts[(*n)++] =
            (struct source_part){place->source, place->line, place->line};
    }
    if (place->line < parts[i].first)
        parts[i].first = place->line;
    if (place->line > parts[i].last)
        parts[i].last = place->line;
    return parts;
}

static int source_unknown(const struct annotate_report *report,
                          const char *what)
{
    const struct annotate_rows *rows = &report->views[ANNOTATE_BY_FUNCTION];
    const char *names[SOURCE_NAMES_MAX];
    const char *nearest;
    size_t n = 0;

    for (uint32_t i = 0; i < rows->n && n < SOURCE_NAMES_MAX; i++)
        names[n++] = rows->rows[i].place.function;
    nearest = mmusim_nearest(what, names, n);
    return cli_error(CLI_USAGE,
                     "--source: '%s' is no source file nor function with "
                     "debug information that costs anything here (%s%s)",
                     what, nearest ? "nearest: " : "see --by function",
                     nearest ? nearest : "");
}

int annotate_print_source(FILE *file, const struct annotate_report *report,
                          const char *what, enum annotate_metric metric)
{
    const struct annotate_rows *rows = &report->views[ANNOTATE_BY_LINE];
    struct source_part *parts = NULL;
    size_t n = 0;
    int status = 0;

    for (uint32_t i = 0; i < rows->n; i++) {
        const struct annotate_place *place = &rows->rows[i].place;

        if (!place->line || (!source_ends_with(place->source, what) &&
                             !source_is_function(place->function, what)))
            continue;
        parts = source_widen(parts, &n, place);
        if (!parts)
            return cli_error(CLI_SYSTEM, "out of memory");
    }
    if (!n)
        return source_unknown(report, what);
    for (size_t i = 0; i < n && !status; i++) {
        parts[i].first -=
            parts[i].first > SOURCE_AROUND ? SOURCE_AROUND : parts[i].first - 1;
        parts[i].last += SOURCE_AROUND;
        status = source_print_part(file, report, &parts[i], metric);
    }
    free(parts);
    return status;
}
