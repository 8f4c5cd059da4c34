/* SPDX-License-Identifier: MIT */
/* What `mmusim replay` and `mmusim run` have in common: all but the source. */
#ifndef MMUSIM_CLI_CMD_REPLAY_H
#define MMUSIM_CLI_CMD_REPLAY_H

#include "cli/html_page.h"
#include "cli/output_set.h"
#include "cli/run_setup.h"
#include "cli/timeline.h"

enum replay_format { REPLAY_TEXT, REPLAY_JSON, REPLAY_CSV };

/* A program that runs while it is simulated. */
struct replay_live {
    void *context;
    /* Starts it; NULL after a message, with an exit status. */
    mmusim_source_t *(*open)(void *context, int *exit_status);
    /* The machine has stopped, because of status: ends the program. */
    void (*close)(void *context, mmusim_source_t *source,
                  mmusim_status_t status);
    int (*is_interrupted)(void);
};

struct replay {
    struct run_setup setup;
    enum replay_format format;
    struct output_set outputs;
    struct timeline_options drawn;
    struct timeline *timeline; /* NULL: not asked for */
    int is_per_core;
    int has_regions; /* --attach-marks */
    int is_quiet;
    uint64_t n_violations;
    struct html_page page;          /* with --report */
    char *command;                  /* as it was given; with --report */
    const struct replay_live *live; /* NULL: the source is there already */
};

/* Rows for the option tables. */
#define REPLAY_OPTIONS                                                         \
    {"format", 0, "FORMAT", "text (default), json or csv"},                    \
        {"per-core", 0, NULL, "text and csv: each CPU's figures, too"},        \
        {"output", 'o', "FILE", "write the statistics there"},                 \
        {"events", 0, "FILE",                                                  \
         "write the kernel's tlb_flush events there, as\n`perf script` "       \
         "does"},                                                              \
        {"report", 0, "FILE.html",                                             \
         "write a page with charts there, for any browser"},                   \
        {"plot", 0, "FILE",                                                    \
         "draw each CPU's cycles into FILE.svg or FILE.png\n(with gnuplot)"},  \
        {"attach-marks", 0, NULL,                                              \
         "statistics for each region, from one mark of the\nprogram to the "   \
         "next (mmusim/mark.h)"},                                              \
        TIMELINE_OPTIONS

/* argv: the whole command, for --report; 0, or an exit status after a message.
 * fini is due either way. */
int replay_init(struct replay *replay, int argc, char **argv);
void replay_fini(struct replay *replay);
/* Takes one of REPLAY_OPTIONS or of RUN_SETUP_OPTIONS, or --quiet. */
int replay_option(void *context, const struct cli_option *option,
                  const char *value);
/* Runs setup.source, or the program, for a command; 0, or an exit status after
 * a message. */
int replay_execute(struct replay *replay, const char *command);

#endif
