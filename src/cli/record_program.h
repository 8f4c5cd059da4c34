/* SPDX-License-Identifier: MIT */
/*
 * What `mmusim record` has to know of a program before it starts it: where it
 * is, and which QEMU runs it.
 */
#ifndef MMUSIM_CLI_RECORD_PROGRAM_H
#define MMUSIM_CLI_RECORD_PROGRAM_H

#include <limits.h>

struct record_program {
    const char *command;      /* for messages: "record", "run" */
    char path[PATH_MAX];      /* found along $PATH */
    char qemu[PATH_MAX];      /* the emulator's path */
    char libraries[PATH_MAX]; /* for QEMU's -L; empty: the host's own */
};

/* 0, or the exit status after a message; command has been set. */
int record_program_find(struct record_program *program, const char *name);

/* The first executable file called name along $PATH (or name itself if it
 * holds a slash). 0, or an errno. */
int record_find_executable(const char *name, char path[PATH_MAX]);

#endif
