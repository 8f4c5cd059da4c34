/* SPDX-License-Identifier: MIT */
/*
 * Walks of a guest: how many references, what each cache saves, sizes that
 * differ, faults of either stage, tags.
 */
#include "coherence/x86_ops.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VADDR     UINT64_C(0x00007f1234567000)
#define NEXT_PAGE (VADDR + BASE_PAGE_BYTES)
#define BIT_W     (UINT64_C(1) << 1)
#define BIT_A     (UINT64_C(1) << 5)
#define BIT_D     (UINT64_C(1) << 6)

enum { NESTED_CYCLES = 7, POINTER_CYCLES = 19 };

/* No cache but the TLBs; all memory backed by 4K blocks. */
static void bare(struct small_options *options)
{
    small_options_init(options);
    memset(&options->psc, 0, sizeof(options->psc));
    options->has_pcid = true;
    options->stage2 = (struct pt_options){.isa = "x86-64"};
    options->nested = (struct nested_config){.is_populated = true};
}

static void with_nested_tlb(struct small_options *options)
{
    options->nested.tlb = (struct psc_config){64, 4, NESTED_CYCLES};
}

static void with_pointers(struct small_options *options)
{
    options->nested.pointers = (struct psc_config){32, 32, POINTER_CYCLES};
}

static struct mmu *mmu_of(struct small_system *small)
{
    return &small->system.cpus[0].mmu;
}

static void map(struct small_system *small, uint64_t vaddr, uint32_t level)
{
    small_map_user(small, mmu_of(small)->root, vaddr, level);
}

static uint64_t reads_of(struct small_system *small, uint64_t vaddr)
{
    uint64_t before = mmu_of(small)->counters.pte_reads;

    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, vaddr), WALK_FILLED);
    return mmu_of(small)->counters.pte_reads - before;
}

static uint64_t gpaddr_of(struct small_system *small, uint64_t vaddr,
                          uint32_t level)
{
    return small_entry_paddr(small, mmu_of(small)->root, vaddr, level);
}

/* The word of the second stage's leaf for a guest-physical address. */
static uint64_t nested_leaf(struct small_system *small, uint64_t gpaddr)
{
    const struct nested *nested = &small->nested;

    return mmusim__nested_word_paddr(
        nested, gpaddr,
        pt_leaf_level(&nested->format, nested->config.page_order));
}

/* ---- references ---- */

/* n * m + n + m: 24 for 4 x 4, 35 for 5 x 5 (Bhargava et al., ASPLOS 2008). */
static void a_walk_in_two_dimensions_takes_its_closed_form(void **state)
{
    static const char *const variants[] = {"ept", "npt", "ept-no-ad"};

    (void) state;
    for (uint32_t v = 0; v < 3; v++) {
        for (uint32_t n = 4; n <= 5; n++) {
            for (uint32_t m = 4; m <= 5; m++) {
                struct small_options options;
                struct small_system *small;

                bare(&options);
                options.n_levels = n;
                options.stage2.variant = variants[v];
                options.stage2.n_levels = m;
                small = small_create(&options);
                map(small, VADDR, 0);
                assert_int_equal(reads_of(small, VADDR), n * m + n + m);
                assert_int_equal(mmu_of(small)->nested.stage2_reads, n * m + m);
                assert_int_equal(small_walk_cycles(small, 0),
                                 options.walker.start_cycles +
                                     (n * m + n + m) *
                                         options.memory.fixed_cycles);
                small_destroy(small);
            }
        }
    }
}

/* g levels of the guest that are read, h of the host: g*h + g + h again. */
static void larger_pages_of_either_stage_save_their_levels(void **state)
{
    static const uint32_t orders[] = {0, 9, 18};

    (void) state;
    for (uint32_t leaf = 0; leaf < 3; leaf++) {
        for (uint32_t host_leaf = 0; host_leaf < 3; host_leaf++) {
            uint32_t g = 4 - leaf, h = 4 - host_leaf;
            struct small_options options;
            struct small_system *small;

            bare(&options);
            options.nested.page_order = orders[host_leaf];
            small = small_create(&options);
            map(small, VADDR, leaf);
            assert_int_equal(reads_of(small, VADDR), g * h + g + h);
            small_destroy(small);
        }
    }
}

static void the_closed_form_holds_with_a_nested_tlb_of_no_use(void **state)
{
    struct small_options options;
    struct small_system *small;

    (void) state;
    bare(&options);
    with_nested_tlb(&options);
    small = small_create(&options);
    map(small, VADDR, 0);
    assert_int_equal(reads_of(small, VADDR), 24); /* all cold */
    assert_int_equal(mmu_of(small)->nested.misses, 5);
    small_destroy(small);
}

/* ---- caches ---- */

static void the_nested_tlb_saves_the_second_stage_of_known_tables(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct mmu *mmu;

    (void) state;
    bare(&options);
    with_nested_tlb(&options);
    small = small_create(&options);
    mmu = mmu_of(small);
    map(small, VADDR, 0);
    map(small, NEXT_PAGE, 0);
    reads_of(small, VADDR);
    /* Four guest entries, and four of the new page's second stage. */
    assert_int_equal(reads_of(small, NEXT_PAGE), 8);
    assert_int_equal(mmu->nested.hits, 4);
    assert_int_equal(mmu->nested.misses, 5 + 1);
    assert_int_equal(small_walk_cycles(small, 0),
                     options.walker.start_cycles + 4 * NESTED_CYCLES +
                         8 * options.memory.fixed_cycles);
    small_destroy(small);
}

static void pointers_of_the_second_stage_shorten_it(void **state)
{
    struct small_options options;
    struct small_system *small;

    (void) state;
    bare(&options);
    with_pointers(&options);
    small = small_create(&options);
    map(small, VADDR, 0);
    /* The guest's frames lie in one 2M: after the first translation each of
     * the other four begins at the last table. */
    assert_int_equal(reads_of(small, VADDR), 4 + 4 + 4 * 1);
    assert_int_equal(small_walk_cycles(small, 0),
                     options.walker.start_cycles + 4 * POINTER_CYCLES +
                         12 * options.memory.fixed_cycles);
    small_destroy(small);
}

/* A combined pointer names the table by its host address: nothing of the
 * levels above is read, in either stage. */
static void a_combined_pointer_skips_both_stages(void **state)
{
    struct small_options options;
    struct small_system *small;

    (void) state;
    bare(&options);
    for (uint32_t i = 0; i < 3; i++)
        options.psc.levels[i] = (struct psc_config){16, 16, 2};
    small = small_create(&options);
    map(small, VADDR, 0);
    map(small, NEXT_PAGE, 0);
    assert_int_equal(reads_of(small, VADDR), 24);
    assert_int_equal(reads_of(small, NEXT_PAGE), 1 + 4);
    assert_int_equal(mmu_of(small)->psc.hits[0], 1);
    small_destroy(small);
}

/* ---- sizes ---- */

static void an_entry_has_the_smaller_of_both_sizes(void **state)
{
    static const uint32_t orders[] = {0, 9, 18};

    (void) state;
    for (uint32_t guest = 0; guest < 3; guest++) {
        for (uint32_t host = 0; host < 3; host++) {
            struct small_options options;
            struct small_system *small;
            const struct tlb_array *array;
            uint64_t gpaddr, paddr = 0;
            uint32_t slot;

            bare(&options);
            options.nested.page_order = orders[host];
            small = small_create(&options);
            map(small, VADDR, guest);
            reads_of(small, VADDR);
            array = mmu_of(small)->tlb[TLB_L2].arrays[0];
            slot = mmusim__tlb_array_probe(array, vpn_of(VADDR),
                                           mmu_of(small)->tags);
            assert_int_not_equal(slot, TLB_NO_SLOT);
            assert_int_equal(tlb_key_order(array->keys[slot]),
                             orders[guest < host ? guest : host]);
            gpaddr = mmusim__pt_read(small->shared.tables,
                                     gpaddr_of(small, VADDR, guest)) &
                     UINT64_C(0x000ffffffffff000);
            gpaddr |= VADDR & ((UINT64_C(4096) << orders[guest]) - 1);
            assert_true(mmusim__nested_find(&small->nested, gpaddr, &paddr));
            assert_int_equal(
                tlb_data_pfn(array->data[slot]).v,
                align_down(paddr >> 12,
                           UINT64_C(1) << orders[guest < host ? guest : host]));
            small_destroy(small);
        }
    }
}

/* A guest's large page in small pieces: INVLPG on any address of it takes all
 * (SDM vol. 3A 4.10.4.1). */
static void an_invlpg_reaches_every_piece_of_a_fractured_page(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct mmu *mmu;
    tlb_data_t data;

    (void) state;
    bare(&options);
    small = small_create(&options);
    mmu = mmu_of(small);
    map(small, VADDR, 1);
    for (uint32_t i = 0; i < 4; i++)
        reads_of(small, (VADDR & ~UINT64_C(0x1fffff)) + i * 0x7b000);
    assert_int_equal(mmu->tlb[TLB_L2].arrays[0]->n_valid, 4);
    mmusim__x86_invlpg(mmu, VADDR | 0x1ff000, MISS_PAGE_FLUSH);
    assert_int_equal(mmu->tlb[TLB_L2].arrays[0]->n_valid, 0);
    assert_false(mmusim__mmu_probe(mmu, ACCESS_LOAD,
                                   VADDR & ~UINT64_C(0x1fffff), &data));
    small_destroy(small);
}

/* ---- faults ---- */

static void an_unbacked_address_faults_to_the_hypervisor(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct walk_request request = {.vaddr = VADDR};
    uint64_t gpaddr;

    (void) state;
    bare(&options);
    options.nested.is_populated = false;
    small = small_create(&options);
    map(small, VADDR, 0);
    /* The root first, then each table, then the page. */
    for (uint32_t i = 0; i < 5; i++) {
        mmusim__walk_ask(mmu_of(small), &request, 0);
        small_drain(small);
        assert_int_equal(small->cpus[0].outcome, WALK_FAULTED);
        assert_int_equal(request.fault.kind, WALK_FAULT_STAGE2);
        assert_false(request.fault.is_refused);
        gpaddr = i < 4 ? gpaddr_of(small, VADDR, 3 - i)
                       : mmusim__pt_read(small->shared.tables,
                                         gpaddr_of(small, VADDR, 0));
        assert_int_equal(request.fault.gpaddr >> 12 & 0xfffffff,
                         gpaddr >> 12 & 0xfffffff);
        assert_int_equal(
            mmusim__nested_back(&small->nested, request.fault.gpaddr),
            MMUSIM_OK);
    }
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FILLED);
    small_destroy(small);
}

static void the_guests_own_fault_is_told_apart(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct walk_request request = {.vaddr = VADDR};

    (void) state;
    bare(&options);
    small = small_create(&options);
    map(small, VADDR, 0);
    mmusim__pt_write(small->shared.tables, gpaddr_of(small, VADDR, 1), 0);
    mmusim__walk_ask(mmu_of(small), &request, 0);
    small_drain(small);
    assert_int_equal(request.fault.kind, WALK_FAULT_ABSENT);
    assert_int_equal(request.fault.level, 1);
    small_destroy(small);
}

/* The second stage forbids writing a page: a load passes, a store exits. A
 * table's page it forbids to write: every walk exits (APM 15.25.5). */
static void a_right_that_the_second_stage_lacks_exits(void **state)
{
    for (uint32_t is_table = 0; is_table < 2; is_table++) {
        struct small_options options;
        struct small_system *small;
        struct walk_request load = {.vaddr = VADDR, .need = WALK_FOR_MISS};
        struct walk_request store = {.vaddr = VADDR, .kind = ACCESS_STORE};
        uint64_t gpaddr, where;

        bare(&options);
        small = small_create(&options);
        map(small, VADDR, 0);
        reads_of(small, VADDR); /* the tables are there now */
        gpaddr = gpaddr_of(small, VADDR, 0);
        if (!is_table)
            gpaddr = mmusim__pt_read(small->shared.tables, gpaddr) &
                     UINT64_C(0x000ffffffffff000);
        where = nested_leaf(small, gpaddr);
        mmusim__pt_write(small->nested.tables, where,
                         mmusim__pt_read(small->nested.tables, where) & ~BIT_W);
        mmusim__x86_flush_everything(mmu_of(small), MISS_FULL_FLUSH);
        mmusim__walk_ask(mmu_of(small), &load, 0);
        small_drain(small);
        assert_int_equal(small->cpus[0].outcome,
                         is_table ? WALK_FAULTED : WALK_FILLED);
        mmusim__walk_ask(mmu_of(small), &store, 0);
        small_drain(small);
        assert_int_equal(small->cpus[0].outcome, WALK_FAULTED);
        assert_int_equal(store.fault.kind, WALK_FAULT_STAGE2);
        assert_true(store.fault.is_refused);
        small_destroy(small);
    }
    (void) state;
}

/* ---- A and D of the second stage ---- */

static void
tables_of_the_guest_are_written_and_pages_when_stored_to(void **state)
{
    struct small_options options;
    struct small_system *small;
    uint64_t page, where, table;

    (void) state;
    bare(&options);
    options.stage2.variant = "npt";
    small = small_create(&options);
    map(small, VADDR, 0);
    reads_of(small, VADDR);
    page = mmusim__pt_read(small->shared.tables, gpaddr_of(small, VADDR, 0)) &
           UINT64_C(0x000ffffffffff000);
    where = nested_leaf(small, page);
    table = nested_leaf(small, gpaddr_of(small, VADDR, 0));
    mmusim__pt_write(small->nested.tables, where,
                     mmusim__pt_read(small->nested.tables, where) &
                         ~(BIT_A | BIT_D));
    mmusim__pt_write(small->nested.tables, table,
                     mmusim__pt_read(small->nested.tables, table) &
                         ~(BIT_A | BIT_D));
    mmusim__x86_flush_everything(mmu_of(small), MISS_FULL_FLUSH);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_int_equal(
        mmusim__pt_read(small->nested.tables, where) & (BIT_A | BIT_D), BIT_A);
    assert_int_equal(mmusim__pt_read(small->nested.tables, table) &
                         (BIT_A | BIT_D),
                     BIT_A | BIT_D);
    assert_int_equal(small_walk_cycles(small, 0),
                     options.walker.start_cycles +
                         24 * options.memory.fixed_cycles +
                         2 * options.walker.dirty_cycles);
    small_walk(small, 0, ACCESS_STORE, VADDR);
    assert_int_equal(mmusim__pt_read(small->nested.tables, where) &
                         (BIT_A | BIT_D),
                     BIT_A | BIT_D);
    small_destroy(small);
}

/* A page known clean in the nested TLB is walked again for a store. */
static void a_clean_page_in_the_nested_tlb_does_not_take_a_store(void **state)
{
    struct small_options options;
    struct small_system *small;
    uint64_t page, where;

    (void) state;
    bare(&options);
    with_nested_tlb(&options);
    options.stage2.variant = "npt";
    small = small_create(&options);
    map(small, VADDR, 0);
    page = mmusim__pt_read(small->shared.tables, gpaddr_of(small, VADDR, 0)) &
           UINT64_C(0x000ffffffffff000);
    assert_int_equal(mmusim__nested_back(&small->nested, page), MMUSIM_OK);
    where = nested_leaf(small, page);
    mmusim__pt_write(small->nested.tables, where,
                     mmusim__pt_read(small->nested.tables, where) & ~BIT_D);
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_false(mmusim__pt_read(small->nested.tables, where) & BIT_D);
    small_walk(small, 0, ACCESS_STORE, VADDR);
    assert_true(mmusim__pt_read(small->nested.tables, where) & BIT_D);
    small_destroy(small);
}

/* ---- tags ---- */

static struct tlb_context guest_of(struct small_system *small, uint16_t vmid,
                                   uint64_t root)
{
    return (struct tlb_context){.has_asid = true,
                                .vmid = vmid,
                                .stage2_root =
                                    root ? root : small->nested.root};
}

/* Combined entries are of a VPID; guest-physical ones of the tables alone
 * (SDM vol. 3C 28.3.2). */
static void another_vpid_shares_guest_physical_entries_alone(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct tlb_context other;
    tlb_data_t data;

    (void) state;
    bare(&options);
    with_nested_tlb(&options);
    small = small_create(&options);
    map(small, VADDR, 0);
    reads_of(small, VADDR);
    other = guest_of(small, 2, 0);
    mmusim__mmu_set_context(mmu_of(small), &other);
    assert_false(mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, VADDR, &data));
    assert_int_equal(reads_of(small, VADDR), 4); /* the guest's alone */
    other = guest_of(small, 2, 0x123000);
    mmusim__mmu_set_context(mmu_of(small), &other);
    assert_int_equal(reads_of(small, VADDR), 24);
    small_destroy(small);
}

static struct inval invept(const struct small_system *small)
{
    return (struct inval){
        .regimes = 1U << REGIME_EL1 | 1U << REGIME_STAGE2,
        .has_stage2_root = true,
        .stage2_root = small->nested.root,
        .hits_globals = true,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_ALL,
    };
}

static void invept_takes_both_kinds_and_invvpid_the_combined(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct inval inval;

    (void) state;
    bare(&options);
    with_nested_tlb(&options);
    with_pointers(&options);
    options.psc.levels[0] = (struct psc_config){16, 16, 2};
    small = small_create(&options);
    map(small, VADDR, 0);
    reads_of(small, VADDR);
    inval = mmusim__mmu_scope(mmu_of(small));
    inval.hits_globals = inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ALL;
    mmusim__mmu_invalidate(mmu_of(small), &inval, MISS_OTHER); /* INVVPID 1 */
    assert_int_equal(mmu_of(small)->psc.own[0].n_valid, 0);
    assert_int_equal(mmu_of(small)->nested.tlb.n_valid, 5);
    assert_int_equal(reads_of(small, VADDR), 4);
    inval = invept(small);
    mmusim__mmu_invalidate(mmu_of(small), &inval, MISS_OTHER);
    assert_int_equal(mmu_of(small)->nested.tlb.n_valid, 0);
    assert_int_equal(mmu_of(small)->nested.pointers.own[0].n_valid, 0);
    assert_int_equal(mmu_of(small)->tlb[TLB_L2].arrays[0]->n_valid, 0);
    small_destroy(small);
}

/* An invalidate by guest-physical address (TLBI IPAS2E1) takes its page of the
 * second stage and leaves combined entries. */
static void an_address_of_the_second_stage_is_not_a_virtual_one(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct inval inval = {
        .regimes = 1U << REGIME_STAGE2,
        .has_range = true,
        .n_pages = 1,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_KEEP,
    };

    (void) state;
    bare(&options);
    with_nested_tlb(&options);
    small = small_create(&options);
    map(small, VADDR, 0);
    reads_of(small, VADDR);
    inval.vpn = vpn_of(VADDR); /* no such guest-physical page */
    mmusim__mmu_invalidate(mmu_of(small), &inval, MISS_OTHER);
    assert_int_equal(mmu_of(small)->nested.tlb.n_valid, 5);
    inval.vpn = vpn_of(gpaddr_of(small, VADDR, 2));
    mmusim__mmu_invalidate(mmu_of(small), &inval, MISS_OTHER);
    assert_int_equal(mmu_of(small)->nested.tlb.n_valid, 4);
    assert_int_equal(mmu_of(small)->tlb[TLB_L2].arrays[0]->n_valid, 1);
    small_destroy(small);
}

static void host_addresses_lead_back_to_the_guests(void **state)
{
    (void) state;
    for (uint32_t is_populated = 0; is_populated < 2; is_populated++) {
        struct small_options options;
        struct small_system *small;

        bare(&options);
        options.nested.is_populated = is_populated;
        options.nested.page_order = 9;
        small = small_create(&options);
        for (uint64_t i = 1; i < 40; i++) {
            uint64_t gpaddr = i * 7 << 21 | i << 12 | i;
            uint64_t paddr = 0;

            assert_int_equal(mmusim__nested_back(&small->nested, gpaddr),
                             MMUSIM_OK);
            assert_true(mmusim__nested_find(&small->nested, gpaddr, &paddr));
            assert_int_equal(mmusim__nested_gpaddr(&small->nested, paddr),
                             gpaddr);
        }
        small_destroy(small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_in_two_dimensions_takes_its_closed_form),
        cmocka_unit_test(larger_pages_of_either_stage_save_their_levels),
        cmocka_unit_test(the_closed_form_holds_with_a_nested_tlb_of_no_use),
        cmocka_unit_test(the_nested_tlb_saves_the_second_stage_of_known_tables),
        cmocka_unit_test(pointers_of_the_second_stage_shorten_it),
        cmocka_unit_test(a_combined_pointer_skips_both_stages),
        cmocka_unit_test(an_entry_has_the_smaller_of_both_sizes),
        cmocka_unit_test(an_invlpg_reaches_every_piece_of_a_fractured_page),
        cmocka_unit_test(an_unbacked_address_faults_to_the_hypervisor),
        cmocka_unit_test(the_guests_own_fault_is_told_apart),
        cmocka_unit_test(a_right_that_the_second_stage_lacks_exits),
        cmocka_unit_test(
            tables_of_the_guest_are_written_and_pages_when_stored_to),
        cmocka_unit_test(a_clean_page_in_the_nested_tlb_does_not_take_a_store),
        cmocka_unit_test(another_vpid_shares_guest_physical_entries_alone),
        cmocka_unit_test(invept_takes_both_kinds_and_invvpid_the_combined),
        cmocka_unit_test(an_address_of_the_second_stage_is_not_a_virtual_one),
        cmocka_unit_test(host_addresses_lead_back_to_the_guests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
