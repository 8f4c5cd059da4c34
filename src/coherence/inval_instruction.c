/* SPDX-License-Identifier: MIT */
/* From a row of the table to invalidate requests: see inval_instruction.h. */
#include "coherence/inval_instruction.h"

#include "coherence/inval_isa.h"
#include "tlb/mmu.h"

#include <string.h>

static const struct inval_isa_ops *inval_isa_of(enum inval_isa isa)
{
    switch (isa) {
    case INVAL_X86:
        return &mmusim__inval_x86;
    case INVAL_ARMV8:
        return &mmusim__inval_armv8;
    case INVAL_ARMV7:
        return &mmusim__inval_armv7;
    case INVAL_RISCV:
        return &mmusim__inval_riscv;
    case INVAL_ISA_COUNT:
        break;
    }
    return NULL;
}

const struct inval_instruction *mmusim__inval_row_at(enum inval_isa isa,
                                                     size_t index)
{
    const struct inval_isa_ops *ops = inval_isa_of(isa);

    return ops && index < ops->n_rows ? &ops->rows[index] : NULL;
}

static char inval_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
}

static bool inval_is_name(const char *a, const char *b)
{
    while (*a && inval_upper(*a) == inval_upper(*b)) {
        a++;
        b++;
    }
    return inval_upper(*a) == inval_upper(*b);
}

const struct inval_instruction *mmusim__inval_find(enum inval_isa isa,
                                                   const char *name)
{
    const struct inval_instruction *row;

    for (size_t i = 0; (row = mmusim__inval_row_at(isa, i)); i++) {
        if (inval_is_name(row->name, name))
            return row;
    }
    return NULL;
}

/* The variant of the row's name with the number; NULL if there is none. */
static const struct inval_instruction *
inval_variant(const struct inval_isa_ops *ops,
              const struct inval_instruction *row, uint8_t select)
{
    const struct inval_instruction *end = ops->rows + ops->n_rows;

    if (row->select == select)
        return row;
    while (row > ops->rows && inval_is_name(row[-1].name, row->name))
        row--;
    for (const char *name = row->name;
         row < end && inval_is_name(row->name, name); row++) {
        if (row->select == select)
            return row;
    }
    return NULL;
}

/* What the row says of every operand and issuer. */
static void inval_build(const struct inval_instruction *row,
                        const struct inval_issuer *issuer,
                        struct inval_request *request)
{
    struct inval *inval = &request->invals[0];

    inval->regimes =
        (uint8_t) (row->regimes ? row->regimes : 1U << issuer->context.regime);
    inval->has_range = row->pages != EVERY_PAGE;
    inval->n_pages = 1;
    inval->has_asid = row->asid != WHOSE_ANY;
    inval->asid = issuer->context.asid;
    inval->has_vmid = row->vmid != WHOSE_ANY;
    inval->vmid = issuer->context.vmid;
    inval->hits_globals = row->globals == DROPS_GLOBALS;
    inval->hits_nonglobals = true;
    inval->psc = row->psc;
    request->row = row;
    request->reach = row->reach;
    request->completion = row->completion;
    request->is_nxs = row->is_nxs;
    request->n_invals = 1;
}

static enum inval_outcome inval_decode(struct inval_call *call,
                                       struct inval_request *request)
{
    const struct inval_isa_ops *ops = inval_isa_of(call->row->isa);
    uint8_t select = call->row->select;
    const struct inval_instruction *variant;
    enum inval_outcome outcome = ops->admit(call, &request->why);

    if (!outcome)
        outcome = ops->select(call, &select, &request->why);
    if (outcome)
        return outcome;
    variant = inval_variant(ops, call->row, select);
    if (!variant)
        return inval_refuse(request, INVAL_PROTECTED, "no such type");
    call->row = variant;
    inval_build(variant, call->issuer, request);
    if (variant->has_no_effect_on_tlb)
        return inval_nothing(request, variant->note);
    return ops->read(call, request);
}

enum inval_outcome mmusim__inval_decode(const struct inval_instruction *row,
                                        const struct inval_operands *operands,
                                        const struct inval_issuer *issuer,
                                        struct inval_request *request)
{
    struct inval_call call = {row, operands, issuer};
    enum inval_outcome outcome;

    memset(request, 0, sizeof(*request));
    request->row = row;
    request->reach = row->reach;
    request->completion = row->completion;
    outcome = inval_decode(&call, request);
    if (outcome)
        request->n_invals = 0;
    return outcome;
}

uint32_t mmusim__inval_apply(struct mmu *mmu,
                             const struct inval_request *request,
                             enum miss_cause cause)
{
    uint32_t n_removed = 0;

    if (request->has_cr3 && vpn_of(request->cr3).v != mmu->root.v)
        return 0;
    for (uint32_t i = 0; i < request->n_invals; i++) {
        struct inval inval = request->invals[i];

        if (request->is_of_target_asid)
            inval.asid = mmu->context.asid;
        n_removed += mmusim__mmu_invalidate(mmu, &inval, cause);
    }
    return n_removed;
}
