/* SPDX-License-Identifier: MIT */
/* The page of one run: `replay --report`. */
#ifndef MMUSIM_CLI_REPLAY_HTML_H
#define MMUSIM_CLI_REPLAY_HTML_H

#include "cli/annotate_collect.h"
#include "cli/html_page.h"
#include "cli/report_data.h"
#include "mmusim/mmusim.h"

struct replay_html {
    struct report_data data;
    const mmusim_stats_run_t *run;
    const mmusim_stats_t *stats;
    const mmusim_machine_t *machine;         /* after its run */
    const mmusim_working_set_t *working_set; /* NULL: not measured */
    const struct annotate_collector *places; /* NULL: not counted */
};

/* False: out of memory. Failed writes show in ferror(file). */
bool replay_html_write(const struct html_page *page,
                       const struct replay_html *html, FILE *file);

#endif
