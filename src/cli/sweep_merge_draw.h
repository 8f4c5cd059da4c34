/* SPDX-License-Identifier: MIT */
/* The page and the figure of a sweep in stores: `sweep merge --report, --plot`.
 */
#ifndef MMUSIM_CLI_SWEEP_MERGE_DRAW_H
#define MMUSIM_CLI_SWEEP_MERGE_DRAW_H

#include "cli/html_page.h"
#include "cli/output_set.h"
#include "cli/sweep_merge.h"

struct merge_draw {
    struct output_set outputs; /* of these, beside merge's own */
    const char *command;       /* as it was given */
    struct html_page page;
};

/* Takes --report or --plot: 0, an exit status after a message, or < 0 if it is
 * another option. */
int merge_draw_option(struct merge_draw *draw, const char *option,
                      const char *path);
bool merge_draw_is_wanted(const struct merge_draw *draw);

/* Several machines and sources are keys of their own. 0, or an exit status
 * after a message; fini is due in any case. */
int merge_draw_write(struct merge_draw *draw, struct sweep_merge *merge);
void merge_draw_fini(struct merge_draw *draw);

#endif
