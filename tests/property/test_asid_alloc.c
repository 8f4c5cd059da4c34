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
    uint16_t loaded[N_CPUS];         /* number, as the hardware has it */
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
    world->loaded[cpu] = asid;
}

/* The CPU runs: it fills entries under the number it has loaded, and hits those
 * that are there. The number is the one loaded at the switch. */
static void world_run(struct world *world, uint32_t cpu)
{
    uint32_t space = world->running[cpu];
    uint32_t *owner = &world->owner[cpu][world->loaded[cpu]];

    assert_true(*owner == N_SPACES || *owner == space);
    *owner = space;
}

/* A flush of a space is sent to its number: whoever runs it must have that. */
static bool world_can_be_flushed(const struct world *world)
{
    for (uint32_t cpu = 0; cpu < N_CPUS; cpu++) {
        uint32_t space = world->running[cpu];

        if (space != N_SPACES &&
            world->loaded[cpu] != asid_of(world->ids[space]))
            return false;
    }
    return true;
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
            assert_true(world_can_be_flushed(&world));
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

/* [B39]: one of two CPUs loses its reservation at the second rollover. Each
 * rollover takes more spaces than there are numbers, run by CPU 2. */
static void roll_over(struct world *world, uint32_t *next_space)
{
    uint64_t before = world->alloc.rollovers;

    while (world->alloc.rollovers == before) {
        world_switch(world, 2, 1 + *next_space % (N_SPACES - 1));
        ++*next_space;
    }
}

static void b39_every_copy_of_a_reservation_is_renewed(void **state)
{
    (void) state;
    for (uint32_t is_buggy = 0; is_buggy < 2; is_buggy++) {
        struct world world;
        uint32_t next_space = 0;

        world_init(&world);
        world.alloc.reserves_first = is_buggy;
        world_switch(&world, 0, 0);
        world_switch(&world, 1, 0);
        roll_over(&world, &next_space);
        world_switch(&world, 0, 0); /* renews; CPU 1 runs on */
        world_switch(&world, 0, N_SPACES - 1);
        roll_over(&world, &next_space);
        assert_true(world_can_be_flushed(&world));
        world_switch(&world, 0, 0);
        assert_int_equal(world_can_be_flushed(&world), !is_buggy);
        mmusim__arena_fini(&world.arena);
    }
}

/* KPTI: even numbers, the odd one after it is the same space's. */
static void pairs_are_even_and_half_as_many(void **state)
{
    (void) state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct world world;
        struct rng rng;

        world_init(&world);
        mmusim__asid_pair(&world.alloc);
        mmusim__rng_init(&rng, seed, 1);
        for (uint32_t space = 0; space < N_ASIDS / 2 - 1; space++) {
            world_switch(&world, 0, space);
            assert_int_equal(asid_of(world.ids[space]), 2 * (space + 1));
        }
        assert_int_equal(world.alloc.rollovers, 0);
        for (uint32_t i = 0; i < 4000; i++) {
            uint32_t cpu = (uint32_t) mmusim__rng_below(&rng, N_CPUS);

            world_switch(&world, cpu,
                         (uint32_t) mmusim__rng_below(&rng, N_SPACES));
            assert_int_equal(world.loaded[cpu] % 2, 0);
            world_run(&world, cpu);
            assert_true(world_can_be_flushed(&world));
        }
        assert_true(world.alloc.rollovers > 10);
        mmusim__arena_fini(&world.arena);
    }
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
        cmocka_unit_test(b39_every_copy_of_a_reservation_is_renewed),
        cmocka_unit_test(pairs_are_even_and_half_as_many),
        cmocka_unit_test(numbers_are_given_in_order_from_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
