/* SPDX-License-Identifier: MIT */
/* A set of 64-bit hashes with a limit: the states that have been seen. Two
 * states with one hash are taken for one (with 10^6 states, about one chance
 * in 10^7). */
#ifndef MMUSIM_SCENARIO_SCENARIO_SEEN_H
#define MMUSIM_SCENARIO_SCENARIO_SEEN_H

#include <stdbool.h>
#include <stdint.h>

struct scenario_seen {
    uint64_t *slots;
    uint64_t n_slots; /* a power of two, or 0 */
    uint64_t n_held;
};

enum scenario_seen_answer { SEEN_NEW, SEEN_BEFORE, SEEN_NO_MEMORY };

void mmusim__scenario_seen_fini(struct scenario_seen *seen);
/* Empty again; keeps its memory. */
void mmusim__scenario_seen_clear(struct scenario_seen *seen);
enum scenario_seen_answer mmusim__scenario_seen_add(struct scenario_seen *seen,
                                                    uint64_t hash);

#endif
