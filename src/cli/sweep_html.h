/* SPDX-License-Identifier: MIT */
/* The page of a sweep: `sweep --report`. */
#ifndef MMUSIM_CLI_SWEEP_HTML_H
#define MMUSIM_CLI_SWEEP_HTML_H

#include "cli/html_page.h"
#include "cli/report_data.h"
#include "cli/sweep_report.h"

enum {
    /* guess: 25 MB of numbers; a browser's tables get slow beyond */
    SWEEP_HTML_POINTS_MAX = 10000,
};

struct sweep_html {
    struct report_data data;
    const struct sweep_report *report;
};

/* Whether a page can hold the grid: 0, or an exit status after a message. */
int sweep_html_check(const struct sweep_plan *plan);

/* False: out of memory. Failed writes show in ferror(file). */
bool sweep_html_write(const struct html_page *page,
                      const struct sweep_html *html, FILE *file);

#endif
