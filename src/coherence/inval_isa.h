/* SPDX-License-Identifier: MIT */
/* What an architecture adds to its table of invalidate instructions: one
 * `static const struct inval_isa_ops` per architecture (x86_decode.c, ...) and
 * one line in inval_instruction.c. */
#ifndef MMUSIM_COHERENCE_INVAL_ISA_H
#define MMUSIM_COHERENCE_INVAL_ISA_H

#include "coherence/inval_instruction.h"

struct inval_call {
    const struct inval_instruction *row;
    const struct inval_operands *operands;
    const struct inval_issuer *issuer;
};

struct inval_isa_ops {
    const struct inval_instruction *rows;
    size_t n_rows;
    /* May the issuer execute it here? */
    enum inval_outcome (*admit)(const struct inval_call *call,
                                const char **why);
    /* The number (row->select) of the variant that the operands mean. */
    enum inval_outcome (*select)(const struct inval_call *call, uint8_t *select,
                                 const char **why);
    /* request->invals[0] is made from the row and the issuer; adds what the
     * operands say. */
    enum inval_outcome (*read)(const struct inval_call *call,
                               struct inval_request *request);
};

extern const struct inval_isa_ops mmusim__inval_x86;
extern const struct inval_isa_ops mmusim__inval_armv8;
extern const struct inval_isa_ops mmusim__inval_armv7;
extern const struct inval_isa_ops mmusim__inval_riscv;

/* The request is legal but drops nothing. */
static inline enum inval_outcome inval_nothing(struct inval_request *request,
                                               const char *why)
{
    request->n_invals = 0;
    request->why = why;
    return INVAL_LEGAL;
}

static inline enum inval_outcome inval_refuse(struct inval_request *request,
                                              enum inval_outcome outcome,
                                              const char *why)
{
    request->why = why;
    return outcome;
}

static inline void inval_set_pages(struct inval *inval, uint64_t vaddr,
                                   uint64_t n_pages)
{
    inval->has_range = true;
    inval->vpn = vpn_of(vaddr);
    inval->n_pages = n_pages;
}

/* Are bits 63 to vaddr_bits - 1 all alike? */
static inline bool inval_is_canonical(uint64_t vaddr, uint32_t vaddr_bits)
{
    uint64_t upper = vaddr >> (vaddr_bits - 1);

    return !upper || upper == UINT64_MAX >> (vaddr_bits - 1);
}

#endif
