/* SPDX-License-Identifier: MIT */
/*
 * What x86's instructions drop, from the manuals: Intel SDM vol. 3A 4.10.4.1
 * and vol. 3C 28.3.3.1 (VPID, EPT), AMD APM vol. 2 5.5 and 15.16 and vol. 3
 * (INVLPGA, INVLPGB, TLBSYNC), Intel's Remote Action Request paper. Numbers in
 * registers are written out.
 */
#include "conformance/conform_x86.h"

#include <string.h>

static bool is(const struct conform_case *c, const char *name)
{
    return !strcmp(c->name, name);
}

static uint64_t page_of(uint64_t vaddr)
{
    return vaddr >> 12 & ((UINT64_C(1) << 45) - 1);
}

/* ---- rules ---- */

/* Linear and combined mappings. Both are tagged by VPID, and the instructions
 * that know nothing of VMX act on the current VPID, for every EP4TA. */
static bool is_linear(const struct conform_entry *e)
{
    return e->context.regime == REGIME_EL1;
}

static bool is_current_vm(const struct conform_case *c,
                          const struct conform_entry *e)
{
    return e->context.vmid == c->issuer.context.vmid;
}

static uint16_t current_pcid(const struct conform_case *c)
{
    return c->issuer.x86.cr4 & X86_CR4_PCIDE ? c->issuer.context.asid : 0;
}

static enum conform_verdict dropped_if(bool condition)
{
    return condition ? DROPPED : KEPT;
}

static enum conform_verdict rule_invlpg(const struct conform_case *c,
                                        const struct conform_entry *e)
{
    uint64_t page = page_of(c->operands.reg[0]);
    bool is_own = e->context.asid == current_pcid(c);
    bool has_tce = c->issuer.x86.efer & X86_EFER_TCE;

    if (!is_current_vm(c, e) || c->operands.reg[0] == NON_CANONICAL)
        return KEPT;
    if (e->kind == POINTER)
        return dropped_if(is_own && (!has_tce || conform_covers(e, page, 1)));
    return dropped_if(conform_covers(e, page, 1) && (e->is_global || is_own));
}

static enum conform_verdict rule_page_fault(const struct conform_case *c,
                                            const struct conform_entry *e)
{
    bool is_own = e->context.asid == current_pcid(c);

    return dropped_if(is_current_vm(c, e) &&
                      conform_covers(e, page_of(c->operands.reg[0]), 1) &&
                      (e->is_global || is_own));
}

static enum conform_verdict rule_mov_cr3(const struct conform_case *c,
                                         const struct conform_entry *e)
{
    bool has_pcids = c->issuer.x86.cr4 & X86_CR4_PCIDE;
    uint16_t pcid = has_pcids ? c->operands.reg[0] & 0xfff : 0;

    if (has_pcids && c->operands.reg[0] >> 63)
        return KEPT;
    return dropped_if(is_current_vm(c, e) && !e->is_global &&
                      e->context.asid == pcid);
}

static enum conform_verdict rule_mov_cr4(const struct conform_case *c,
                                         const struct conform_entry *e)
{
    uint64_t before = c->issuer.x86.cr4;
    uint64_t changed = before ^ c->operands.reg[0];

    if (!is_current_vm(c, e))
        return KEPT;
    if (changed & 1 << 7 || changed & before & 1 << 17)
        return DROPPED;
    if (!(changed & 1 << 5) && !(changed & ~before & 1 << 20))
        return KEPT;
    if (e->is_global) /* "for the current PCID": of globals it says nothing */
        return EITHER;
    return dropped_if(e->context.asid == current_pcid(c));
}

static enum conform_verdict rule_mov_cr0(const struct conform_case *c,
                                         const struct conform_entry *e)
{
    bool clears_pg = c->issuer.x86.cr0 & ~c->operands.reg[0] & 1U << 31;

    return dropped_if(is_current_vm(c, e) && clears_pg);
}

static enum conform_verdict invpcid(uint64_t type, uint64_t pcid,
                                    uint64_t first, uint64_t n,
                                    const struct conform_entry *e)
{
    bool is_named = e->context.asid == pcid && !e->is_global;

    switch (type) {
    case 0:
        if (e->kind == POINTER && is_named && !conform_covers(e, first, n))
            return EITHER; /* "may also invalidate other linear addresses" */
        return dropped_if(is_named && conform_covers(e, first, n));
    case 1:
        return dropped_if(is_named);
    case 2:
        return DROPPED;
    default:
        return dropped_if(!e->is_global);
    }
}

static enum conform_verdict rule_invpcid(const struct conform_case *c,
                                         const struct conform_entry *e)
{
    const uint64_t *reg = c->operands.reg;

    return is_current_vm(c, e) ? invpcid(reg[0], reg[1], page_of(reg[2]), 1, e)
                               : KEPT;
}

static enum conform_verdict invept(uint64_t type, uint64_t eptp,
                                   const struct conform_entry *e)
{
    uint64_t ep4ta = eptp & UINT64_C(0xffffffffff000);

    if (!e->context.stage2_root)
        return KEPT; /* linear mappings */
    return dropped_if(type == 2 || e->context.stage2_root == ep4ta);
}

static enum conform_verdict invvpid(uint64_t type, uint64_t vpid, uint64_t page,
                                    uint64_t n, const struct conform_entry *e)
{
    bool is_named = e->context.vmid == vpid;

    if (!is_linear(e))
        return KEPT; /* guest-physical mappings */
    switch (type) {
    case 0:
        if (e->kind == POINTER && is_named && !conform_covers(e, page, n))
            return EITHER;
        return dropped_if(is_named && conform_covers(e, page, n));
    case 1:
        return dropped_if(is_named);
    case 2:
        return dropped_if(e->context.vmid != 0);
    default:
        return dropped_if(is_named && !e->is_global);
    }
}

/* Guest-physical mappings of the address under the current EP4TA; combined
 * ones of the linear address, current PCID, VPID and EP4TA. */
static enum conform_verdict rule_ept_violation(const struct conform_case *c,
                                               const struct conform_entry *e)
{
    const struct tlb_context *own = &c->issuer.context;
    bool is_linear_known = !c->operands.is_x0[1];

    if (e->context.stage2_root != own->stage2_root)
        return KEPT;
    if (!is_linear(e))
        return dropped_if(conform_covers(e, page_of(c->operands.reg[0]), 1));
    return dropped_if(is_linear_known && e->context.vmid == own->vmid &&
                      (e->is_global || e->context.asid == own->asid) &&
                      conform_covers(e, page_of(c->operands.reg[1]), 1));
}

/* APM vol. 3: the page's mapping of an ASID. PCIDs are not spoken of, so none
 * may keep it. */
static enum conform_verdict rule_invlpga(const struct conform_case *c,
                                         const struct conform_entry *e)
{
    if (!is_linear(e) || e->context.vmid != c->operands.reg[1])
        return KEPT;
    if (conform_covers(e, page_of(c->operands.reg[0]), 1))
        return DROPPED;
    return e->kind == POINTER ? EITHER : KEPT;
}

/* TLB_CONTROL. What guest-physical translations are tagged by is the model's
 * own choice where only some are to go. */
static enum conform_verdict rule_vmrun(const struct conform_case *c,
                                       const struct conform_entry *e)
{
    uint64_t control = c->operands.reg[0];

    if (control == 0)
        return KEPT;
    if (control == 1)
        return DROPPED;
    if (!is_linear(e))
        return EITHER;
    return dropped_if(e->context.vmid == c->operands.reg[1] &&
                      (control == 3 || !e->is_global));
}

static bool invlpgb_names(const struct conform_case *c,
                          const struct conform_entry *e)
{
    uint64_t count = (c->operands.reg[1] & 0xffff) + 1;
    uint64_t step = c->operands.reg[1] >> 31 & 1 ? 512 : 1;
    uint64_t first = page_of(c->operands.reg[0]);

    if (!(c->operands.reg[0] & VALID_VA))
        return true;
    for (uint64_t i = 0; i < count; i++) {
        if (conform_covers(e, first + i * step, 1))
            return true;
    }
    return false;
}

static enum conform_verdict rule_invlpgb(const struct conform_case *c,
                                         const struct conform_entry *e)
{
    uint64_t rax = c->operands.reg[0], edx = c->operands.reg[2];
    bool is_guest = c->issuer.x86.is_guest;
    uint64_t asid = is_guest ? c->issuer.context.vmid : edx & 0xffff;

    if (!is_linear(e))
        return rax & NESTED ? EITHER : KEPT;
    if ((rax & VALID_ASID || is_guest) && e->context.vmid != asid)
        return KEPT;
    if (e->is_global && !(rax & GLOBALS))
        return KEPT;
    if (rax & VALID_PCID && !e->is_global &&
        e->context.asid != (edx >> 16 & 0xfff))
        return KEPT;
    if (e->kind == POINTER && rax & FINAL_ONLY)
        return KEPT;
    if (!invlpgb_names(c, e))
        return e->kind == POINTER ? EITHER : KEPT;
    return rax & NESTED && c->issuer.context.stage2_root ? EITHER : DROPPED;
}

/* Fields as Linux' struct rar_payload has them: type in 15:8, subtype in
 * 34:32, page size in 36:35, pages in 42:37. */
static enum conform_verdict rule_rar(const struct conform_case *c,
                                     const struct conform_entry *e)
{
    const uint64_t *reg = c->operands.reg;
    uint64_t type = reg[0] >> 8 & 0xff, subtype = reg[0] >> 32 & 7;
    uint64_t size = reg[0] >> 35 & 3, n = (reg[0] >> 37 & 63) << 9 * size;
    bool is_own = e->context.asid == c->target_asid;

    if (e->place != INNER || (type == 0 && reg[2] >> 12 != c->target_cr3 >> 12))
        return KEPT;
    switch (type) {
    case 2:
        return invpcid(subtype, reg[2], page_of(reg[3]), n, e);
    case 3:
        return invept(subtype, reg[2], e);
    case 4:
        return invvpid(subtype, reg[2], page_of(reg[3]), n, e);
    default:
        break;
    }
    if (subtype == 0 && e->kind == POINTER)
        return is_own && conform_covers(e, page_of(reg[3]), n) ? DROPPED
                                                               : EITHER;
    if (subtype == 0)
        return dropped_if(conform_covers(e, page_of(reg[3]), n) &&
                          (e->is_global || is_own));
    if (subtype == 2) /* as MOV CR3, with globals: other PCIDs may go */
        return is_own || e->is_global ? DROPPED : EITHER;
    return is_own && !e->is_global ? DROPPED : EITHER;
}

static enum conform_verdict x86_local_rule(const struct conform_case *c,
                                           const struct conform_entry *e)
{
    const uint64_t *reg = c->operands.reg;

    if (is(c, "INVEPT"))
        return invept(reg[0], reg[1], e);
    if (is(c, "INVVPID"))
        return invvpid(reg[0], reg[1], page_of(reg[2]), 1, e);
    if (is(c, "EPT violation"))
        return rule_ept_violation(c, e);
    if (is(c, "VMRUN"))
        return rule_vmrun(c, e);
    if (is(c, "INVLPGA"))
        return rule_invlpga(c, e);
    if (!is_linear(e))
        return KEPT;
    if (is(c, "VM entry, VM exit"))
        return dropped_if(!c->issuer.x86.has_vpid && !e->context.vmid);
    if (is(c, "INVLPG"))
        return rule_invlpg(c, e);
    if (is(c, "#PF"))
        return rule_page_fault(c, e);
    if (is(c, "MOV CR3"))
        return rule_mov_cr3(c, e);
    if (is(c, "MOV CR4"))
        return rule_mov_cr4(c, e);
    if (is(c, "MOV CR0"))
        return rule_mov_cr0(c, e);
    if (is(c, "INVPCID"))
        return rule_invpcid(c, e);
    return KEPT; /* TLBSYNC */
}

enum conform_verdict conform_rule_x86(const struct conform_case *c,
                                      const struct conform_entry *e,
                                      const struct conform_target *target)
{
    (void) target;
    if (is(c, "INVLPGB"))
        return rule_invlpgb(c, e);
    if (c->is_remote)
        return rule_rar(c, e);
    return e->place == ISSUER ? x86_local_rule(c, e) : KEPT;
}
