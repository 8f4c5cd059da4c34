/* SPDX-License-Identifier: MIT */
/*
 * The ASID allocator against what it promises, on random schedules of few
 * numbers, many address spaces and several CPUs. Each CPU has a model TLB: who
 * filled it under which number, emptied when the allocator says so. A number
 * that one space uses must never be found filled by another.
 */
#include "coherence/asid_alloc.h"

#include "core/arena.h"
#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { N_BITS = 4, N_ASIDS = 1 << N_BITS, N_CPUS = 5, N_SPACES = 40 };

struct world {
    struct arena arena;
    struct asid_alloc alloc;
    uint64_t ids[N_SPACES];
    uint32_t running[N_CPUS];        /* space; N_SPACES: none */
    uint32_t owner[N_CPUS][N_ASIDS]; /* space that filled; N_SPACES: none */
};

static void world_init(struct world *world)
{
    memset(world, 0, sizeof(*world));
    mmusim__arena_init(&world->arena);
    assert_int_equal(
        mmusim__asid_init(&world->alloc, N_BITS, N_CPUS, &world->arena),
        MMUSIM_OK);
    for (uint32_t cpu = 0; cpu < N_CPUS; cpu++) {
        world->running[cpu] = N_SPACES;
        for (uint32_t asid = 0; asid < N_ASIDS; asid++)
            world->owner[cpu][asid] = N_SPACES;
    }
}

static void world_switch(struct world *world, uint32_t cpu, uint32_t space)
{
    uint64_t before = world->ids[space];
    enum asid_switch how =
        mmusim__asid_switch(&world->alloc, cpu, &world->ids[space]);
    uint16_t asid = asid_of(world->ids[space]);

    assert_int_not_equal(asid, 0);
    assert_true(asid < N_ASIDS);
    if (how == ASID_SWITCH_FLUSH) {
        for (uint32_t i = 0; i < N_ASIDS; i++)
            world->owner[cpu][i] = N_SPACES;
    }
    if (how == ASID_SWITCH_FAST)
        assert_int_equal(world->ids[space], before);
    world->running[cpu] = space;
}

/* The CPU runs: it fills entries under the number it has loaded, and hits those
 * that are there. The number is the one loaded at the switch. */
static void world_run(struct world *world, uint32_t cpu)
{
    uint32_t space = world->running[cpu];
    uint16_t asid = asid_of(world->ids[space]);
    uint32_t *owner = &world->owner[cpu][asid];

    assert_true(*owner == N_SPACES || *owner == space);
    *owner = space;
}

static void no_space_ever_hits_anothers_entries(void **state)
{
    (void) state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct world world;
        struct rng rng;

        world_init(&world);
        mmusim__rng_init(&rng, seed, 0);
        for (uint32_t i = 0; i < 4000; i++) {
            uint32_t cpu = (uint32_t) mmusim__rng_below(&rng, N_CPUS);
            uint32_t space = (uint32_t) mmusim__rng_below(&rng, N_SPACES);

            if (mmusim__rng_below(&rng, 3) || world.running[cpu] == N_SPACES)
                world_switch(&world, cpu, space);
            world_run(&world, cpu);
        }
        assert_true(world.alloc.rollovers > 10);
        mmusim__arena_fini(&world.arena);
    }
}

/* Numbers in use on CPUs survive a rollover. */
static void a_running_space_keeps_its_number(void **state)
{
    struct world world;
    uint16_t asid;

    (void) state;
    world_init(&world);
    world_switch(&world, 0, 0);
    world_switch(&world, 1, 0); /* on two CPUs: both reservations count */
    asid = asid_of(world.ids[0]);
    for (uint32_t space = 1; space < N_SPACES; space++)
        world_switch(&world, 2, space);
    assert_true(world.alloc.rollovers >= 2);
    world_switch(&world, 0, 0);
    assert_int_equal(asid_of(world.ids[0]), asid);
    world_switch(&world, 1, 0);
    assert_int_equal(asid_of(world.ids[0]), asid);
    mmusim__arena_fini(&world.arena);
}

static void numbers_are_given_in_order_from_one(void **state)
{
    struct world world;

    (void) state;
    world_init(&world);
    for (uint32_t space = 0; space < N_ASIDS - 1; space++) {
        world_switch(&world, 0, space);
        assert_int_equal(asid_of(world.ids[space]), space + 1);
        assert_int_equal(world.alloc.rollovers, 0);
    }
    world_switch(&world, 0, N_ASIDS);
    assert_int_equal(world.alloc.rollovers, 1);
    mmusim__arena_fini(&world.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_space_ever_hits_anothers_entries),
        cmocka_unit_test(a_running_space_keeps_its_number),
        cmocka_unit_test(numbers_are_given_in_order_from_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
