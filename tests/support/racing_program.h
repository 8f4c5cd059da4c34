/* SPDX-License-Identifier: MIT */
/*
 * Seeded random programs whose threads race: no stamps, all threads of a
 * process use and change the same few pages at the same time, others fork,
 * exec, sleep, move between CPUs. Nothing is said of what comes out; that is
 * the checker's to judge.
 */
#ifndef MMUSIM_TESTS_SUPPORT_RACING_PROGRAM_H
#define MMUSIM_TESTS_SUPPORT_RACING_PROGRAM_H

#include "support/program.h"

enum { RACING_BIG_PAGES = 600 };

struct racing_limits {
    uint32_t n_threads; /* of the first process, at least 1 */
    uint32_t n_steps;   /* operations of each */
    bool has_large;     /* 2M mappings */
    bool has_pressure;  /* a file of RACING_BIG_PAGES: memory runs short */
    bool has_moves;     /* pages that move and are reclaimed by call */
    bool has_devices;   /* a device reads and writes them, too */
    bool has_thp;       /* areas where huge pages come and go */
    bool has_merging;   /* mergeable ones, and clear_refs */
};

/* The caller destroys it. */
struct program *racing_program(const struct racing_limits *limits,
                               uint64_t seed);

#endif
