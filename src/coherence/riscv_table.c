/* SPDX-License-Identifier: MIT */
/*
 * RISC-V's fences. Sources: the privileged manual, "Supervisor
 * Memory-Management Fence Instruction", "Svinval", and, for HFENCE, "Hypervisor
 * Memory-Management Fence Instructions"; the SBI specification, "RFENCE".
 *
 * With an address (rs1 is not x0) SFENCE.VMA orders leaf entries alone; with
 * an ASID (rs2 is not x0) global mappings are spared. x0 is the register, not
 * a value of 0.
 */
#include "coherence/riscv_table.h"

#define PRIV_SFENCE  "RISC-V priv., SFENCE.VMA"
#define PRIV_SVINVAL "RISC-V priv., Svinval"
#define PRIV_HFENCE  "RISC-V priv., HFENCE"
#define SBI          "RISC-V SBI, RFENCE"

#define OWN        0U
#define GUEST      (1U << REGIME_EL1)
#define STAGE2     (1U << REGIME_STAGE2)
#define NO_FEATURE 0U

#define ROW(name_, variant_, source_, select_, operand_, regimes_, pages_,     \
            asid_, vmid_, globals_, psc_)                                      \
    .isa = INVAL_RISCV, .name = name_, .variant = variant_, .source = source_, \
    .select = select_, .operand = operand_, .regimes = regimes_,               \
    .pages = pages_, .asid = asid_, .vmid = vmid_, .globals = globals_,        \
    .psc = psc_

/* The four forms of a fence by virtual address and ASID. */
#define FENCE(name_, source_, operand_, regimes_, completion_, needs_)         \
    {ROW(name_, "rs1 = x0, rs2 = x0", source_, 0, operand_, regimes_,          \
         EVERY_PAGE, WHOSE_ANY, WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_ALL),  \
     .completion = completion_, .needs = needs_},                              \
        {ROW(name_, "rs1 = x0", source_, RISCV_HAS_RS2, operand_, regimes_,    \
             EVERY_PAGE, WHOSE_OPERAND, WHOSE_CURRENT, KEEPS_GLOBALS,          \
             INVAL_PSC_ASID),                                                  \
         .completion = completion_, .needs = needs_},                          \
        {ROW(name_, "rs2 = x0", source_, RISCV_HAS_RS1, operand_, regimes_,    \
             ONE_PAGE, WHOSE_ANY, WHOSE_CURRENT, DROPS_GLOBALS,                \
             INVAL_PSC_KEEP),                                                  \
         .completion = completion_, .needs = needs_},                          \
    {                                                                          \
        ROW(name_, "rs1, rs2", source_, RISCV_HAS_RS1 | RISCV_HAS_RS2,         \
            operand_, regimes_, ONE_PAGE, WHOSE_OPERAND, WHOSE_CURRENT,        \
            KEEPS_GLOBALS, INVAL_PSC_KEEP),                                    \
            .completion = completion_, .needs = needs_                         \
    }

/* The four forms of a fence by guest-physical address and VMID. Translations
 * that combine both stages go, whatever their address. */
#define FENCE_GPA(name_, source_, completion_, needs_)                         \
    {ROW(name_, "rs1 = x0, rs2 = x0", source_, 0, RISCV_OF_GPA, STAGE2,        \
         EVERY_PAGE, WHOSE_ANY, WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ALL),      \
     .completion = completion_, .needs = needs_,                               \
     .note = "and all that is combined of every VMID"},                        \
        {ROW(name_, "rs1 = x0", source_, RISCV_HAS_RS2, RISCV_OF_GPA, STAGE2,  \
             EVERY_PAGE, WHOSE_ANY, WHOSE_OPERAND, DROPS_GLOBALS,              \
             INVAL_PSC_ALL),                                                   \
         .completion = completion_, .needs = needs_,                           \
         .note = "and all that is combined of the VMID"},                      \
        {ROW(name_, "rs2 = x0", source_, RISCV_HAS_RS1, RISCV_OF_GPA, STAGE2,  \
             ONE_PAGE, WHOSE_ANY, WHOSE_ANY, DROPS_GLOBALS,                    \
             INVAL_PSC_ADDRESS),                                               \
         .completion = completion_, .needs = needs_,                           \
         .note = "and all that is combined of every VMID"},                    \
    {                                                                          \
        ROW(name_, "rs1, rs2", source_, RISCV_HAS_RS1 | RISCV_HAS_RS2,         \
            RISCV_OF_GPA, STAGE2, ONE_PAGE, WHOSE_ANY, WHOSE_OPERAND,          \
            DROPS_GLOBALS, INVAL_PSC_ADDRESS),                                 \
            .completion = completion_, .needs = needs_,                        \
            .note = "and all that is combined of the VMID"                     \
    }

#define REMOTE .reach = REACH_ALL, .completion = COMPLETE_AT_RETURN

const struct inval_instruction mmusim__riscv_rows[RISCV_ROW_COUNT] = {
    FENCE("SFENCE.VMA", PRIV_SFENCE, RISCV_OF_VIRTUAL, OWN, COMPLETE_AT_ONCE,
          NO_FEATURE),
    FENCE("SINVAL.VMA", PRIV_SVINVAL, RISCV_OF_VIRTUAL, OWN,
          COMPLETE_AT_INVAL_IR, RISCV_SVINVAL),
    FENCE("HFENCE.VVMA", PRIV_HFENCE, RISCV_OF_GUEST, GUEST, COMPLETE_AT_ONCE,
          RISCV_H),
    FENCE("HINVAL.VVMA", PRIV_SVINVAL, RISCV_OF_GUEST, GUEST,
          COMPLETE_AT_INVAL_IR, RISCV_H | RISCV_SVINVAL),
    FENCE_GPA("HFENCE.GVMA", PRIV_HFENCE, COMPLETE_AT_ONCE, RISCV_H),
    FENCE_GPA("HINVAL.GVMA", PRIV_SVINVAL, COMPLETE_AT_INVAL_IR,
              RISCV_H | RISCV_SVINVAL),
    {ROW("SFENCE.W.INVAL", NULL, PRIV_SVINVAL, 0, RISCV_OF_NOTHING, OWN,
         EVERY_PAGE, WHOSE_ANY, WHOSE_CURRENT, KEEPS_GLOBALS, INVAL_PSC_KEEP),
     .needs = RISCV_SVINVAL, .has_no_effect_on_tlb = true,
     .note = "orders earlier stores before later SINVAL, HINVAL"},
    {ROW("SFENCE.INVAL.IR", NULL, PRIV_SVINVAL, 0, RISCV_OF_NOTHING, OWN,
         EVERY_PAGE, WHOSE_ANY, WHOSE_CURRENT, KEEPS_GLOBALS, INVAL_PSC_KEEP),
     .needs = RISCV_SVINVAL, .has_no_effect_on_tlb = true,
     .note = "orders earlier SINVAL, HINVAL before later walks"},

    {ROW("remote_fence_i", NULL, SBI, 0, RISCV_OF_SBI, OWN, EVERY_PAGE,
         WHOSE_ANY, WHOSE_CURRENT, KEEPS_GLOBALS, INVAL_PSC_KEEP),
     REMOTE, .note = "FENCE.I: no translation"},
    {ROW("remote_sfence_vma", NULL, SBI, 0, RISCV_OF_SBI_RANGE, OWN, PAGE_RANGE,
         WHOSE_ANY, WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_KEEP),
     REMOTE,
     .note = "all, pointers too, if start and size are 0 or size is -1"},
    {ROW("remote_sfence_vma_asid", NULL, SBI, 0, RISCV_OF_SBI_RANGE, OWN,
         PAGE_RANGE, WHOSE_OPERAND, WHOSE_CURRENT, KEEPS_GLOBALS,
         INVAL_PSC_KEEP),
     REMOTE, .note = "likewise of the ASID"},
    {ROW("remote_hfence_gvma_vmid", NULL, SBI, 0, RISCV_OF_SBI_RANGE, STAGE2,
         PAGE_RANGE, WHOSE_ANY, WHOSE_OPERAND, DROPS_GLOBALS,
         INVAL_PSC_ADDRESS),
     REMOTE, .needs = RISCV_H, .note = "and all that is combined of the VMID"},
    {ROW("remote_hfence_gvma", NULL, SBI, 0, RISCV_OF_SBI_RANGE, STAGE2,
         PAGE_RANGE, WHOSE_ANY, WHOSE_ANY, DROPS_GLOBALS, INVAL_PSC_ADDRESS),
     REMOTE, .needs = RISCV_H,
     .note = "and all that is combined of every VMID"},
    {ROW("remote_hfence_vvma_asid", NULL, SBI, 0, RISCV_OF_SBI_RANGE, GUEST,
         PAGE_RANGE, WHOSE_OPERAND, WHOSE_CURRENT, KEEPS_GLOBALS,
         INVAL_PSC_KEEP),
     REMOTE, .needs = RISCV_H, .note = "of the guest in the caller's hgatp"},
    {ROW("remote_hfence_vvma", NULL, SBI, 0, RISCV_OF_SBI_RANGE, GUEST,
         PAGE_RANGE, WHOSE_ANY, WHOSE_CURRENT, DROPS_GLOBALS, INVAL_PSC_KEEP),
     REMOTE, .needs = RISCV_H, .note = "likewise"},
};
