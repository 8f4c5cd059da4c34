/* SPDX-License-Identifier: MIT */
/* The readable report of one run, and the number formats it uses. */
#ifndef MMUSIM_CLI_REPLAY_REPORT_H
#define MMUSIM_CLI_REPLAY_REPORT_H

#include "mmusim/stats.h"

#include <stdio.h>

/* The buckets that a CPU's cycles fall into (contract of mmusim-stats(7)),
 * ended by NULL. */
extern const char *const report_buckets[];

/* Whether a bucket counts as busy: all do but idle and order. */
bool report_is_busy(const char *bucket);

/* The value of a statistic; 0 if there is none of that name. */
uint64_t report_value(const mmusim_stats_t *stats, const char *name);

/* value with thousands separators into buffer (at least 28 bytes). */
const char *report_grouped(uint64_t value, char *buffer);

/* part of whole in percent; 0 of nothing. */
double report_percent(uint64_t part, uint64_t whole);

enum report_detail { REPORT_SUMS, REPORT_PER_CORE };

void report_print(FILE *file, const mmusim_stats_t *stats, const char *machine,
                  const char *source, enum report_detail detail);

#endif
