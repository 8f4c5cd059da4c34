/* SPDX-License-Identifier: MIT */
/*
 * What the pages of all commands have in common in their JSON: the command,
 * the configuration, the names of buckets. docs/report.md describes it.
 */
#ifndef MMUSIM_CLI_REPORT_DATA_H
#define MMUSIM_CLI_REPORT_DATA_H

#include "mmusim/config.h"

#include <stdio.h>

struct report_data {
    const char *kind;    /* "replay" or "sweep" */
    const char *command; /* from report_quote_command() */
    const mmusim_config_t *config;
};

/* "mmusim NAME ARGS...", as a shell reads it: of argv behind its first word,
 * before anything is permuted. The caller frees; NULL: out of memory. */
char *report_quote_command(const char *name, int argc, char *const *argv);

/* Opens the page's object and writes these members, each followed by a comma;
 * the caller writes more and closes it. False: out of memory, nothing was
 * written. */
bool report_data_write(const struct report_data *data, FILE *file);

#endif
