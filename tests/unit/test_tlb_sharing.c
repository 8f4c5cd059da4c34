/* SPDX-License-Identifier: MIT */
/* TLB arrays that threads of a core, or cores, have in common: closed forms on
 * whole runs, and whose entries they are. */
#include "support/machine_run.h"
#include "support/small_system.h"
#include "tlb/mmu_sharing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { BASE = 0x10000000, PAGES_EACH = 0x100 };

static int setup(void **state)
{
    *state = run_fixture_create(1);
    return 0;
}

/* ---- whole runs ---- */

static void one_array(struct machine_config *config, enum tlb_level level,
                      uint32_t n_entries, enum tlb_smt smt)
{
    struct tlb_array_config *array = &config->tlb[level].arrays[0];

    config->tlb[level].n_arrays = 1;
    array->n_entries = array->n_ways = n_entries;
    array->n_orders = 1;
    array->orders[0] = 0;
    array->hit_cycles = 0;
    array->smt = smt;
}

/* Each thread touches pages of its own in turn; the first maps them all and
 * touches them before the others are born. */
static void touch(struct run_fixture *fixture, uint32_t n_threads,
                  uint32_t n_pages, uint32_t n_rounds)
{
    struct program *program = fixture->program;

    program_say(program, "1 mmap 0x%x 0x800000 rw-\n", BASE);
    for (uint32_t tid = 2; tid <= n_threads; tid++)
        program_say(program, "1 clone %u\n", tid);
    for (uint32_t i = 0; i < n_pages * n_rounds; i++) {
        for (uint32_t tid = 1; tid <= n_threads; tid++)
            program_say(program, "%u w 0x%x\n", tid,
                        BASE +
                            (tid * PAGES_EACH + i % n_pages) * BASE_PAGE_BYTES);
    }
}

static void two_threads(struct run_fixture *fixture, enum tlb_smt smt)
{
    fixture->config.threads_per_core = 2;
    one_array(&fixture->config, TLB_L1D, 16, smt);
    fixture->config.tlb[TLB_L2].n_arrays = 0;
}

static uint64_t l1d_misses(const struct run_fixture *fixture, uint32_t cpu)
{
    return run_core_stat(&fixture->run, cpu, "l1d.misses");
}

static void a_thread_alone_has_all_of_a_shared_array(void **state)
{
    struct run_fixture *fixture = *state;

    two_threads(fixture, TLB_SMT_SHARED);
    touch(fixture, 1, 16, 4);
    run_fixture_run(fixture);
    assert_int_equal(l1d_misses(fixture, 0), 16);
}

static void a_thread_alone_has_half_of_a_partitioned_array(void **state)
{
    struct run_fixture *fixture = *state;

    two_threads(fixture, TLB_SMT_PARTITIONED);
    touch(fixture, 1, 9, 4); /* LRU: one too many, and none is found */
    run_fixture_run(fixture);
    assert_int_equal(l1d_misses(fixture, 0), 9 * 4);
}

static void two_threads_fill_a_shared_array_together(void **state)
{
    struct run_fixture *fixture = *state;

    two_threads(fixture, TLB_SMT_SHARED);
    touch(fixture, 2, 8, 4);
    run_fixture_run(fixture);
    assert_int_equal(l1d_misses(fixture, 0), 8);
    assert_int_equal(l1d_misses(fixture, 1), 8);
    assert_int_equal(run_stat(&fixture->run, "l1d.evictions"), 0);
}

static void two_threads_of_one_page_need_two_entries(void **state)
{
    struct run_fixture *fixture = *state;
    struct program *program = fixture->program;

    two_threads(fixture, TLB_SMT_SHARED);
    program_say(program, "1 mmap 0x%x 0x1000 rw-\n1 w 0x%x\n1 clone 2\n", BASE,
                BASE);
    program_say(program, "2 w 0x%x\n2 w 0x%x\n", BASE, BASE);
    run_fixture_run(fixture);
    assert_int_equal(l1d_misses(fixture, 1), 1);
    assert_int_equal(run_core_stat(&fixture->run, 1, "llt.misses"), 1);
}

/* Two cores and their l1d of 4; behind it a last level of both. */
static void two_cores(struct run_fixture *fixture, uint32_t n_entries)
{
    fixture->config.cores_per_socket = 2;
    one_array(&fixture->config, TLB_L1D, 4, TLB_SMT_PRIVATE);
    fixture->config.tlb[TLB_L2].n_arrays = 0;
    one_array(&fixture->config, TLB_L3, n_entries, TLB_SMT_PRIVATE);
    fixture->config.tlb[TLB_L3].arrays[0].hit_cycles = 23;
}

static void an_l3_hit_costs_its_time_and_is_the_requesters(void **state)
{
    struct run_fixture *fixture = *state;

    two_cores(fixture, 64);
    touch(fixture, 2, 8, 4);
    run_fixture_run(fixture);
    for (uint32_t cpu = 0; cpu < 2; cpu++) {
        assert_int_equal(run_core_stat(&fixture->run, cpu, "l3.accesses"), 32);
        assert_int_equal(run_core_stat(&fixture->run, cpu, "l3.misses"), 8);
        assert_int_equal(run_core_stat(&fixture->run, cpu, "llt.misses"), 8);
        assert_int_equal(run_core_stat(&fixture->run, cpu, "cycles.l3_tlb"),
                         24 * 23);
    }
    assert_int_equal(run_stat(&fixture->run, "l3.0.accesses"), 64);
    assert_int_equal(run_stat(&fixture->run, "l3.0.hits"), 48);
}

static void cores_compete_for_a_last_level(void **state)
{
    struct run_fixture *fixture = *state;

    two_cores(fixture, 15);
    touch(fixture, 2, 8, 4);
    run_fixture_run(fixture);
    assert_true(run_stat(&fixture->run, "l3.0.evictions") > 0);
    assert_true(run_stat(&fixture->run, "l3.0.misses") > 16);
    assert_int_equal(run_stat(&fixture->run, "miss.cold"), 16);
    assert_int_equal(run_stat(&fixture->run, "miss.capacity"),
                     run_stat(&fixture->run, "l3.0.misses") - 16);
}

static void each_instance_of_a_last_level_has_its_cores(void **state)
{
    struct run_fixture *fixture = *state;

    two_cores(fixture, 64);
    fixture->config.tlb_sharing.l3_cores = 1;
    touch(fixture, 2, 8, 4);
    run_fixture_run(fixture);
    for (uint32_t i = 0; i < 2; i++) {
        const char *const names[] = {"l3.0.accesses", "l3.1.accesses"};

        assert_int_equal(run_stat(&fixture->run, names[i]),
                         run_core_stat(&fixture->run, i, "l3.accesses"));
    }
}

/* ---- whose entries ---- */

/* One core of two threads; every level shared. */
static struct small_system *create_pair(bool has_cnp)
{
    struct small_options options;

    small_options_init(&options);
    options.n_sockets = options.cores_per_socket = 1;
    options.threads_per_core = 2;
    options.shares_tlbs = true;
    options.has_cnp = has_cnp;
    for (uint32_t level = 0; level < TLB_L3; level++)
        options.tlb[level].arrays[0].smt = TLB_SMT_SHARED;
    return small_create(&options);
}

static struct mmu *mmu_of(struct small_system *small, uint32_t cpu)
{
    return &small->system.cpus[cpu].mmu;
}

static void fill(struct mmu *mmu, uint64_t vaddr, uint32_t id)
{
    const struct mmu_fill fill = {
        .vaddr = vaddr,
        .tags = mmu->tags,
        .data = tlb_data((pfn_t){7}, TLB_READ),
        .translation_id = id,
        .kinds = 1U << ACCESS_LOAD,
    };

    mmusim__mmu_fill(mmu, &fill);
}

static bool finds(struct mmu *mmu, uint64_t vaddr)
{
    tlb_data_t data;

    return mmusim__mmu_probe(mmu, ACCESS_LOAD, vaddr, &data);
}

static void drop(struct mmu *mmu, uint64_t vaddr)
{
    struct inval inval = mmusim__mmu_scope(mmu);

    inval.has_range = true;
    inval.vpn = vpn_of(vaddr);
    inval.n_pages = 1;
    inval.has_asid = true;
    inval.asid = mmu->context.asid;
    inval.hits_globals = inval.hits_nonglobals = true;
    mmusim__mmu_invalidate(mmu, &inval, MISS_PAGE_FLUSH);
}

static void an_entry_serves_the_thread_that_brought_it(void **state)
{
    struct small_system *small = create_pair(false);

    (void) state;
    fill(mmu_of(small, 0), BASE, 0);
    assert_true(finds(mmu_of(small, 0), BASE));
    assert_false(finds(mmu_of(small, 1), BASE));
    small_destroy(small);
}

static void an_invalidation_leaves_the_other_threads_entry(void **state)
{
    struct small_system *small = create_pair(false);

    (void) state;
    fill(mmu_of(small, 0), BASE, 0);
    fill(mmu_of(small, 1), BASE, 0);
    drop(mmu_of(small, 1), BASE);
    assert_true(finds(mmu_of(small, 0), BASE));
    assert_false(finds(mmu_of(small, 1), BASE));
    small_destroy(small);
}

static void with_cnp_an_entry_serves_both_threads(void **state)
{
    struct small_system *small = create_pair(true);

    (void) state;
    fill(mmu_of(small, 0), BASE, 0);
    assert_true(finds(mmu_of(small, 1), BASE));
    drop(mmu_of(small, 1), BASE);
    assert_false(finds(mmu_of(small, 0), BASE)); /* shortcuts included */
    small_destroy(small);
}

/* A thread hears of the loss only if it has used the entry. */
static void with_cnp_a_loss_is_that_of_its_users(void **state)
{
    struct small_system *small = create_pair(true);
    uint32_t used = mmusim__translation_begin(small->translations);
    uint32_t unused = mmusim__translation_begin(small->translations);

    (void) state;
    fill(mmu_of(small, 0), BASE, used);
    fill(mmu_of(small, 0), BASE + BASE_PAGE_BYTES, unused);
    assert_true(finds(mmu_of(small, 1), BASE));
    drop(mmu_of(small, 0), BASE);
    drop(mmu_of(small, 0), BASE + BASE_PAGE_BYTES);
    assert_int_equal(mmusim__miss_log_cause(mmu_of(small, 1)->log, used),
                     MISS_PAGE_FLUSH);
    assert_int_equal(mmusim__miss_log_cause(mmu_of(small, 1)->log, unused),
                     MISS_COLD);
    small_destroy(small);
}

/* A fragment that one thread brought goes by an invalidation of the other. */
static void with_cnp_fragments_are_known_to_both(void **state)
{
    struct small_system *small = create_pair(true);
    struct mmu_fill large = {.vaddr = BASE + 5 * BASE_PAGE_BYTES,
                             .order = 27,
                             .data = tlb_data((pfn_t){0}, TLB_READ),
                             .kinds = 1U << ACCESS_LOAD};

    (void) state;
    mmusim__mmu_fill(mmu_of(small, 0), &large);
    drop(mmu_of(small, 1), BASE);
    assert_false(finds(mmu_of(small, 0), large.vaddr));
    small_destroy(small);
}

static void a_thread_that_loses_its_entry_to_another_misses_for_it(void **state)
{
    struct small_system *small = create_pair(false);
    uint32_t id = mmusim__translation_begin(small->translations);

    (void) state;
    mmu_of(small, 0)->root.v = 1;
    mmu_of(small, 1)->root.v = 2;
    fill(mmu_of(small, 0), BASE, id);
    for (uint64_t page = 0; page < 1024; page++)
        fill(mmu_of(small, 1), page << BASE_PAGE_SHIFT, 0);
    assert_false(finds(mmu_of(small, 0), BASE));
    assert_int_equal(mmusim__miss_log_cause(mmu_of(small, 0)->log, id),
                     MISS_ASID);
    small_destroy(small);
}

/* Where threads share an L1 and each has an L2 of victims, an entry that the
 * other thread displaces is still found, and invalidated, by its own. */
static void regress_a_victim_goes_to_the_level_of_its_owner(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct mmu *mmu, *other;

    (void) state;
    small_options_init(&options);
    options.n_sockets = options.cores_per_socket = 1;
    options.threads_per_core = 2;
    options.shares_tlbs = true;
    options.tlb[TLB_L1D].arrays[0].smt = TLB_SMT_SHARED;
    options.l2_policy = &mmusim__fill_victim;
    small = small_create(&options);
    mmu = mmu_of(small, 0);
    other = mmu_of(small, 1);
    fill(mmu, BASE, 0);
    for (uint64_t page = 0; page < options.tlb[TLB_L1D].arrays[0].n_entries;
         page++)
        fill(other, page << BASE_PAGE_SHIFT, 0);
    assert_int_equal(mmu->tlb[TLB_L2].arrays[0]->n_valid, 1);
    assert_int_equal(other->tlb[TLB_L2].arrays[0]->n_valid, 0);
    drop(mmu, BASE);
    assert_false(finds(mmu, BASE));
    small_destroy(small);
}

/* The most recent hit may leave out its touch only while nobody else has
 * touched the array: else LRU would take the wrong entry. */
static void a_shortcut_ends_when_the_sibling_uses_the_array(void **state)
{
    struct small_system *small = create_pair(false);
    struct mmu *mmu = mmu_of(small, 0);
    struct mmu *other = mmu_of(small, 1);
    uint32_t n_entries = small->options.tlb[TLB_L1D].arrays[0].n_entries;

    (void) state;
    fill(mmu, BASE, 0);
    assert_true(finds(mmu, BASE));
    for (uint64_t page = 0; page + 1 < n_entries; page++)
        fill(other, page << BASE_PAGE_SHIFT, 0);
    assert_true(finds(mmu, BASE)); /* now the last used */
    fill(other, UINT64_C(1) << 40, 0);
    assert_int_not_equal(mmusim__tlb_array_probe(mmu->tlb[TLB_L1D].arrays[0],
                                                 vpn_of(BASE), mmu->tags),
                         TLB_NO_SLOT);
    small_destroy(small);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, run_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_thread_alone_has_all_of_a_shared_array),
        TEST(a_thread_alone_has_half_of_a_partitioned_array),
        TEST(two_threads_fill_a_shared_array_together),
        TEST(two_threads_of_one_page_need_two_entries),
        TEST(an_l3_hit_costs_its_time_and_is_the_requesters),
        TEST(cores_compete_for_a_last_level),
        TEST(each_instance_of_a_last_level_has_its_cores),
        cmocka_unit_test(an_entry_serves_the_thread_that_brought_it),
        cmocka_unit_test(an_invalidation_leaves_the_other_threads_entry),
        cmocka_unit_test(with_cnp_an_entry_serves_both_threads),
        cmocka_unit_test(with_cnp_a_loss_is_that_of_its_users),
        cmocka_unit_test(with_cnp_fragments_are_known_to_both),
        cmocka_unit_test(
            a_thread_that_loses_its_entry_to_another_misses_for_it),
        cmocka_unit_test(regress_a_victim_goes_to_the_level_of_its_owner),
        cmocka_unit_test(a_shortcut_ends_when_the_sibling_uses_the_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
