/* SPDX-License-Identifier: MIT */
/* Annotated runs as text, as JSON, and beside the program's source. */
#ifndef MMUSIM_CLI_ANNOTATE_TEXT_H
#define MMUSIM_CLI_ANNOTATE_TEXT_H

#include "cli/annotate_rows.h"
#include "mmusim/stats.h"

#include <stdio.h>

/* Rows of a view: at most top of them, 0: all. */
void annotate_print_view(FILE *file, const struct annotate_report *report,
                         enum annotate_view view, enum annotate_metric metric,
                         uint32_t top);

/* One document, {"schema": "mmusim-annotate-1", ...}; docs/annotate.md. All
 * views, sorted as they are. */
void annotate_print_json(FILE *file, const struct annotate_report *report,
                         const mmusim_stats_run_t *run, uint32_t top);

/* Only the members from "has_lines" on, without braces; texts go through write,
 * which writes to file. */
void annotate_print_views(FILE *file, mmusim_write_fn write,
                          const struct annotate_report *report, uint32_t top);

/* Lines of the source files whose path ends with what, or that a function of
 * that name lies in, with what they cost. 0 or an exit status after a message:
 * there is no such file or function, or it cannot be read. */
int annotate_print_source(FILE *file, const struct annotate_report *report,
                          const char *what, enum annotate_metric metric);

#endif
