/* SPDX-License-Identifier: MIT */
/*
 * A round: chunks of points that were submitted together, as job arrays and
 * one job that runs when all of them have ended. It is a folder of the store,
 *
 *     slurm/0001/round       who made it, its jobs (rewritten by its maker)
 *     slurm/0001/chunks      a line "FIRST..LAST" for each task
 *     slurm/0001/array-0.sh  what was submitted
 *     slurm/0001/finish.sh
 *     slurm/0001/task-*.log  what its tasks said
 *
 * made under another name and renamed when whole: of two people who make the
 * same round, one succeeds. Jobs are found by their names, which hold a
 * random number of the round, so that a job counts also if its maker was
 * killed before it could write the job's number down.
 */
#ifndef MMUSIM_CLI_SLURM_ROUND_H
#define MMUSIM_CLI_SLURM_ROUND_H

#include "cli/slurm_chunks.h"

#include <stdint.h>

enum {
    SLURM_ROUNDS_MAX = 9999, /* four digits in the folder's name */
    SLURM_JOB_BYTES = 24,
    SLURM_NAME_BYTES = 32,
    SLURM_WHO_BYTES = 128,
};

struct slurm_array {
    size_t first_chunk;
    size_t n_chunks;
    char job[SLURM_JOB_BYTES]; /* its number; "": not known */
};

struct slurm_round {
    unsigned number; /* from 1 */
    uint64_t plan_id;
    char name[SLURM_NAME_BYTES]; /* of its jobs, without ".0" or ".end" */
    char host[SLURM_WHO_BYTES];  /* where, by which process and by whom */
    char user[SLURM_WHO_BYTES];
    long pid;
    int64_t made_s;    /* since 1970, by the maker's clock */
    size_t n_open;     /* points without a result when it was made */
    bool is_submitted; /* all that its maker could submit */
    char finish_job[SLURM_JOB_BYTES];
    struct slurm_array *arrays;
    size_t n_arrays;
    struct slurm_chunk *chunks; /* their seconds are not kept */
    size_t n_chunks;
};

struct slurm_rounds {
    struct slurm_round *rounds;
    size_t n;
};

/* Reads all rounds of a store. 0 or an exit status after a message; there may
 * be none. */
int slurm_rounds_load(const char *dir, struct slurm_rounds *rounds);
void slurm_rounds_fini(struct slurm_rounds *rounds);

/*
 * Fills in a new round of these chunks, cut into arrays of at most
 * max_array_tasks; takes the chunks. False: out of memory.
 */
bool slurm_round_init(struct slurm_round *round, unsigned number,
                      uint64_t plan_id, struct slurm_chunks *chunks,
                      uint64_t max_array_tasks);
void slurm_round_fini(struct slurm_round *round);

/* "DIR/slurm/0001"; free it. */
char *slurm_round_folder(const char *dir, unsigned number);

/* A file that a round's folder begins with. */
struct slurm_round_file {
    char name[SLURM_NAME_BYTES];
    char *text;
};

/*
 * Makes the folder, with these files and its own. 0; EEXIST: somebody else has
 * made a round of this number; another errno.
 */
int slurm_round_place(const char *dir, const struct slurm_round *round,
                      const struct slurm_round_file *files, size_t n_files);
/* Writes the file `round` again. 0 or errno. */
int slurm_round_save(const char *dir, const struct slurm_round *round);

/* Is it being submitted right now? Its maker on another host is believed for
 * some minutes. */
bool slurm_round_is_in_the_making(const struct slurm_round *round);

/* The file `round` and `chunks` as text, and back; for slurm_round.c and its
 * tests. */
char *slurm_round_write(const struct slurm_round *round);
char *slurm_round_write_chunks(const struct slurm_round *round);
bool slurm_round_read(struct slurm_round *round, const char *text,
                      const char *chunks);

#endif
