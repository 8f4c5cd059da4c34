/* SPDX-License-Identifier: MIT */
/*
 * Linux on 32-bit Arm (v7): a TLBIMVAIS for every 4 KiB page however many, or,
 * where the cores cannot broadcast maintenance, interrupts to mm_cpumask that
 * run the local operations. arch/arm/include/asm/tlbflush.h, kernel/smp_tlb.c,
 * mm/context.c, 3.16 to 6.14.
 */
#ifndef MMUSIM_COHERENCE_LINUX_ARM_H
#define MMUSIM_COHERENCE_LINUX_ARM_H

#include "coherence/protocol.h"

extern const struct protocol_ops mmusim__protocol_linux_arm,
    mmusim__protocol_linux_arm_2_6_37, mmusim__protocol_linux_arm_2_6_37_fixed,
    mmusim__protocol_linux_arm_2_6_38, mmusim__protocol_linux_arm_2_6_38_fixed;

#endif
