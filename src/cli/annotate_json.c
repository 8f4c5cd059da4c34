/* SPDX-License-Identifier: MIT */
/* Annotated runs as JSON: docs/annotate.md describes the document. Texts go
 * through the caller's writer: a page needs other escapes than a file. */
#include "cli/annotate_text.h"
#include "cli/json_out.h"
#include "cli/run_setup.h"

#include <inttypes.h>

static void json_counts(const struct json_out *out,
                        const struct annotate_counts *counts)
{
    fputc('{', out->file);
    for (unsigned i = 0; i < ANNOTATE_METRICS; i++)
        fprintf(out->file, "%s\"%s\": %" PRIu64, i ? ", " : "",
                annotate_metric_words[i], counts->of[i]);
    fputc('}', out->file);
}

/* A member that others follow. */
static void json_member(const struct json_out *out, const char *name,
                        const char *text)
{
    json_out_member(out, name, text);
    fputs(", ", out->file);
}

static void json_line(const struct json_out *out,
                      const struct annotate_place *place)
{
    if (place->line)
        fprintf(out->file, "\"line\": %" PRIu32, place->line);
    else
        fputs("\"line\": null", out->file);
}

static void json_place(const struct json_out *out,
                       const struct annotate_place *place)
{
    json_member(out, "function", place->function);
    json_member(out, "inlined_into", place->outer);
    json_member(out, "source", place->source);
    json_line(out, place);
    fputs(", ", out->file);
    json_member(out, "file", place->file);
    fprintf(out->file, "\"offset\": %" PRIu64 ", ", place->offset);
}

static void json_frames(const struct json_out *out,
                        const struct annotate_report *report, uint32_t chain)
{
    const struct annotate_place *frames[ANNOTATE_SITES_MAX + 1];
    uint32_t n = annotate_report_frames(report, chain, frames);

    fputs("\"frames\": [", out->file);
    for (uint32_t i = 0; i < n; i++) {
        fputs(i ? ", {" : "{", out->file);
        json_member(out, "function", frames[i]->function);
        json_member(out, "file", frames[i]->file);
        json_member(out, "source", frames[i]->source);
        json_line(out, frames[i]);
        fputc('}', out->file);
    }
    fputs("], ", out->file);
}

static void json_row(const struct json_out *out,
                     const struct annotate_report *report,
                     enum annotate_view view, const struct annotate_row *row)
{
    fputs("    {", out->file);
    switch (view) {
    case ANNOTATE_BY_MAPPING:
        json_member(out, "mapping", row->name);
        break;
    case ANNOTATE_BY_FUNCTION:
        json_member(out, "function", row->place.function);
        json_member(out, "file", row->place.file);
        json_member(out, "source", row->place.source);
        break;
    case ANNOTATE_BY_LINE:
        json_place(out, &row->place);
        break;
    case ANNOTATE_BY_SITE:
        json_member(out, "operation", row->name);
        json_place(out, &row->place);
        json_frames(out, report, row->chain);
        break;
    case ANNOTATE_BY_THREAD:
        fprintf(out->file, "\"thread\": %" PRIu32 ", ", row->tid);
        break;
    case ANNOTATE_VIEWS:
        break;
    }
    fputs("\"counts\": ", out->file);
    json_counts(out, &row->counts);
    fputc('}', out->file);
}

static void json_view(const struct json_out *out,
                      const struct annotate_report *report,
                      enum annotate_view view, uint32_t top)
{
    const struct annotate_rows *rows = &report->views[view];
    uint32_t n = top && top < rows->n ? top : rows->n;

    fprintf(out->file, ",\n  \"by_%s\": [", annotate_view_words[view]);
    for (uint32_t i = 0; i < n; i++) {
        fputs(i ? ",\n" : "\n", out->file);
        json_row(out, report, view, &rows->rows[i]);
    }
    fprintf(out->file, "%s],\n  \"rows_of_%s\": %" PRIu32, n ? "\n  " : "",
            annotate_view_words[view], rows->n);
}

void annotate_print_views(FILE *file, mmusim_write_fn write,
                          const struct annotate_report *report, uint32_t top)
{
    const struct json_out out = {file, write};

    fprintf(file, "\"has_lines\": %s,\n  \"has_images\": %s",
            report->collector->has_lines ? "true" : "false",
            report->collector->has_images ? "true" : "false");
    fputs(",\n  \"totals\": ", file);
    json_counts(&out, &report->totals);
    for (unsigned i = 0; i < ANNOTATE_VIEWS; i++)
        json_view(&out, report, (enum annotate_view) i, top);
}

void annotate_print_json(FILE *file, const struct annotate_report *report,
                         const mmusim_stats_run_t *run, uint32_t top)
{
    const struct json_out out = json_out_file(file);

    fputs("{\n  \"schema\": \"mmusim-annotate-1\",\n  ", file);
    json_out_member(&out, "machine", run->machine);
    fputs(",\n  ", file);
    json_out_member(&out, "source", run->source);
    fputs(",\n  \"config\": ", file);
    (void) mmusim_stats_write_config(run, run_write_file, file);
    fputs(",\n  ", file);
    annotate_print_views(file, run_write_file, report, top);
    fputs("\n}\n", file);
}
