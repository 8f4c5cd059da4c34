/* SPDX-License-Identifier: MIT */
/*
 * What the result files of one or several stores say about each point of a
 * plan. Of a finished point it is remembered where its record lies; values
 * are read when they are wanted.
 *
 * A damaged file counts as not there, and is told once.
 */
#ifndef MMUSIM_CLI_STORE_STATE_H
#define MMUSIM_CLI_STORE_STATE_H

#include "cli/store_plan.h"
#include "cli/sweep_result.h"

enum store_point { STORE_OPEN, STORE_DONE, STORE_FAILED };

struct store_record {
    uint32_t file;
    uint32_t offset; /* of the line */
};

struct store_state {
    const struct store_plan *plan;
    /* Points that matter, all by default: files without any may be left out.
     */
    size_t first;
    size_t end;
    unsigned char *status; /* enum store_point */
    struct store_record *records;
    /* Of a point: how often it was reopened, and one more than the number of
     * its last failure; open while the first is the greater or equal. */
    uint16_t *reopened;
    uint16_t *failed;
    uint16_t *names; /* of a finished point: index of its list */
    size_t n_done;
    size_t n_failed;
    size_t n_twice;   /* points that two files have, with the same values */
    size_t n_damaged; /* files */
    /* Of each segment, over finished points. */
    uint64_t *segment_us;
    size_t *segment_done;
    struct sweep_schema **schemas; /* the lists of names */
    char **names_texts;
    size_t n_schemas;
    struct state_dir *dirs;
    size_t n_dirs;
    struct state_file *files;
    size_t n_files;
    size_t max_files;
    struct state_text *texts; /* files kept in memory */
    uint64_t clock;
};

/* 0 or an exit status after a message, as below. The plan must stay. */
int store_state_init(struct store_state *state, const struct store_plan *plan);
void store_state_fini(struct store_state *state);

/* Adds the results that lie in a store. */
int store_state_add(struct store_state *state, const char *dir);

/* Reads what has changed in the stores since. */
int store_state_refresh(struct store_state *state);

/* What this process knows of a point before its record can be read. */
void store_state_mark_done(struct store_state *state, size_t point,
                           uint64_t us);
void store_state_mark_failed(struct store_state *state, size_t point);

/*
 * The line of a point's record, without its end, valid until the next call;
 * NULL after a message. A finished point's values are behind the 4th space,
 * a failed one's reason, too.
 */
const char *store_state_line(struct store_state *state, size_t point);

/* The values of a finished point into values (of its schema's n). 0 or an
 * exit status after a message. */
int store_state_values(struct store_state *state, size_t point,
                       uint64_t *values);

/* The file that has a point's record. */
const char *store_state_file(const struct store_state *state, size_t point);

/* The reason of a failed point; never NULL. */
const char *store_state_reason(struct store_state *state, size_t point);

#endif
