/* SPDX-License-Identifier: MIT */
/*
 * How RISC-V's fences and the SBI's remote fences read their operands, and
 * where they trap: the privileged manual (SFENCE.VMA, Svinval, HFENCE); the SBI
 * specification, "RFENCE" and "Hart list parameter".
 */
#include "coherence/inval_isa.h"
#include "coherence/riscv_table.h"

static bool riscv_is_sbi(const struct inval_instruction *row)
{
    return row->operand == RISCV_OF_SBI || row->operand == RISCV_OF_SBI_RANGE;
}

/* mstatus.TVM and hstatus.VTVM catch what is about satp and hgatp; not
 * HFENCE.VVMA and HINVAL.VVMA, nor the two fences without operands. */
static bool riscv_is_caught(const struct inval_instruction *row)
{
    return row->operand == RISCV_OF_VIRTUAL || row->operand == RISCV_OF_GPA;
}

static enum inval_outcome riscv_admit_virtual(const struct inval_call *call,
                                              const char **why)
{
    const struct riscv_issuer *riscv = &call->issuer->riscv;

    if (riscv->mode == RISCV_VU)
        *why = "in VU-mode";
    else if (call->row->needs & RISCV_H)
        *why = "a hypervisor's instruction in a guest";
    else if (riscv->is_trapped && riscv_is_caught(call->row))
        *why = "hstatus.VTVM";
    else
        return INVAL_LEGAL;
    return INVAL_TRAPPED;
}

static enum inval_outcome riscv_admit(const struct inval_call *call,
                                      const char **why)
{
    const struct riscv_issuer *riscv = &call->issuer->riscv;
    const struct inval_instruction *row = call->row;

    if (riscv_is_sbi(row)) {
        *why = row->needs & ~riscv->features ? "SBI_ERR_NOT_SUPPORTED"
                                             : "not a call of S-mode's";
        return row->needs & ~riscv->features || riscv->mode != RISCV_S
                   ? INVAL_REJECTED
                   : INVAL_LEGAL;
    }
    if (row->needs & ~riscv->features)
        *why = "the hart does not have it";
    else if (riscv->mode == RISCV_U)
        *why = "in U-mode";
    else if (riscv->mode == RISCV_S && riscv->is_trapped &&
             riscv_is_caught(row))
        *why = "mstatus.TVM";
    else if (riscv->mode == RISCV_VS || riscv->mode == RISCV_VU)
        return riscv_admit_virtual(call, why);
    else
        return INVAL_LEGAL;
    return INVAL_UNDEFINED;
}

static enum inval_outcome riscv_select(const struct inval_call *call,
                                       uint8_t *select, const char **why)
{
    const struct inval_operands *operands = call->operands;
    bool is_fence =
        !riscv_is_sbi(call->row) && call->row->operand != RISCV_OF_NOTHING;

    *why = NULL;
    *select = 0;
    if (is_fence)
        *select = (uint8_t) ((operands->is_x0[0] ? 0 : RISCV_HAS_RS1) |
                             (operands->is_x0[1] ? 0 : RISCV_HAS_RS2));
    return INVAL_LEGAL;
}

/* Bits of an ASID or VMID that are not implemented are ignored. */
static uint16_t riscv_id(uint64_t value, uint8_t bits)
{
    return (uint16_t) (value & ((UINT64_C(1) << bits) - 1));
}

static bool riscv_is_rv32(const struct inval_call *call)
{
    return call->issuer->riscv.vaddr_bits == 32;
}

static bool riscv_is_vaddr(const struct inval_call *call, uint64_t vaddr)
{
    return riscv_is_rv32(call) ||
           inval_is_canonical(vaddr, call->issuer->riscv.vaddr_bits);
}

static uint64_t riscv_word(const struct inval_call *call, uint64_t value)
{
    return riscv_is_rv32(call) ? value & UINT32_MAX : value;
}

/* A guest's own SFENCE has its VMID in the context; HFENCE.VVMA means
 * hgatp's. */
static void riscv_set_guest(const struct inval_call *call, struct inval *inval)
{
    inval->vmid = call->issuer->riscv.hgatp_vmid;
}

static enum inval_outcome riscv_read_virtual(const struct inval_call *call,
                                             struct inval_request *request)
{
    const struct riscv_issuer *riscv = &call->issuer->riscv;
    uint64_t vaddr = riscv_word(call, call->operands->reg[0]);
    struct inval *inval = &request->invals[0];

    if (call->row->asid == WHOSE_OPERAND)
        inval->asid = riscv_id(call->operands->reg[1], riscv->asid_bits);
    if (call->row->pages == EVERY_PAGE)
        return INVAL_LEGAL;
    inval_set_pages(inval, vaddr, 1);
    if (!riscv_is_vaddr(call, vaddr))
        return inval_nothing(request, "not a valid virtual address");
    return INVAL_LEGAL;
}

/* What combines both stages does not say of which guest-physical address it
 * is: all of it goes. */
static void riscv_add_combined(struct inval_request *request)
{
    const struct inval *guest = &request->invals[0];

    request->invals[1] = (struct inval){
        .regimes = 1U << REGIME_EL1,
        .has_vmid = guest->has_vmid,
        .vmid = guest->vmid,
        .hits_globals = true,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_ALL,
    };
    request->n_invals = 2;
}

static enum inval_outcome riscv_read_gpa(const struct inval_call *call,
                                         struct inval_request *request)
{
    struct inval *inval = &request->invals[0];
    uint64_t gpa = riscv_word(call, call->operands->reg[0]) << 2;

    if (call->row->vmid == WHOSE_OPERAND)
        inval->vmid =
            riscv_id(call->operands->reg[1], call->issuer->riscv.vmid_bits);
    if (call->row->pages == ONE_PAGE)
        inval_set_pages(inval, gpa, 1);
    riscv_add_combined(request);
    return INVAL_LEGAL;
}

static enum inval_outcome riscv_read_harts(const struct inval_call *call,
                                           struct inval_request *request)
{
    const uint64_t *reg = call->operands->reg;
    uint64_t all = riscv_word(call, UINT64_MAX);

    request->hart_mask = riscv_word(call, reg[0]);
    request->hart_mask_base = riscv_word(call, reg[1]);
    request->has_harts = request->hart_mask_base != all;
    if (request->has_harts && !request->hart_mask)
        return inval_nothing(request, "no hart is named");
    if (call->row->operand == RISCV_OF_SBI)
        return inval_nothing(request, call->row->note);
    return INVAL_LEGAL;
}

/* The pages of [start, start + size). */
static enum inval_outcome riscv_read_range(const struct inval_call *call,
                                           struct inval_request *request)
{
    uint64_t start = riscv_word(call, call->operands->reg[2]);
    uint64_t size = riscv_word(call, call->operands->reg[3]);
    uint64_t last = riscv_word(call, start + size - 1);
    struct inval *inval = &request->invals[0];

    if ((!start && !size) || size == riscv_word(call, UINT64_MAX)) {
        inval->has_range = false;
        inval->psc = inval->has_asid ? INVAL_PSC_ASID : INVAL_PSC_ALL;
        return INVAL_LEGAL;
    }
    if (!size)
        return inval_nothing(request, "size is 0");
    if (last < start)
        return inval_refuse(request, INVAL_REJECTED, "SBI_ERR_INVALID_ADDRESS");
    inval_set_pages(inval, start, vpn_of(last).v - vpn_of(start).v + 1);
    return INVAL_LEGAL;
}

static enum inval_outcome riscv_read_sbi(const struct inval_call *call,
                                         struct inval_request *request)
{
    const struct riscv_issuer *riscv = &call->issuer->riscv;
    uint64_t id = call->operands->reg[4];
    struct inval *inval = &request->invals[0];
    enum inval_outcome outcome = riscv_read_harts(call, request);

    if (outcome || !request->n_invals)
        return outcome;
    if (call->row->asid == WHOSE_OPERAND)
        inval->asid = riscv_id(id, riscv->asid_bits);
    if (call->row->vmid == WHOSE_OPERAND)
        inval->vmid = riscv_id(id, riscv->vmid_bits);
    if (inval->regimes == 1U << REGIME_EL1 && call->row->needs & RISCV_H)
        riscv_set_guest(call, inval);
    outcome = riscv_read_range(call, request);
    if (!outcome && request->n_invals && inval->regimes == 1U << REGIME_STAGE2)
        riscv_add_combined(request);
    return outcome;
}

static enum inval_outcome riscv_read(const struct inval_call *call,
                                     struct inval_request *request)
{
    switch ((enum riscv_operand) call->row->operand) {
    case RISCV_OF_NOTHING:
        return INVAL_LEGAL;
    case RISCV_OF_VIRTUAL:
        return riscv_read_virtual(call, request);
    case RISCV_OF_GUEST:
        riscv_set_guest(call, &request->invals[0]);
        return riscv_read_virtual(call, request);
    case RISCV_OF_GPA:
        return riscv_read_gpa(call, request);
    case RISCV_OF_SBI:
        return riscv_read_harts(call, request);
    case RISCV_OF_SBI_RANGE:
        return riscv_read_sbi(call, request);
    }
    return INVAL_LEGAL;
}

const struct inval_isa_ops mmusim__inval_riscv = {
    .rows = mmusim__riscv_rows,
    .n_rows = RISCV_ROW_COUNT,
    .admit = riscv_admit,
    .select = riscv_select,
    .read = riscv_read,
};
