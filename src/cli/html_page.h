/* SPDX-License-Identifier: MIT */
/*
 * The page of a report: the template report/page.html of the data folder with
 * the style sheets and scripts that it names put in their places, and one block
 * of JSON. The page then needs no other file and no network.
 */
#ifndef MMUSIM_CLI_HTML_PAGE_H
#define MMUSIM_CLI_HTML_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct html_page {
    char *text;
    size_t length;
    size_t data_at; /* where the JSON goes */
};

/* Reads all files: 0, or an exit status after a message. */
int html_page_load(struct html_page *page);
void html_page_free(struct html_page *page);

/* write_data writes the JSON with the functions below and returns false if
 * memory is short: so does this. Failed writes show in ferror(file). */
bool html_page_write(const struct html_page *page,
                     bool (*write_data)(void *context, FILE *file),
                     void *context, FILE *file);

/* A mmusim_write_fn over a FILE * for JSON in a page: '<' is written as
 * \u003c, lest text end the script's element. */
int html_json_write(void *context, const char *text, size_t length_bytes);
/* text as a JSON string; NULL: null. */
void html_json_text(const char *text, FILE *file);

#endif
