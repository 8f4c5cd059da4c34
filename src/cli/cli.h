/* SPDX-License-Identifier: MIT */
/*
 * What the tool's commands share: the command table, option parsing driven by
 * one table a command (which also prints --help), exit statuses, messages.
 * The tool sees include/mmusim/ only.
 */
#ifndef MMUSIM_CLI_CLI_H
#define MMUSIM_CLI_CLI_H

#include "mmusim/status.h"

/* Exit statuses (mmusim(1)). */
enum cli_exit {
    CLI_OK = 0,
    CLI_FOUND = 1,  /* the run found what it was asked to look for */
    CLI_USAGE = 2,  /* usage or configuration */
    CLI_INPUT = 3,  /* input cannot be read or is damaged */
    CLI_SYSTEM = 4, /* out of memory or another system failure */
    CLI_INTERRUPTED = 130,
};

struct cli_option {
    const char *name;     /* long name without "--"; NULL ends the table */
    char letter;          /* short form, or 0 */
    const char *argument; /* what --help calls the argument; NULL: a flag */
    const char *help;     /* one or two lines */
};

struct cli_command {
    const char *name;    /* "replay"; sub-commands: "trace info" */
    const char *usage;   /* "[-m MACHINE] ... SOURCE" */
    const char *summary; /* one line, for `mmusim --help` */
    const char *details; /* paragraphs and examples for --help */
    const struct cli_option *options;
    int (*run)(const struct cli_command *self, int argc, char **argv);
};

/*
 * Parses argv (argv[0] is the command's own name) with getopt_long. Calls
 * on_option for each; value is NULL for flags. It returns 0 (or less) to go
 * on, an exit status > 0, after its message, to stop. --help prints and stops;
 * operands may stand between options, "--" ends them (commands whose usage
 * has "-- PROGRAM" stop at the first operand).
 * Returns < 0 to go on (then *first_operand indexes the permuted argv), else
 * the exit status. Unknown options name the nearest known one.
 */
int cli_parse(const struct cli_command *command, int argc, char **argv,
              int (*on_option)(void *context, const struct cli_option *option,
                               const char *value),
              void *context, int *first_operand);

/*
 * A KEY=VALUE argument: *key becomes a fresh copy of what is before the '='
 * (the caller frees it), *value points behind it in text. 0, or an exit status
 * after a message that names the option.
 */
int cli_key_value(const char *option, const char *text, char **key,
                  const char **value);
/* A whole number in [min, max], decimal or 0x; with has_suffix a size may end
 * in K, M or G. 0, or an exit status after a message that names the option. */
int cli_number(const char *option, const char *text, uint64_t min, uint64_t max,
               int has_suffix, uint64_t *number);
/* The index of text in names, which ends with NULL; < 0 after a message. */
int cli_choice(const char *option, const char *text, const char *const *names);

/* Prints what `mmusim COMMAND --help` prints. */
void cli_print_help(const struct cli_command *command);

/*
 * Runs the sub-command named by argv[1] (`trace info`): subs are found by the
 * second word of their name; --help lists them.
 */
int cli_run_sub(const struct cli_command *self,
                const struct cli_command *const *subs, size_t n_subs, int argc,
                char **argv);

/* "mmusim: TEXT\n" on standard error; returns status, for `return`. */
int cli_error(enum cli_exit status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for what is no error. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints a diagnostic the same way; returns the exit status of its code. */
int cli_diag(const mmusim_diag_t *diag);
int cli_exit_of(mmusim_status_t status);

/* On standard error, what importing the trace had to say, and one line if it
 * has no index; status stays OK. */
struct mmusim_trace;
void cli_warn_incomplete(const char *path, const struct mmusim_trace *trace);

/* A regular FILE is written as FILE.part and renamed by close (0 or a status
 * after a message); "-" or NULL is standard output; an existing FILE that is
 * not regular is written in place. */
struct cli_output;
/* Refuses (message, CLI_SYSTEM) an output that is the input itself, or whose
 * FILE.part is; 0 if all is well. Either may be NULL or "-". */
int cli_output_refuse_input(const char *output, const char *input);
struct cli_output *cli_output_open(const char *path, int *exit_status);
extern const char cli_standard_error[]; /* itself the path that means it */
/* The file that path means, behind links; path itself where that is new or not
 * regular. Free it. NULL: errno is set. */
char *cli_output_target(const char *path);
void *cli_output_stream(struct cli_output *output); /* a FILE * */
int cli_output_close(struct cli_output *output);
/* Removes the .part file. */
void cli_output_abandon(struct cli_output *output);

/* Progress on standard error, when it is a terminal and not quiet; redraws at
 * most ten times a second. */
struct cli_progress;
struct cli_progress *cli_progress_begin(const char *what, int is_quiet);
void cli_progress_update(struct cli_progress *progress, uint64_t done,
                         uint64_t total, uint64_t accesses);
/* The same of points, some of which may have been done before. */
void cli_progress_points(struct cli_progress *progress, uint64_t done,
                         uint64_t total, uint64_t failed);
/* What cli_progress_points() says beside the points, from now on. */
void cli_progress_note(struct cli_progress *progress, const char *note);
void cli_progress_end(struct cli_progress *progress);

/* Set by SIGINT and SIGTERM once cli_catch_interrupts() has been called. */
void cli_catch_interrupts(void);
int cli_is_interrupted(void);

/* Folder of shipped files: $MMUSIM_DATADIR, else beside the executable in a
 * build or source tree, else the installed one. name is "configs", "traces".
 * The text lives until the process ends. */
const char *cli_data_dir(const char *name);

/* Each command's table entry; defined in cmd_<name>.c. */
extern const struct cli_command cmd_advise, cmd_replay, cmd_annotate, cmd_sweep,
    cmd_record, cmd_trace, cmd_config, cmd_workload, cmd_scenario, cmd_litmus,
    cmd_validate, cmd_run;
/* Commands on a sweep's store: cmd_sweep_<name>.c. */
extern const struct cli_command cmd_sweep_status, cmd_sweep_merge,
    cmd_sweep_retry, cmd_sweep_explain, cmd_sweep_work, cmd_sweep_finish,
    cmd_sweep_cancel;

#endif
