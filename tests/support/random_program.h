/* SPDX-License-Identifier: MIT */
/*
 * Seeded random programs over process_model.h, with what the model says of
 * them.
 *
 * Stamped programs: every operation is numbered, every thread syncs with every
 * one of them, and between two operations each page is touched by one thread
 * alone; so the outcome of every access is known although the threads run at
 * the same time. Free programs: threads of one process, no stamps, each with a
 * stripe of the pages for itself.
 */
#ifndef MMUSIM_TESTS_SUPPORT_RANDOM_PROGRAM_H
#define MMUSIM_TESTS_SUPPORT_RANDOM_PROGRAM_H

#include "core/rng.h"
#include "model/process_model.h"
#include "support/program.h"

enum { RANDOM_MAX_LIVE = 6, RANDOM_MAX_THREADS = 24 };

/* When this thread asks for this record, all others stand still and the
 * address space of each thread named looks like this. Only the pages of
 * [first, end) are the model's business. */
struct checkpoint {
    uint32_t thread_index;
    uint64_t record;
    uint32_t first, end;
    uint32_t n_mms;
    uint32_t owners[RANDOM_MAX_LIVE]; /* thread indices */
    struct model_mm *mms[RANDOM_MAX_LIVE];
};

struct random_program {
    struct program *program;
    struct process_model model;
    struct checkpoint *checkpoints;
    uint32_t n_checkpoints;
    uint32_t page_shift; /* see model_vaddr() */
};

enum random_kind { RANDOM_STAMPED, RANDOM_FREE };

void random_program_init(struct random_program *random, enum random_kind kind,
                         uint64_t seed, uint32_t n_rounds);
/* The same with more room for each page. */
void random_program_init_wide(struct random_program *random,
                              enum random_kind kind, uint64_t seed,
                              uint32_t n_rounds, uint32_t page_shift);
void random_program_fini(struct random_program *random);

#endif
