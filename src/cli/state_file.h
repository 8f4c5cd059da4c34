/* SPDX-License-Identifier: MIT */
/* Parts of store_state.h: the files that an index is made of. */
#ifndef MMUSIM_CLI_STATE_FILE_H
#define MMUSIM_CLI_STATE_FILE_H

#include "cli/store_state.h"

#include <time.h>

enum {
    STATE_TEXTS_MAX = 8,            /* files in memory at a time */
    STATE_FILE_BYTES_MAX = 1 << 28, /* guess: writers stop at some MiB */
};

/* The file of a record that this process has, but has not read. */
#define STATE_FILE_UNREAD UINT32_MAX

/* A plan of before an extension: its points' numbers in the current one. */
struct state_map {
    uint64_t plan_id;
    size_t *points; /* SIZE_MAX: not there any more */
    size_t n;
};

struct state_dir {
    char *dir;
    struct state_map *maps;
    size_t n_maps;
};

struct state_file {
    char *path;
    uint64_t bytes;
    uint64_t inode;
    struct timespec changed;
};

struct state_text {
    uint32_t file;
    char *text; /* lines ended by '\0' */
    size_t length;
    uint64_t used;
};

void state_dir_fini(struct state_dir *dir);
void state_file_fini(struct state_file *file);

int state_intern_names(struct store_state *state, const char *text);
int state_take_done(struct store_state *state, size_t point,
                    const struct store_record *record, int names,
                    const char *line);
void state_take_failed(struct store_state *state, size_t point,
                       const struct store_record *record, unsigned attempt);
void state_take_open(struct store_state *state, size_t point, unsigned attempt);

#endif
