/* SPDX-License-Identifier: MIT */
/* The same machine, source, value or point in another plan. Indices are
 * SIZE_MAX where there is none. */
#ifndef MMUSIM_CLI_STORE_MATCH_H
#define MMUSIM_CLI_STORE_MATCH_H

#include "cli/store_plan.h"

/* Of the same name and bytes. */
bool store_is_same_source(const struct store_source *a,
                          const struct store_source *b);
size_t store_find_machine(const struct store_plan *plan,
                          const struct store_machine *machine);
size_t store_find_source(const struct store_plan *plan,
                         const struct store_source *source);

/* The axis of a key; NULL: none. */
const struct sweep_axis *store_find_axis(const struct store_plan *plan,
                                         const char *key, size_t *index);

/* For each value of an axis its index in the other; the k-th of equal values
 * is the k-th there. NULL: out of memory. Free it. */
size_t *store_map_axis(const struct sweep_axis *from,
                       const struct sweep_axis *to);

/* --from in words. */
const char *store_format_name(const struct store_plan *plan);

/* For each of old's points its number in now; free it. NULL: out of memory. */
size_t *store_plan_map(const struct store_plan *old,
                       const struct store_plan *now);

#endif
