/* SPDX-License-Identifier: MIT */
/* See small_fixture.h. */
#include "support/small_fixture.h"

int small_setup(void **state)
{
    struct small_options options;

    small_options_init(&options);
    options.is_reference = true;
    *state = small_create(&options);
    return 0;
}

int small_teardown(void **state)
{
    small_destroy(*state);
    return 0;
}

struct small_system *small_remake(void **state,
                                  const struct small_options *options)
{
    small_destroy(*state);
    *state = small_create(options);
    return *state;
}

struct small_options small_options_of(void **state)
{
    return ((struct small_system *) *state)->options;
}

uint64_t small_bucket(struct small_system *small, uint32_t id,
                      enum bucket bucket)
{
    struct cpu *cpu = &small->system.cpus[id];

    cpu_account(cpu, max_u64(cpu->now, cpu->stolen_until),
                cpu->activity.bucket);
    return cpu->cycles[bucket];
}
