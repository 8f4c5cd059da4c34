/* SPDX-License-Identifier: MIT */
/* The kernel's writes of leaf descriptors reach the observer of
 * break-before-make, with the address that each entry translates. */
#include "coherence/arm_bbm.h"
#include "os/bbm_watch.h"
#include "os/process.h"
#include "support/format_list.h"
#include "tlb/mem_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR UINT64_C(0x7f0012345000)

enum { ASID = 5, RIGHTS = TLB_READ | TLB_WRITE | TLB_USER };

struct world {
    struct pt_format format;
    struct kernel kernel;
    struct system system;
    struct cpu cpu;
    struct mem_model memory;
    struct mm mm;
    struct pte_slot slot;
};

static void world_init_system(struct world *world)
{
    static const struct memory_config fixed = {.model = MEMORY_FIXED};

    world->memory.config = fixed;
    world->system.cpus = &world->cpu;
    world->system.n_cpus = 1;
    world->cpu.mmu.context.has_asid = true;
    world->system.bbm = mmusim__bbm_create(0);
    assert_non_null(world->system.bbm);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct pt_options options = {.isa = "armv8", .granule_bytes = 4096};
    struct kernel *kernel = &world->kernel;
    struct frame_orders orders;
    uint32_t n_new = 0;

    world->format = format_of(&options);
    world_init_system(world);
    kernel->system = &world->system;
    kernel->memory = &world->memory;
    kernel->format = &world->format;
    kernel->tables = mmusim__pt_memory_create();
    kernel->translations = mmusim__translations_create();
    orders = mmusim__kernel_frame_orders(kernel);
    kernel->frames = mmusim__frame_alloc_create(UINT64_C(1) << 26, &orders);
    mmusim__pt_root_create(kernel, &world->mm.space.root);
    world->mm.space.context_id = ASID;
    *state = world;
    return mmusim__pte_make(kernel, &world->mm, VADDR, 0, &world->slot, &n_new);
}

static int teardown(void **state)
{
    struct world *world = *state;

    mmusim__pt_release(&world->kernel, world->mm.space.root);
    mmusim__pt_memory_destroy(world->kernel.tables);
    mmusim__translations_destroy(world->kernel.translations);
    mmusim__frame_alloc_destroy(world->kernel.frames);
    mmusim__bbm_destroy(world->system.bbm);
    free(world);
    return 0;
}

static void install(struct world *world, uint64_t pfn)
{
    assert_int_equal(
        mmusim__pte_install(&world->kernel, &world->slot, (pfn_t){pfn}, RIGHTS),
        MMUSIM_OK);
}

static void flush(struct world *world, uint64_t vaddr)
{
    struct inval_issuer issuer = {.context = {.has_asid = true},
                                  .arm = {.el = 1, .asid_bits = 16}};
    struct inval_operands operands = {
        .reg = {vaddr >> 12 | (uint64_t) ASID << 48}};
    struct arm_dsb stores = {REACH_INNER, ARM_STORES, false};
    struct arm_dsb full = {REACH_INNER, ARM_LOADS_AND_STORES, false};
    struct inval_request request;

    mmusim__inval_decode(mmusim__inval_find(INVAL_ARMV8, "VALE1IS"), &operands,
                         &issuer, &request);
    mmusim__bbm_dsb(world->system.bbm, 0, &stores);
    mmusim__bbm_tlbi(world->system.bbm, 0, &request);
    mmusim__bbm_dsb(world->system.bbm, 0, &full);
}

static void a_page_put_in_the_place_of_another_is_a_violation(void **state)
{
    struct world *world = *state;

    install(world, 100);
    install(world, 200);
    assert_int_equal(mmusim__bbm_omissions(world->system.bbm, BBM_NOT_BROKEN),
                     1);
}

static void a_page_cleared_flushed_and_put_anew_is_none(void **state)
{
    struct world *world = *state;

    install(world, 100);
    mmusim__pte_clear(&world->kernel, &world->slot);
    flush(world, VADDR);
    assert_int_equal(mmusim__bbm_observed(world->system.bbm), 1);
    install(world, 200);
    assert_int_equal(
        mmusim__bbm_violations(world->system.bbm, BBM_OUTPUT_ADDRESS), 0);
}

static void the_index_says_which_page_of_the_table(void **state)
{
    struct world *world = *state;

    world->slot.index += 3;
    install(world, 100);
    mmusim__pte_clear(&world->kernel, &world->slot);
    flush(world, VADDR);
    assert_int_equal(mmusim__bbm_n_pending(world->system.bbm), 1);
    flush(world, VADDR + 3 * 4096);
    assert_int_equal(mmusim__bbm_n_pending(world->system.bbm), 0);
}

static void an_address_space_that_never_ran_is_not_watched(void **state)
{
    struct world *world = *state;

    world->mm.space.context_id = 0;
    install(world, 100);
    install(world, 200);
    assert_int_equal(
        mmusim__bbm_violations(world->system.bbm, BBM_OUTPUT_ADDRESS), 0);
}

static void a_freed_table_is_forgotten(void **state)
{
    struct world *world = *state;

    install(world, 100);
    mmusim__pte_clear(&world->kernel, &world->slot);
    assert_int_equal(mmusim__bbm_n_pending(world->system.bbm), 1);
    mmusim__bbm_watch_free(&world->kernel, world->slot.table);
    assert_int_equal(mmusim__bbm_n_pending(world->system.bbm), 0);
}

#define WATCH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCH_TEST(a_page_put_in_the_place_of_another_is_a_violation),
        WATCH_TEST(a_page_cleared_flushed_and_put_anew_is_none),
        WATCH_TEST(the_index_says_which_page_of_the_table),
        WATCH_TEST(an_address_space_that_never_ran_is_not_watched),
        WATCH_TEST(a_freed_table_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
