/* SPDX-License-Identifier: MIT */
/*
 * x86's invalidate instructions and events. Sources: Intel SDM vol. 3A 4.10.4
 * (5.10.4 in editions since 2023), vol. 3C 28.3.3 (29.4 since) and 30.3; AMD
 * APM vol. 2 5.5 and 15.16, vol. 3; Intel Remote Action Request white paper
 * 341431 by way of Linux's arch/x86/include/asm/rar.h (RFC of 2025).
 *
 * A guest's linear-address instructions reach its VPID's mappings under all
 * nested tables (SDM vol. 3C 28.3.3.1).
 */
#include "coherence/x86_table.h"

#define SDM_TLB  "Intel SDM vol. 3A 4.10.4.1"
#define SDM_VMX  "Intel SDM vol. 3C 28.3.3.1"
#define SDM_VMI  "Intel SDM vol. 3C 30.3"
#define APM_SVM  "AMD APM vol. 2 15.16"
#define APM_INST "AMD APM vol. 3"
#define RAR_NOTE "Intel 341431; Linux RFC asm/rar.h"

#define NESTED (1U << REGIME_EL1 | 1U << REGIME_STAGE2)

/* Name, variant, source; what matches; what else goes. Whose VMID, who acts
 * and when it is complete follow where they are not the current one's, this
 * CPU and at once. */
#define ROW(name_, variant_, source_, pages_, asid_, globals_, psc_)           \
    ROW_OF(WHOSE_CURRENT, name_, variant_, source_, pages_, asid_, globals_,   \
           psc_)
#define ROW_OF(vmid_, name_, variant_, source_, pages_, asid_, globals_, psc_) \
    .isa = INVAL_X86, .name = name_, .variant = variant_, .source = source_,   \
    .pages = pages_, .asid = asid_, .vmid = vmid_, .globals = globals_,        \
    .psc = psc_

const struct inval_instruction mmusim__x86_rows[X86_ROW_COUNT] = {
    [X86_ROW_INVLPG] = {ROW("INVLPG", NULL, SDM_TLB, ONE_PAGE, WHOSE_CURRENT,
                            DROPS_GLOBALS, INVAL_PSC_ASID),
                        .operand = X86_OF_ADDRESS, .needs = X86_INVLPG,
                        .note = "with EFER.TCE (AMD) only the pointers that "
                                "map the address; a non-canonical address is "
                                "no operation"},
    [X86_ROW_PAGE_FAULT] = {ROW("#PF", NULL, SDM_TLB, ONE_PAGE, WHOSE_CURRENT,
                                DROPS_GLOBALS, INVAL_PSC_ADDRESS),
                            .operand = X86_OF_ADDRESS, .is_event = true,
                            .note = "so that a fault due to a stale entry "
                                    "comes once (4.10.4.3)"},

    [X86_ROW_MOV_CR3] = {ROW("MOV CR3", "CR4.PCIDE = 0", SDM_TLB, EVERY_PAGE,
                             WHOSE_OPERAND, KEEPS_GLOBALS, INVAL_PSC_ASID),
                         .select = X86_CR3_PLAIN, .operand = X86_OF_CR3},
    {ROW("MOV CR3", "PCIDE = 1, bit 63 = 0", SDM_TLB, EVERY_PAGE, WHOSE_OPERAND,
         KEEPS_GLOBALS, INVAL_PSC_ASID),
     .select = X86_CR3_PCID, .operand = X86_OF_CR3},
    {ROW("MOV CR3", "PCIDE = 1, bit 63 = 1", SDM_TLB, EVERY_PAGE, WHOSE_OPERAND,
         KEEPS_GLOBALS, INVAL_PSC_KEEP),
     .select = X86_CR3_PCID_KEPT, .operand = X86_OF_CR3,
     .has_no_effect_on_tlb = true, .note = "bit 63: nothing is dropped"},

    [X86_ROW_MOV_CR4] = {ROW("MOV CR4", "PGE changes, or PCIDE 1 to 0", SDM_TLB,
                             EVERY_PAGE, WHOSE_ANY, DROPS_GLOBALS,
                             INVAL_PSC_ALL)},
    {ROW("MOV CR4", "PAE changes, or SMEP 0 to 1", SDM_TLB, EVERY_PAGE,
         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ASID),
     .select = 1},
    {ROW("MOV CR4", "else", SDM_TLB, EVERY_PAGE, WHOSE_CURRENT, KEEPS_GLOBALS,
         INVAL_PSC_KEEP),
     .select = 2, .has_no_effect_on_tlb = true,
     .note = "no bit changes that matters to the TLB"},

    [X86_ROW_MOV_CR0] = {ROW("MOV CR0", "PG 1 to 0", SDM_TLB, EVERY_PAGE,
                             WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ALL)},
    {ROW("MOV CR0", "else", SDM_TLB, EVERY_PAGE, WHOSE_ANY, KEEPS_GLOBALS,
         INVAL_PSC_KEEP),
     .select = 1, .has_no_effect_on_tlb = true, .note = "PG does not fall"},

    [X86_ROW_INVPCID] = {ROW("INVPCID", "type 0", SDM_TLB, ONE_PAGE,
                             WHOSE_OPERAND, KEEPS_GLOBALS, INVAL_PSC_ASID),
                         .operand = X86_OF_PCID, .needs = X86_INVPCID,
                         .note = "with EFER.TCE only the pointers that map "
                                 "the address; on Intel's, more pointers than "
                                 "must go"},
    {ROW("INVPCID", "type 1", SDM_TLB, EVERY_PAGE, WHOSE_OPERAND, KEEPS_GLOBALS,
         INVAL_PSC_ASID),
     .select = 1, .operand = X86_OF_PCID, .needs = X86_INVPCID},
    {ROW("INVPCID", "type 2", SDM_TLB, EVERY_PAGE, WHOSE_ANY, DROPS_GLOBALS,
         INVAL_PSC_ALL),
     .select = 2, .operand = X86_OF_PCID, .needs = X86_INVPCID},
    {ROW("INVPCID", "type 3", SDM_TLB, EVERY_PAGE, WHOSE_ANY, KEEPS_GLOBALS,
         INVAL_PSC_ALL),
     .select = 3, .operand = X86_OF_PCID, .needs = X86_INVPCID},

    [X86_ROW_INVEPT] = {ROW_OF(WHOSE_ANY, "INVEPT", "type 1", SDM_VMI,
                               EVERY_PAGE, WHOSE_ANY, DROPS_GLOBALS,
                               INVAL_PSC_ALL),
                        .select = 1, .operand = X86_OF_EPTP, .regimes = NESTED,
                        .needs = X86_VMX_EPT,
                        .note = "guest-physical and combined mappings of one "
                                "EP4TA, every VPID; no linear ones"},
    {ROW_OF(WHOSE_ANY, "INVEPT", "type 2", SDM_VMI, EVERY_PAGE, WHOSE_ANY,
            DROPS_GLOBALS, INVAL_PSC_ALL),
     .select = 2, .operand = X86_OF_EPTP, .regimes = NESTED,
     .needs = X86_VMX_EPT, .note = "likewise of every EP4TA"},

    [X86_ROW_INVVPID] = {ROW_OF(WHOSE_OPERAND, "INVVPID", "type 0", SDM_VMI,
                                ONE_PAGE, WHOSE_ANY, DROPS_GLOBALS,
                                INVAL_PSC_ADDRESS),
                         .operand = X86_OF_VPID, .regimes = 1U << REGIME_EL1,
                         .needs = X86_VMX_VPID,
                         .note = "linear and combined mappings, of every PCID "
                                 "and EP4TA; no guest-physical ones"},
    {ROW_OF(WHOSE_OPERAND, "INVVPID", "type 1", SDM_VMI, EVERY_PAGE, WHOSE_ANY,
            DROPS_GLOBALS, INVAL_PSC_ALL),
     .select = 1, .operand = X86_OF_VPID, .regimes = 1U << REGIME_EL1,
     .needs = X86_VMX_VPID},
    {ROW_OF(WHOSE_ANY, "INVVPID", "type 2", SDM_VMI, EVERY_PAGE, WHOSE_ANY,
            DROPS_GLOBALS, INVAL_PSC_ALL),
     .select = 2, .operand = X86_OF_VPID, .regimes = 1U << REGIME_EL1,
     .needs = X86_VMX_VPID, .note = "of every VPID but 0000H"},
    {ROW_OF(WHOSE_OPERAND, "INVVPID", "type 3", SDM_VMI, EVERY_PAGE, WHOSE_ANY,
            KEEPS_GLOBALS, INVAL_PSC_ALL),
     .select = 3, .operand = X86_OF_VPID, .regimes = 1U << REGIME_EL1,
     .needs = X86_VMX_VPID},

    [X86_ROW_EPT_VIOLATION] = {ROW_OF(WHOSE_ANY, "EPT violation", NULL, SDM_VMX,
                                      ONE_PAGE, WHOSE_ANY, DROPS_GLOBALS,
                                      INVAL_PSC_ADDRESS),
                               .operand = X86_OF_EPT_VIOLATION,
                               .regimes = 1U << REGIME_STAGE2, .is_event = true,
                               .note = "guest-physical mappings of the address "
                                       "and combined ones of the linear "
                                       "address, if there is one"},
    [X86_ROW_VMX_TRANSITION] = {ROW_OF(WHOSE_OPERAND, "VM entry, VM exit",
                                       "without VPID", SDM_VMX, EVERY_PAGE,
                                       WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ALL),
                                .regimes = 1U << REGIME_EL1, .is_event = true,
                                .note = "linear and combined mappings of "
                                        "VPID 0000H"},
    {ROW("VM entry, VM exit", "with VPID", SDM_VMX, EVERY_PAGE, WHOSE_ANY,
         KEEPS_GLOBALS, INVAL_PSC_KEEP),
     .select = 1, .is_event = true, .has_no_effect_on_tlb = true,
     .note = "VPIDs keep mappings apart"},

    [X86_ROW_INVLPGA] = {ROW_OF(WHOSE_OPERAND, "INVLPGA", NULL, APM_SVM,
                                ONE_PAGE, WHOSE_ANY, DROPS_GLOBALS,
                                INVAL_PSC_ASID),
                         .operand = X86_OF_SVM_ADDRESS,
                         .regimes = 1U << REGIME_EL1, .needs = X86_SVM,
                         .note = "the ASID of SVM; guess: every PCID of it"},
    [X86_ROW_VMRUN] = {ROW("VMRUN", "TLB_CONTROL 0", APM_SVM, EVERY_PAGE,
                           WHOSE_ANY, KEEPS_GLOBALS, INVAL_PSC_KEEP),
                       .needs = X86_SVM, .has_no_effect_on_tlb = true,
                       .note = "ASIDs keep mappings apart"},
    {ROW_OF(WHOSE_ANY, "VMRUN", "TLB_CONTROL 1", APM_SVM, EVERY_PAGE, WHOSE_ANY,
            DROPS_GLOBALS, INVAL_PSC_ALL),
     .select = 1, .regimes = NESTED, .needs = X86_SVM},
    {ROW_OF(WHOSE_OPERAND, "VMRUN", "TLB_CONTROL 3", APM_SVM, EVERY_PAGE,
            WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ALL),
     .select = 3, .operand = X86_OF_SVM_ASID, .regimes = NESTED,
     .needs = X86_SVM},
    {ROW_OF(WHOSE_OPERAND, "VMRUN", "TLB_CONTROL 7", APM_SVM, EVERY_PAGE,
            WHOSE_ANY, KEEPS_GLOBALS, INVAL_PSC_ALL),
     .select = 7, .operand = X86_OF_SVM_ASID, .regimes = NESTED,
     .needs = X86_SVM},

    [X86_ROW_INVLPGB] = {ROW_OF(WHOSE_OPERAND, "INVLPGB", NULL,
                                APM_INST " INVLPGB", PAGE_RANGE, WHOSE_OPERAND,
                                KEEPS_GLOBALS, INVAL_PSC_ASID),
                         .operand = X86_OF_BROADCAST,
                         .regimes = 1U << REGIME_EL1, .needs = X86_INVLPGB,
                         .reach = REACH_ALL, .completion = COMPLETE_AT_TLBSYNC,
                         .note = "rAX[5:0] say which of VA, PCID, ASID count, "
                                 "and: globals too, last level only, nested "
                                 "too; with EFER.TCE only the pointers that "
                                 "map the address"},
    [X86_ROW_TLBSYNC] = {ROW("TLBSYNC", NULL, APM_INST " TLBSYNC", EVERY_PAGE,
                             WHOSE_ANY, KEEPS_GLOBALS, INVAL_PSC_KEEP),
                         .needs = X86_INVLPGB, .has_no_effect_on_tlb = true,
                         .note = "waits for this CPU's INVLPGBs"},

#define RAR(type_, subtype_)                                                   \
    .operand = X86_OF_RAR, .select = (type_) << 3 | (subtype_),                \
    .needs = X86_RAR, .is_event = true, .completion = COMPLETE_AT_ACTION

    [X86_ROW_RAR] = {ROW("RAR", "page range, CR3 matches", RAR_NOTE, PAGE_RANGE,
                         WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ASID),
                     RAR(0, 0),
                     .note = "the target's current PCID, if its CR3 is the "
                             "payload's"},
    {ROW("RAR", "all, CR3 matches", RAR_NOTE, EVERY_PAGE, WHOSE_CURRENT,
         DROPS_GLOBALS, INVAL_PSC_ASID),
     RAR(0, 2)},
    {ROW("RAR", "all but globals, CR3 matches", RAR_NOTE, EVERY_PAGE,
         WHOSE_CURRENT, KEEPS_GLOBALS, INVAL_PSC_ASID),
     RAR(0, 3)},
    {ROW("RAR", "page range, any CR3", RAR_NOTE, PAGE_RANGE, WHOSE_CURRENT,
         DROPS_GLOBALS, INVAL_PSC_ASID),
     RAR(1, 0), .note = "guess: the target's current PCID"},
    {ROW("RAR", "all, any CR3", RAR_NOTE, EVERY_PAGE, WHOSE_CURRENT,
         DROPS_GLOBALS, INVAL_PSC_ASID),
     RAR(1, 2)},
    {ROW("RAR", "all but globals, any CR3", RAR_NOTE, EVERY_PAGE, WHOSE_CURRENT,
         KEEPS_GLOBALS, INVAL_PSC_ASID),
     RAR(1, 3)},
    {ROW("RAR", "INVPCID 0, a range", RAR_NOTE, PAGE_RANGE, WHOSE_OPERAND,
         KEEPS_GLOBALS, INVAL_PSC_ASID),
     RAR(2, 0)},
    {ROW("RAR", "INVPCID 1", RAR_NOTE, EVERY_PAGE, WHOSE_OPERAND, KEEPS_GLOBALS,
         INVAL_PSC_ASID),
     RAR(2, 1)},
    {ROW("RAR", "INVPCID 2", RAR_NOTE, EVERY_PAGE, WHOSE_ANY, DROPS_GLOBALS,
         INVAL_PSC_ALL),
     RAR(2, 2)},
    {ROW("RAR", "INVPCID 3", RAR_NOTE, EVERY_PAGE, WHOSE_ANY, KEEPS_GLOBALS,
         INVAL_PSC_ALL),
     RAR(2, 3)},
    {ROW_OF(WHOSE_ANY, "RAR", "INVEPT 1", RAR_NOTE, EVERY_PAGE, WHOSE_ANY,
            DROPS_GLOBALS, INVAL_PSC_ALL),
     RAR(3, 1), .regimes = NESTED},
    {ROW_OF(WHOSE_ANY, "RAR", "INVEPT 2", RAR_NOTE, EVERY_PAGE, WHOSE_ANY,
            DROPS_GLOBALS, INVAL_PSC_ALL),
     RAR(3, 2), .regimes = NESTED},
    {ROW_OF(WHOSE_OPERAND, "RAR", "INVVPID 0, a range", RAR_NOTE, PAGE_RANGE,
            WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
     RAR(4, 0), .regimes = 1U << REGIME_EL1},
    {ROW_OF(WHOSE_OPERAND, "RAR", "INVVPID 1", RAR_NOTE, EVERY_PAGE, WHOSE_ANY,
            DROPS_GLOBALS, INVAL_PSC_ALL),
     RAR(4, 1), .regimes = 1U << REGIME_EL1},
    {ROW_OF(WHOSE_ANY, "RAR", "INVVPID 2", RAR_NOTE, EVERY_PAGE, WHOSE_ANY,
            DROPS_GLOBALS, INVAL_PSC_ALL),
     RAR(4, 2), .regimes = 1U << REGIME_EL1},
    {ROW_OF(WHOSE_OPERAND, "RAR", "INVVPID 3", RAR_NOTE, EVERY_PAGE, WHOSE_ANY,
            KEEPS_GLOBALS, INVAL_PSC_ALL),
     RAR(4, 3), .regimes = 1U << REGIME_EL1},
    {ROW("RAR", "WRMSR", RAR_NOTE, EVERY_PAGE, WHOSE_ANY, KEEPS_GLOBALS,
         INVAL_PSC_KEEP),
     RAR(5, 0), .has_no_effect_on_tlb = true,
     .note = "writes a model-specific register"},
};
