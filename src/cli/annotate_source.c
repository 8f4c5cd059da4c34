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
    const char *function; /* NULL: all functions */
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

static uint64_t source_count(const struct annotate_report *report,
                             const struct source_part *part, uint32_t line,
                             enum annotate_metric metric)
{
    const struct annotate_rows *rows = &report->views[ANNOTATE_BY_LINE];
    uint64_t sum = 0;

    for (uint32_t i = 0; i < rows->n; i++) {
        const struct annotate_place *place = &rows->rows[i].place;

        if (place->line == line && place->source == part->path)
            sum += rows->rows[i].counts.of[metric];
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

static int source_print_part(FILE *file, const struct annotate_report *report,
                             const struct source_part *part,
                             enum annotate_metric metric)
{
    FILE *source = fopen(part->path, "re");
    char text[SOURCE_LINE_BYTES];
    uint32_t line = 1;

    if (!source)
        return cli_error(CLI_INPUT,
                         "%s: %s (the source as it was compiled is wanted "
                         "there)",
                         part->path, strerror(errno));
    fprintf(file, "\n%s\n%15s\n", part->path, annotate_metric_words[metric]);
    while (line <= part->last && fgets(text, sizeof(text), source)) {
        size_t length = strcspn(text, "\n");
        int is_whole = text[length] == '\n';
        uint64_t count;

        text[length] = '\0';
        if (line >= part->first) {
            count = source_count(report, part, line, metric);
            source_print_line(file, line, text, count,
                              report->totals.of[metric]);
        }
        line += is_whole != 0;
    }
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
            (struct source_part){place->source, place->line, place->line, NULL};
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
