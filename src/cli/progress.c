/* SPDX-License-Identifier: MIT */
/*
 * Progress on standard error: done, rate, time left. One line, redrawn at
 * most ten times a second, and only when standard error is a terminal.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct cli_progress {
    const char *what;
    double started_s;
    double drawn_s;
    int is_shown;
    int has_drawn;
    uint64_t first_done; /* points done before we began */
    char note[80];
};

static double progress_now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

struct cli_progress *cli_progress_begin(const char *what, int is_quiet)
{
    struct cli_progress *progress = calloc(1, sizeof(*progress));

    if (!progress)
        return NULL; /* no progress line, nothing worse */
    progress->what = what;
    progress->started_s = progress_now_s();
    progress->drawn_s = progress->started_s;
    progress->is_shown = !is_quiet && isatty(STDERR_FILENO);
    return progress;
}

static void progress_draw(const struct cli_progress *progress, uint64_t done,
                          uint64_t total, uint64_t accesses, double now_s)
{
    double elapsed_s = now_s - progress->started_s;
    double share = total ? (double) done / (double) total : 0.0;
    double rate = elapsed_s > 0 ? (double) accesses / elapsed_s / 1e6 : 0.0;

    if (share > 1.0)
        share = 1.0;
    fprintf(stderr, "\r\033[K%s: ", progress->what);
    if (total)
        fprintf(stderr, "%.0f %%%s", share * 100.0, accesses ? ", " : "");
    if (accesses)
        fprintf(stderr, "%.1f M accesses/s", rate);
    if (share > 0.0 && elapsed_s > 1.0)
        fprintf(stderr, ", %.0f s left", elapsed_s * (1.0 - share) / share);
    fflush(stderr);
}

/* Is it shown, and has it stood for a while? */
static int progress_is_due(const struct cli_progress *progress, double *now_s)
{
    if (!progress || !progress->is_shown)
        return 0;
    *now_s = progress_now_s();
    return *now_s - progress->drawn_s >= 0.1;
}

void cli_progress_update(struct cli_progress *progress, uint64_t done,
                         uint64_t total, uint64_t accesses)
{
    double now_s;

    if (!progress_is_due(progress, &now_s))
        return;
    progress->drawn_s = now_s;
    progress->has_drawn = 1;
    progress_draw(progress, done, total, accesses, now_s);
}

void cli_progress_points(struct cli_progress *progress, uint64_t done,
                         uint64_t total, uint64_t failed)
{
    double now_s;

    if (!progress_is_due(progress, &now_s))
        return;
    if (!progress->has_drawn)
        progress->first_done = done;
    progress->drawn_s = now_s;
    progress->has_drawn = 1;
    fprintf(stderr, "\r\033[K%s: %" PRIu64 " of %" PRIu64 " points",
            progress->what, done, total);
    if (failed)
        fprintf(stderr, ", %" PRIu64 " failed", failed);
    fputs(progress->note, stderr);
    if (done > progress->first_done && now_s - progress->started_s > 1.0)
        fprintf(stderr, ", %.0f s left",
                (now_s - progress->started_s) * (double) (total - done) /
                    (double) (done - progress->first_done));
    fflush(stderr);
}

void cli_progress_note(struct cli_progress *progress, const char *note)
{
    if (progress)
        snprintf(progress->note, sizeof(progress->note), ", %s", note);
}

void cli_progress_end(struct cli_progress *progress)
{
    if (progress && progress->has_drawn) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
    }
    free(progress);
}
