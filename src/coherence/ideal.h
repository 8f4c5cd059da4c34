/* SPDX-License-Identifier: MIT */
/*
 * Flushes that cost nothing and act everywhere at once: the bound that no
 * protocol can beat. On any instruction set.
 *
 * What stays: the refills. Every address space has an ASID of 16 bits
 * (asid_alloc.h), whatever the machine, so switches flush nothing either.
 */
#ifndef MMUSIM_COHERENCE_IDEAL_H
#define MMUSIM_COHERENCE_IDEAL_H

#include "coherence/protocol.h"

extern const struct protocol_ops mmusim__protocol_ideal;

#endif
