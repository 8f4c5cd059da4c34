/* SPDX-License-Identifier: MIT */
/*
 * Statistics per region: what is counted between one mark and the next, of
 * whatever thread. On the CPU that runs the mark a region begins there, on the
 * others when a message sent at the mark could have reached them (and no CPU
 * has run ahead): so regions do not depend on how far CPUs look ahead.
 *
 * Each value of a statistic belongs to one region: their sums are the run's.
 */
#ifndef MMUSIM_MACHINE_REGIONS_H
#define MMUSIM_MACHINE_REGIONS_H

#include "coherence/cpu.h"
#include "mmusim/stats.h"

struct mmusim_machine;
struct regions;

/* Marks of one name keep regions of their own up to the first number, as long
 * as there are no more than the second; then they share one, INDEX `rest`. */
enum { REGIONS_OF_NAME_MAX = 256, REGIONS_MAX = 1024, REGION_NAMES_MAX = 256 };

/* For a machine that has not run; NULL: out of memory. */
struct regions *mmusim__regions_create(struct mmusim_machine *machine);
void mmusim__regions_destroy(struct regions *regions);

/* A CPU is at a mark. */
void mmusim__regions_mark(struct regions *regions, struct cpu *cpu,
                          const char *name);
/* The run is over: all CPUs are at its last cycle. */
void mmusim__regions_end(struct regions *regions, uint64_t end_cycle);
void mmusim__regions_emit(struct regions *regions, mmusim_stats_t *stats);

#endif
