/* SPDX-License-Identifier: MIT */
/*
 * Linux on x86 with PCIDs and generations: 4.14 and later, references 4.20 and
 * 6.14, 7.1. x86_tlbgen.h says what is kept.
 */
#ifndef MMUSIM_COHERENCE_LINUX_X86_TLBGEN_H
#define MMUSIM_COHERENCE_LINUX_X86_TLBGEN_H

#include "coherence/protocol.h"

extern const struct protocol_ops mmusim__protocol_linux_4_20,
    mmusim__protocol_linux_4_20_fixed, mmusim__protocol_linux_6_14,
    mmusim__protocol_linux_6_14_fixed, mmusim__protocol_linux_7_1,
    mmusim__protocol_linux_7_1_fixed;

#endif
