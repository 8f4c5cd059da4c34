/* SPDX-License-Identifier: MIT */
/* What tests of one small system begin with: the default one, in the reference
 * engine, where nothing is done before its cycle. */
#ifndef MMUSIM_TESTS_SUPPORT_SMALL_FIXTURE_H
#define MMUSIM_TESTS_SUPPORT_SMALL_FIXTURE_H

#include "support/small_system.h"

int small_setup(void **state);
int small_teardown(void **state);
/* Another one in its place. */
struct small_system *small_remake(void **state,
                                  const struct small_options *options);
struct small_options small_options_of(void **state);

/* A CPU's cycles in a bucket; what hardware has taken may end after the last
 * event. */
uint64_t small_bucket(struct small_system *small, uint32_t id,
                      enum bucket bucket);

#endif
