/* SPDX-License-Identifier: MIT */
/* The keys of an instruction set: arm.*, riscv.*, and what its kernels' own
 * instructions cost. */
#include "machine/machine_rows.h"
#include "machine/row_macros.h"

static const char *const rows_a15[] = {"none", "partial", "full", NULL};

/* clang-format off */
const struct field_row mmusim__rows_isa[] = {
    U32("arm.asid_bits", arm.asid_bits, "bits", 8, 16, "16",
        "width of ASIDs: 8 or 16 (Armv7: always 8)",
        "Arm ARM, ID_AA64MMFR0_EL1.ASIDBits"),
    BOOL("arm.tlbirange", arm.has_ranges, "false",
         "the machine has range operations, FEAT_TLBIRANGE",
         "Arm ARM, ID_AA64ISAR0_EL1.TLB: optional from Armv8.3"),
    BOOL("arm.ttl", arm.has_ttl, "false",
         "the machine takes level hints, FEAT_TTL",
         "Arm ARM, ID_AA64MMFR2_EL1.TTL: optional from Armv8.3"),
    BOOL("arm.watch_bbm", arm.watches_bbm, "false",
         "watches page-table writes for break-before-make: statistics bbm.*",
         "a choice, not a measurement"),
    U32("arm.bbm_level", arm.bbm_level, "", 0, 2, "0",
        "FEAT_BBM: 2 lets sizes and contiguous bits change without a break",
        "Arm ARM, ID_AA64MMFR2_EL1.BBM: optional from Armv8.3"),
    BOOL("checker.enabled", checker.is_enabled, "false",
         "looks for uses of stale translations: statistics checker.*; "
         "changes no other", "a choice, not a measurement"),
    U32("checker.reports", checker.max_reports, "", 0, 1000, "8",
        "violations that are told in full; the rest is counted",
        "a choice, not a measurement"),
    WORD("arm.erratum_798181", arm.erratum_798181, rows_a15, "none",
         "Armv7: the kernel's work-around, a dummy operation, in full also an "
         "interrupt to CPUs that run the ASID",
         "Linux arch/arm/kernel/smp_tlb.c: Cortex-A15 and Brahma-B15"),
    BOOL("arm.repeat_tlbi", arm.repeats_tlbi, "false",
         "the kernel repeats operations for cores whose DSB ends too early",
         "Linux arch/arm64, ARM64_WORKAROUND_REPEAT_TLBI"),
    BOOL("os.pti", os.has_pti, "false",
         "the kernel's tables are not the user's. Armv8: pairs of ASIDs, every "
         "operation for both, TTBR1 at every entry and exit; x86-64 from "
         "linux-4.20 on: pairs of PCIDs, CR3 at every entry and return",
         "a choice; Linux arch/arm64, CONFIG_UNMAP_KERNEL_AT_EL0; "
         "arch/x86/mm/pti.c"),
    U32("riscv.asid_bits", riscv.asid_bits, "bits", 0, 16, "16",
        "width of ASIDs", "RISC-V privileged manual, satp: at most 16"),
    CYCLES("cost.barrier_cycles", cost.barrier_cycles, "20",
           "Arm: a DSB or ISB with nothing to wait for",
           "guess, a drained pipeline"),
    CYCLES("cost.ttbr_write_cycles", cost.ttbr_write_cycles, "60",
           "Arm: TTBR0, the ASID, and the barrier after them",
           "guess, as MOV CR3 without its flush"),
    CYCLES("cost.sfence_cycles", cost.sfence_cycles, "40",
           "RISC-V: one SFENCE.VMA", "guess"),
    CYCLES("cost.satp_write_cycles", cost.satp_write_cycles, "40",
           "RISC-V: a write of satp", "guess"),
    CYCLES("cost.sbi_call_cycles", cost.sbi_call_cycles, "300",
           "RISC-V: a call of the firmware and back, its interrupts not "
           "counted",
           "guess, a trap to M-mode"),
};
/* clang-format on */

const size_t mmusim__rows_isa_n =
    sizeof(mmusim__rows_isa) / sizeof(mmusim__rows_isa[0]);
