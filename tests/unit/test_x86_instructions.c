/* SPDX-License-Identifier: MIT */
/*
 * Operands and faults of x86's invalidate instructions: Intel SDM vol. 2
 * (INVLPG, INVPCID, MOV CR), vol. 3C 30.3 (INVEPT, INVVPID); AMD APM vol. 3
 * (INVLPGB, as Linux packs it: arch/x86/include/asm/tlb.h). What they do to
 * cached entries: test_x86_conformance.
 */
#include "coherence/x86_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    EVERYTHING = X86_INVLPG | X86_PGE | X86_PCID | X86_INVPCID | X86_INVLPGB |
                 X86_TCE | X86_VMX_EPT | X86_VMX_VPID | X86_SVM | X86_RAR,
    PCID = 5,
    VPID = 3,
    COUNT_MAX = 7,
};

#define VADDR         UINT64_C(0x00007f12345ab678)
#define NOT_CANONICAL UINT64_C(0x0000800000000000)
#define EPTP          UINT64_C(0x000000123456705e)

static struct inval_issuer kernel(void)
{
    return (struct inval_issuer){
        .context = {.regime = REGIME_EL1,
                    .has_asid = true,
                    .asid = PCID,
                    .vmid = VPID,
                    .stage2_root = 0x77000},
        .x86 =
            {
                .features = EVERYTHING,
                .vaddr_bits = 48,
                .cr0 = X86_CR0_PG,
                .cr4 = X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PCIDE,
                .invlpgb_count_max = COUNT_MAX,
                .n_svm_asids = 16,
            },
    };
}

static enum inval_outcome run(const char *name, struct inval_operands operands,
                              const struct inval_issuer *issuer,
                              struct inval_request *request)
{
    const struct inval_instruction *row = mmusim__inval_find(INVAL_X86, name);

    assert_non_null(row);
    return mmusim__inval_decode(row, &operands, issuer, request);
}

static struct inval_operands regs(uint64_t a, uint64_t b, uint64_t c)
{
    return (struct inval_operands){.reg = {a, b, c}};
}

static void every_row_says_what_it_is_and_where_it_is_written(void **state)
{
    static const size_t counts[INVAL_ISA_COUNT] = {X86_ROW_COUNT, 126, 20, 33};

    (void) state;
    for (int isa = 0; isa < INVAL_ISA_COUNT; isa++) {
        const struct inval_instruction *row;
        size_t n = 0;

        for (; (row = mmusim__inval_row_at((enum inval_isa) isa, n)); n++) {
            assert_non_null(row->name);
            assert_non_null(row->source);
            assert_int_equal(row->isa, isa);
            assert_true(row->note || !row->has_no_effect_on_tlb);
        }
        assert_int_equal(n, counts[isa]);
    }
}

static void a_386_has_no_invlpg(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    issuer.x86.features = 0;
    issuer.x86.cr4 = 0;
    issuer.x86.vaddr_bits = 32;
    assert_int_equal(run("INVLPG", regs(0x1000, 0, 0), &issuer, &request),
                     INVAL_UNDEFINED);
    assert_int_equal(run("MOV CR3", regs(0x1000, 0, 0), &issuer, &request),
                     INVAL_LEGAL);
    assert_false(request.invals[0].has_range);
    assert_int_equal(request.invals[0].asid, 0);
    assert_int_equal(run("MOV CR4", regs(X86_CR4_PGE, 0, 0), &issuer, &request),
                     INVAL_PROTECTED);
}

static void privileged_instructions_fault_at_cpl_3(void **state)
{
    static const char *const names[] = {"INVLPG",  "MOV CR3", "INVPCID",
                                        "INVEPT",  "INVVPID", "INVLPGA",
                                        "INVLPGB", "TLBSYNC", "VMRUN"};
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    issuer.x86.cpl = 3;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(run(names[i], regs(1, 1, 0), &issuer, &request),
                         INVAL_PROTECTED);
    assert_int_equal(run("#PF", regs(VADDR, 0, 0), &issuer, &request),
                     INVAL_LEGAL);
}

static void instructions_that_cpuid_lacks_are_undefined(void **state)
{
    static const char *const names[] = {"INVPCID", "INVEPT",  "INVVPID",
                                        "INVLPGA", "INVLPGB", "TLBSYNC"};
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    issuer.x86.features = X86_INVLPG;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(run(names[i], regs(1, 1, 0), &issuer, &request),
                         INVAL_UNDEFINED);
}

static void invlpg_of_no_canonical_address_is_no_operation(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    assert_int_equal(
        run("INVLPG", regs(NOT_CANONICAL, 0, 0), &issuer, &request),
        INVAL_LEGAL);
    assert_int_equal(request.n_invals, 0);
    issuer.x86.vaddr_bits = 57;
    run("INVLPG", regs(NOT_CANONICAL, 0, 0), &issuer, &request);
    assert_int_equal(request.n_invals, 1);
}

/* SDM vol. 3C 28.3.3.1: of the current VPID, for combined mappings of every
 * EP4TA. */
static void a_guest_reaches_its_vpid_under_all_nested_tables(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    run("INVLPG", regs(VADDR, 0, 0), &issuer, &request);
    assert_true(request.invals[0].has_vmid);
    assert_int_equal(request.invals[0].vmid, VPID);
    assert_false(request.invals[0].has_stage2_root);
}

static void with_tce_only_pointers_of_the_address_go(void **state)
{
    static const struct {
        const char *name;
        struct inval_operands operands;
    } rows[] = {
        {"INVLPG", {.reg = {VADDR}}},
        {"INVPCID", {.reg = {0, PCID, VADDR}}},
        {"INVLPGB", {.reg = {(VADDR & ~UINT64_C(0xfff)) | 3, 0, PCID << 16}}},
    };
    struct inval_request request;

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct inval_issuer issuer = kernel();

        run(rows[i].name, rows[i].operands, &issuer, &request);
        assert_int_equal(request.invals[0].psc, INVAL_PSC_ASID);
        issuer.x86.efer = X86_EFER_TCE;
        run(rows[i].name, rows[i].operands, &issuer, &request);
        assert_int_equal(request.invals[0].psc, INVAL_PSC_ADDRESS);
    }
}

static void mov_cr3_reads_pcid_and_bit_63(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    assert_int_equal(run("MOV CR3", regs(0x123fff, 0, 0), &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(request.invals[0].asid, 0xfff);
    assert_false(request.invals[0].hits_globals);
    assert_int_equal(
        run("MOV CR3", regs(X86_CR3_NOFLUSH | 7, 0, 0), &issuer, &request),
        INVAL_LEGAL);
    assert_int_equal(request.n_invals, 0);
    issuer.x86.cr4 &= ~X86_CR4_PCIDE;
    assert_int_equal(
        run("MOV CR3", regs(X86_CR3_NOFLUSH, 0, 0), &issuer, &request),
        INVAL_PROTECTED);
    assert_int_equal(run("MOV CR3", regs(0x123018, 0, 0), &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(request.invals[0].asid, 0);
}

enum { NONE, CURRENT, ALL };

struct cr4_change {
    uint64_t before, after;
    int reach;
};

/* SDM vol. 3A 4.10.4.1, MOV to CR4. */
static const struct cr4_change cr4_changes[] = {
    {X86_CR4_PGE, 0, ALL},
    {0, X86_CR4_PGE, ALL},
    {X86_CR4_PCIDE, 0, ALL},
    {0, X86_CR4_PCIDE, NONE},
    {0, X86_CR4_PAE, CURRENT},
    {X86_CR4_PAE, 0, CURRENT},
    {0, X86_CR4_SMEP, CURRENT},
    {X86_CR4_SMEP, 0, NONE},
    {X86_CR4_PGE, X86_CR4_PGE, NONE},
    {X86_CR4_PGE, X86_CR4_SMEP, ALL},
};

static void mov_cr4_drops_what_its_bits_ask_for(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(cr4_changes) / sizeof(cr4_changes[0]); i++) {
        const struct cr4_change *change = &cr4_changes[i];
        struct inval_issuer issuer = kernel();
        struct inval_request request;

        issuer.x86.cr4 = change->before;
        assert_int_equal(
            run("MOV CR4", regs(change->after, 0, 0), &issuer, &request),
            INVAL_LEGAL);
        assert_int_equal(request.n_invals, change->reach != NONE);
        if (change->reach == NONE)
            continue;
        assert_int_equal(request.invals[0].has_asid, change->reach == CURRENT);
        assert_true(request.invals[0].hits_globals);
    }
}

static void pcide_needs_64_bit_mode_and_an_empty_cr3(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;
    struct inval_operands on = regs(X86_CR4_PCIDE, 0, 0);

    (void) state;
    issuer.x86.cr4 = 0;
    issuer.x86.cr3 = 0x1018;
    assert_int_equal(run("MOV CR4", on, &issuer, &request), INVAL_PROTECTED);
    issuer.x86.cr3 = 0x1000;
    assert_int_equal(run("MOV CR4", on, &issuer, &request), INVAL_LEGAL);
    issuer.x86.vaddr_bits = 32;
    assert_int_equal(run("MOV CR4", on, &issuer, &request), INVAL_PROTECTED);
}

static void clearing_paging_drops_everything(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    assert_int_equal(run("MOV CR0", regs(0, 0, 0), &issuer, &request),
                     INVAL_PROTECTED); /* PCIDE is set */
    issuer.x86.cr4 = 0;
    assert_int_equal(run("MOV CR0", regs(0, 0, 0), &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(request.n_invals, 1);
    run("MOV CR0", regs(X86_CR0_PG, 0, 0), &issuer, &request);
    assert_int_equal(request.n_invals, 0);
}

struct vector {
    const char *name;
    struct inval_operands operands;
    enum inval_outcome outcome;
};

static const struct vector vectors[] = {
    {"INVPCID", {.reg = {0, PCID, VADDR}}, INVAL_LEGAL},
    {"INVPCID", {.reg = {4, PCID, VADDR}}, INVAL_PROTECTED},
    {"INVPCID", {.reg = {UINT64_C(1) << 32, 0, 0}}, INVAL_PROTECTED},
    {"INVPCID", {.reg = {0, 0x1000, VADDR}}, INVAL_PROTECTED},
    {"INVPCID", {.reg = {2, 0x1000, VADDR}}, INVAL_PROTECTED},
    {"INVPCID", {.reg = {0, PCID, NOT_CANONICAL}}, INVAL_PROTECTED},
    {"INVPCID", {.reg = {1, PCID, NOT_CANONICAL}}, INVAL_LEGAL},
    {"INVEPT", {.reg = {0, EPTP, 0}}, INVAL_REJECTED},
    {"INVEPT", {.reg = {1, EPTP, 0}}, INVAL_LEGAL},
    {"INVEPT", {.reg = {1, EPTP, 1}}, INVAL_REJECTED},
    {"INVEPT", {.reg = {1, 0x1000, 0}}, INVAL_REJECTED},  /* no levels */
    {"INVEPT", {.reg = {1, 0x101b, 0}}, INVAL_REJECTED},  /* memory type 3 */
    {"INVEPT", {.reg = {1, 0x1f1e, 0}}, INVAL_REJECTED},  /* reserved bits */
    {"INVEPT", {.reg = {1, 0x1026, 0}}, INVAL_LEGAL},     /* 5 levels */
    {"INVEPT", {.reg = {2, UINT64_MAX, 0}}, INVAL_LEGAL}, /* not looked at */
    {"INVEPT", {.reg = {3, EPTP, 0}}, INVAL_REJECTED},
    {"INVVPID", {.reg = {0, VPID, VADDR}}, INVAL_LEGAL},
    {"INVVPID", {.reg = {0, 0, VADDR}}, INVAL_REJECTED},
    {"INVVPID", {.reg = {0, VPID, NOT_CANONICAL}}, INVAL_REJECTED},
    {"INVVPID", {.reg = {0, 0x10000, VADDR}}, INVAL_REJECTED},
    {"INVVPID", {.reg = {1, 0, 0}}, INVAL_REJECTED},
    {"INVVPID", {.reg = {2, 0, 0}}, INVAL_LEGAL},
    {"INVVPID", {.reg = {3, 0, 0}}, INVAL_REJECTED},
    {"INVVPID", {.reg = {4, VPID, 0}}, INVAL_REJECTED},
    {"INVLPGA", {.reg = {VADDR, 15}}, INVAL_LEGAL},
    {"INVLPGA", {.reg = {VADDR, 16}}, INVAL_REJECTED},
    {"VMRUN", {.reg = {2, 1}}, INVAL_PROTECTED},
    {"VMRUN", {.reg = {7, 1}}, INVAL_LEGAL},
    {"INVLPGB", {.reg = {0, COUNT_MAX, 0}}, INVAL_LEGAL},
    {"INVLPGB", {.reg = {0, COUNT_MAX + 1, 0}}, INVAL_PROTECTED},
    {"INVLPGB", {.reg = {0x40, 0, 0}}, INVAL_PROTECTED},
    {"INVLPGB", {.reg = {0, 0x10000, 0}}, INVAL_PROTECTED},
    {"INVLPGB", {.reg = {0, 0, 0x10000000}}, INVAL_PROTECTED},
    {"INVLPGB", {.reg = {4, 0, 15}}, INVAL_LEGAL},
    {"INVLPGB", {.reg = {4, 0, 16}}, INVAL_PROTECTED},
    {"INVLPGB", {.reg = {0, 0, 16}}, INVAL_LEGAL}, /* ASID not valid */
};

static void operands_that_are_not_valid_are_refused(void **state)
{
    struct inval_issuer issuer = kernel();

    (void) state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct inval_request request;

        assert_int_equal(
            run(vectors[i].name, vectors[i].operands, &issuer, &request),
            vectors[i].outcome);
        assert_true(!vectors[i].outcome || (request.why && !request.n_invals));
    }
}

static void a_pcid_needs_pcide(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    issuer.x86.cr4 &= ~X86_CR4_PCIDE;
    assert_int_equal(run("INVPCID", regs(1, PCID, 0), &issuer, &request),
                     INVAL_PROTECTED);
    assert_int_equal(run("INVPCID", regs(1, 0, 0), &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(run("INVPCID", regs(3, PCID, 0), &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(run("INVLPGB", regs(2, 0, PCID << 16), &issuer, &request),
                     INVAL_PROTECTED);
}

static void invept_means_one_root_and_nested_mappings_alone(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;
    const struct inval *inval = &request.invals[0];
    struct tlb_context linear = {.regime = REGIME_EL1, .vmid = VPID};
    struct tlb_context combined = {
        .regime = REGIME_EL1, .vmid = 9, .stage2_root = 0x1234567000};
    struct tlb_context guest = {.regime = REGIME_STAGE2,
                                .stage2_root = 0x1234567000};

    (void) state;
    run("INVEPT", regs(1, EPTP, 0), &issuer, &request);
    assert_false(inval_is_for(inval, &linear));
    assert_true(inval_is_for(inval, &combined));
    assert_true(inval_is_for(inval, &guest));
    combined.stage2_root = guest.stage2_root = 0x1000;
    assert_false(inval_is_for(inval, &combined));
    assert_false(inval_is_for(inval, &guest));
    run("INVEPT", regs(2, 0, 0), &issuer, &request);
    assert_false(inval_is_for(inval, &linear));
    assert_true(inval_is_for(inval, &combined));
    assert_true(inval_is_for(inval, &guest));
}

static void invvpid_means_linear_and_combined_mappings(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;
    const struct inval *inval = &request.invals[0];
    struct tlb_context linear = {.regime = REGIME_EL1, .vmid = 8};
    struct tlb_context guest = {.regime = REGIME_STAGE2, .stage2_root = 1};
    struct tlb_context host = {.regime = REGIME_EL1};

    (void) state;
    run("INVVPID", regs(1, 8, 0), &issuer, &request);
    assert_true(inval_is_for(inval, &linear));
    assert_false(inval_is_for(inval, &guest));
    assert_false(inval_is_for(inval, &host));
    linear.stage2_root = 0x5000;
    assert_true(inval_is_for(inval, &linear));
    run("INVVPID", regs(2, 0, 0), &issuer, &request);
    assert_true(inval_is_for(inval, &linear));
    assert_false(inval_is_for(inval, &host)); /* every VPID but 0000H */
    run("INVVPID", regs(3, 8, 0), &issuer, &request);
    assert_false(inval->hits_globals);
}

static void a_guest_that_manages_vmx_exits(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    issuer.x86.is_guest = true;
    assert_int_equal(run("INVEPT", regs(2, 0, 0), &issuer, &request),
                     INVAL_TRAPPED);
    assert_int_equal(run("INVVPID", regs(2, 0, 0), &issuer, &request),
                     INVAL_TRAPPED);
}

static void an_ept_violation_drops_both_kinds_of_the_addresses(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;
    struct inval_operands operands = regs(0x5000, VADDR, 0);

    (void) state;
    run("EPT violation", operands, &issuer, &request);
    assert_int_equal(request.n_invals, 2);
    assert_int_equal(request.invals[0].vpn.v, 5);
    assert_true(request.invals[1].vpn.v == vpn_of(VADDR).v);
    assert_int_equal(request.invals[1].asid, PCID);
    assert_true(request.invals[1].stage2_root == 0x77000);
    operands.is_x0[1] = true;
    run("EPT violation", operands, &issuer, &request);
    assert_int_equal(request.n_invals, 1);
}

static void vm_entries_flush_unless_vpid_is_on(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    run("VM entry, VM exit", regs(0, 0, 0), &issuer, &request);
    assert_int_equal(request.n_invals, 1);
    assert_int_equal(request.invals[0].vmid, 0);
    assert_true(request.invals[0].hits_globals);
    issuer.x86.has_vpid = true;
    run("VM entry, VM exit", regs(0, 0, 0), &issuer, &request);
    assert_int_equal(request.n_invals, 0);
}

/* Linux: rax = addr | flags, ecx = stride << 31 | (nr - 1),
 * edx = pcid << 16 | asid. */
static void invlpgb_reads_every_field(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;
    const struct inval *inval = &request.invals[0];
    uint64_t vaddr = VADDR & ~UINT64_C(0xfff);

    (void) state;
    run("INVLPGB", regs(vaddr | 0x0f, UINT64_C(1) << 31 | 6, PCID << 16 | 9),
        &issuer, &request);
    assert_true(inval->vpn.v == vaddr >> 12);
    assert_int_equal(inval->n_pages, 7);
    assert_int_equal(inval->stride_order, 9);
    assert_true(inval->has_asid && inval->has_vmid && inval->hits_globals);
    assert_int_equal(inval->asid, PCID);
    assert_int_equal(inval->vmid, 9);
    assert_int_equal(request.reach, REACH_ALL);
    assert_int_equal(request.completion, COMPLETE_AT_TLBSYNC);
    run("INVLPGB", regs(0, 0, PCID << 16 | 9), &issuer, &request);
    assert_false(inval->has_range || inval->has_asid || inval->has_vmid ||
                 inval->hits_globals);
    run("INVLPGB", regs(0x10, 0, 0), &issuer, &request);
    assert_int_equal(inval->psc, INVAL_PSC_KEEP);
    run("INVLPGB", regs(0x24, 0, 9), &issuer, &request);
    assert_int_equal(request.n_invals, 2);
    assert_int_equal(request.invals[1].regimes, 1U << REGIME_STAGE2);
    assert_int_equal(request.invals[1].vmid, 9);
}

static void in_a_guest_invlpgb_means_the_guests_asid(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    issuer.x86.is_guest = true;
    assert_int_equal(run("INVLPGB", regs(0, 0, 0), &issuer, &request),
                     INVAL_UNDEFINED);
    issuer.x86.may_invlpgb = true;
    assert_int_equal(run("INVLPGB", regs(4, 0, 9), &issuer, &request),
                     INVAL_LEGAL);
    assert_true(request.invals[0].has_vmid);
    assert_int_equal(request.invals[0].vmid, VPID);
    assert_int_equal(run("INVLPGB", regs(0, 0, 0), &issuer, &request),
                     INVAL_LEGAL);
    assert_true(request.invals[0].has_vmid);
}

/* Word 0 of a payload: type 15:8, subtype 34:32, size 36:35, pages 42:37. */
static uint64_t payload(uint64_t type, uint64_t subtype, uint64_t size,
                        uint64_t pages)
{
    return type << 8 | subtype << 32 | size << 35 | pages << 37;
}

static struct inval_operands rar(uint64_t word, uint64_t id)
{
    return (struct inval_operands){.reg = {word, 0, id, VADDR}};
}

static void rar_payloads_are_read_by_type(void **state)
{
    struct inval_issuer issuer = kernel();
    struct inval_request request;
    const struct inval *inval = &request.invals[0];

    (void) state;
    run("RAR", rar(payload(2, 0, 1, 63), PCID), &issuer, &request);
    assert_int_equal(inval->n_pages, 63);
    assert_int_equal(inval->stride_order, 9);
    assert_int_equal(inval->asid, PCID);
    assert_int_equal(request.completion, COMPLETE_AT_ACTION);
    run("RAR", rar(payload(0, 0, 0, 1), 0x5018), &issuer, &request);
    assert_true(request.has_cr3 && request.is_of_target_asid);
    assert_int_equal(request.cr3, 0x5000);
    run("RAR", rar(payload(1, 2, 0, 0), 0), &issuer, &request);
    assert_true(!request.has_cr3 && request.is_of_target_asid);
    run("RAR", rar(payload(3, 1, 0, 0), EPTP), &issuer, &request);
    assert_true(inval->only_nested && inval->has_stage2_root);
    run("RAR", rar(payload(3, 2, 0, 0), EPTP), &issuer, &request);
    assert_true(inval->only_nested && !inval->has_stage2_root);
    run("RAR", rar(payload(4, 0, 0, 2), 8), &issuer, &request);
    assert_int_equal(inval->vmid, 8);
    assert_int_equal(run("RAR", rar(payload(5, 0, 0, 0), 0), &issuer, &request),
                     INVAL_LEGAL);
    assert_int_equal(request.n_invals, 0);
}

static void rar_payloads_that_are_none_fail(void **state)
{
    static const uint64_t words[] = {
        UINT64_C(6) << 8,  /* no such type */
        UINT64_C(1) << 32, /* INVPG has no subtype 1 */
        UINT64_C(1) << 16, /* reserved */
        UINT64_C(2) << 8,  /* no pages */
        UINT64_C(2) << 8 | UINT64_C(1) << 37 | UINT64_C(3) << 35, /* no size */
        UINT64_C(1) << 43,                                        /* reserved */
    };
    struct inval_issuer issuer = kernel();
    struct inval_request request;

    (void) state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_int_equal(run("RAR", rar(words[i], 0), &issuer, &request),
                         INVAL_REJECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_says_what_it_is_and_where_it_is_written),
        cmocka_unit_test(a_386_has_no_invlpg),
        cmocka_unit_test(privileged_instructions_fault_at_cpl_3),
        cmocka_unit_test(instructions_that_cpuid_lacks_are_undefined),
        cmocka_unit_test(invlpg_of_no_canonical_address_is_no_operation),
        cmocka_unit_test(a_guest_reaches_its_vpid_under_all_nested_tables),
        cmocka_unit_test(with_tce_only_pointers_of_the_address_go),
        cmocka_unit_test(mov_cr3_reads_pcid_and_bit_63),
        cmocka_unit_test(mov_cr4_drops_what_its_bits_ask_for),
        cmocka_unit_test(pcide_needs_64_bit_mode_and_an_empty_cr3),
        cmocka_unit_test(clearing_paging_drops_everything),
        cmocka_unit_test(operands_that_are_not_valid_are_refused),
        cmocka_unit_test(a_pcid_needs_pcide),
        cmocka_unit_test(invept_means_one_root_and_nested_mappings_alone),
        cmocka_unit_test(invvpid_means_linear_and_combined_mappings),
        cmocka_unit_test(a_guest_that_manages_vmx_exits),
        cmocka_unit_test(an_ept_violation_drops_both_kinds_of_the_addresses),
        cmocka_unit_test(vm_entries_flush_unless_vpid_is_on),
        cmocka_unit_test(invlpgb_reads_every_field),
        cmocka_unit_test(in_a_guest_invlpgb_means_the_guests_asid),
        cmocka_unit_test(rar_payloads_are_read_by_type),
        cmocka_unit_test(rar_payloads_that_are_none_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
