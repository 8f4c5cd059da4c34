/* SPDX-License-Identifier: MIT */
/* TLBIs and DSBs of litmus tests: the product's tables, for a PE at EL1 under
 * ASID 0 with a 4K granule. */
#ifndef MMUSIM_LITMUS_LITMUS_TLBI_H
#define MMUSIM_LITMUS_LITMUS_TLBI_H

#include "coherence/inval_instruction.h"

/* Is there a TLBI of that name ("VAAE1IS") that EL1 may execute? */
bool mmusim__litmus_tlbi_is_known(const char *name);

/* What it does with an operand. */
void mmusim__litmus_tlbi(const char *name, uint64_t operand,
                         struct inval_request *request);

/* Does it name the page of an address, in ASID 0? */
bool mmusim__litmus_tlbi_hits(const struct inval_request *request,
                              uint64_t vaddr);

#endif
