/* SPDX-License-Identifier: MIT */
/*
 * A sweep's store, a folder:
 *
 *     plan.json            the plan as it is
 *     plans/ID.json        the same and those before, if it was extended
 *     machines/CRC.yaml    the configurations
 *     results/NAME.res     records of points, store_writer.h
 *     leases/              who is computing what, sweep_lease.h
 *
 * docs/sweep-store.md has the rules. Functions that return int give 0 or an
 * exit status, after a message.
 */
#ifndef MMUSIM_CLI_SWEEP_STORE_H
#define MMUSIM_CLI_SWEEP_STORE_H

#include "cli/store_plan.h"

struct sweep_store {
    char *dir;
    struct store_plan plan;
};

enum store_extend { STORE_SAME_PLAN, STORE_MAY_EXTEND };

/* Opens a store that is there, to work on it or to look at it. */
int sweep_store_open(struct sweep_store *store, const char *dir);
/* The same, to compute points: another version of mmusim is refused. */
int sweep_store_open_same(struct sweep_store *store, const char *dir);
void sweep_store_close(struct sweep_store *store);

/*
 * Opens the store of a plan, making it if it is new; takes the plan in any
 * case. If the folder has another plan: with STORE_MAY_EXTEND the new one's
 * machines, sources and values are added, else the differences are told.
 */
int sweep_store_begin(struct sweep_store *store, const char *dir,
                      struct store_plan *plan, enum store_extend extend);

/* The file of a machine in a store; NULL: out of memory. Free it. */
char *sweep_store_machine_file(const char *dir,
                               const struct store_machine *machine);

/* Reads DIR/NAME as a plan, without configurations. */
int sweep_store_read_plan(const char *dir, const char *name,
                          struct store_plan *plan);

#endif
