/* SPDX-License-Identifier: MIT */
/*
 * Linux on arm64: TLBI broadcasts in the inner shareable domain, completed by
 * the issuer's DSB; ASIDs by generations; no CPU mask, no lazy mode to speak
 * of. arch/arm64/include/asm/tlbflush.h and mm/context.c; the versions differ
 * in when a range is too large, in range operations and level hints:
 * docs/protocols/linux-arm64.md.
 */
#ifndef MMUSIM_COHERENCE_LINUX_ARM64_H
#define MMUSIM_COHERENCE_LINUX_ARM64_H

#include "coherence/protocol.h"

extern const struct protocol_ops mmusim__protocol_linux_arm64_4_4,
    mmusim__protocol_linux_arm64_4_4_fixed, mmusim__protocol_linux_arm64_5_10,
    mmusim__protocol_linux_arm64_5_10_fixed, mmusim__protocol_linux_arm64_4_20,
    mmusim__protocol_linux_arm64_4_20_fixed, mmusim__protocol_linux_arm64_6_8,
    mmusim__protocol_linux_arm64_6_8_fixed, mmusim__protocol_linux_arm64_7_1;

#endif
