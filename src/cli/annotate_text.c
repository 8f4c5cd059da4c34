/* SPDX-License-Identifier: MIT */
/*
 * Tables for people. The column sorted by comes first, with its share of all; a
 * column that is 0 throughout is left out.
 */
#include "cli/annotate_text.h"

#include "cli/replay_report.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_NAME_BYTES = 512, TEXT_NUMBER_BYTES = 28 };

/* Which columns a view has, in this order. */
static const enum annotate_metric text_code_columns[] = {
    ANNOTATE_MISSES, ANNOTATE_WALKS,        ANNOTATE_WALK_CYCLES,
    ANNOTATE_FAULTS, ANNOTATE_FAULT_CYCLES, ANNOTATE_SHOOTDOWN_WAIT};
static const enum annotate_metric text_site_columns[] = {
    ANNOTATE_OPERATIONS,    ANNOTATE_OPERATION_CYCLES, ANNOTATE_FAULTS,
    ANNOTATE_FLUSHES,       ANNOTATE_FLUSH_CYCLES,     ANNOTATE_SHOOTDOWNS,
    ANNOTATE_SHOOTDOWN_WAIT};

enum { TEXT_COLUMNS_MAX = 8 };

struct text_columns {
    enum annotate_metric metrics[TEXT_COLUMNS_MAX];
    int widths[TEXT_COLUMNS_MAX];
    unsigned n;
};

/* "walk_cycles" as "walk cycles" */
static const char *text_title(enum annotate_metric metric, char *buffer)
{
    char *c;

    strcpy(buffer, annotate_metric_words[metric]);
    for (c = buffer; *c; c++) {
        if (*c == '_')
            *c = ' ';
    }
    return buffer;
}

static void text_add_column(struct text_columns *columns,
                            const struct annotate_report *report,
                            enum annotate_metric metric)
{
    char number[TEXT_NUMBER_BYTES];
    size_t width = strlen(report_grouped(report->totals.of[metric], number));

    if (width < strlen(annotate_metric_words[metric]))
        width = strlen(annotate_metric_words[metric]);
    columns->metrics[columns->n] = metric;
    columns->widths[columns->n++] = (int) width + 2;
}

static struct text_columns
text_choose_columns(const struct annotate_report *report,
                    enum annotate_view view, enum annotate_metric first)
{
    int is_site = view == ANNOTATE_BY_SITE;
    const enum annotate_metric *metrics =
        is_site ? text_site_columns : text_code_columns;
    size_t n = is_site ? sizeof(text_site_columns) / sizeof(*metrics)
                       : sizeof(text_code_columns) / sizeof(*metrics);
    struct text_columns columns = {.n = 0};

    text_add_column(&columns, report, first);
    for (size_t i = 0; i < n; i++) {
        if (metrics[i] != first && report->totals.of[metrics[i]])
            text_add_column(&columns, report, metrics[i]);
    }
    return columns;
}

/* The end of a path, if all of it is too long. */
static const char *text_path_end(const char *path)
{
    size_t length = strlen(path);
    const char *cut;

    if (length <= 48)
        return path;
    cut = strchr(path + length - 48, '/');
    return cut ? cut + 1 : path + length - 48;
}

static void text_put_code(char *text, const struct annotate_place *place,
                          enum annotate_view view)
{
    char *end = text + TEXT_NAME_BYTES;
    char *p = text + strlen(text);

    p += snprintf(p, (size_t) (end - p), "%.160s", place->function);
    if (view == ANNOTATE_BY_FUNCTION) {
        if (place->file && place->function[0] != '[')
            snprintf(p, (size_t) (end - p), "  %s", text_path_end(place->file));
        return;
    }
    if (place->line)
        p += snprintf(p, (size_t) (end - p), "  %s:%" PRIu32,
                      text_path_end(place->source), place->line);
    else if (place->file)
        p += snprintf(p, (size_t) (end - p), "  [%s+0x%" PRIx64 "]",
                      text_path_end(place->file), place->offset);
    else if (place->offset)
        p += snprintf(p, (size_t) (end - p), "  0x%" PRIx64, place->offset);
    if (place->outer)
        snprintf(p, (size_t) (end - p), "  (inlined into %.100s)",
                 place->outer);
}

static const char *text_name_row(const struct annotate_row *row,
                                 enum annotate_view view, char *text)
{
    text[0] = '\0';
    switch (view) {
    case ANNOTATE_BY_MAPPING:
        return row->name;
    case ANNOTATE_BY_THREAD:
        if (row->tid)
            snprintf(text, TEXT_NAME_BYTES, "%" PRIu32, row->tid);
        else
            snprintf(text, TEXT_NAME_BYTES, "idle and kernel threads");
        break;
    case ANNOTATE_BY_SITE:
        snprintf(text, TEXT_NAME_BYTES, "%-10s ", row->name);
        if (row->place.function)
            text_put_code(text, &row->place, view);
        break;
    case ANNOTATE_BY_FUNCTION:
    case ANNOTATE_BY_LINE:
        text_put_code(text, &row->place, view);
        break;
    case ANNOTATE_VIEWS:
        break;
    }
    return text;
}

static void text_put_row(FILE *file, const struct text_columns *columns,
                         const struct annotate_counts *counts,
                         const struct annotate_counts *totals, const char *name)
{
    char number[TEXT_NUMBER_BYTES];

    for (unsigned i = 0; i < columns->n; i++) {
        enum annotate_metric metric = columns->metrics[i];

        fprintf(file, "%*s", columns->widths[i],
                report_grouped(counts->of[metric], number));
        if (i == 0)
            fprintf(file, " %6.2f %%",
                    report_percent(counts->of[metric], totals->of[metric]));
    }
    fprintf(file, "  %s\n", name);
}

static int text_has_any(const struct text_columns *columns,
                        const struct annotate_counts *counts)
{
    for (unsigned i = 0; i < columns->n; i++) {
        if (counts->of[columns->metrics[i]])
            return 1;
    }
    return 0;
}

void annotate_print_view(FILE *file, const struct annotate_report *report,
                         enum annotate_view view, enum annotate_metric metric,
                         uint32_t top)
{
    const struct annotate_rows *rows = &report->views[view];
    struct text_columns columns = text_choose_columns(report, view, metric);
    struct annotate_counts rest = {0};
    uint32_t n_rest = 0;
    char text[TEXT_NAME_BYTES];

    fputc('\n', file);
    for (unsigned i = 0; i < columns.n; i++)
        fprintf(file, "%*s%s", columns.widths[i],
                text_title(columns.metrics[i], text), i ? "" : "         ");
    fprintf(file, "  %s\n", annotate_view_words[view]);
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct annotate_row *row = &rows->rows[i];

        if ((!top || i < top) && row->counts.of[metric]) {
            text_put_row(file, &columns, &row->counts, &report->totals,
                         text_name_row(row, view, text));
            continue;
        }
        for (unsigned k = 0; k < ANNOTATE_METRICS; k++)
            rest.of[k] += row->counts.of[k];
        n_rest++;
    }
    if (text_has_any(&columns, &rest)) {
        snprintf(text, sizeof(text), "(%" PRIu32 " more)", n_rest);
        text_put_row(file, &columns, &rest, &report->totals, text);
    }
    text_put_row(file, &columns, &report->totals, &report->totals, "all");
}
