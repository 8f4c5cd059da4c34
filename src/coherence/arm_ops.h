/* SPDX-License-Identifier: MIT */
/*
 * When Arm's TLB maintenance is complete. A TLBI is ordered and complete by a
 * DSB of the same PE alone (Arm ARM DDI 0487 B2.3 "DSB" and D8 "Completion of
 * TLB maintenance"): one whose required access types are loads and stores, and
 * whose shareability domain is at least the TLBI's. A TLBI without nXS also
 * waits for XS accesses, so that a DSB nXS does not complete it (FEAT_XS).
 *
 * ISB orders the PE's own later fetches and translations after the DSB; it
 * completes nothing.
 */
#ifndef MMUSIM_COHERENCE_ARM_OPS_H
#define MMUSIM_COHERENCE_ARM_OPS_H

#include "coherence/inval_instruction.h"

enum arm_access_types { ARM_LOADS, ARM_STORES, ARM_LOADS_AND_STORES };

struct arm_dsb {
    enum broadcast_reach domain; /* NSH: SELF, ISH: INNER, OSH and SY: OUTER */
    enum arm_access_types types;
    bool is_nxs;
};

/* The option of a DSB by name: "SY", "ISH", "NSHST", "OSHLD", "ISHNXS", ... in
 * letters of either case. False: there is none. */
bool mmusim__arm_dsb_find(const char *option, struct arm_dsb *dsb);

/* Does the DSB wait until the request, of the same PE, has been done by
 * everybody in its reach? */
bool mmusim__arm_dsb_completes(const struct arm_dsb *dsb,
                               const struct inval_request *request);

#endif
