/* SPDX-License-Identifier: MIT */
/* See litmus_tlbi.h. */
#include "litmus/litmus_tlbi.h"

static enum inval_outcome tlbi_decode(const char *name, uint64_t operand,
                                      struct inval_request *request)
{
    static const struct inval_issuer issuer = {
        .context = {.regime = REGIME_EL1, .has_asid = true},
        .arm.features = ARM_RANGE | ARM_OS | ARM_XS | ARM_TTL,
        .arm.el = 1,
        .arm.asid_bits = 16,
    };
    const struct inval_instruction *row = mmusim__inval_find(INVAL_ARMV8, name);
    struct inval_operands operands = {.reg = {operand}};

    *request = (struct inval_request){.n_invals = 0};
    return row ? mmusim__inval_decode(row, &operands, &issuer, request)
               : INVAL_UNDEFINED;
}

bool mmusim__litmus_tlbi_is_known(const char *name)
{
    struct inval_request request;

    return tlbi_decode(name, 0, &request) == INVAL_LEGAL &&
           !request.row->has_no_effect_on_tlb;
}

void mmusim__litmus_tlbi(const char *name, uint64_t operand,
                         struct inval_request *request)
{
    tlbi_decode(name, operand, request);
}

bool mmusim__litmus_tlbi_hits(const struct inval_request *request,
                              uint64_t vaddr)
{
    uint64_t key = tlb_key(vpn_of(vaddr), 0, tlb_tags(0, 0), false);

    for (uint32_t i = 0; i < request->n_invals; i++) {
        if (tlb_entry_is_hit_by_inval(key, &request->invals[i], NULL))
            return true;
    }
    return false;
}
