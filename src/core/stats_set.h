/* SPDX-License-Identifier: MIT */
/*
 * Building a mmusim_stats_t: rows of name, value, unit, help, in the order
 * they are added. Names are copied; unit and help must be string literals.
 */
#ifndef MMUSIM_CORE_STATS_SET_H
#define MMUSIM_CORE_STATS_SET_H

#include "mmusim/stats.h"

mmusim_status_t mmusim__stats_create(mmusim_stats_t **stats);

/* A failed allocation is remembered and returned by finish. */
void mmusim__stats_add(mmusim_stats_t *stats, const char *name, uint64_t value,
                       const char *unit, const char *help);
void mmusim__stats_add_milli(mmusim_stats_t *stats, const char *name,
                             uint64_t thousandths, const char *unit,
                             const char *help);
/* Sorts the look-up index; MMUSIM_NOMEM if any add failed. Two rows of one
 * name are a bug (asserted). */
mmusim_status_t mmusim__stats_finish(mmusim_stats_t *stats);

#endif
