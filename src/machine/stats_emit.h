/* SPDX-License-Identifier: MIT */
/*
 * Statistics on their way out of a machine. The same functions name them, copy
 * their values, and name values copied before (regions.c).
 */
#ifndef MMUSIM_MACHINE_STATS_EMIT_H
#define MMUSIM_MACHINE_STATS_EMIT_H

#include "core/stats_set.h"

struct mmusim_machine;

enum { STAT_NAME_BYTES = 224, STAT_SCOPE_BYTES = 128 };

/* Values in the order in which they are emitted. */
struct emit_values {
    uint64_t *values; /* NULL: they are only counted */
    size_t n;         /* so far */
    bool is_given;    /* they are the ones to name; else they are copied */
};

struct emit {
    const struct mmusim_machine *machine;
    mmusim_stats_t *stats;        /* not when values are copied */
    struct emit_values *values;   /* NULL: the machine's own, named */
    char scope[STAT_SCOPE_BYTES]; /* "region.fill.0." or "" */
    char prefix[32];              /* "core3.", "sim.", or "" for the sums */
    uint32_t first, end;          /* CPUs that are summed */
};

void mmusim__emit_value(const struct emit *emit, const char *name,
                        uint64_t value, const char *unit, const char *help);
/* accesses, fetches, instructions. */
void mmusim__emit_cores(const struct emit *emit);
/* Everything else that exists for one CPU and as a sum. */
void mmusim__emit_cpus(const struct emit *emit);
/* Counters of the whole machine that regions have, too. */
void mmusim__emit_shared(const struct emit *emit);

#endif
