/* SPDX-License-Identifier: MIT */
/*
 * Running Slurm's own commands (sbatch, squeue, scontrol, sacctmgr, scancel)
 * from $PATH, without a shell, and judging how they failed.
 *
 * A controller that is restarting, busy or out of reach is waited for, with
 * growing pauses; what it refuses for good is the caller's to tell.
 */
#ifndef MMUSIM_CLI_SLURM_COMMAND_H
#define MMUSIM_CLI_SLURM_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SLURM_ARGUMENTS_MAX = 64,
    SLURM_ERROR_BYTES = 512,
};

enum slurm_outcome {
    SLURM_DONE,
    SLURM_REFUSED,     /* error has Slurm's words */
    SLURM_OVER_LIMIT,  /* refused: too many jobs, or an array too large */
    SLURM_UNREACHABLE, /* the controller does not answer; may do later */
    SLURM_MISSING,     /* there is no such command */
    SLURM_INTERRUPTED, /* Ctrl-C, before or after the command ran */
};

struct slurm_command {
    const char *argv[SLURM_ARGUMENTS_MAX + 1]; /* borrowed; ends with NULL */
    size_t n_arguments;
    bool is_full; /* more arguments than there is room for */
};

struct slurm_answer {
    char *text; /* what it printed; free(); never NULL after SLURM_DONE */
    char error[SLURM_ERROR_BYTES]; /* one line; "" after SLURM_DONE */
};

/* argv[0] is the command's name; later words are added one by one. */
void slurm_command_init(struct slurm_command *command, const char *name);
void slurm_command_add(struct slurm_command *command, const char *word);

/* Runs it once. The answer must be released whatever the outcome. */
enum slurm_outcome slurm_command_run(const struct slurm_command *command,
                                     struct slurm_answer *answer);
/*
 * The same, again after SLURM_UNREACHABLE until patience_s seconds have passed
 * (0: at once given up). The first failure is told on standard error unless
 * is_quiet.
 */
enum slurm_outcome slurm_command_retry(const struct slurm_command *command,
                                       uint64_t patience_s, bool is_quiet,
                                       struct slurm_answer *answer);
void slurm_answer_fini(struct slurm_answer *answer);

/* The next of growing pauses: 1, 2, 4 ... 60 seconds. */
uint64_t slurm_next_pause_s(uint64_t pause_s);
/* Sleeps; false as soon as Ctrl-C has been pressed. */
bool slurm_sleep(uint64_t milliseconds);

/* The exit status of an outcome other than SLURM_DONE, after a message. */
int slurm_tell(enum slurm_outcome outcome, const char *command,
               const struct slurm_answer *answer);

#endif
