/* SPDX-License-Identifier: MIT */
/*
 * The files a recording leaves: FILE.part of the program, FILE.PID.part of
 * forked children that died; renamed when nobody writes them any more.
 */
#ifndef MMUSIM_CLI_RECORD_OUTPUT_H
#define MMUSIM_CLI_RECORD_OUTPUT_H

#include <limits.h>

struct record_output {
    char path[PATH_MAX]; /* absolute: the program may change its folder */
    char part[PATH_MAX];
    int is_in_place; /* exists and is not regular: no part, no rename */
    /* In place, of the plugin: ",failure=FILE", a byte that it sets when the
     * trace cannot be written. Else "". */
    char plugin_option[64];
    int failure_fd;
};

/* 0, or the exit status after a message. program: the file to be recorded,
 * which must not be the output. */
int record_output_prepare(struct record_output *output, const char *path,
                          const char *program);
/* Renames what there is. 0, or the exit status after a message. */
int record_output_finish(const struct record_output *output);

#endif
