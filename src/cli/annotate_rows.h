/* SPDX-License-Identifier: MIT */
/* What an annotated run has counted, as rows that people can read: by mapping,
 * function, source line, system call site and thread. */
#ifndef MMUSIM_CLI_ANNOTATE_ROWS_H
#define MMUSIM_CLI_ANNOTATE_ROWS_H

#include "cli/annotate_collect.h"
#include "cli/symbols.h"

enum annotate_view {
    ANNOTATE_BY_MAPPING,
    ANNOTATE_BY_FUNCTION,
    ANNOTATE_BY_LINE,
    ANNOTATE_BY_SITE,
    ANNOTATE_BY_THREAD,
    ANNOTATE_VIEWS
};
extern const char *const annotate_view_words[]; /* ended by NULL */

/* Where code lies; what is not known is NULL or 0. */
struct annotate_place {
    const char *function; /* never NULL: "[libc.so.6]" where none is known */
    const char *outer;    /* the function it is inlined into */
    const char *source;
    const char *file; /* the executable file; NULL: in none */
    uint64_t offset;  /* in the file, else the address */
    uint32_t line;
    int is_resolved;
};

struct annotate_row {
    const char *name;            /* of a mapping or an operation, else NULL */
    struct annotate_place place; /* of a function, line or site */
    uint32_t tid;
    uint32_t chain; /* site: of its costliest calls; 0: none */
    uint64_t chain_cycles;
    struct annotate_counts counts;
};

struct annotate_rows {
    struct annotate_row *rows;
    uint32_t n;
    uint32_t room;
};

struct annotate_report {
    const struct annotate_collector *collector;
    struct symbols *symbols;
    struct name_pool *names;
    struct annotate_place *places; /* of by_code's indices */
    struct annotate_rows views[ANNOTATE_VIEWS];
    struct annotate_counts totals;
};

/* 0: out of memory. The collector is borrowed. fini accepts a half-built one.
 */
int annotate_report_init(struct annotate_report *report,
                         const struct annotate_collector *collector);
void annotate_report_fini(struct annotate_report *report);

/* The costliest first; equal ones in the order of the other metrics and their
 * names. 0: out of memory. */
int annotate_report_sort(struct annotate_report *report,
                         enum annotate_view view, enum annotate_metric metric);

/* What a view is sorted by unless somebody asks for another: misses; of sites,
 * the waiting for other CPUs, or the calls' own time if nobody waited. */
enum annotate_metric
annotate_report_metric(const struct annotate_report *report,
                       enum annotate_view view);

/* The places of a chain of calls, the innermost first; their number, at most
 * ANNOTATE_SITES_MAX + 1. */
uint32_t annotate_report_frames(
    const struct annotate_report *report, uint32_t chain,
    const struct annotate_place *frames[ANNOTATE_SITES_MAX + 1]);

#endif
