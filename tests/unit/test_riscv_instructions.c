/* SPDX-License-Identifier: MIT */
/*
 * Operands and traps of RISC-V's fences: the privileged manual ("Supervisor
 * Memory-Management Fence Instruction", "Svinval", "Hypervisor
 * Memory-Management Fence Instructions") and the SBI specification's RFENCE
 * extension.
 */
#include "coherence/inval_instruction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ASID = 5, GUEST_VMID = 3 };

static struct inval_issuer supervisor(void)
{
    return (struct inval_issuer){
        .context = {.regime = REGIME_EL1, .has_asid = true, .asid = 77},
        .riscv =
            {
                .features = RISCV_SVINVAL | RISCV_H,
                .mode = RISCV_S,
                .vaddr_bits = 39,
                .asid_bits = 16,
                .vmid_bits = 14,
                .hgatp_vmid = GUEST_VMID,
            },
    };
}

static struct inval_operands registers(bool has_rs1, uint64_t rs1, bool has_rs2,
                                       uint64_t rs2)
{
    return (struct inval_operands){.reg = {rs1, rs2},
                                   .is_x0 = {!has_rs1, !has_rs2}};
}

static enum inval_outcome run(const char *name,
                              const struct inval_operands *operands,
                              const struct inval_issuer *issuer,
                              struct inval_request *request)
{
    const struct inval_instruction *row = mmusim__inval_find(INVAL_RISCV, name);

    assert_non_null(row);
    return mmusim__inval_decode(row, operands, issuer, request);
}

struct form {
    bool has_rs1, has_rs2;
    bool has_range, has_asid, hits_globals;
    enum inval_psc psc;
};

static const struct form forms[] = {
    {false, false, false, false, true, INVAL_PSC_ALL},
    {false, true, false, true, false, INVAL_PSC_ASID},
    {true, false, true, false, true, INVAL_PSC_KEEP},
    {true, true, true, true, false, INVAL_PSC_KEEP},
};

static void check_forms(const char *name, enum inval_completion completion)
{
    struct inval_issuer issuer = supervisor();

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const struct form *form = &forms[i];
        struct inval_operands operands =
            registers(form->has_rs1, 0x12345678, form->has_rs2, ASID);
        struct inval_request request;
        const struct inval *inval = &request.invals[0];

        assert_int_equal(run(name, &operands, &issuer, &request), INVAL_LEGAL);
        assert_int_equal(request.n_invals, 1);
        assert_int_equal(request.completion, completion);
        assert_int_equal(request.reach, REACH_SELF);
        assert_int_equal(inval->has_range, form->has_range);
        assert_int_equal(inval->has_asid, form->has_asid);
        assert_int_equal(inval->hits_globals, form->hits_globals);
        assert_int_equal(inval->psc, form->psc);
        assert_true(!form->has_range || inval->vpn.v == 0x12345);
        assert_true(!form->has_asid || inval->asid == ASID);
    }
}

static void sfence_vma_has_four_forms(void **state)
{
    (void) state;
    check_forms("SFENCE.VMA", COMPLETE_AT_ONCE);
    check_forms("SINVAL.VMA", COMPLETE_AT_INVAL_IR);
    check_forms("HFENCE.VVMA", COMPLETE_AT_ONCE);
    check_forms("HINVAL.VVMA", COMPLETE_AT_INVAL_IR);
}

/* gem5 took a register that holds 0 for x0 and flushed too much. */
static void a_register_of_0_is_not_x0_regress_gem5_g13(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = registers(true, 0, true, 0);
    struct inval_request request;

    (void) state;
    run("SFENCE.VMA", &operands, &issuer, &request);
    assert_true(request.invals[0].has_range && request.invals[0].has_asid);
    assert_int_equal(request.invals[0].vpn.v, 0);
    assert_int_equal(request.invals[0].asid, 0);
    operands.is_x0[0] = operands.is_x0[1] = true;
    run("SFENCE.VMA", &operands, &issuer, &request);
    assert_false(request.invals[0].has_range || request.invals[0].has_asid);
}

static void an_address_that_is_none_has_no_effect(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands =
        registers(true, UINT64_C(0x4000000000), false, 0);
    struct inval_request request;

    (void) state;
    assert_int_equal(run("SFENCE.VMA", &operands, &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(request.n_invals, 0);
    issuer.riscv.vaddr_bits = 48;
    run("SFENCE.VMA", &operands, &issuer, &request);
    assert_int_equal(request.n_invals, 1);
    operands.reg[0] = UINT64_C(0xffff800000000000);
    run("SFENCE.VMA", &operands, &issuer, &request);
    assert_int_equal(request.n_invals, 1);
    assert_true(request.invals[0].vpn.v == vpn_of(operands.reg[0]).v);
}

static void asid_bits_that_are_not_there_are_ignored(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = registers(false, 0, true, 0xabcd1234);
    struct inval_request request;

    (void) state;
    issuer.riscv.asid_bits = 9;
    run("SFENCE.VMA", &operands, &issuer, &request);
    assert_int_equal(request.invals[0].asid, 0x34);
}

static void a_svnapot_run_goes_as_a_whole(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = registers(true, 0x47000, false, 0);
    struct inval_request request;

    (void) state;
    run("SFENCE.VMA", &operands, &issuer, &request);
    assert_true(tlb_entry_is_hit_by_inval(tlb_key((vpn_t){0x40}, 4, 9, false),
                                          &request.invals[0], NULL));
}

static void a_guest_fences_its_own_translations(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = registers(false, 0, false, 0);
    struct inval_request request;

    (void) state;
    issuer.riscv.mode = RISCV_VS;
    issuer.context.vmid = 8;
    assert_int_equal(run("SFENCE.VMA", &operands, &issuer, &request),
                     INVAL_LEGAL);
    assert_true(request.invals[0].has_vmid);
    assert_int_equal(request.invals[0].vmid, 8);
    assert_int_equal(request.invals[0].regimes, 1U << REGIME_EL1);
}

static void hfence_vvma_means_the_guest_of_hgatp(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = registers(false, 0, false, 0);
    struct inval_request request;

    (void) state;
    issuer.context.regime = REGIME_EL2;
    run("HFENCE.VVMA", &operands, &issuer, &request);
    assert_int_equal(request.invals[0].regimes, 1U << REGIME_EL1);
    assert_int_equal(request.invals[0].vmid, GUEST_VMID);
    run("SFENCE.VMA", &operands, &issuer, &request);
    assert_int_equal(request.invals[0].regimes, 1U << REGIME_EL2);
}

static void hfence_gvma_shifts_its_address_and_drops_what_is_combined(void **s)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands =
        registers(true, UINT64_C(0x12345678) >> 2, true, 0xc004);
    struct inval_request request;

    (void) s;
    run("HFENCE.GVMA", &operands, &issuer, &request);
    assert_int_equal(request.n_invals, 2);
    assert_int_equal(request.invals[0].regimes, 1U << REGIME_STAGE2);
    assert_int_equal(request.invals[0].vpn.v, 0x12345);
    assert_int_equal(request.invals[0].vmid, 4); /* 14 bits */
    assert_int_equal(request.invals[1].regimes, 1U << REGIME_EL1);
    assert_false(request.invals[1].has_range);
    assert_int_equal(request.invals[1].vmid, 4);
    operands.is_x0[1] = true;
    run("HFENCE.GVMA", &operands, &issuer, &request);
    assert_false(request.invals[0].has_vmid || request.invals[1].has_vmid);
}

struct trap {
    const char *name;
    enum riscv_mode mode;
    bool is_trapped;
    enum inval_outcome outcome;
};

static const struct trap traps[] = {
    {"SFENCE.VMA", RISCV_U, false, INVAL_UNDEFINED},
    {"SFENCE.VMA", RISCV_S, true, INVAL_UNDEFINED},
    {"SFENCE.VMA", RISCV_M, true, INVAL_LEGAL},
    {"SFENCE.VMA", RISCV_VU, false, INVAL_TRAPPED},
    {"SFENCE.VMA", RISCV_VS, false, INVAL_LEGAL},
    {"SFENCE.VMA", RISCV_VS, true, INVAL_TRAPPED},
    {"SINVAL.VMA", RISCV_S, true, INVAL_UNDEFINED},
    {"HFENCE.VVMA", RISCV_S, true, INVAL_LEGAL},
    {"HFENCE.VVMA", RISCV_VS, false, INVAL_TRAPPED},
    {"HFENCE.VVMA", RISCV_U, false, INVAL_UNDEFINED},
    {"HFENCE.GVMA", RISCV_S, true, INVAL_UNDEFINED},
    {"HFENCE.GVMA", RISCV_S, false, INVAL_LEGAL},
    {"HINVAL.GVMA", RISCV_VS, false, INVAL_TRAPPED},
    {"SFENCE.W.INVAL", RISCV_S, true, INVAL_LEGAL},
    {"SFENCE.INVAL.IR", RISCV_VS, true, INVAL_LEGAL},
    {"SFENCE.INVAL.IR", RISCV_U, false, INVAL_UNDEFINED},
    {"SFENCE.W.INVAL", RISCV_VU, false, INVAL_TRAPPED},
};

static void modes_and_tvm_decide_what_traps(void **state)
{
    struct inval_operands operands = registers(true, 0x1000, true, 1);

    (void) state;
    for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
        struct inval_issuer issuer = supervisor();
        struct inval_request request;

        issuer.riscv.mode = traps[i].mode;
        issuer.riscv.is_trapped = traps[i].is_trapped;
        assert_int_equal(run(traps[i].name, &operands, &issuer, &request),
                         traps[i].outcome);
        assert_true(!traps[i].outcome || request.why);
    }
}

static void harts_without_the_extension_have_no_such_instruction(void **state)
{
    static const char *const names[] = {"SINVAL.VMA", "SFENCE.W.INVAL",
                                        "HFENCE.VVMA", "HINVAL.GVMA"};
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = registers(false, 0, false, 0);
    struct inval_request request;

    (void) state;
    issuer.riscv.features = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(run(names[i], &operands, &issuer, &request),
                         INVAL_UNDEFINED);
    assert_int_equal(run("remote_hfence_gvma", &operands, &issuer, &request),
                     INVAL_REJECTED);
}

static void the_fences_of_svinval_drop_nothing(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = registers(false, 0, false, 0);
    struct inval_request request;

    (void) state;
    assert_int_equal(run("SFENCE.W.INVAL", &operands, &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(request.n_invals, 0);
    assert_non_null(request.why);
}

/* ---- SBI ---- */

static struct inval_operands call(uint64_t start, uint64_t size)
{
    return (struct inval_operands){.reg = {6, 64, start, size, ASID}};
}

static void a_remote_fence_names_harts_and_pages(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = call(0x10800, 0x2000);
    struct inval_request request;

    (void) state;
    assert_int_equal(
        run("remote_sfence_vma_asid", &operands, &issuer, &request),
        INVAL_LEGAL);
    assert_true(request.has_harts);
    assert_int_equal(request.hart_mask, 6);
    assert_int_equal(request.hart_mask_base, 64);
    assert_int_equal(request.completion, COMPLETE_AT_RETURN);
    assert_int_equal(request.invals[0].vpn.v, 0x10);
    assert_int_equal(request.invals[0].n_pages, 3);
    assert_int_equal(request.invals[0].asid, ASID);
    assert_false(request.invals[0].hits_globals);
    assert_int_equal(request.invals[0].psc, INVAL_PSC_KEEP);
}

static void a_base_of_minus_1_means_every_hart(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = call(0x1000, 0x1000);
    struct inval_request request;

    (void) state;
    operands.reg[1] = UINT64_MAX;
    run("remote_sfence_vma", &operands, &issuer, &request);
    assert_false(request.has_harts);
    assert_int_equal(request.reach, REACH_ALL);
    issuer.riscv.vaddr_bits = 32;
    operands.reg[1] = UINT32_MAX;
    run("remote_sfence_vma", &operands, &issuer, &request);
    assert_false(request.has_harts);
}

static void everything_is_start_and_size_0_or_size_minus_1(void **state)
{
    static const uint64_t ranges[][2] = {
        {0, 0}, {0, UINT64_MAX}, {0x5000, UINT64_MAX}};
    struct inval_issuer issuer = supervisor();

    (void) state;
    for (size_t i = 0; i < 3; i++) {
        struct inval_operands operands = call(ranges[i][0], ranges[i][1]);
        struct inval_request request;

        run("remote_sfence_vma", &operands, &issuer, &request);
        assert_false(request.invals[0].has_range);
        assert_int_equal(request.invals[0].psc, INVAL_PSC_ALL);
        run("remote_sfence_vma_asid", &operands, &issuer, &request);
        assert_int_equal(request.invals[0].psc, INVAL_PSC_ASID);
    }
}

static void a_range_beyond_the_last_address_is_an_error(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = call(UINT64_MAX - 0xfff, 0x2000);
    struct inval_request request;

    (void) state;
    assert_int_equal(run("remote_sfence_vma", &operands, &issuer, &request),
                     INVAL_REJECTED);
    operands = call(UINT64_MAX - 0xfff, 0x1000);
    assert_int_equal(run("remote_sfence_vma", &operands, &issuer, &request),
                     INVAL_LEGAL);
    operands = call(0x5000, 0);
    run("remote_sfence_vma", &operands, &issuer, &request);
    assert_int_equal(request.n_invals, 0);
}

static void remote_fences_of_guests_mean_hgatp_or_the_vmid_named(void **state)
{
    struct inval_issuer issuer = supervisor();
    struct inval_operands operands = call(0x1000, 0x1000);
    struct inval_request request;

    (void) state;
    run("remote_hfence_vvma_asid", &operands, &issuer, &request);
    assert_int_equal(request.invals[0].vmid, GUEST_VMID);
    assert_int_equal(request.invals[0].asid, ASID);
    run("remote_hfence_gvma_vmid", &operands, &issuer, &request);
    assert_int_equal(request.n_invals, 2);
    assert_int_equal(request.invals[0].regimes, 1U << REGIME_STAGE2);
    assert_int_equal(request.invals[1].vmid, ASID);
    run("remote_fence_i", &operands, &issuer, &request);
    assert_int_equal(request.n_invals, 0);
    assert_true(request.has_harts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sfence_vma_has_four_forms),
        cmocka_unit_test(a_register_of_0_is_not_x0_regress_gem5_g13),
        cmocka_unit_test(an_address_that_is_none_has_no_effect),
        cmocka_unit_test(asid_bits_that_are_not_there_are_ignored),
        cmocka_unit_test(a_svnapot_run_goes_as_a_whole),
        cmocka_unit_test(a_guest_fences_its_own_translations),
        cmocka_unit_test(hfence_vvma_means_the_guest_of_hgatp),
        cmocka_unit_test(
            hfence_gvma_shifts_its_address_and_drops_what_is_combined),
        cmocka_unit_test(modes_and_tvm_decide_what_traps),
        cmocka_unit_test(harts_without_the_extension_have_no_such_instruction),
        cmocka_unit_test(the_fences_of_svinval_drop_nothing),
        cmocka_unit_test(a_remote_fence_names_harts_and_pages),
        cmocka_unit_test(a_base_of_minus_1_means_every_hart),
        cmocka_unit_test(everything_is_start_and_size_0_or_size_minus_1),
        cmocka_unit_test(a_range_beyond_the_last_address_is_an_error),
        cmocka_unit_test(remote_fences_of_guests_mean_hgatp_or_the_vmid_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
