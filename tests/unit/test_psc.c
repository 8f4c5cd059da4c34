/* SPDX-License-Identifier: MIT */
/*
 * Kinds of paging-structure caches beside Intel's (which test_walker.c has):
 * AMD's directory cache with PDEs in the second-level TLB, Arm's walk cache.
 * What is cached is the same for all (Intel SDM vol. 3A 4.10.3.1, I2, I7 and
 * I8 of docs/x86-rules.md); where it lies differs.
 */
#include "coherence/x86_ops.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR     UINT64_C(0x00007f1234567000)
#define NEXT_PAGE (VADDR + BASE_PAGE_BYTES)
#define OTHER_2M  (VADDR ^ UINT64_C(1) << 21)
#define OTHER_1G  (VADDR ^ UINT64_C(1) << 30)
#define PDE_SET   UINT64_C(0x00007f1234201000) /* set 1 of 4, as its PDE */

#define BIT_W        (UINT64_C(1) << 1)
#define BIT_A        (UINT64_C(1) << 5)
#define BIT_PS       (UINT64_C(1) << 7)
#define BIT_RESERVED (UINT64_C(1) << 13)

enum { CACHE_CYCLES = 3 };

static const char *const kinds[] = {"per-level", "page-directory",
                                    "walk-cache"};

static struct small_system *make(const char *kind, uint32_t n_levels)
{
    struct small_options options;

    small_options_init(&options);
    options.n_levels = n_levels;
    options.has_pcid = true;
    options.psc.cache = (struct psc_config){16, 16, CACHE_CYCLES};
    snprintf(options.psc.kind, sizeof(options.psc.kind), "%s", kind);
    return small_create(&options);
}

static struct mmu *mmu_of(struct small_system *small)
{
    return &small->system.cpus[0].mmu;
}

static void map(struct small_system *small, uint64_t vaddr, uint32_t level)
{
    small_map_user(small, mmu_of(small)->root, vaddr, level);
}

static void edit(struct small_system *small, uint64_t vaddr, uint32_t level,
                 uint64_t clear, uint64_t set)
{
    uint64_t paddr =
        small_entry_paddr(small, mmu_of(small)->root, vaddr, level);
    uint64_t word = mmusim__pt_read(small->shared.tables, paddr);

    mmusim__pt_write(small->shared.tables, paddr, (word & ~clear) | set);
}

/* Pointers to tables of all levels that are cached anywhere. */
static uint32_t n_pointers(const struct mmu *mmu)
{
    uint32_t n = mmu->tlb[TLB_L2].arrays[0]->n_valid_tables;

    for (uint32_t i = 0; i < mmu->psc.n_own; i++)
        n += mmu->psc.own[i].n_valid;
    return n;
}

static uint64_t reads_of_walk(struct small_system *small, uint64_t vaddr)
{
    uint64_t before = mmu_of(small)->counters.pte_reads;

    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, vaddr), WALK_FILLED);
    return mmu_of(small)->counters.pte_reads - before;
}

static void every_kind_starts_at_the_deepest_table_known(void **state)
{
    (void) state;
    for (size_t k = 0; k < 3; k++) {
        for (uint32_t n_levels = 4; n_levels <= 5; n_levels++) {
            struct small_system *small = make(kinds[k], n_levels);

            map(small, VADDR, 0);
            map(small, NEXT_PAGE, 0);
            map(small, OTHER_2M, 0);
            map(small, OTHER_1G, 0);
            assert_int_equal(reads_of_walk(small, VADDR), n_levels);
            assert_int_equal(n_pointers(mmu_of(small)), n_levels - 1);
            assert_int_equal(reads_of_walk(small, NEXT_PAGE), 1);
            assert_int_equal(reads_of_walk(small, OTHER_2M), 2);
            assert_int_equal(reads_of_walk(small, OTHER_1G), 3);
            small_destroy(small);
        }
    }
}

static void a_hit_costs_the_caches_cycles(void **state)
{
    (void) state;
    for (size_t k = 1; k < 3; k++) {
        struct small_system *small = make(kinds[k], 4);

        map(small, VADDR, 0);
        map(small, NEXT_PAGE, 0);
        small_walk(small, 0, ACCESS_LOAD, VADDR);
        small_walk(small, 0, ACCESS_LOAD, NEXT_PAGE);
        assert_int_equal(small_walk_cycles(small, 0),
                         small->options.walker.start_cycles + CACHE_CYCLES +
                             small->options.memory.fixed_cycles);
        small_destroy(small);
    }
}

static void hits_and_misses_are_counted_by_level(void **state)
{
    (void) state;
    for (size_t k = 0; k < 3; k++) {
        struct small_system *small = make(kinds[k], 4);
        const struct psc *psc = &mmu_of(small)->psc;

        map(small, VADDR, 0);
        map(small, OTHER_2M, 0);
        small_walk(small, 0, ACCESS_LOAD, VADDR); /* misses in all three */
        small_walk(small, 0, ACCESS_LOAD, OTHER_2M);
        assert_int_equal(psc->misses[0], 2);
        assert_int_equal(psc->hits[0], 0);
        assert_int_equal(psc->misses[1], 1);
        assert_int_equal(psc->hits[1], 1); /* the PDPTE; not asked further */
        assert_int_equal(psc->misses[2], 1);
        small_destroy(small);
    }
}

/* I2: nothing from an entry with P = 0 or a reserved bit. I8: the pointers
 * above it are cached, whatever the tables hold. */
static void check_refused(const char *kind, uint32_t level, uint64_t clear,
                          uint64_t set)
{
    struct small_system *small = make(kind, 4);

    map(small, VADDR, 0);
    edit(small, VADDR, level, clear, set);
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FAULTED);
    assert_int_equal(n_pointers(mmu_of(small)), 3 - level);
    small_destroy(small);
}

static void nothing_comes_from_an_unusable_entry(void **state)
{
    (void) state;
    for (size_t k = 0; k < 3; k++) {
        for (uint32_t level = 0; level < 4; level++)
            check_refused(kinds[k], level, 1, 0);
        for (uint32_t level = 1; level < 4; level++)
            check_refused(kinds[k], level, 0, BIT_PS | BIT_RESERVED);
    }
}

/* I2: A is set in every entry before anything is cached from it. */
static void a_is_set_before_a_pointer_is_cached(void **state)
{
    (void) state;
    for (size_t k = 0; k < 3; k++) {
        struct small_system *small = make(kinds[k], 4);

        map(small, VADDR, 0);
        for (uint32_t level = 0; level < 4; level++)
            edit(small, VADDR, level, BIT_A, 0);
        small_walk(small, 0, ACCESS_LOAD, VADDR);
        for (uint32_t level = 0; level < 4; level++) {
            uint64_t paddr =
                small_entry_paddr(small, mmu_of(small)->root, VADDR, level);

            assert_true(mmusim__pt_read(small->shared.tables, paddr) & BIT_A);
        }
        assert_int_equal(n_pointers(mmu_of(small)), 3);
        small_destroy(small);
    }
}

/* I7: rights of all levels above go with the pointer. */
static void a_pointer_carries_the_rights_above_it(void **state)
{
    (void) state;
    for (size_t k = 0; k < 3; k++) {
        for (uint32_t level = 1; level < 4; level++) {
            struct small_system *small = make(kinds[k], 4);
            tlb_data_t data;

            map(small, VADDR, 0);
            map(small, NEXT_PAGE, 0);
            edit(small, VADDR, level, BIT_W, 0);
            small_walk(small, 0, ACCESS_LOAD, VADDR);
            edit(small, VADDR, level, 0, BIT_W);
            small_walk(small, 0, ACCESS_LOAD, NEXT_PAGE);
            assert_true(mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, NEXT_PAGE,
                                          &data));
            assert_false(data & TLB_WRITE);
            small_destroy(small);
        }
    }
}

static void invlpg_drops_every_pointer_of_the_pcid(void **state)
{
    (void) state;
    for (size_t k = 0; k < 3; k++) {
        struct small_system *small = make(kinds[k], 4);
        struct mmu *mmu = mmu_of(small);

        map(small, VADDR, 0);
        small_walk(small, 0, ACCESS_LOAD, VADDR);
        mmusim__x86_mov_cr3(mmu, mmu->root, 1, CR3_NOFLUSH, MISS_SWITCH);
        small_walk(small, 0, ACCESS_LOAD, VADDR);
        assert_int_equal(n_pointers(mmu), 6);
        mmusim__x86_invlpg(mmu, OTHER_1G, MISS_PAGE_FLUSH);
        assert_int_equal(n_pointers(mmu), 3); /* of PCID 0 */
        mmusim__x86_flush_everything(mmu, MISS_FULL_FLUSH);
        assert_int_equal(n_pointers(mmu), 0);
        small_destroy(small);
    }
}

/* The #PF rule: those used for the address. */
static void a_fault_drops_the_pointers_of_its_address(void **state)
{
    (void) state;
    for (size_t k = 0; k < 3; k++) {
        struct small_system *small = make(kinds[k], 4);
        struct mmu *mmu = mmu_of(small);

        map(small, VADDR, 0);
        map(small, OTHER_1G, 0);
        small_walk(small, 0, ACCESS_LOAD, VADDR);
        small_walk(small, 0, ACCESS_LOAD, OTHER_1G);
        assert_int_equal(n_pointers(mmu), 5); /* one PML4E for both */
        mmusim__x86_page_fault(mmu, VADDR);
        assert_int_equal(n_pointers(mmu), 2);
        small_destroy(small);
    }
}

static void a_request_for_leaves_alone_keeps_pointers_in_the_tlb(void **state)
{
    struct small_system *small = make("page-directory", 4);
    struct mmu *mmu = mmu_of(small);
    struct inval inval = mmusim__mmu_scope(mmu);

    (void) state;
    map(small, VADDR, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    inval.hits_nonglobals = inval.hits_globals = true;
    inval.psc = INVAL_PSC_KEEP;
    mmusim__mmu_invalidate(mmu, &inval, MISS_OTHER);
    assert_int_equal(mmu->tlb[TLB_L2].arrays[0]->n_valid, 1);
    assert_int_equal(mmu->tlb[TLB_L2].arrays[0]->n_valid_tables, 1);
    assert_int_equal(n_pointers(mmu), 3);
    small_destroy(small);
}

static void a_pde_in_the_tlb_is_no_translation(void **state)
{
    struct small_system *small = make("page-directory", 4);
    tlb_data_t data;

    (void) state;
    map(small, VADDR, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_int_equal(mmu_of(small)->tlb[TLB_L2].arrays[0]->n_valid_tables, 1);
    assert_false(
        mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, NEXT_PAGE, &data));
    small_destroy(small);
}

/* Of a 2M page and of a table for the same 2M both may be about. */
static void a_large_page_is_no_pointer(void **state)
{
    struct small_system *small = make("page-directory", 4);

    (void) state;
    map(small, VADDR, 1);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    edit(small, VADDR, 1, UINT64_MAX, 0);
    map(small, VADDR, 0);
    mmusim__x86_page_fault(mmu_of(small), OTHER_1G);
    assert_int_equal(reads_of_walk(small, VADDR), 2); /* from the PDPTE */
    small_destroy(small);
}

/* A PDE takes the place of a page in the same set, and is a victim itself. */
static void pointers_and_pages_compete(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct mmu *mmu;

    (void) state;
    small_options_init(&options);
    snprintf(options.psc.kind, sizeof(options.psc.kind), "page-directory");
    options.psc.cache = (struct psc_config){16, 16, CACHE_CYCLES};
    small_options_tlb(&options, TLB_L2, 2, 2);
    small = small_create(&options);
    mmu = mmu_of(small);
    map(small, VADDR, 0);
    map(small, NEXT_PAGE, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR); /* PDE and page: full */
    assert_int_equal(mmu->tlb[TLB_L2].evictions, 0);
    small_walk(small, 0, ACCESS_LOAD, NEXT_PAGE); /* uses the PDE */
    assert_int_equal(mmu->tlb[TLB_L2].evictions, 1);
    assert_int_equal(mmu->tlb[TLB_L2].arrays[0]->n_valid_tables, 1);
    assert_int_equal(reads_of_walk(small, VADDR), 1);
    small_destroy(small);
}

/* The look-up of a pointer marked a way of another set as used, or wrote past
 * the array. Eight pages go through the set of their PDE, which each uses. */
static void regress_a_pde_used_is_the_pde_kept(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct mmu *mmu;
    const uint64_t same_set = UINT64_C(4) << 12;

    (void) state;
    small_options_init(&options);
    snprintf(options.psc.kind, sizeof(options.psc.kind), "page-directory");
    options.psc.cache = (struct psc_config){16, 16, CACHE_CYCLES};
    small_options_tlb(&options, TLB_L2, 8, 2);
    options.tlb[TLB_L2].arrays[0].n_ways = 2;
    small = small_create(&options);
    mmu = mmu_of(small);
    for (uint64_t i = 0; i < 8; i++)
        map(small, PDE_SET + i * same_set, 0);
    for (uint64_t i = 0; i < 8; i++)
        small_walk(small, 0, ACCESS_LOAD, PDE_SET + i * same_set);
    assert_int_equal(mmu->tlb[TLB_L2].arrays[0]->n_valid_tables, 1);
    assert_int_equal(mmu->psc.hits[0], 7);
    small_destroy(small);
}

static void a_walk_cache_may_hold_last_tables_alone(void **state)
{
    struct small_options options;
    struct small_system *small;

    (void) state;
    small_options_init(&options);
    snprintf(options.psc.kind, sizeof(options.psc.kind), "walk-cache");
    options.psc.cache = (struct psc_config){16, 4, CACHE_CYCLES};
    options.psc.holds_last_only = true;
    small = small_create(&options);
    map(small, VADDR, 0);
    map(small, NEXT_PAGE, 0);
    map(small, OTHER_2M, 0);
    map(small, OTHER_1G, 1);
    assert_int_equal(reads_of_walk(small, VADDR), 4);
    assert_int_equal(n_pointers(mmu_of(small)), 1);
    assert_int_equal(reads_of_walk(small, NEXT_PAGE), 1);
    assert_int_equal(reads_of_walk(small, OTHER_2M), 4);
    /* "a section or larger mapping": nothing is placed in it */
    assert_int_equal(reads_of_walk(small, OTHER_1G), 3);
    assert_int_equal(n_pointers(mmu_of(small)), 2);
    small_destroy(small);
}

/* Levels share the array: pointers to upper tables can push last ones out. */
static void levels_of_a_walk_cache_compete(void **state)
{
    struct small_options options;
    struct small_system *small;

    (void) state;
    small_options_init(&options);
    snprintf(options.psc.kind, sizeof(options.psc.kind), "walk-cache");
    options.psc.cache = (struct psc_config){3, 3, CACHE_CYCLES};
    small = small_create(&options);
    map(small, VADDR, 0);
    map(small, NEXT_PAGE, 0);
    map(small, OTHER_1G, 0);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    small_walk(small, 0, ACCESS_LOAD, OTHER_1G); /* from the PML4E; two more */
    assert_int_equal(n_pointers(mmu_of(small)), 3);
    assert_int_equal(reads_of_walk(small, NEXT_PAGE), 3);
    small_destroy(small);
}

static void impossible_caches_are_refused(void **state)
{
    struct psc_options options = {.kind = "walk-cache", .cache = {10, 3, 0}};
    const char *key = NULL;

    (void) state;
    assert_non_null(mmusim__psc_refuses(&options, &key));
    assert_string_equal(key, "cache");
    snprintf(options.kind, sizeof(options.kind), "per-level");
    assert_null(mmusim__psc_refuses(&options, &key));
    options.levels[1] = (struct psc_config){6, 2, 0};
    assert_non_null(mmusim__psc_refuses(&options, &key));
    assert_string_equal(key, "pdpte");
    snprintf(options.kind, sizeof(options.kind), "clairvoyant");
    assert_non_null(mmusim__psc_refuses(&options, &key));
    assert_string_equal(key, "kind");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_starts_at_the_deepest_table_known),
        cmocka_unit_test(a_hit_costs_the_caches_cycles),
        cmocka_unit_test(hits_and_misses_are_counted_by_level),
        cmocka_unit_test(nothing_comes_from_an_unusable_entry),
        cmocka_unit_test(a_is_set_before_a_pointer_is_cached),
        cmocka_unit_test(a_pointer_carries_the_rights_above_it),
        cmocka_unit_test(invlpg_drops_every_pointer_of_the_pcid),
        cmocka_unit_test(a_fault_drops_the_pointers_of_its_address),
        cmocka_unit_test(a_request_for_leaves_alone_keeps_pointers_in_the_tlb),
        cmocka_unit_test(a_pde_in_the_tlb_is_no_translation),
        cmocka_unit_test(a_large_page_is_no_pointer),
        cmocka_unit_test(pointers_and_pages_compete),
        cmocka_unit_test(regress_a_pde_used_is_the_pde_kept),
        cmocka_unit_test(a_walk_cache_may_hold_last_tables_alone),
        cmocka_unit_test(levels_of_a_walk_cache_compete),
        cmocka_unit_test(impossible_caches_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
