/* SPDX-License-Identifier: MIT */
/*
 * How x86's invalidate instructions read their operands, and what they refuse:
 * Intel SDM vol. 2 (INVLPG, INVPCID, MOV CR), vol. 3C 30.3 (INVEPT, INVVPID);
 * AMD APM vol. 3 (INVLPGA, INVLPGB, TLBSYNC), vol. 2 3.1.7 (EFER.TCE).
 */
#include "coherence/inval_isa.h"
#include "coherence/x86_table.h"

enum { PCID_BITS = 12, RAR_MAX_TYPE = 5 };

/* SDM vol. 3A 2.5: bits 51:12 of CR3; vol. 3C 24.6.11: of EPTP. */
#define FRAME_BITS UINT64_C(0x000ffffffffff000)

static uint64_t x86_bits(uint64_t word, uint32_t high, uint32_t low)
{
    return word >> low & (UINT64_MAX >> (63 - (high - low)));
}

static bool x86_has_pcide(const struct x86_issuer *x86)
{
    return x86->cr4 & X86_CR4_PCIDE;
}

static bool x86_is_of_vmx(const struct inval_instruction *row)
{
    return row->needs & (X86_VMX_EPT | X86_VMX_VPID);
}

static enum inval_outcome x86_admit(const struct inval_call *call,
                                    const char **why)
{
    const struct x86_issuer *x86 = &call->issuer->x86;
    const struct inval_instruction *row = call->row;

    if (row->needs & ~x86->features) {
        *why = "the CPU does not have it";
        return row->is_event ? INVAL_REJECTED : INVAL_UNDEFINED;
    }
    if (row->needs & X86_INVLPGB && x86->is_guest && !x86->may_invlpgb) {
        *why = "the VMCB does not let the guest use it";
        return INVAL_UNDEFINED;
    }
    if (x86_is_of_vmx(row) && x86->is_guest) {
        *why = "a VM exit";
        return INVAL_TRAPPED;
    }
    if (x86->cpl && !row->is_event) {
        *why = "CPL is not 0";
        return INVAL_PROTECTED;
    }
    return INVAL_LEGAL;
}

/* ---- which variant ---- */

static enum inval_outcome x86_select_cr3(const struct inval_call *call,
                                         uint8_t *select, const char **why)
{
    bool is_kept = call->operands->reg[0] & X86_CR3_NOFLUSH;

    if (!x86_has_pcide(&call->issuer->x86)) {
        *select = X86_CR3_PLAIN;
        *why = "bit 63 is reserved while CR4.PCIDE = 0";
        return is_kept ? INVAL_PROTECTED : INVAL_LEGAL;
    }
    *select = is_kept ? X86_CR3_PCID_KEPT : X86_CR3_PCID;
    return INVAL_LEGAL;
}

static enum inval_outcome x86_check_cr4(const struct x86_issuer *x86,
                                        uint64_t raised, const char **why)
{
    if ((raised & X86_CR4_PGE && !(x86->features & X86_PGE)) ||
        (raised & X86_CR4_PCIDE && !(x86->features & X86_PCID)))
        *why = "a reserved bit of CR4";
    else if (raised & X86_CR4_PCIDE && x86->vaddr_bits <= 32)
        *why = "PCIDE outside 64-bit mode";
    else if (raised & X86_CR4_PCIDE && x86_bits(x86->cr3, 11, 0))
        *why = "PCIDE set while CR3[11:0] is not 0";
    else
        return INVAL_LEGAL;
    return INVAL_PROTECTED;
}

static enum inval_outcome x86_select_cr4(const struct inval_call *call,
                                         uint8_t *select, const char **why)
{
    const struct x86_issuer *x86 = &call->issuer->x86;
    uint64_t changed = x86->cr4 ^ call->operands->reg[0];
    uint64_t raised = changed & call->operands->reg[0];
    uint64_t fallen = changed & x86->cr4;

    if (changed & X86_CR4_PGE || fallen & X86_CR4_PCIDE)
        *select = 0;
    else
        *select = changed & X86_CR4_PAE || raised & X86_CR4_SMEP ? 1 : 2;
    return x86_check_cr4(x86, raised, why);
}

static enum inval_outcome x86_select_cr0(const struct inval_call *call,
                                         uint8_t *select, const char **why)
{
    const struct x86_issuer *x86 = &call->issuer->x86;
    bool falls =
        x86->cr0 & X86_CR0_PG && !(call->operands->reg[0] & X86_CR0_PG);

    *select = falls ? 0 : 1;
    if (!falls || !x86_has_pcide(x86))
        return INVAL_LEGAL;
    *why = "PG cleared while CR4.PCIDE = 1";
    return INVAL_PROTECTED;
}

static enum inval_outcome x86_select_type(const struct inval_call *call,
                                          uint8_t *select, const char **why)
{
    uint64_t type = call->operands->reg[0];
    uint64_t first = call->row->needs & X86_VMX_EPT ? 1 : 0;
    uint64_t last = call->row->needs & X86_VMX_EPT ? 2 : 3;

    *select = (uint8_t) type;
    if (type >= first && type <= last)
        return INVAL_LEGAL;
    *why = "no such type";
    return x86_is_of_vmx(call->row) ? INVAL_REJECTED : INVAL_PROTECTED;
}

static enum inval_outcome x86_select_rar(const struct inval_call *call,
                                         uint8_t *select, const char **why)
{
    uint64_t word = call->operands->reg[0];
    uint64_t type = x86_bits(word, 15, 8);
    uint64_t subtype = type == RAR_MAX_TYPE ? 0 : x86_bits(word, 34, 32);
    bool is_known;

    if (type < 2)
        is_known = subtype == 0 || subtype == 2 || subtype == 3;
    else if (type == 3)
        is_known = subtype == 1 || subtype == 2;
    else
        is_known = type <= RAR_MAX_TYPE && subtype <= 3;
    *select = x86_rar_select((uint32_t) type, (uint32_t) subtype);
    if (is_known)
        return INVAL_LEGAL;
    *why = "no such type of payload";
    return INVAL_REJECTED;
}

static enum inval_outcome x86_select(const struct inval_call *call,
                                     uint8_t *select, const char **why)
{
    switch (call->row - mmusim__x86_rows) {
    case X86_ROW_VMX_TRANSITION:
    case X86_ROW_VMX_TRANSITION + 1:
        *select = call->issuer->x86.has_vpid;
        return INVAL_LEGAL;
    case X86_ROW_MOV_CR4:
    case X86_ROW_MOV_CR4 + 1:
    case X86_ROW_MOV_CR4 + 2:
        return x86_select_cr4(call, select, why);
    case X86_ROW_MOV_CR0:
    case X86_ROW_MOV_CR0 + 1:
        return x86_select_cr0(call, select, why);
    case X86_ROW_VMRUN:
    case X86_ROW_VMRUN + 1:
    case X86_ROW_VMRUN + 2:
    case X86_ROW_VMRUN + 3:
        *select = (uint8_t) (call->operands->reg[0] & UINT8_MAX);
        return INVAL_LEGAL; /* else: no such type */
    default:
        break;
    }
    switch ((enum x86_operand) call->row->operand) {
    case X86_OF_CR3:
        return x86_select_cr3(call, select, why);
    case X86_OF_PCID:
    case X86_OF_EPTP:
    case X86_OF_VPID:
        return x86_select_type(call, select, why);
    case X86_OF_RAR:
        return x86_select_rar(call, select, why);
    case X86_OF_NOTHING:
    case X86_OF_ADDRESS:
    case X86_OF_EPT_VIOLATION:
    case X86_OF_SVM_ADDRESS:
    case X86_OF_SVM_ASID:
    case X86_OF_BROADCAST:
        break;
    }
    return INVAL_LEGAL;
}

/* ---- operands ---- */

/* AMD's translation cache extension: only the upper levels that map the
 * address go. */
static void x86_narrow_psc(const struct inval_call *call, struct inval *inval)
{
    const struct x86_issuer *x86 = &call->issuer->x86;

    if (x86->efer & X86_EFER_TCE && x86->features & X86_TCE &&
        inval->has_range && inval->psc == INVAL_PSC_ASID)
        inval->psc = INVAL_PSC_ADDRESS;
}

static enum inval_outcome x86_read_address(const struct inval_call *call,
                                           struct inval_request *request)
{
    uint64_t vaddr = call->operands->reg[0];

    inval_set_pages(&request->invals[0], vaddr, 1);
    if (!inval_is_canonical(vaddr, call->issuer->x86.vaddr_bits))
        return inval_nothing(request, "the address is not canonical");
    x86_narrow_psc(call, &request->invals[0]);
    return INVAL_LEGAL;
}

static enum inval_outcome x86_read_cr3(const struct inval_call *call,
                                       struct inval_request *request)
{
    request->invals[0].asid =
        call->row->select == X86_CR3_PLAIN
            ? 0
            : (uint16_t) x86_bits(call->operands->reg[0], PCID_BITS - 1, 0);
    return INVAL_LEGAL;
}

/* SDM vol. 2, INVPCID: what is #GP(0). */
static enum inval_outcome x86_read_pcid(const struct inval_call *call,
                                        struct inval_request *request)
{
    const struct x86_issuer *x86 = &call->issuer->x86;
    const uint64_t *reg = call->operands->reg;
    bool names_pcid = call->row->asid == WHOSE_OPERAND;

    if (x86_bits(reg[1], 63, PCID_BITS))
        return inval_refuse(request, INVAL_PROTECTED,
                            "descriptor bits 63:12 are not 0");
    if (names_pcid && reg[1] && !x86_has_pcide(x86))
        return inval_refuse(request, INVAL_PROTECTED,
                            "a PCID while CR4.PCIDE = 0");
    request->invals[0].asid = (uint16_t) reg[1];
    if (call->row->pages != ONE_PAGE)
        return INVAL_LEGAL;
    if (!inval_is_canonical(reg[2], x86->vaddr_bits))
        return inval_refuse(request, INVAL_PROTECTED,
                            "the address is not canonical");
    inval_set_pages(&request->invals[0], reg[2], 1);
    x86_narrow_psc(call, &request->invals[0]);
    return INVAL_LEGAL;
}

static void x86_set_eptp(struct inval *inval, uint64_t eptp, bool is_single)
{
    inval->only_nested = true;
    inval->has_stage2_root = is_single;
    inval->stage2_root = is_single ? eptp & FRAME_BITS : 0;
}

/* SDM vol. 3C 24.6.11: memory type 0 or 6, 4 or 5 levels, bits 11:8 (of which
 * bit 7 is supervisor shadow stacks) and 63:52 reserved. */
static bool x86_is_eptp(uint64_t eptp)
{
    uint64_t type = x86_bits(eptp, 2, 0);
    uint64_t length = x86_bits(eptp, 5, 3);

    return (type == 0 || type == 6) && (length == 3 || length == 4) &&
           !x86_bits(eptp, 11, 8) && !x86_bits(eptp, 63, 52);
}

static enum inval_outcome x86_read_eptp(const struct inval_call *call,
                                        struct inval_request *request)
{
    const uint64_t *reg = call->operands->reg;
    bool is_single = call->row->select == 1;

    if (reg[2])
        return inval_refuse(request, INVAL_REJECTED,
                            "descriptor bits 127:64 are not 0");
    if (is_single && !x86_is_eptp(reg[1]))
        return inval_refuse(request, INVAL_REJECTED, "EPTP is not valid");
    x86_set_eptp(&request->invals[0], reg[1], is_single);
    return INVAL_LEGAL;
}

static enum inval_outcome x86_read_vpid(const struct inval_call *call,
                                        struct inval_request *request)
{
    const uint64_t *reg = call->operands->reg;
    struct inval *inval = &request->invals[0];

    if (x86_bits(reg[1], 63, 16))
        return inval_refuse(request, INVAL_REJECTED,
                            "descriptor bits 63:16 are not 0");
    if (call->row->vmid == WHOSE_OPERAND && !reg[1])
        return inval_refuse(request, INVAL_REJECTED, "VPID 0000H");
    if (call->row->pages == ONE_PAGE) {
        if (!inval_is_canonical(reg[2], call->issuer->x86.vaddr_bits))
            return inval_refuse(request, INVAL_REJECTED,
                                "the address is not canonical");
        inval_set_pages(inval, reg[2], 1);
    }
    inval->vmid = (uint16_t) reg[1];
    inval->only_guests = call->row->vmid == WHOSE_ANY;
    return INVAL_LEGAL;
}

static enum inval_outcome x86_read_violation(const struct inval_call *call,
                                             struct inval_request *request)
{
    const struct tlb_context *context = &call->issuer->context;
    struct inval *guest = &request->invals[0];
    struct inval *combined = &request->invals[1];

    inval_set_pages(guest, call->operands->reg[0], 1);
    guest->only_nested = guest->has_stage2_root = true;
    guest->stage2_root = context->stage2_root;
    if (call->operands->is_x0[1])
        return INVAL_LEGAL;
    *combined = *guest;
    combined->regimes = 1U << REGIME_EL1;
    combined->has_asid = combined->has_vmid = true;
    combined->asid = context->asid;
    combined->vmid = context->vmid;
    inval_set_pages(combined, call->operands->reg[1], 1);
    request->n_invals = 2;
    return INVAL_LEGAL;
}

static enum inval_outcome x86_read_svm(const struct inval_call *call,
                                       struct inval_request *request)
{
    const struct x86_issuer *x86 = &call->issuer->x86;
    uint32_t asid = (uint32_t) call->operands->reg[1];

    if (asid >= x86->n_svm_asids)
        return inval_refuse(request, INVAL_REJECTED,
                            "the CPU has no such ASID");
    request->invals[0].vmid = (uint16_t) asid;
    if (call->row->pages == ONE_PAGE)
        return x86_read_address(call, request);
    return INVAL_LEGAL;
}

/* INVLPGB's flags, rAX[5:0]. */
enum {
    BROADCAST_VA = 1 << 0,
    BROADCAST_PCID = 1 << 1,
    BROADCAST_ASID = 1 << 2,
    BROADCAST_GLOBAL = 1 << 3,
    BROADCAST_FINAL = 1 << 4,
    BROADCAST_NESTED = 1 << 5,
};

/* APM vol. 3, INVLPGB: what is #GP(0). guess: reserved bits, too. */
static const char *x86_broadcast_fault(const struct inval_call *call)
{
    const struct x86_issuer *x86 = &call->issuer->x86;
    uint64_t flags = call->operands->reg[0];
    uint64_t ecx = call->operands->reg[1], edx = call->operands->reg[2];

    if (x86_bits(flags, 11, 6) || x86_bits(ecx, 30, 16) ||
        x86_bits(edx, 31, 28))
        return "a reserved bit of rAX, ECX or EDX";
    if (x86_bits(ecx, 15, 0) > x86->invlpgb_count_max)
        return "more pages than InvlpgbCountMax";
    if (flags & BROADCAST_ASID && !x86->is_guest &&
        x86_bits(edx, 15, 0) >= x86->n_svm_asids && x86_bits(edx, 15, 0))
        return "the CPU has no such ASID";
    if (flags & BROADCAST_PCID && x86_bits(edx, 27, 16) && !x86_has_pcide(x86))
        return "a PCID while CR4.PCIDE = 0";
    return NULL;
}

static enum inval_outcome x86_read_broadcast(const struct inval_call *call,
                                             struct inval_request *request)
{
    const struct x86_issuer *x86 = &call->issuer->x86;
    uint64_t rax = call->operands->reg[0];
    uint64_t ecx = call->operands->reg[1], edx = call->operands->reg[2];
    struct inval *inval = &request->invals[0];
    const char *fault = x86_broadcast_fault(call);

    if (fault)
        return inval_refuse(request, INVAL_PROTECTED, fault);
    inval->has_range = rax & BROADCAST_VA;
    inval->vpn = vpn_of(rax);
    inval->n_pages = inval->has_range ? x86_bits(ecx, 15, 0) + 1 : 1;
    inval->stride_order = x86_bits(ecx, 31, 31) ? PAGE_ORDER_2M : 0;
    inval->has_asid = rax & BROADCAST_PCID;
    inval->asid = (uint16_t) x86_bits(edx, 27, 16);
    /* In a guest the hardware puts in the guest's own ASID. */
    inval->has_vmid = x86->is_guest || rax & BROADCAST_ASID;
    inval->vmid = x86->is_guest ? call->issuer->context.vmid
                                : (uint16_t) x86_bits(edx, 15, 0);
    inval->hits_globals = rax & BROADCAST_GLOBAL;
    if (rax & BROADCAST_FINAL)
        inval->psc = INVAL_PSC_KEEP;
    x86_narrow_psc(call, inval);
    if (rax & BROADCAST_NESTED) { /* guess: whatever the address */
        request->invals[1] = (struct inval){
            .regimes = 1U << REGIME_STAGE2,
            .has_vmid = inval->has_vmid,
            .vmid = inval->vmid,
            .hits_globals = true,
            .hits_nonglobals = true,
            .psc = rax & BROADCAST_FINAL ? INVAL_PSC_KEEP : INVAL_PSC_ALL,
        };
        request->n_invals = 2;
    }
    return INVAL_LEGAL;
}

/* The payload: type 15:8, subtype 34:32, page size 36:35, pages 42:37 of word
 * 0; word 2 is CR3, PCID, EPTP or VPID; word 3 the address. */
static enum inval_outcome x86_read_rar(const struct inval_call *call,
                                       struct inval_request *request)
{
    const uint64_t *word = call->operands->reg;
    uint64_t type = x86_bits(word[0], 15, 8);
    uint64_t size = x86_bits(word[0], 36, 35);
    uint64_t n_pages = x86_bits(word[0], 42, 37);
    struct inval *inval = &request->invals[0];

    if (x86_bits(word[0], 31, 16) || x86_bits(word[0], 63, 43) || word[1])
        return inval_refuse(request, INVAL_REJECTED, "a reserved bit");
    if (call->row->pages == PAGE_RANGE && (size > 2 || !n_pages))
        return inval_refuse(request, INVAL_REJECTED, "no pages");
    if (call->row->pages == PAGE_RANGE) {
        inval_set_pages(inval, word[3], n_pages);
        inval->stride_order = (uint8_t) (PAGE_ORDER_2M * size);
    }
    if (type <= 1) {
        request->is_of_target_asid = true;
        request->has_cr3 = type == 0;
        request->cr3 = word[2] & FRAME_BITS;
    }
    if (type == 2)
        inval->asid = (uint16_t) x86_bits(word[2], PCID_BITS - 1, 0);
    if (type == 3)
        x86_set_eptp(inval, word[2],
                     call->row->vmid == WHOSE_ANY &&
                         call->row->select == x86_rar_select(3, 1));
    if (type == 4) {
        inval->vmid = (uint16_t) x86_bits(word[2], 15, 0);
        inval->only_guests = call->row->vmid == WHOSE_ANY;
    }
    return INVAL_LEGAL;
}

static enum inval_outcome x86_read(const struct inval_call *call,
                                   struct inval_request *request)
{
    switch ((enum x86_operand) call->row->operand) {
    case X86_OF_NOTHING:
        if (call->row->vmid == WHOSE_OPERAND) /* VM entry without VPID */
            request->invals[0].vmid = 0;
        return INVAL_LEGAL;
    case X86_OF_ADDRESS:
        return x86_read_address(call, request);
    case X86_OF_CR3:
        return x86_read_cr3(call, request);
    case X86_OF_PCID:
        return x86_read_pcid(call, request);
    case X86_OF_EPTP:
        return x86_read_eptp(call, request);
    case X86_OF_VPID:
        return x86_read_vpid(call, request);
    case X86_OF_EPT_VIOLATION:
        return x86_read_violation(call, request);
    case X86_OF_SVM_ADDRESS:
    case X86_OF_SVM_ASID:
        return x86_read_svm(call, request);
    case X86_OF_BROADCAST:
        return x86_read_broadcast(call, request);
    case X86_OF_RAR:
        return x86_read_rar(call, request);
    }
    return INVAL_LEGAL;
}

const struct inval_isa_ops mmusim__inval_x86 = {
    .rows = mmusim__x86_rows,
    .n_rows = X86_ROW_COUNT,
    .admit = x86_admit,
    .select = x86_select,
    .read = x86_read,
};
