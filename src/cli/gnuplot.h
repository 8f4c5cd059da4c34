/* SPDX-License-Identifier: MIT */
/*
 * Figures for papers, drawn by gnuplot: `--plot FILE.svg|png`. A figure is a
 * script that starts with gnuplot_begin() and is drawn by gnuplot_end().
 */
#ifndef MMUSIM_CLI_GNUPLOT_H
#define MMUSIM_CLI_GNUPLOT_H

#include <stdio.h>

/* Whether path ends in .svg or .png and gnuplot is there: 0, or an exit status
 * after a message that names the command and says what to do. */
int gnuplot_check(const char *command, const char *path);

/* A script that draws in path's format; NULL after a message. */
FILE *gnuplot_begin(const char *path);
/* text as a string of the language, whatever is in it. */
void gnuplot_text(const char *text, FILE *script);
/* "NAME on NAME", the title. */
void gnuplot_title(const char *source, const char *machine, FILE *script);

/* Closes script and draws it into out: 0, or an exit status after a message. */
int gnuplot_end(FILE *script, FILE *out);

/* The colour of a bucket of cycles, as "#rrggbb" (those of the report's page:
 * report/js/theme.js). */
const char *gnuplot_bucket_color(const char *bucket);

#endif
