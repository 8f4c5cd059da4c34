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
    const char *name; /* "core0.cycles.walk" */
    uint64_t value;   /* in thousandths if is_milli */
    bool is_milli;
    const char *unit; /* "cycles", "accesses", ... */
    const char *help;
} mmusim_stat_t;
/* destroy: NULL is legal. count: of all statistics. */
MMUSIM_API void mmusim_stats_destroy(mmusim_stats_t *stats);
MMUSIM_API size_t mmusim_stats_count(const mmusim_stats_t *stats);
/* The index-th statistic in the documented order; false past the end. */
MMUSIM_API bool mmusim_stats_at(const mmusim_stats_t *stats, size_t index,
                                mmusim_stat_t *stat);
/* False if there is none of that name. */
MMUSIM_API bool mmusim_stats_find(const mmusim_stats_t *stats, const char *name,
                                  mmusim_stat_t *stat);

/*
 * Takes a piece of text, not terminated. A non-zero return stops the writer,
 * which then returns MMUSIM_SYSTEM.
 */
typedef int (*mmusim_write_fn)(void *context, const char *text,
                               size_t length_bytes);

/* One key of the configuration beside the statistics. */
typedef struct mmusim_stats_key {
    const char *key;
    const char *value;
    bool is_text; /* quoted in JSON even if it looks like a number */
} mmusim_stats_key_t;

/* What a run was, for a document that stands alone; all borrowed. */
typedef struct mmusim_stats_run {
    const char *machine;
    const char *source;
    const mmusim_stats_key_t *keys;
    size_t n_keys;
} mmusim_stats_run_t;

/*
 * {"schema": "mmusim-stats-1", "machine": ..., "source": ..., "config":
 * {KEY: VALUE, ...}, "stats": {NAME: NUMBER, ...}}, in the documented order.
 * Integers as integers; bytes that are not UTF-8 become U+FFFD.
 */
MMUSIM_API mmusim_status_t mmusim_stats_write_json(
    const mmusim_stats_t *stats, const mmusim_stats_run_t *run,
    mmusim_write_fn write, void *context);

/* Only the object {KEY: VALUE, ...} of the above. */
MMUSIM_API mmusim_status_t mmusim_stats_write_config(
    const mmusim_stats_run_t *run, mmusim_write_fn write, void *context);

/* Which statistics a table has: sums only, or also those of single CPUs. */
typedef enum mmusim_stats_detail {
    MMUSIM_STATS_SUMS,
    MMUSIM_STATS_PER_CORE
} mmusim_stats_detail_t;

/* Whether the name is of one CPU: coreN.* or mark.*.coreN.cycles. */
MMUSIM_API bool mmusim_stats_is_per_core(const char *name);

/* CSV: a head line, then one line a statistic: name,value,unit. */
MMUSIM_API mmusim_status_t mmusim_stats_write_csv(const mmusim_stats_t *stats,
                                                  mmusim_stats_detail_t detail,
                                                  mmusim_write_fn write,
                                                  void *context);

/*
 * text as one JSON string, quotes included; as one CSV field (RFC 4180),
 * quoted where it must be; the value of a statistic as a number.
 */
MMUSIM_API mmusim_status_t mmusim_write_json_text(const char *text,
                                                  mmusim_write_fn write,
                                                  void *context);
MMUSIM_API mmusim_status_t mmusim_write_csv_text(const char *text,
                                                 mmusim_write_fn write,
                                                 void *context);
MMUSIM_API mmusim_status_t mmusim_write_stat(const mmusim_stat_t *stat,
                                             mmusim_write_fn write,
                                             void *context);

#ifdef __cplusplus
}
#endif
#endif
