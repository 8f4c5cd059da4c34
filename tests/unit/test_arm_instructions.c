/* SPDX-License-Identifier: MIT */
/*
 * Operands of Arm's TLB maintenance instructions, bit by bit as the Arm ARM
 * (DDI 0487 C5.5) lays them out, and as Linux packs them
 * (arch/arm64/include/asm/ tlbflush.h, __TLBI_VADDR and __TLBI_VADDR_RANGE,
 * written again here).
 */
#include "coherence/arm_ops.h"
#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINUX_ASID = 0x1234, VMID = 9 };

static struct inval_issuer kernel(uint32_t features)
{
    return (struct inval_issuer){
        .context = {.regime = REGIME_EL1, .has_asid = true, .vmid = VMID},
        .arm = {.features = features, .el = 1, .asid_bits = 16},
    };
}

static struct inval_issuer hypervisor(void)
{
    struct inval_issuer issuer =
        kernel(ARM_EL2 | ARM_RANGE | ARM_OS | ARM_XS | ARM_TTL);

    issuer.context.regime = REGIME_EL2;
    issuer.arm.el = 2;
    return issuer;
}

static enum inval_outcome run(const char *name, uint64_t xt,
                              const struct inval_issuer *issuer,
                              struct inval_request *request)
{
    struct inval_operands operands = {.reg = {xt}};
    const struct inval_instruction *row = mmusim__inval_find(INVAL_ARMV8, name);

    assert_non_null(row);
    return mmusim__inval_decode(row, &operands, issuer, request);
}

static struct inval one(const char *name, uint64_t xt,
                        const struct inval_issuer *issuer)
{
    struct inval_request request;

    assert_int_equal(run(name, xt, issuer, &request), INVAL_LEGAL);
    assert_int_equal(request.n_invals, 1);
    return request.invals[0];
}

/* Linux: asid[63:48], address >> 12 in [43:0]. */
static uint64_t linux_vaddr(uint64_t vaddr, uint64_t asid)
{
    return (vaddr >> 12 & ((UINT64_C(1) << 44) - 1)) | asid << 48;
}

static uint64_t linux_level(uint64_t xt, uint64_t tg, uint64_t level)
{
    return (xt & ~(UINT64_C(15) << 44)) | (tg << 2 | level) << 44;
}

struct linux_range {
    uint64_t base; /* in units */
    uint64_t asid, tg, scale, num, ttl;
};

static uint64_t linux_range(const struct linux_range *range)
{
    return (range->base & ((UINT64_C(1) << 37) - 1)) | range->ttl << 37 |
           range->num << 39 | range->scale << 44 | range->tg << 46 |
           range->asid << 48;
}

static void vae1_names_one_page_of_one_asid_and_its_globals(void **state)
{
    struct inval_issuer issuer = kernel(0);
    struct inval inval =
        one("VAE1IS", linux_vaddr(0x0000ffff12345000, LINUX_ASID), &issuer);

    (void) state;
    assert_int_equal(inval.regimes, 1U << REGIME_EL1);
    assert_true(inval.has_range && inval.has_asid && inval.has_vmid);
    assert_int_equal(inval.vpn.v, 0x0000ffff12345);
    assert_int_equal(inval.n_pages, 1);
    assert_int_equal(inval.asid, LINUX_ASID);
    assert_int_equal(inval.vmid, VMID);
    assert_true(inval.hits_globals && inval.hits_nonglobals);
    assert_int_equal(inval.psc, INVAL_PSC_ADDRESS);
    assert_false(inval.has_order);
}

static void bit_55_of_the_address_is_its_sign(void **state)
{
    struct inval_issuer issuer = kernel(0);
    uint64_t vaddr = UINT64_C(0xffff800012345000);

    (void) state;
    assert_true(one("VAAE1", linux_vaddr(vaddr, 0), &issuer).vpn.v ==
                vpn_of(vaddr).v);
}

static void an_asid_of_8_bits_ignores_the_upper_byte(void **state)
{
    struct inval_issuer issuer = kernel(0);

    (void) state;
    issuer.arm.asid_bits = 8;
    assert_int_equal(one("ASIDE1", UINT64_C(0xab34) << 48, &issuer).asid, 0x34);
    issuer.arm.asid_bits = 16;
    assert_int_equal(one("ASIDE1", UINT64_C(0xab34) << 48, &issuer).asid,
                     0xab34);
}

static void aside1_spares_globals_regress_gem5_g12(void **state)
{
    struct inval_issuer issuer = kernel(0);
    struct inval inval = one("ASIDE1IS", 0, &issuer);

    (void) state;
    assert_false(inval.hits_globals);
    assert_false(inval.has_range);
    assert_int_equal(inval.psc, INVAL_PSC_ASID);
}

static void last_level_forms_keep_pointers(void **state)
{
    static const char *const names[] = {"VALE1", "VAALE1IS"};
    struct inval_issuer issuer = kernel(0);

    (void) state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(one(names[i], 0x1000, &issuer).psc, INVAL_PSC_KEEP);
}

struct hint {
    uint64_t tg, level;
    uint8_t granule_order;
    bool has_ds;
    int order; /* -1: none; -2: nothing is invalidated */
};

/* DDI 0487, TLBI VAE1, TTL: sizes of the leaves of each level. */
static const struct hint hints[] = {
    {0, 3, 0, false, -1}, {1, 0, 0, false, -1}, {1, 0, 0, true, 27},
    {1, 1, 0, false, 18}, {1, 2, 0, false, 9},  {1, 3, 0, false, 0},
    {2, 0, 2, true, -1},  {2, 1, 2, false, -1}, {2, 1, 2, true, 24},
    {2, 2, 2, false, 13}, {2, 3, 2, false, 2},  {3, 0, 4, false, -1},
    {3, 1, 4, false, 30}, {3, 2, 4, false, 17}, {3, 3, 4, false, 4},
    {3, 3, 0, false, -2}, {1, 3, 4, false, -2}, {2, 2, 0, false, -2},
};

static void level_hints_say_the_size_of_the_leaf(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        const struct hint *hint = &hints[i];
        struct inval_issuer issuer = kernel(ARM_TTL);
        struct inval_request request;

        issuer.arm.granule_order[0] = hint->granule_order;
        issuer.arm.has_ds = hint->has_ds;
        assert_int_equal(run("VAE1IS",
                             linux_level(0x40000, hint->tg, hint->level),
                             &issuer, &request),
                         INVAL_LEGAL);
        assert_int_equal(request.n_invals, hint->order == -2 ? 0 : 1);
        assert_int_equal(request.invals[0].has_order, hint->order >= 0);
        if (hint->order >= 0)
            assert_int_equal(request.invals[0].order, hint->order);
    }
}

static void a_hint_allows_contiguous_runs_of_its_level(void **state)
{
    struct inval_issuer issuer = kernel(ARM_TTL);
    struct inval inval =
        one("VAE1", linux_level(linux_vaddr(0x200000, 0), 1, 3), &issuer);

    (void) state;
    inval.has_asid = false;
    assert_true(tlb_entry_is_hit_by_inval(tlb_key((vpn_t){0x200}, 0, 0, false),
                                          &inval, NULL));
    assert_true(tlb_entry_is_hit_by_inval(tlb_key((vpn_t){0x200}, 4, 0, false),
                                          &inval, NULL));
    assert_false(tlb_entry_is_hit_by_inval(tlb_key((vpn_t){0x200}, 9, 0, false),
                                           &inval, NULL));
}

static void without_feat_ttl_the_hint_is_ignored(void **state)
{
    struct inval_issuer issuer = kernel(0);

    (void) state;
    assert_false(one("VAE1", linux_level(0x40, 3, 3), &issuer).has_order);
}

static void a_range_has_num_plus_1_shifted_by_5_scale_plus_1(void **state)
{
    struct inval_issuer issuer = kernel(ARM_RANGE);

    (void) state;
    for (uint64_t scale = 0; scale < 4; scale++) {
        for (uint64_t num = 0; num < 32; num++) {
            struct linux_range range = {0x12345, LINUX_ASID, 1, scale, num, 0};
            struct inval inval = one("RVAE1IS", linux_range(&range), &issuer);

            assert_true(inval.n_pages == (num + 1) << (5 * scale + 1));
            assert_int_equal(inval.vpn.v, 0x12345);
            assert_int_equal(inval.asid, LINUX_ASID);
        }
    }
}

static void the_largest_range_is_8_gib_of_4k_pages(void **state)
{
    struct inval_issuer issuer = kernel(ARM_RANGE);
    struct linux_range range = {0, 0, 1, 3, 31, 0};

    (void) state;
    assert_int_equal(one("RVALE1", linux_range(&range), &issuer).n_pages,
                     2097152);
}

static void a_range_counts_in_its_granule(void **state)
{
    struct inval_issuer issuer = kernel(ARM_RANGE);
    struct linux_range range = {0x100, 0, 3, 0, 2, 0};
    struct inval inval;

    (void) state;
    issuer.arm.granule_order[0] = 4;
    inval = one("RVAE1", linux_range(&range), &issuer);
    assert_int_equal(inval.vpn.v, 0x1000);
    assert_int_equal(inval.n_pages, 6 * 16);
    range.tg = 2;
    range.base = 0x100;
    issuer.arm.granule_order[0] = 2;
    inval = one("RVAE1", linux_range(&range), &issuer);
    assert_int_equal(inval.vpn.v, 0x400);
    assert_int_equal(inval.n_pages, 6 * 4);
}

static void with_52_bit_addresses_the_base_counts_in_64k(void **state)
{
    struct inval_issuer issuer = kernel(ARM_RANGE);
    struct linux_range range = {0x100, 0, 1, 0, 0, 0};
    struct inval inval;

    (void) state;
    issuer.arm.has_ds = true;
    inval = one("RVAE1", linux_range(&range), &issuer);
    assert_int_equal(inval.vpn.v, 0x1000);
    assert_int_equal(inval.n_pages, 2);
}

static void the_top_bit_of_the_base_is_its_sign(void **state)
{
    struct inval_issuer issuer = kernel(ARM_RANGE);
    uint64_t vaddr = UINT64_C(0xffff800012345000);
    struct linux_range range = {vaddr >> 12, 0, 1, 0, 0, 0};

    (void) state;
    assert_true(one("RVAAE1", linux_range(&range), &issuer).vpn.v ==
                vpn_of(vaddr).v);
}

static void a_range_of_another_granule_invalidates_nothing(void **state)
{
    struct inval_issuer issuer = kernel(ARM_RANGE);
    struct inval_request request;

    (void) state;
    for (uint64_t tg = 0; tg < 4; tg++) {
        struct linux_range range = {0x1000, 0, tg, 0, 0, 0};

        assert_int_equal(run("RVAE1", linux_range(&range), &issuer, &request),
                         INVAL_LEGAL);
        assert_int_equal(request.n_invals, tg == 1);
        assert_true(tg == 1 || request.why);
    }
}

/* DDI 0487, TLBI RVAE1: TTL 01 asks BADDR[29:12] = 0, TTL 10 [20:12]. */
static void a_range_that_its_level_does_not_align_names_nothing(void **state)
{
    struct inval_issuer issuer = kernel(ARM_RANGE);
    struct inval_request request;

    (void) state;
    for (uint64_t ttl = 1; ttl < 4; ttl++) {
        for (uint32_t bit = 12; bit < 36; bit++) {
            struct linux_range range = {
                UINT64_C(1) << (bit - 12), 0, 1, 0, 0, ttl};
            uint32_t lowest = ttl == 1 ? 30 : ttl == 2 ? 21 : 12;

            run("RVAE1", linux_range(&range), &issuer, &request);
            assert_int_equal(request.n_invals, bit >= lowest);
        }
    }
}

/* Linux's __flush_tlb_range_op for 4K pages, from scale 3 down, written from
 * its comment: ranges of (num + 1) * 2^(5 * scale + 1) pages, and one classic
 * operation for an odd page. What is named must be the range, each page
 * once. */
static void ranges_as_linux_packs_them_name_each_page_once(void **state)
{
    struct inval_issuer issuer = kernel(ARM_RANGE | ARM_TTL);
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 7, 1);
    for (int round = 0; round < 3000; round++) {
        uint64_t first = mmusim__rng_below(&rng, 1U << 30);
        uint64_t pages = 1 + mmusim__rng_below(&rng, 1U << 21);
        uint64_t next = first, left = pages;

        for (uint64_t scale = 3; left && scale < 4; scale--) {
            struct linux_range range = {next, LINUX_ASID, 1, scale, 0, 0};
            uint64_t units = left >> (5 * scale + 1);
            struct inval inval;

            if (!units)
                continue;
            range.num = (units > 32 ? 32 : units) - 1;
            inval = one("RVALE1IS", linux_range(&range), &issuer);
            assert_true(inval.vpn.v == next);
            next += inval.n_pages;
            left -= inval.n_pages;
        }
        assert_true(left <= 1);
        assert_true(next + left == first + pages);
    }
}

static void the_ipa_of_a_stage_2_form_is_no_virtual_address(void **state)
{
    struct inval_issuer issuer = hypervisor();
    uint64_t ipa = UINT64_C(0x000ffffedcba9000);
    struct inval inval = one("IPAS2E1IS", ipa >> 12, &issuer);

    (void) state;
    assert_int_equal(inval.regimes, 1U << REGIME_STAGE2);
    assert_true(inval.vpn.v == ipa >> 12);
    assert_false(inval.has_asid);
    assert_true(inval.has_vmid);
    assert_int_equal(inval.vmid, VMID);
}

static void vms_and_stages_are_chosen_by_the_name(void **state)
{
    static const struct {
        const char *name;
        unsigned regimes;
        bool has_vmid;
    } rows[] = {
        {"VMALLE1", 1U << REGIME_EL1, true},
        {"VMALLS12E1", 1U << REGIME_EL1 | 1U << REGIME_STAGE2, true},
        {"ALLE1", 1U << REGIME_EL1 | 1U << REGIME_STAGE2, false},
        {"ALLE2", 1U << REGIME_EL2, false},
    };
    struct inval_issuer issuer = hypervisor();

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct inval inval = one(rows[i].name, 0, &issuer);

        assert_int_equal(inval.regimes, rows[i].regimes);
        assert_int_equal(inval.has_vmid, rows[i].has_vmid);
        assert_false(inval.has_range || inval.has_asid);
    }
}

/* HCR_EL2.{E2H, TGE} = {1, 1}: E1 forms mean EL2&0; E2H alone gives EL2 forms
 * an ASID. */
static void a_host_at_el2_invalidates_its_own_regime(void **state)
{
    struct inval_issuer issuer = hypervisor();
    struct inval inval;

    (void) state;
    assert_int_equal(one("VAE1", 0, &issuer).regimes, 1U << REGIME_EL1);
    assert_false(one("VAE2", 0, &issuer).has_asid);
    issuer.arm.is_e2h = true;
    assert_int_equal(one("VAE1", 0, &issuer).regimes, 1U << REGIME_EL1);
    assert_true(one("VAE2", 0, &issuer).has_asid);
    issuer.arm.is_tge = true;
    inval = one("VAE1", 0, &issuer);
    assert_int_equal(inval.regimes, 1U << REGIME_EL2);
    assert_false(inval.has_vmid);
    assert_true(inval.has_asid);
}

struct refusal {
    const char *name;
    uint32_t features;
    uint8_t el;
    enum inval_outcome outcome;
};

static const struct refusal refusals[] = {
    {"VAE1", 0, 1, INVAL_LEGAL},
    {"VAE1", 0, 0, INVAL_UNDEFINED},
    {"RVAE1", 0, 1, INVAL_UNDEFINED},
    {"RVAE1", ARM_RANGE, 1, INVAL_LEGAL},
    {"VAE1OS", 0, 1, INVAL_UNDEFINED},
    {"VAE1OS", ARM_OS, 1, INVAL_LEGAL},
    {"VAE1ISNXS", 0, 1, INVAL_UNDEFINED},
    {"VAE1ISNXS", ARM_XS, 1, INVAL_LEGAL},
    {"RVAE1OSNXS", ARM_RANGE | ARM_OS, 1, INVAL_UNDEFINED},
    {"RVAE1OSNXS", ARM_RANGE | ARM_OS | ARM_XS, 1, INVAL_LEGAL},
    {"ALLE1", ARM_EL2, 1, INVAL_UNDEFINED},
    {"ALLE1", ARM_EL2, 2, INVAL_LEGAL},
    {"IPAS2E1", ARM_EL2, 1, INVAL_UNDEFINED},
    {"VMALLS12E1", ARM_EL2, 1, INVAL_UNDEFINED},
    {"VAE2IS", 0, 1, INVAL_UNDEFINED},
    {"VAE2IS", ARM_EL2, 2, INVAL_LEGAL},
};

static void what_the_pe_lacks_is_undefined(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct inval_issuer issuer = kernel(refusals[i].features);
        struct inval_request request;

        issuer.arm.el = refusals[i].el;
        assert_int_equal(run(refusals[i].name, 0x40001000, &issuer, &request),
                         refusals[i].outcome);
        assert_true(!refusals[i].outcome || request.why);
        assert_true(!refusals[i].outcome || !request.n_invals);
    }
}

static void a_hypervisor_traps_or_widens_what_its_guest_does(void **state)
{
    struct inval_issuer issuer = kernel(0);
    struct inval_request request;

    (void) state;
    issuer.arm.is_broadcast_forced = true;
    assert_int_equal(run("VAE1", 0, &issuer, &request), INVAL_LEGAL);
    assert_int_equal(request.reach, REACH_INNER);
    issuer.arm.is_trapped = true;
    assert_int_equal(run("VAE1", 0, &issuer, &request), INVAL_TRAPPED);
    issuer.arm.el = 2;
    assert_int_equal(run("VAE1", 0, &issuer, &request), INVAL_LEGAL);
    assert_int_equal(request.reach, REACH_SELF);
}

struct completion {
    const char *tlbi, *dsb;
    bool is_complete;
};

static const struct completion completions[] = {
    {"VAE1", "NSH", true},        {"VAE1", "ISH", true},
    {"VAE1", "sy", true},         {"VAE1IS", "NSH", false},
    {"VAE1IS", "ISH", true},      {"VAE1IS", "OSH", true},
    {"VAE1IS", "SY", true},       {"VAE1OS", "ISH", false},
    {"VAE1OS", "OSH", true},      {"VAE1IS", "ISHST", false},
    {"VAE1IS", "ISHLD", false},   {"VAE1", "NSHST", false},
    {"VAE1IS", "ISHNXS", false},  {"VAE1ISNXS", "ISHNXS", true},
    {"VAE1ISNXS", "ISH", true},   {"VAE1ISNXS", "NSHNXS", false},
    {"VAE1OSNXS", "SYNXS", true}, {"VAE1IS", "LD", false},
};

static void a_dsb_completes_what_its_domain_holds(void **state)
{
    struct inval_issuer issuer = hypervisor();

    (void) state;
    for (size_t i = 0; i < sizeof(completions) / sizeof(completions[0]); i++) {
        struct inval_request request;
        struct arm_dsb dsb;

        run(completions[i].tlbi, 0, &issuer, &request);
        assert_true(mmusim__arm_dsb_find(completions[i].dsb, &dsb));
        assert_int_equal(mmusim__arm_dsb_completes(&dsb, &request),
                         completions[i].is_complete);
    }
}

static void a_dsb_has_no_other_options(void **state)
{
    struct arm_dsb dsb;

    (void) state;
    assert_false(mmusim__arm_dsb_find("", &dsb));
    assert_false(mmusim__arm_dsb_find("IS", &dsb));
    assert_false(mmusim__arm_dsb_find("ISHX", &dsb));
    assert_null(mmusim__inval_find(INVAL_ARMV8, "VAE"));
    assert_null(mmusim__inval_find(INVAL_ARMV8, "VAE1I"));
    assert_non_null(mmusim__inval_find(INVAL_ARMV8, "vae1is"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vae1_names_one_page_of_one_asid_and_its_globals),
        cmocka_unit_test(bit_55_of_the_address_is_its_sign),
        cmocka_unit_test(an_asid_of_8_bits_ignores_the_upper_byte),
        cmocka_unit_test(aside1_spares_globals_regress_gem5_g12),
        cmocka_unit_test(last_level_forms_keep_pointers),
        cmocka_unit_test(level_hints_say_the_size_of_the_leaf),
        cmocka_unit_test(a_hint_allows_contiguous_runs_of_its_level),
        cmocka_unit_test(without_feat_ttl_the_hint_is_ignored),
        cmocka_unit_test(a_range_has_num_plus_1_shifted_by_5_scale_plus_1),
        cmocka_unit_test(the_largest_range_is_8_gib_of_4k_pages),
        cmocka_unit_test(a_range_counts_in_its_granule),
        cmocka_unit_test(with_52_bit_addresses_the_base_counts_in_64k),
        cmocka_unit_test(the_top_bit_of_the_base_is_its_sign),
        cmocka_unit_test(a_range_of_another_granule_invalidates_nothing),
        cmocka_unit_test(a_range_that_its_level_does_not_align_names_nothing),
        cmocka_unit_test(ranges_as_linux_packs_them_name_each_page_once),
        cmocka_unit_test(the_ipa_of_a_stage_2_form_is_no_virtual_address),
        cmocka_unit_test(vms_and_stages_are_chosen_by_the_name),
        cmocka_unit_test(a_host_at_el2_invalidates_its_own_regime),
        cmocka_unit_test(what_the_pe_lacks_is_undefined),
        cmocka_unit_test(a_hypervisor_traps_or_widens_what_its_guest_does),
        cmocka_unit_test(a_dsb_completes_what_its_domain_holds),
        cmocka_unit_test(a_dsb_has_no_other_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
