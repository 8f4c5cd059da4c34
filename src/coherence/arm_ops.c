/* SPDX-License-Identifier: MIT */
/* DSB and TLB maintenance: see arm_ops.h. */
#include "coherence/arm_ops.h"

#include <ctype.h>
#include <string.h>

struct dsb_option {
    const char *name;
    struct arm_dsb dsb;
};

/* Arm ARM DDI 0487 C6.2, DSB: <option>|#<imm>. */
static const struct dsb_option dsb_options[] = {
    {"SY", {REACH_OUTER, ARM_LOADS_AND_STORES, false}},
    {"ST", {REACH_OUTER, ARM_STORES, false}},
    {"LD", {REACH_OUTER, ARM_LOADS, false}},
    {"OSH", {REACH_OUTER, ARM_LOADS_AND_STORES, false}},
    {"OSHST", {REACH_OUTER, ARM_STORES, false}},
    {"OSHLD", {REACH_OUTER, ARM_LOADS, false}},
    {"ISH", {REACH_INNER, ARM_LOADS_AND_STORES, false}},
    {"ISHST", {REACH_INNER, ARM_STORES, false}},
    {"ISHLD", {REACH_INNER, ARM_LOADS, false}},
    {"NSH", {REACH_SELF, ARM_LOADS_AND_STORES, false}},
    {"NSHST", {REACH_SELF, ARM_STORES, false}},
    {"NSHLD", {REACH_SELF, ARM_LOADS, false}},
    {"SYNXS", {REACH_OUTER, ARM_LOADS_AND_STORES, true}},
    {"OSHNXS", {REACH_OUTER, ARM_LOADS_AND_STORES, true}},
    {"ISHNXS", {REACH_INNER, ARM_LOADS_AND_STORES, true}},
    {"NSHNXS", {REACH_SELF, ARM_LOADS_AND_STORES, true}},
};

static bool dsb_is_name(const char *name, const char *option)
{
    while (*name && *name == toupper((unsigned char) *option)) {
        name++;
        option++;
    }
    return !*name && !*option;
}

bool mmusim__arm_dsb_find(const char *option, struct arm_dsb *dsb)
{
    for (size_t i = 0; i < sizeof(dsb_options) / sizeof(dsb_options[0]); i++) {
        if (dsb_is_name(dsb_options[i].name, option)) {
            *dsb = dsb_options[i].dsb;
            return true;
        }
    }
    return false;
}

bool mmusim__arm_dsb_completes(const struct arm_dsb *dsb,
                               const struct inval_request *request)
{
    if (request->completion != COMPLETE_AT_DSB)
        return false;
    if (dsb->types != ARM_LOADS_AND_STORES)
        return false;
    if (dsb->is_nxs && !request->is_nxs)
        return false;
    return dsb->domain >= request->reach;
}
