/* SPDX-License-Identifier: MIT */
/*
 * The output files of one command: opened together before the work, so that a
 * wrong name is told at once, and ended together.
 */
#ifndef MMUSIM_CLI_OUTPUT_SET_H
#define MMUSIM_CLI_OUTPUT_SET_H

#include <stddef.h>
#include <stdio.h>

struct cli_output;

enum { OUTPUT_SET_MAX = 8 };

struct output_slot {
    const char *option; /* as the user writes it: "-o", "--report" */
    const char *path;   /* NULL or "-": standard output */
    struct cli_output *output;
};

struct output_set {
    struct output_slot slots[OUTPUT_SET_MAX];
    size_t n;
};

/* An option given again replaces its path. Texts are borrowed. Returns 0, or
 * an exit status after a message: there are OUTPUT_SET_MAX already. */
int output_set_add(struct output_set *set, const char *option,
                   const char *path);
/* NULL: there is no such output (or it is standard output). */
const char *output_set_path(struct output_set *set, const char *option);
/* No two outputs are the same, and none is the input: 0, or an exit status
 * after a message. */
int output_set_check(const struct output_set *set, const char *command,
                     const char *input);
/* 0, or an exit status after a message; nothing is open then. */
int output_set_open(struct output_set *set);
/* NULL: there is no such output. */
FILE *output_set_stream(struct output_set *set, const char *option);
/* Gives up one output; the others stay. */
void output_set_abandon(struct output_set *set, const char *option);
/* Closes all if status is 0, else gives all up. Returns the first failure. */
int output_set_end(struct output_set *set, int status);

#endif
