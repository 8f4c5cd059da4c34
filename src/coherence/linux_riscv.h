/* SPDX-License-Identifier: MIT */
/*
 * Linux on RISC-V: SFENCE.VMA here, remote fences by the firmware (SBI) to the
 * harts of mm_cpumask, a whole-ASID flush above 64 entries.
 * arch/riscv/mm/tlbflush.c and context.c, 7.1.
 */
#ifndef MMUSIM_COHERENCE_LINUX_RISCV_H
#define MMUSIM_COHERENCE_LINUX_RISCV_H

#include "coherence/protocol.h"

extern const struct protocol_ops mmusim__protocol_linux_riscv,
    mmusim__protocol_linux_riscv_6_2, mmusim__protocol_linux_riscv_6_2_fixed;

#endif
