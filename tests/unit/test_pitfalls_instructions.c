/* SPDX-License-Identifier: MIT */
/*
 * Mistakes found in other simulators' invalidate instructions: G of gem5,
 * Flexus, QEMU's cputlb, XiangShan's gem5, Spike. Each test fails if ours makes
 * the mistake. docs/conformance.md lists them all.
 */
#include "coherence/inval_instruction.h"
#include "coherence/x86_ops.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR     UINT64_C(0x00007f1234400000) /* 2M-aligned */
#define NEXT_PAGE (VADDR + BASE_PAGE_BYTES)
#define NEXT_2M   (VADDR + 0x200000)

enum { PCID = 1, OTHER_PCID = 2 };

static int setup(void **state)
{
    struct small_options options;
    struct small_system *small;

    small_options_init(&options);
    options.has_pcid = true;
    small = small_create(&options);
    mmusim__mmu_set_asid(&small->system.cpus[0].mmu, PCID);
    *state = small;
    return 0;
}

static int teardown(void **state)
{
    small_destroy(*state);
    return 0;
}

static struct mmu *mmu_of(struct small_system *small)
{
    return &small->system.cpus[0].mmu;
}

static uint64_t map(struct small_system *small, uint64_t vaddr, uint32_t level,
                    uint32_t flags)
{
    const struct pt_format *format = small->shared.format;
    const pfn_t pfn = {UINT64_C(1) << (20 + level)};

    return small_map(
        small, mmu_of(small)->root, vaddr, level,
        format->make_leaf(format, pfn, level,
                          TLB_READ | TLB_WRITE | TLB_USER | TLB_DIRTY | flags,
                          true));
}

/* Maps and loads a page in the PCID that is current. */
static void have(struct small_system *small, uint64_t vaddr, uint32_t level,
                 uint32_t flags)
{
    map(small, vaddr, level, flags);
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, vaddr), WALK_FILLED);
}

static bool finds(struct small_system *small, uint16_t asid, uint64_t vaddr)
{
    tlb_data_t data;

    mmusim__mmu_set_asid(mmu_of(small), asid);
    return mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, vaddr, &data);
}

static void pitfall_g2_mov_cr3_with_bit_63_keeps_the_pcid(void **state)
{
    struct small_system *small = *state;
    struct mmu *mmu = mmu_of(small);

    have(small, VADDR, 0, 0);
    mmusim__x86_mov_cr3(mmu, mmu->root, OTHER_PCID, CR3_NOFLUSH, MISS_SWITCH);
    mmusim__x86_mov_cr3(mmu, mmu->root, PCID, CR3_NOFLUSH, MISS_SWITCH);
    assert_true(finds(small, PCID, VADDR));
    mmusim__x86_mov_cr3(mmu, mmu->root, PCID, CR3_FLUSH, MISS_SWITCH);
    assert_false(finds(small, PCID, VADDR));
}

static void pitfall_g3_invlpg_knows_pcids_and_globals(void **state)
{
    struct small_system *small = *state;

    have(small, VADDR, 0, 0);
    have(small, NEXT_PAGE, 0, TLB_GLOBAL);
    mmusim__mmu_set_asid(mmu_of(small), OTHER_PCID);
    have(small, VADDR, 0, 0);
    mmusim__x86_invlpg(mmu_of(small), VADDR, MISS_PAGE_FLUSH);
    mmusim__x86_invlpg(mmu_of(small), NEXT_PAGE, MISS_PAGE_FLUSH);
    assert_false(finds(small, OTHER_PCID, VADDR));
    assert_true(finds(small, PCID, VADDR));
    assert_false(finds(small, PCID, NEXT_PAGE));
}

/* ---- Arm and RISC-V ---- */

static void issue(struct small_system *small, enum inval_isa isa,
                  const char *name, const struct inval_operands *operands)
{
    struct inval_issuer issuer = {.context = mmu_of(small)->context};
    const struct inval_instruction *row = mmusim__inval_find(isa, name);
    struct inval_request request;

    if (isa == INVAL_ARMV8)
        issuer.arm = (struct arm_issuer){.el = 1, .asid_bits = 16};
    else
        issuer.riscv = (struct riscv_issuer){
            .mode = RISCV_S, .vaddr_bits = 48, .asid_bits = 16};
    assert_non_null(row);
    assert_int_equal(mmusim__inval_decode(row, operands, &issuer, &request),
                     INVAL_LEGAL);
    mmusim__inval_apply(mmu_of(small), &request, MISS_OTHER);
}

static void pitfall_g12_aside1_spares_globals(void **state)
{
    struct small_system *small = *state;
    const struct inval_operands asid = {.reg = {UINT64_C(1) << 48}};

    have(small, VADDR, 0, 0);
    have(small, NEXT_PAGE, 0, TLB_GLOBAL);
    issue(small, INVAL_ARMV8, "ASIDE1", &asid);
    assert_false(finds(small, PCID, VADDR));
    assert_true(finds(small, PCID, NEXT_PAGE));
}

/* SFENCE.VMA of address 0, of ASID 0, by registers that hold 0. */
static void pitfall_g13_a_register_that_holds_0_is_not_x0(void **state)
{
    struct small_system *small = *state;
    const struct inval_operands page_0 = {.is_x0 = {false, true}};
    const struct inval_operands asid_0 = {.is_x0 = {true, false}};

    have(small, 0, 0, 0);
    have(small, VADDR, 0, 0);
    issue(small, INVAL_RISCV, "SFENCE.VMA", &page_0);
    assert_false(finds(small, PCID, 0));
    assert_true(finds(small, PCID, VADDR));
    mmusim__mmu_set_asid(mmu_of(small), 0);
    have(small, NEXT_PAGE, 0, 0);
    issue(small, INVAL_RISCV, "SFENCE.VMA", &asid_0);
    assert_false(finds(small, 0, NEXT_PAGE));
    assert_true(finds(small, PCID, VADDR));
}

static void pitfall_g13_riscv_has_global_pages(void **state)
{
    struct small_system *small = *state;
    const struct inval_operands own = {.reg = {0, PCID},
                                       .is_x0 = {true, false}};
    const struct inval_operands all = {.is_x0 = {true, true}};

    have(small, VADDR, 0, TLB_GLOBAL);
    issue(small, INVAL_RISCV, "SFENCE.VMA", &own);
    assert_true(finds(small, OTHER_PCID, VADDR));
    issue(small, INVAL_RISCV, "SFENCE.VMA", &all);
    assert_false(finds(small, OTHER_PCID, VADDR));
}

/* ---- too little, too much ---- */

static void
pitfall_flexus_a_stale_page_is_seen_until_it_is_dropped(void **state)
{
    struct small_system *small = *state;
    uint64_t where = map(small, VADDR, 0, 0);
    tlb_data_t before, now;

    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FILLED);
    assert_true(mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, VADDR, &before));
    mmusim__pt_write(
        small->shared.tables, where,
        small->shared.format->make_leaf(small->shared.format, (pfn_t){77}, 0,
                                        TLB_READ | TLB_USER, true));
    assert_true(mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, VADDR, &now));
    assert_int_equal(tlb_data_pfn(now).v, tlb_data_pfn(before).v);
    mmusim__x86_invlpg(mmu_of(small), VADDR, MISS_PAGE_FLUSH);
    assert_int_equal(small_walk(small, 0, ACCESS_LOAD, VADDR), WALK_FILLED);
    assert_true(mmusim__mmu_probe(mmu_of(small), ACCESS_LOAD, VADDR, &now));
    assert_int_equal(tlb_data_pfn(now).v, 77);
}

/* QEMU keeps one range around all large pages, and a flush of any of it drops
 * everything. */
static void pitfall_qemu_large_pages_are_dropped_one_by_one(void **state)
{
    struct small_system *small = *state;

    have(small, VADDR, 1, 0);
    have(small, NEXT_2M, 1, 0);
    have(small, VADDR + 0x40000000, 0, 0);
    mmusim__x86_invlpg(mmu_of(small), VADDR + 0x1000, MISS_PAGE_FLUSH);
    assert_false(finds(small, PCID, VADDR));
    assert_true(finds(small, PCID, NEXT_2M));
    assert_true(finds(small, PCID, VADDR + 0x40000000));
}

/* There it dropped too much, and then asserted that the rest was there. */
static void pitfall_xiangshan_what_is_gone_may_be_dropped_again(void **state)
{
    struct small_system *small = *state;

    have(small, VADDR, 0, 0);
    have(small, NEXT_PAGE, 0, 0);
    for (uint32_t i = 0; i < 2; i++) {
        mmusim__x86_invlpg(mmu_of(small), VADDR, MISS_PAGE_FLUSH);
        assert_false(finds(small, PCID, VADDR));
        assert_true(finds(small, PCID, NEXT_PAGE));
    }
    for (uint32_t i = 0; i < 2; i++) {
        mmusim__x86_flush_everything(mmu_of(small), MISS_FULL_FLUSH);
        assert_false(finds(small, PCID, NEXT_PAGE));
        assert_true(
            mmusim__tlb_array_is_valid(mmu_of(small)->tlb[TLB_L2].arrays[0]));
    }
}

static void pitfall_spike_a_fence_of_a_page_is_no_full_flush(void **state)
{
    struct small_system *small = *state;
    const struct inval_operands page = {.reg = {VADDR}, .is_x0 = {false, true}};

    have(small, VADDR, 0, 0);
    have(small, NEXT_PAGE, 0, 0);
    issue(small, INVAL_RISCV, "SFENCE.VMA", &page);
    assert_false(finds(small, PCID, VADDR));
    assert_true(finds(small, PCID, NEXT_PAGE));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(pitfall_g2_mov_cr3_with_bit_63_keeps_the_pcid),
        T(pitfall_g3_invlpg_knows_pcids_and_globals),
        T(pitfall_g12_aside1_spares_globals),
        T(pitfall_g13_a_register_that_holds_0_is_not_x0),
        T(pitfall_g13_riscv_has_global_pages),
        T(pitfall_flexus_a_stale_page_is_seen_until_it_is_dropped),
        T(pitfall_qemu_large_pages_are_dropped_one_by_one),
        T(pitfall_xiangshan_what_is_gone_may_be_dropped_again),
        T(pitfall_spike_a_fence_of_a_page_is_no_full_flush),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
