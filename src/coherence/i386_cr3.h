/* SPDX-License-Identifier: MIT */
/*
 * x86 without INVLPG, as on the 386: every flush reloads CR3 and drops
 * everything; the others are interrupted. What Linux 2.6 did with
 * CONFIG_M386 (no CONFIG_X86_INVLPG), and the bound from above for any
 * protocol that flushes page by page.
 */
#ifndef MMUSIM_COHERENCE_I386_CR3_H
#define MMUSIM_COHERENCE_I386_CR3_H

#include "coherence/protocol.h"

extern const struct protocol_ops mmusim__protocol_i386_cr3,
    mmusim__protocol_i386_cr3_fixed;

#endif
