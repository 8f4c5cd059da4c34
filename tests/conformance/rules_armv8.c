/* SPDX-License-Identifier: MIT */
/*
 * What Armv8-A's TLBI instructions drop, from the pages of the Arm
 * Architecture Registers manual (DDI 0601, TLBI *), whose conditions are: which
 * stage and level an entry is from, which regime and VMID it is used with,
 * which ASID it matches, which address it translates; and from the shareability
 * of the forms. "If an incorrect value of the TTL field is specified, then no
 * entries are required to be invalidated": then none are.
 *
 * Left open: what a wrong hint does to a pointer to a table, and to a page that
 * a TLB holds in pieces, of which it may not know the page's level.
 */
#include "conformance/conform.h"

#include <stdio.h>
#include <string.h>

enum { ASID = 5, OTHER_ASID = 6, LONG_ASID = 0x105 };

/* A form's name taken apart: R, what, EL, IS or OS, NXS. */
struct form {
    bool is_range;
    bool is_last_level; /* VALE1, VAALE1, IPAS2LE1, VALE2 */
    bool has_address, is_ipa;
    bool has_asid;
    bool is_stage1, is_stage2, is_every_vm;
    bool is_el2;
    bool is_inner, is_outer;
};

static bool begins(const char **name, const char *with)
{
    size_t length = strlen(with);

    if (strncmp(*name, with, length) != 0)
        return false;
    *name += length;
    return true;
}

static void parse_whole(const char **name, struct form *form)
{
    form->is_stage1 = true;
    if (begins(name, "VMALLS12"))
        form->is_stage2 = true;
    else if (begins(name, "VMALL"))
        form->is_stage2 = false;
    else if (begins(name, "ASID"))
        form->has_asid = true;
    else if (begins(name, "ALL"))
        form->is_every_vm = form->is_stage2 = true;
}

static void parse_addressed(const char **name, struct form *form)
{
    form->has_address = true;
    if (begins(name, "IPAS2")) {
        form->is_ipa = form->is_stage2 = true;
    } else {
        begins(name, "VA");
        form->is_stage1 = true;
        form->has_asid = !begins(name, "A");
    }
    form->is_last_level = begins(name, "L");
}

static struct form form_of(const char *name)
{
    struct form form = {.is_range = begins(&name, "R")};

    if (*name == 'I' || (*name == 'V' && name[1] == 'A'))
        parse_addressed(&name, &form);
    else
        parse_whole(&name, &form);
    begins(&name, "E");
    form.is_el2 = *name == '2';
    name++;
    form.is_inner = begins(&name, "IS");
    form.is_outer = begins(&name, "OS");
    return form;
}

/* ---- operands ---- */

/* VA[55:12] in 43:0, sign-extended; IPA[51:12] in 39:0. */
static uint64_t operand_page(const struct form *form, uint64_t xt)
{
    if (form->is_ipa)
        return xt & ((UINT64_C(1) << 40) - 1);
    return xt & ((UINT64_C(1) << 44) - 1);
}

/* BADDR in 36:0 counts granules. */
static void operand_range(const struct conform_target *target, uint64_t xt,
                          uint64_t *first, uint64_t *n)
{
    uint32_t granule = target->format->granule_order;
    uint64_t scale = xt >> 44 & 3, num = xt >> 39 & 31;

    *first = (xt & ((UINT64_C(1) << 37) - 1)) << granule;
    *n = ((num + 1) << (5 * scale + 1)) << granule;
}

static uint64_t tg_of(const struct conform_target *target)
{
    return target->format->granule_order / 2 + 1;
}

/* Is there a hint that the entry's leaf does not fit? Levels of a walk end
 * with 3, the smallest pages. */
static bool hint_is_wrong(const struct form *form, uint64_t xt,
                          const struct conform_entry *e,
                          const struct conform_target *target)
{
    uint64_t level = form->is_range ? xt >> 37 & 3 : xt >> 44 & 3;
    uint64_t tg = xt >> 46 & 3;

    if (!form->has_address)
        return false;
    if (form->is_range && tg != tg_of(target))
        return true;
    if (form->is_range ? !level : !tg)
        return false;
    if (!form->is_range && (level == 0 || (tg == 2 && level == 1)))
        return false; /* reserved: as if there were no hint */
    return tg != tg_of(target) || level != 3 - e->level;
}

/* ---- the rule ---- */

static bool place_is_reached(const struct form *form,
                             const struct conform_case *c,
                             enum conform_place place)
{
    bool is_inner = form->is_inner || c->issuer.arm.is_broadcast_forced;

    return place == ISSUER || form->is_outer || (place == INNER && is_inner);
}

static bool context_is_meant(const struct form *form,
                             const struct conform_case *c,
                             const struct conform_entry *e)
{
    const struct arm_issuer *issuer = &c->issuer.arm;
    bool is_host = issuer->el == 2 && issuer->is_e2h && issuer->is_tge;
    bool is_of_vm =
        form->is_every_vm || e->context.vmid == c->issuer.context.vmid;

    if (form->is_el2 || (is_host && !form->is_stage2))
        return e->context.regime == REGIME_EL2;
    if (e->context.regime == REGIME_STAGE2)
        return form->is_stage2 && is_of_vm;
    return form->is_stage1 && e->context.regime == REGIME_EL1 && is_of_vm;
}

static bool asid_matches(const struct form *form, const struct conform_case *c,
                         const struct conform_entry *e)
{
    uint64_t asid = c->operands.reg[0] >> 48;

    if (!form->has_asid || !e->context.has_asid)
        return true;
    if (c->issuer.arm.asid_bits == 8)
        asid &= 0xff;
    return e->context.asid == asid;
}

static enum conform_verdict armv8_rule(const struct conform_case *c,
                                       const struct conform_entry *e,
                                       const struct conform_target *target)
{
    const struct form form = form_of(c->name);
    uint64_t xt = c->operands.reg[0];
    uint64_t first = operand_page(&form, xt), n = 1;

    if (!place_is_reached(&form, c, e->place) || !context_is_meant(&form, c, e))
        return KEPT;
    if (e->is_global ? form.has_asid && !form.has_address
                     : !asid_matches(&form, c, e))
        return KEPT;
    if (e->kind == POINTER && form.is_last_level)
        return KEPT;
    if (form.is_range)
        operand_range(target, xt, &first, &n);
    if (form.has_address && !conform_covers(e, first, n))
        return KEPT;
    if (!hint_is_wrong(&form, xt, e, target))
        return DROPPED;
    return e->kind == POINTER || e->has_pieces ? EITHER : KEPT;
}

/* ---- cases ---- */

struct arm_maker {
    const struct conform_machine *machine;
    const struct conform_target *target;
    struct conform_list *list;
    struct arm_issuer issuer;
};

static const char *const suffixes[] = {"", "IS", "OS", "NXS", "ISNXS", "OSNXS"};

/* Names live as long as the program: 21 by 6 of them. */
static const char *name_of(uint32_t base, uint32_t suffix)
{
    static const char *const bases[] = {
        "VMALLE1",  "VAE1",      "ASIDE1",     "VAAE1",   "VALE1",   "VAALE1",
        "RVAE1",    "RVAAE1",    "RVALE1",     "RVAALE1", "IPAS2E1", "IPAS2LE1",
        "RIPAS2E1", "RIPAS2LE1", "VMALLS12E1", "ALLE1",   "ALLE2",   "VAE2",
        "VALE2",    "RVAE2",     "RVALE2"};
    static char names[21][6][20];

    snprintf(names[base][suffix], sizeof(names[base][suffix]), "%s%s",
             bases[base], suffixes[suffix]);
    return names[base][suffix];
}

static void arm_add(const struct arm_maker *maker, const char *name,
                    const char *note, uint64_t xt)
{
    struct conform_case *c =
        conform_add(maker->list, maker->machine, name, note);

    c->issuer.arm = maker->issuer;
    c->operands.reg[0] = xt;
}

static void add_hints(const struct arm_maker *maker, const char *name,
                      uint64_t xt)
{
    uint64_t tg = tg_of(maker->target), level = 3 - maker->target->level;

    arm_add(maker, name, " right hint", xt | (tg << 2 | level) << 44);
    for (uint64_t wrong = 1; wrong <= 3; wrong++) {
        if (wrong != level && !(tg == 2 && wrong == 1))
            arm_add(maker, name, " wrong level", xt | (tg << 2 | wrong) << 44);
    }
    arm_add(maker, name, " wrong granule", xt | ((tg % 3 + 1) << 2 | 3) << 44);
    arm_add(maker, name, " reserved hint", xt | (tg << 2) << 44);
}

static void add_ranges(const struct arm_maker *maker, const char *name,
                       uint64_t page, uint64_t asid)
{
    uint32_t granule = maker->target->format->granule_order;
    uint64_t tg = tg_of(maker->target), level = 3 - maker->target->level;
    uint64_t xt = asid << 48 | tg << 46 | page >> granule;
    uint64_t span = maker->target->order - granule; /* log2 granules */

    arm_add(maker, name, " two granules", xt);
    arm_add(maker, name, " from before", (xt - 5) | UINT64_C(2) << 39);
    arm_add(maker, name, " ends before", xt - 2);
    arm_add(maker, name, " two granules on", xt + (UINT64_C(2) << span));
    arm_add(maker, name, " up to the next page",
            (xt + (UINT64_C(1) << span) - 1));
    arm_add(maker, name, " scale 1", xt | UINT64_C(1) << 44);
    arm_add(maker, name, " scale 3",
            xt | UINT64_C(3) << 44 | UINT64_C(3) << 39);
    arm_add(maker, name, " wrong granule",
            (xt ^ tg << 46) | (tg % 3 + 1) << 46);
    /* A hint wants a base aligned to its leaves. */
    xt &= ~(((UINT64_C(1) << span) - 1) & ((UINT64_C(1) << 37) - 1));
    arm_add(maker, name, " right hint", xt | level << 37);
    if (level < 3)
        arm_add(maker, name, " wrong hint", xt | UINT64_C(3) << 37);
}

static void add_form(const struct arm_maker *maker, const char *name,
                     bool has_hints)
{
    static const uint64_t asids[] = {ASID, OTHER_ASID, LONG_ASID};
    const struct form form = form_of(name);
    uint64_t page =
        (form.is_ipa ? maker->target->gpaddr : maker->target->vaddr) >> 12;

    for (uint32_t i = 0; i < 3; i++) {
        uint64_t asid = form.has_asid ? asids[i] : 0;

        if (i && !form.has_asid)
            break;
        if (form.is_range && has_hints) {
            add_ranges(maker, name, page, asid);
        } else if (form.is_range) {
            arm_add(maker, name, "",
                    asid << 48 | tg_of(maker->target) << 46 |
                        page >> maker->target->format->granule_order);
        } else {
            uint64_t xt = form.has_address ? asid << 48 | page : asid << 48;

            arm_add(maker, name, "", xt);
            if (form.has_address && has_hints && !i)
                add_hints(maker, name, xt);
        }
    }
}

static void add_forms(const struct arm_maker *maker)
{
    for (uint32_t base = 0; base < 21; base++) {
        for (uint32_t suffix = 0; suffix < 6; suffix++) {
            const char *name = name_of(base, suffix);
            const struct form form = form_of(name);
            bool is_of_el2 = form.is_el2 || form.is_stage2;

            if (is_of_el2 && !(maker->issuer.features & ARM_EL2))
                continue;
            add_form(maker, name, suffix == 0);
        }
    }
}

static struct arm_maker arm_maker(const struct conform_machine *machine,
                                  const struct conform_target *target,
                                  struct conform_list *list)
{
    uint8_t granule = (uint8_t) target->format->granule_order;

    return (struct arm_maker){
        .machine = machine,
        .target = target,
        .list = list,
        .issuer = {.features = ARM_RANGE | ARM_OS | ARM_XS | ARM_TTL,
                   .el = 1,
                   .asid_bits = 16,
                   .granule_order = {granule, granule},
                   .stage2_granule_order = granule}};
}

static void arm_kernel_cases(const struct conform_machine *machine,
                             const struct conform_target *target,
                             struct conform_list *list)
{
    struct arm_maker maker = arm_maker(machine, target, list);

    add_forms(&maker);
    maker.issuer.asid_bits = 8;
    add_form(&maker, "VAE1IS", false);
    add_form(&maker, "ASIDE1", false);
}

static void arm_guest_cases(const struct conform_machine *machine,
                            const struct conform_target *target,
                            struct conform_list *list)
{
    struct arm_maker maker = arm_maker(machine, target, list);

    maker.issuer.features |= ARM_EL2;
    maker.issuer.is_broadcast_forced = true;
    add_form(&maker, "VAE1", false);
    add_form(&maker, "VMALLE1", false);
    add_form(&maker, "ASIDE1", false);
    maker.issuer.is_broadcast_forced = false;
    maker.issuer.el = 2;
    add_forms(&maker);
}

/* A host in EL2 with a process of its own loaded. */
static void arm_host_cases(const struct conform_machine *machine,
                           const struct conform_target *target,
                           struct conform_list *list)
{
    struct arm_maker maker = arm_maker(machine, target, list);

    maker.issuer.features |= ARM_EL2;
    maker.issuer.el = 2;
    maker.issuer.is_e2h = maker.issuer.is_tge = true;
    add_forms(&maker);
}

#define EL1(vmid_, asid_)                                                      \
    {                                                                          \
        .regime = REGIME_EL1, .has_asid = true, .asid = asid_, .vmid = vmid_   \
    }
#define EL2(asid_)                                                             \
    {                                                                          \
        .regime = REGIME_EL2, .has_asid = true, .asid = asid_, .vmid = 1       \
    }
#define ARMV8(granule_, bits_)                                                 \
    .isa = INVAL_ARMV8,                                                        \
    .format = {.isa = "armv8",                                                 \
               .granule_bytes = (granule_) *1024,                              \
               .vaddr_bits = bits_},                                           \
    .rule = armv8_rule

const struct conform_machine conform_armv8[] = {
    {ARMV8(4, 48), .name = "Armv8 4K",
     .contexts = {EL1(0, ASID), EL1(0, OTHER_ASID), EL1(0, LONG_ASID)},
     .n_contexts = 3, .add_cases = arm_kernel_cases},
    {ARMV8(16, 47), .name = "Armv8 16K",
     .contexts = {EL1(0, ASID), EL1(0, OTHER_ASID)}, .n_contexts = 2,
     .add_cases = arm_kernel_cases},
    {ARMV8(64, 48), .name = "Armv8 64K",
     .contexts = {EL1(0, ASID), EL1(0, OTHER_ASID)}, .n_contexts = 2,
     .add_cases = arm_kernel_cases},
    {ARMV8(4, 48), .name = "Armv8 with EL2", .has_contexts = true,
     .contexts = {EL1(1, ASID),
                  EL1(1, OTHER_ASID),
                  EL1(2, ASID),
                  {.regime = REGIME_EL2},
                  EL1(2, OTHER_ASID)},
     .n_contexts = 5, .add_cases = arm_guest_cases},
    {ARMV8(4, 48), .name = "Armv8 host in EL2", .has_contexts = true,
     .contexts = {EL2(ASID), EL2(OTHER_ASID), EL1(1, ASID), EL1(2, ASID)},
     .n_contexts = 4, .add_cases = arm_host_cases},
    {ARMV8(4, 48), .name = "Armv8, two stages", .has_contexts = true,
     .stage2 = {.isa = "armv8", .granule_bytes = 4096, .vaddr_bits = 48},
     .contexts = {EL1(1, ASID), EL1(2, ASID)}, .n_contexts = 2,
     .add_cases = arm_guest_cases},
    {ARMV8(64, 48), .name = "Armv8 64K, two stages", .has_contexts = true,
     .stage2 = {.isa = "armv8", .granule_bytes = 65536, .vaddr_bits = 48},
     .contexts = {EL1(1, ASID), EL1(2, ASID)}, .n_contexts = 2,
     .add_cases = arm_guest_cases},
};

const size_t conform_n_armv8 = sizeof(conform_armv8) / sizeof(conform_armv8[0]);
