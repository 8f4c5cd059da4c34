/* SPDX-License-Identifier: MIT */
/* Annotated runs as JSON: docs/annotate.md describes the document. */
#include "cli/annotate_text.h"
#include "cli/run_setup.h"

#include <inttypes.h>

static void json_text(FILE *file, const char *text)
{
    if (text)
        (void) mmusim_write_json_text(text, run_write_file, file);
    else
        fputs("null", file);
}

static void json_counts(FILE *file, const struct annotate_counts *counts)
{
    fputc('{', file);
    for (unsigned i = 0; i < ANNOTATE_METRICS; i++)
        fprintf(file, "%s\"%s\": %" PRIu64, i ? ", " : "",
                annotate_metric_words[i], counts->of[i]);
    fputc('}', file);
}

static void json_member(FILE *file, const char *name, const char *text)
{
    fprintf(file, "\"%s\": ", name);
    json_text(file, text);
    fputs(", ", file);
}

static void json_line(FILE *file, const struct annotate_place *place)
{
    if (place->line)
        fprintf(file, "\"line\": %" PRIu32, place->line);
    else
        fputs("\"line\": null", file);
}

static void json_place(FILE *file, const struct annotate_place *place)
{
    json_member(file, "function", place->function);
    json_member(file, "inlined_into", place->outer);
    json_member(file, "source", place->source);
    json_line(file, place);
    fputs(", ", file);
    json_member(file, "file", place->file);
    fprintf(file, "\"offset\": %" PRIu64 ", ", place->offset);
}

static void json_frames(FILE *file, const struct annotate_report *report,
                        uint32_t chain)
{
    const struct annotate_place *frames[ANNOTATE_SITES_MAX + 1];
    uint32_t n = annotate_report_frames(report, chain, frames);

    fputs("\"frames\": [", file);
    for (uint32_t i = 0; i < n; i++) {
        fputs(i ? ", {" : "{", file);
        json_member(file, "function", frames[i]->function);
        json_member(file, "file", frames[i]->file);
        json_member(file, "source", frames[i]->source);
        json_line(file, frames[i]);
        fputc('}', file);
    }
    fputs("], ", file);
}

static void json_row(FILE *file, const struct annotate_report *report,
                     enum annotate_view view, const struct annotate_row *row)
{
    fputs("    {", file);
    switch (view) {
    case ANNOTATE_BY_MAPPING:
        json_member(file, "mapping", row->name);
        break;
    case ANNOTATE_BY_FUNCTION:
        json_member(file, "function", row->place.function);
        json_member(file, "file", row->place.file);
        json_member(file, "source", row->place.source);
        break;
    case ANNOTATE_BY_LINE:
        json_place(file, &row->place);
        break;
    case ANNOTATE_BY_SITE:
        json_member(file, "operation", row->name);
        json_place(file, &row->place);
        json_frames(file, report, row->chain);
        break;
    case ANNOTATE_BY_THREAD:
        fprintf(file, "\"thread\": %" PRIu32 ", ", row->tid);
        break;
    case ANNOTATE_VIEWS:
        break;
    }
    fputs("\"counts\": ", file);
    json_counts(file, &row->counts);
    fputc('}', file);
}

static void json_view(FILE *file, const struct annotate_report *report,
                      enum annotate_view view, uint32_t top)
{
    const struct annotate_rows *rows = &report->views[view];
    uint32_t n = top && top < rows->n ? top : rows->n;

    fprintf(file, ",\n  \"by_%s\": [", annotate_view_words[view]);
    for (uint32_t i = 0; i < n; i++) {
        fputs(i ? ",\n" : "\n", file);
        json_row(file, report, view, &rows->rows[i]);
    }
    fprintf(file, "%s],\n  \"rows_of_%s\": %" PRIu32, n ? "\n  " : "",
            annotate_view_words[view], rows->n);
}

void annotate_print_json(FILE *file, const struct annotate_report *report,
                         const mmusim_stats_run_t *run, uint32_t top)
{
    fputs("{\n  \"schema\": \"mmusim-annotate-1\",\n  \"machine\": ", file);
    json_text(file, run->machine);
    fputs(",\n  \"source\": ", file);
    json_text(file, run->source);
    fputs(",\n  \"config\": ", file);
    (void) mmusim_stats_write_config(run, run_write_file, file);
    fprintf(file, ",\n  \"has_lines\": %s,\n  \"has_images\": %s",
            report->collector->has_lines ? "true" : "false",
            report->collector->has_images ? "true" : "false");
    fputs(",\n  \"totals\": ", file);
    json_counts(file, &report->totals);
    for (unsigned i = 0; i < ANNOTATE_VIEWS; i++)
        json_view(file, report, (enum annotate_view) i, top);
    fputs("\n}\n", file);
}
