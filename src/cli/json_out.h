/* SPDX-License-Identifier: MIT */
/*
 * The pieces of a JSON document, in whichever way its texts are escaped: a
 * page needs more escapes than a file. What fails to be written shows at the
 * stream (ferror()).
 */
#ifndef MMUSIM_CLI_JSON_OUT_H
#define MMUSIM_CLI_JSON_OUT_H

#include "mmusim/stats.h"

#include <stdio.h>

struct json_out {
    FILE *file;
    mmusim_write_fn write; /* of texts, to file */
};

/* Texts with the escapes of a file. */
struct json_out json_out_file(FILE *file);

/* "text"; NULL: null. */
void json_out_text(const struct json_out *out, const char *text);
/* "name": "text" */
void json_out_member(const struct json_out *out, const char *name,
                     const char *text);
/* "name": number */
void json_out_number(const struct json_out *out, const char *name,
                     uint64_t number);
/* "name": "0x12": addresses have more bits than a JSON reader's numbers. */
void json_out_address(const struct json_out *out, const char *name,
                      uint64_t address);
/* "name": true */
void json_out_bool(const struct json_out *out, const char *name, bool value);

/* The same where all goes to one file, with its escapes. */
void json_file_text(FILE *file, const char *text);
void json_file_member(FILE *file, const char *name, const char *text);

#endif
