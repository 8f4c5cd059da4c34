/* SPDX-License-Identifier: MIT */
/*
 * What replay and sweep have in common: the machine with its overrides, the
 * source, and the options that say so.
 */
#ifndef MMUSIM_CLI_RUN_SETUP_H
#define MMUSIM_CLI_RUN_SETUP_H

#include "cli/cli.h"
#include "mmusim/mmusim.h"

/* Filled from options; texts are borrowed from argv. */
struct run_setup {
    const char *machine;    /* NULL: the defaults */
    const char **overrides; /* KEY=VALUE, in the order given */
    size_t n_overrides;
    const char *seed; /* NULL: the configuration's */
    int checks;       /* --check */
    const char *source;
    mmusim_trace_options_t trace_options;
    int is_quiet; /* no progress while another format is imported */
};

/* An opened trace, or the spec of a workload generator. */
struct run_input {
    mmusim_trace_t *trace;
    const char *workload; /* NULL: a trace */
};

/* The keys of a configuration, for JSON; release with run_keys_fini(). */
struct run_keys {
    mmusim_stats_key_t *keys;
    size_t n;
    size_t max;
    int has_failed;
};

/* Rows for the option tables of commands that use a run_setup. */
#define RUN_SETUP_OPTIONS RUN_MACHINE_OPTIONS, RUN_SOURCE_OPTIONS

#define RUN_MACHINE_OPTIONS                                                    \
    {"machine", 'm', "MACHINE",                                                \
     "a name from `mmusim config list`, or a YAML file\n(default: zen4)"},     \
        {"set", 's', "KEY=VALUE",                                              \
         "set a key of the machine; may be repeated\n"                         \
         "(`mmusim config keys` lists them)"},                                 \
        {"seed", 0, "N", "short for -s seed=N"},                               \
    {                                                                          \
        "check", 0, NULL,                                                      \
            "look for uses of stale translations; exit status 1 if\nthere "    \
            "are any (slower, the same statistics)"                            \
    }

#define RUN_SOURCE_OPTIONS                                                     \
    {"from", 0, "FORMAT",                                                      \
     "the source is a trace in this format (default: told\n"                   \
     "by its content; `mmusim trace formats` lists them)"},                    \
    {                                                                          \
        "salvage", 0, NULL,                                                    \
            "skip damaged blocks of a trace; of other formats, use\nwhat "     \
            "comes "                                                           \
            "before damage"                                                    \
    }

void run_setup_init(struct run_setup *setup);
void run_setup_fini(struct run_setup *setup);
/* Takes one of RUN_SETUP_OPTIONS: 0, an exit status after a message, or < 0
 * if the option is not one of them. */
int run_setup_option(struct run_setup *setup, const struct cli_option *option,
                     const char *value);
/* Takes the operands: exactly one SOURCE. */
int run_setup_operands(struct run_setup *setup, const char *command, int argc,
                       char **argv, int first);

/* The configuration with every override applied and checked. */
int run_load_config(const struct run_setup *setup, mmusim_config_t **config);
/* Sets key=value on a configuration; 0, or an exit status after a message. */
int run_set_key(mmusim_config_t *config, const char *key, const char *value);

/* The absolute path of a trace, to be freed; NULL: errno says why. */
char *run_find_source(const char *name);

int run_open_input(const struct run_setup *setup, struct run_input *input);
void run_close_input(struct run_input *input);
/* One run's view; a failure is in diag, unprinted (any thread may call). */
mmusim_status_t run_make_source(const struct run_input *input,
                                mmusim_source_t **source, mmusim_diag_t *diag);

/* Builds a machine and runs the input through it; its statistics are the
 * caller's. on_progress NULL: nobody looks. A failure is in diag, unprinted. */
mmusim_status_t run_simulate(const mmusim_config_t *config,
                             const struct run_input *input,
                             mmusim_progress_fn on_progress, void *context,
                             mmusim_stats_t **stats, mmusim_diag_t *diag);

/* 0, or an exit status after a message. */
int run_keys_init(struct run_keys *keys, const mmusim_config_t *config);
void run_keys_fini(struct run_keys *keys);

/* A mmusim_write_fn over a FILE *. */
int run_write_file(void *context, const char *text, size_t length_bytes);

#endif
