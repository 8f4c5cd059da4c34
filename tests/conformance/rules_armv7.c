/* SPDX-License-Identifier: MIT */
/*
 * What Armv7-A's TLB maintenance drops: Arm ARM DDI 0406C, B3.10 and B4.2.2,
 * B4.2.3. Rt: MVA[31:12], ASID[7:0]. With the virtualization extensions the
 * operations of PL1 are of the current VMID. I and D forms act on that side
 * alone; an implementation may act on both, as this one says it does.
 */
#include "conformance/conform.h"

#include <string.h>

enum { ASID = 5, OTHER_ASID = 6 };

static bool has(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

/* TLBIALLNSNH, TLBIALLH, TLBIMVAH of Hyp mode. */
static bool is_hyp(const char *name)
{
    size_t end = strlen(name);

    if (end > 2 && !strcmp(name + end - 2, "IS"))
        end -= 2;
    return name[end - 1] == 'H';
}

static bool context_is_meant(const struct conform_case *c,
                             const struct conform_entry *e)
{
    if (has(c->name, "NSNH")) /* all but Hyp's own */
        return e->context.regime != REGIME_EL2;
    if (is_hyp(c->name))
        return e->context.regime == REGIME_EL2;
    return e->context.regime == REGIME_EL1 &&
           e->context.vmid == c->issuer.context.vmid;
}

static enum conform_verdict armv7_rule(const struct conform_case *c,
                                       const struct conform_entry *e,
                                       const struct conform_target *target)
{
    uint64_t rt = c->operands.reg[0];
    size_t length = strlen(c->name);
    bool is_shared =
        !strcmp(c->name + length - 2, "IS") && !c->issuer.arm.cannot_broadcast;
    bool names_page = has(c->name, "MVA");
    bool names_every_asid = has(c->name, "MVAA") || is_hyp(c->name);
    bool is_named = e->context.asid == (rt & 0xff);

    (void) target;
    if (e->place == OUTER || (e->place == INNER && !is_shared) ||
        !context_is_meant(c, e))
        return KEPT;
    if (has(c->name, "ASID"))
        return is_named && !e->is_global ? DROPPED : KEPT;
    if (!names_page)
        return DROPPED;
    if (!conform_covers(e, rt >> 12, 1))
        return KEPT;
    return e->is_global || names_every_asid || is_named ? DROPPED : KEPT;
}

static void armv7_cases(const struct conform_machine *machine,
                        const struct conform_target *target,
                        struct conform_list *list)
{
    static const char *const names[] = {
        "TLBIALL",       "TLBIALLIS", "TLBIMVA",    "TLBIMVAIS", "TLBIASID",
        "TLBIASIDIS",    "TLBIMVAA",  "TLBIMVAAIS", "ITLBIALL",  "ITLBIMVA",
        "ITLBIASID",     "DTLBIALL",  "DTLBIMVA",   "DTLBIASID", "TLBIALLNSNH",
        "TLBIALLNSNHIS", "TLBIALLH",  "TLBIALLHIS", "TLBIMVAH",  "TLBIMVAHIS"};

    for (uint32_t i = 0; i < 2 * 3 * sizeof(names) / sizeof(names[0]); i++) {
        const char *name = names[i / 6];
        struct conform_case *c;

        if (is_hyp(name) && !machine->has_contexts)
            continue;
        c = conform_add(list, machine, name, "");
        c->operands.reg[0] = (target->vaddr & ~UINT64_C(0xfff)) | (5 + i % 3);
        c->issuer.arm = (struct arm_issuer){
            .features = ARM_MP | (machine->has_contexts ? ARM_EL2 : 0),
            .el = is_hyp(name) ? 2 : 1,
            .asid_bits = 8,
            .cannot_broadcast = i / 3 % 2};
    }
}

#define PL1(vmid_, asid_)                                                      \
    {                                                                          \
        .regime = REGIME_EL1, .has_asid = true, .asid = asid_, .vmid = vmid_   \
    }
#define ARMV7(variant_)                                                        \
    .isa = INVAL_ARMV7, .format = {.isa = "armv7", .variant = variant_},       \
    .add_cases = armv7_cases, .rule = armv7_rule

const struct conform_machine conform_armv7[] = {
    {ARMV7("short"), .name = "Armv7 short descriptors",
     .contexts = {PL1(0, ASID), PL1(0, OTHER_ASID)}, .n_contexts = 2},
    {ARMV7("lpae"), .name = "Armv7 LPAE",
     .contexts = {PL1(0, ASID), PL1(0, OTHER_ASID)}, .n_contexts = 2},
    {ARMV7("lpae"), .name = "Armv7 with Hyp mode", .has_contexts = true,
     .contexts = {PL1(1, ASID),
                  PL1(1, OTHER_ASID),
                  PL1(2, ASID),
                  {.regime = REGIME_EL2}},
     .n_contexts = 4},
    {ARMV7("lpae"), .name = "Armv7, two stages", .has_contexts = true,
     .stage2 = {.isa = "armv7"}, .contexts = {PL1(1, ASID), PL1(2, ASID)},
     .n_contexts = 2},
};

const size_t conform_n_armv7 = sizeof(conform_armv7) / sizeof(conform_armv7[0]);
