/* SPDX-License-Identifier: MIT */
/*
 * The sources of a plan: what is written down of each when it is planned, and
 * the certainty that it is the same when a point of it is computed.
 */
#ifndef MMUSIM_CLI_STORE_SOURCE_H
#define MMUSIM_CLI_STORE_SOURCE_H

#include "cli/run_setup.h"
#include "cli/store_plan.h"

#include <sys/types.h>
#include <time.h>

enum { STORE_SOURCE_ERROR_BYTES = 1024 };

/* A source of a plan, opened; all zero: none. */
struct store_input {
    const struct store_source *source;
    struct run_input run;
    char *path;
    /* Of the file whose checksum was found right. */
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec changed;
};

/* Looks at a source: its checksum and its records. 0 or an exit status after
 * a message. */
int store_source_look(struct store_source *source,
                      const struct run_setup *setup);

/*
 * Makes a plan's source the open one, unless it is already, and checks that it
 * is what was planned; each file's bytes are read for that once, and again if
 * its time changes. False: error says why not.
 */
bool store_input_open(struct store_input *input, const struct store_plan *plan,
                      size_t source, uint64_t cache_bytes,
                      char error[STORE_SOURCE_ERROR_BYTES]);

/* Whether the open source is still the same. */
bool store_input_check(struct store_input *input,
                       char error[STORE_SOURCE_ERROR_BYTES]);

void store_input_close(struct store_input *input);

#endif
