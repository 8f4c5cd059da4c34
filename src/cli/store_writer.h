/* SPDX-License-Identifier: MIT */
/*
 * Writing result files, DIR/results/WRITER-N.res: text, one record a line,
 * described in docs/sweep-store.md. A file grows by being written whole again
 * under its name, so that slow points do not make a file each; what a reader
 * has seen of it stays where it is.
 */
#ifndef MMUSIM_CLI_STORE_WRITER_H
#define MMUSIM_CLI_STORE_WRITER_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_RESULTS_MAGIC "mmusim-sweep-results-1"
/* The head's start, for scanf: plan, first point, last point. */
#define STORE_RESULTS_SCAN                                                     \
    STORE_RESULTS_MAGIC " plan=%16" SCNx64 " points=%zu..%zu"

struct store_writer {
    const char *dir;
    uint64_t plan_id;
    char *path; /* of the file being filled; NULL: none yet */
    char *text; /* its records so far, and its head */
    size_t length;
    size_t size;
    size_t n_records;
    size_t first; /* the least and the greatest point of the records */
    size_t last;
    size_t n_unwritten; /* records that are not on the disk yet */
    char **names;       /* lists of names that the file has */
    size_t n_names;
    size_t n_files;
    bool has_failed; /* out of memory */
};

void store_writer_init(struct store_writer *writer, const char *dir,
                       uint64_t plan_id);
void store_writer_fini(struct store_writer *writer);

/* Adds a record to what the next flush writes. names: statistics' names,
 * escaped, with commas between; values: in their order. */
void store_writer_done(struct store_writer *writer, size_t point,
                       const char *names, uint64_t us, const char *values);
void store_writer_failed(struct store_writer *writer, size_t point,
                         unsigned attempt, uint64_t us, const char *reason);
void store_writer_reopen(struct store_writer *writer, size_t point,
                         unsigned attempt);

/* Makes all records so far safe. 0 or errno; after an error everything stays
 * as it was, and may be tried again. */
int store_writer_flush(struct store_writer *writer);

#endif
