/* SPDX-License-Identifier: MIT */
/* Armv7-A's TLB maintenance (Arm ARM DDI 0406C B3.10, B4.2.2): operands, and
 * the cores that have no multiprocessing extensions or cannot broadcast. */
#include "coherence/inval_instruction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct inval_issuer kernel(uint32_t features)
{
    return (struct inval_issuer){
        .context = {.regime = REGIME_EL1, .has_asid = true},
        .arm = {.features = features, .el = 1, .asid_bits = 8},
    };
}

static enum inval_outcome run_v7(const char *name, uint64_t rt,
                                 const struct inval_issuer *issuer,
                                 struct inval_request *request)
{
    struct inval_operands operands = {.reg = {rt}};

    return mmusim__inval_decode(mmusim__inval_find(INVAL_ARMV7, name),
                                &operands, issuer, request);
}

static void an_mva_has_its_asid_in_the_low_byte(void **state)
{
    struct inval_issuer issuer = kernel(0);
    struct inval_request request;

    (void) state;
    assert_int_equal(run_v7("TLBIMVA", 0xc1234f56, &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(request.invals[0].vpn.v, 0xc1234);
    assert_int_equal(request.invals[0].asid, 0x56);
    assert_true(request.invals[0].hits_globals);
    assert_int_equal(run_v7("TLBIASID", 0xc1234f56, &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(request.invals[0].asid, 0x56);
    assert_false(request.invals[0].hits_globals);
}

static void cores_without_mp_extensions_have_no_inner_forms(void **state)
{
    static const char *const names[] = {"TLBIALLIS", "TLBIMVAIS", "TLBIASIDIS",
                                        "TLBIMVAAIS", "TLBIMVAA"};
    struct inval_issuer issuer = kernel(0);
    struct inval_request request;

    (void) state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        issuer.arm.features = 0;
        assert_int_equal(run_v7(names[i], 0, &issuer, &request),
                         INVAL_UNDEFINED);
        issuer.arm.features = ARM_MP;
        assert_int_equal(run_v7(names[i], 0, &issuer, &request), INVAL_LEGAL);
    }
}

static void a_core_that_cannot_broadcast_acts_here(void **state)
{
    struct inval_issuer issuer = kernel(ARM_MP);
    struct inval_request request;

    (void) state;
    run_v7("TLBIALLIS", 0, &issuer, &request);
    assert_int_equal(request.reach, REACH_INNER);
    issuer.arm.cannot_broadcast = true;
    run_v7("TLBIALLIS", 0, &issuer, &request);
    assert_int_equal(request.reach, REACH_SELF);
}

/* A section of 1 MiB, and the small pages that replace it, go by any address in
 * them; a Linux table of 4 KiB serves two level-1 entries of 1 MiB, whose
 * cached pointers one MVA does not reach both. */
static void one_mva_reaches_its_section_but_one_level_1_entry(void **state)
{
    enum { SECTION_ORDER = 8 };
    struct inval_issuer issuer = kernel(0);
    struct inval_request request;
    const struct inval *inval = &request.invals[0];
    uint64_t section = tlb_key((vpn_t){0x12300}, SECTION_ORDER, 7, false);
    uint64_t small = tlb_key((vpn_t){0x12345}, 0, 7, false);
    uint64_t sibling = tlb_key((vpn_t){0x12200}, SECTION_ORDER, 7, false);

    (void) state;
    run_v7("TLBIMVA", 0x12345007, &issuer, &request);
    assert_true(tlb_entry_is_hit_by_inval(section, inval, NULL));
    assert_true(tlb_entry_is_hit_by_inval(small, inval, NULL));
    assert_true(psc_entry_is_hit_by_inval(section, inval, NULL));
    assert_false(psc_entry_is_hit_by_inval(sibling, inval, NULL));
}

static void non_secure_non_hyp_means_every_vm(void **state)
{
    struct inval_issuer issuer = kernel(ARM_EL2 | ARM_MP);
    struct inval_request request;

    (void) state;
    assert_int_equal(run_v7("TLBIALLNSNH", 0, &issuer, &request),
                     INVAL_UNDEFINED);
    issuer.arm.el = 2;
    assert_int_equal(run_v7("TLBIALLNSNHIS", 0, &issuer, &request),
                     INVAL_LEGAL);
    assert_false(request.invals[0].has_vmid);
    assert_int_equal(request.invals[0].regimes,
                     1U << REGIME_EL1 | 1U << REGIME_STAGE2);
    assert_int_equal(run_v7("TLBIMVAH", 0x1000, &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(request.invals[0].regimes, 1U << REGIME_EL2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mva_has_its_asid_in_the_low_byte),
        cmocka_unit_test(cores_without_mp_extensions_have_no_inner_forms),
        cmocka_unit_test(a_core_that_cannot_broadcast_acts_here),
        cmocka_unit_test(one_mva_reaches_its_section_but_one_level_1_entry),
        cmocka_unit_test(non_secure_non_hyp_means_every_vm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
