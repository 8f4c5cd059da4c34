/* SPDX-License-Identifier: MIT */
/*
 * The statistics of a run: flat names (see the manual, mmusim-stats(7)) and
 * unsigned integers, a few with three decimals. A value, independent of the
 * machine it came from.
 */
#ifndef MMUSIM_STATS_H
#define MMUSIM_STATS_H

#include "mmusim/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmusim_stats mmusim_stats_t;

typedef struct mmusim_stat {
    const char *name;  /* "core0.cycles.walk" */
    uint64_t value;    /* in thousandths if is_milli */
    bool is_milli;
    const char *unit;  /* "cycles", "accesses", ... */
    const char *help;
} mmusim_stat_t;

MMUSIM_API void mmusim_stats_destroy(mmusim_stats_t *stats);
MMUSIM_API size_t mmusim_stats_count(const mmusim_stats_t *stats);
/* The index-th statistic in the documented order; false past the end. */
MMUSIM_API bool mmusim_stats_at(const mmusim_stats_t *stats, size_t index,
                                mmusim_stat_t *stat);
/* False if there is none of that name. */
MMUSIM_API bool mmusim_stats_find(const mmusim_stats_t *stats,
                                  const char *name, mmusim_stat_t *stat);

#ifdef __cplusplus
}
#endif
#endif
